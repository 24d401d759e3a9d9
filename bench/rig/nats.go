package rig

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"
)

// ServeNATS runs a NATS server on an address of this machine, writes its URL
// to out, and ends when in does.
func ServeNATS(in io.Reader, out io.Writer) error {
	ns, err := natsd.NewServer(&natsd.Options{Host: "127.0.0.1", Port: natsd.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		return err
	}
	go ns.Start()
	if !ns.ReadyForConnections(20 * time.Second) {
		return fmt.Errorf("NATS did not start")
	}
	defer ns.Shutdown()
	if _, err := fmt.Fprintln(out, ns.ClientURL()); err != nil {
		return err
	}
	io.Copy(io.Discard, in) // its end is the order to stop
	return nil
}

// StartNATS runs ServeNATS in a process of its own, as `bench nats`.
func StartNATS(ctx context.Context) (url string, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, program, "bench", "nats")
	cmd.Env = CleanEnvironment()
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		in.Close()
		cmd.Wait() // it was told to end
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("%s bench nats did not start: %w", filepath.Base(program), err)
	}
	return strings.TrimSpace(line), stop, nil
}
