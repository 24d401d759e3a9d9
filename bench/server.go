package bench

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
	"strings"
	"time"
)

// server is a platform process that the bench has started.
type server struct {
	cmd     *exec.Cmd
	log     string // file with its output
	url     string // of the API
	plain   string // ws://…/ocpp
	secure  string // wss://…/ocpp that asks for certificates
	ended   chan struct{}
	outcome error
}

const startWait = 60 * time.Second

// startServer runs `serve` of this same program and waits until it is ready.
func startServer(ctx context.Context, dir, name string, args ...string) (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{log: filepath.Join(dir, name+".log"), ended: make(chan struct{})}
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--log-format", "json"}, args...)
	s.cmd = exec.Command(program, args...)
	s.cmd.Env = cleanEnvironment()
	out, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	file, err := os.Create(s.log)
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
		close(s.ended)
	}()
	select {
	case <-ready:
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("the server ended at its start (%v):\n%s", s.outcome, s.tail())
	case <-time.After(startWait):
		s.stop()
		return nil, fmt.Errorf("the server was not ready within %s:\n%s", startWait, s.tail())
	case <-ctx.Done():
		s.stop()
		return nil, ctx.Err()
	}
}

// follow copies the server's log and looks for the line that it is ready.
func (s *server) follow(in *bufio.Reader, file *os.File, ready chan struct{}) {
	for found := false; ; {
		line, err := in.ReadBytes('\n')
		file.Write(line) // a full disk shows in the bench itself
		if !found && bytes.Contains(line, []byte(`"msg":"ready"`)) {
			var said struct {
				URL      string `json:"url"`
				Stations string `json:"stations"`
				Secure   string `json:"profile_3"`
			}
			if json.Unmarshal(line, &said) == nil {
				s.url, s.plain, s.secure, found = said.URL, said.Stations, said.Secure, true
				close(ready)
			}
		}
		if err != nil {
			return
		}
	}
}

// cleanEnvironment is ours without settings of the platform, which would make
// one run differ from another.
func cleanEnvironment() []string {
	var out []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "FORECOURT_") {
			out = append(out, v)
		}
	}
	return out
}

// tail is the end of the log.
func (s *server) tail() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-3000):])
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// kill ends the process as kill -9 does.
func (s *server) kill() {
	s.cmd.Process.Kill() // it may have ended already
	<-s.ended
}

// stop lets it end in order, and kills it when that takes too long.
func (s *server) stop() {
	s.cmd.Process.Signal(os.Interrupt) // it may have ended already; Windows cannot, and kills
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		s.kill()
	}
}

// createKey makes an API key beside a server.
func createKey(ctx context.Context, args ...string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"api-key", "create", "--name", "bench", "--role", "owner"}, args...)...)
	cmd.Env = cleanEnvironment()
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("making an API key: %w: %s", err, failed.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// trusting is a transport that trusts an authority.
func trusting(root *x509.Certificate) http.RoundTripper {
	if root == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 16}
}
