package rig

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Server is a platform process that was started here.
type Server struct {
	cmd     *exec.Cmd
	Log     string // file with its output
	URL     string // of the API
	Plain   string // ws://…/ocpp
	Secure  string // wss://…/ocpp that asks for certificates
	Ended   chan struct{}
	outcome error
}

const startWait = 60 * time.Second

// StartServer runs `serve` of this same program and waits until it is ready.
func StartServer(ctx context.Context, dir, name string, args ...string) (*Server, error) {
	return StartServerUnder(ctx, nil, nil, dir, name, args...)
}

// StartServerUnder is StartServer under another command, which must become
// the server (exec), with attributes of the process.
func StartServerUnder(ctx context.Context, under []string, as *syscall.SysProcAttr, dir, name string, args ...string) (*Server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &Server{Log: filepath.Join(dir, name+".log"), Ended: make(chan struct{})}
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--log-format", "json"}, args...)
	args = append(append(slices.Clone(under), program), args...)
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.SysProcAttr = as
	s.cmd.Env = CleanEnvironment()
	out, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // of a server that is started again the log goes on
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		file.Close()
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		s.follow(bufio.NewReader(out), file, ready)
		file.Close()
		s.outcome = s.cmd.Wait()
		close(s.Ended)
	}()
	select {
	case <-ready:
		return s, nil
	case <-s.Ended:
		return nil, fmt.Errorf("the server ended at its start (%v):\n%s", s.outcome, s.Tail())
	case <-time.After(startWait):
		s.Stop()
		return nil, fmt.Errorf("the server was not ready within %s:\n%s", startWait, s.Tail())
	case <-ctx.Done():
		s.Stop()
		return nil, ctx.Err()
	}
}

// follow copies the server's log and looks for the line that it is ready.
func (s *Server) follow(in *bufio.Reader, file *os.File, ready chan struct{}) {
	for found := false; ; {
		line, err := in.ReadBytes('\n')
		file.Write(line) // a full disk shows in the run itself
		if !found && bytes.Contains(line, []byte(`"msg":"ready"`)) {
			var said struct {
				URL      string `json:"url"`
				Stations string `json:"stations"`
				Secure   string `json:"profile_3"`
			}
			if json.Unmarshal(line, &said) == nil {
				s.URL, s.Plain, s.Secure, found = said.URL, said.Stations, said.Secure, true
				close(ready)
			}
		}
		if err != nil {
			return
		}
	}
}

// CleanEnvironment is ours without settings of the platform, which would make
// one run differ from another.
func CleanEnvironment() []string {
	var out []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "FORECOURT_") {
			out = append(out, v)
		}
	}
	return out
}

// Tail is the end of the log.
func (s *Server) Tail() string {
	text, err := os.ReadFile(s.Log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-3000):])
}

// PID of the process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Kill ends the process as kill -9 does.
func (s *Server) Kill() {
	s.cmd.Process.Kill() // it may have ended already
	<-s.Ended
}

// Stop lets it end in order, and kills it when that takes too long.
func (s *Server) Stop() {
	s.cmd.Process.Signal(os.Interrupt) // it may have ended already; Windows cannot, and kills
	select {
	case <-s.Ended:
	case <-time.After(time.Minute): // a drain may take 40 s
		s.Kill()
	}
}

// Command runs another command of this program to its end.
func Command(ctx context.Context, args ...string) error {
	_, err := output(ctx, nil, args...)
	return err
}

// CreateKey makes an API key beside a server. under is the command that it is
// run under, if any.
func CreateKey(ctx context.Context, under []string, args ...string) (string, error) {
	return output(ctx, under, append([]string{"api-key", "create", "--name", "rig", "--role", "owner"}, args...)...)
}

func output(ctx context.Context, under []string, args ...string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	whole := append(append(slices.Clone(under), program), args...)
	cmd := exec.CommandContext(ctx, whole[0], whole[1:]...)
	cmd.Env = CleanEnvironment()
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("forecourt %s: %w: %s", args[0], err, failed.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// Trusting is a transport that trusts an authority.
func Trusting(root *x509.Certificate) http.RoundTripper {
	if root == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 16}
}
