package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

// hand is a worker process as its coordinator sees it.
type hand struct {
	cmd     *exec.Cmd
	orders  *json.Encoder
	reports *json.Decoder
	said    io.Closer
}

// hire starts a client process that connects its stations.
func (g *ground) hire(first order) (*hand, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &hand{cmd: exec.Command(program, "bench", "worker")}
	h.cmd.Env, h.cmd.Stderr = rig.CleanEnvironment(), g.streams.Err
	in, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	h.orders, h.reports, h.said = json.NewEncoder(in), json.NewDecoder(out), in
	first.Do = doConnect
	if err := h.orders.Encode(first); err != nil {
		dismiss(h)
		return nil, err
	}
	return h, nil
}

// dismiss ends client processes.
func dismiss(hands ...*hand) {
	for _, h := range hands {
		h.said.Close()
		h.cmd.Process.Kill() // it has ended, unless something went wrong
		h.cmd.Wait()
	}
}

// hear waits for the report of every worker.
func hear(hands []*hand, done string) ([]report, error) {
	var all []report
	for _, h := range hands {
		var r report
		if err := h.reports.Decode(&r); err != nil {
			return nil, fmt.Errorf("a client process ended: %w", err)
		}
		if r.Done != done {
			return nil, fmt.Errorf("a client process gave up: %s", r.Error)
		}
		all = append(all, r)
	}
	return all, nil
}

// tell gives every worker an order.
func tell(hands []*hand, do string) error {
	for _, h := range hands {
		if err := h.orders.Encode(order{Do: do}); err != nil {
			return err
		}
	}
	return nil
}
