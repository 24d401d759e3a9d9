package trial

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

type natsDownCmd struct {
	options `embed:""`
	Away    time.Duration `help:"How long the nodes do not see each other, about." default:"2s" env:"-"`
}

// Run cuts one of two nodes off from NATS under load.
func (c *natsDownCmd) Run(ctx context.Context, s Streams) error {
	return c.trialOf(ctx, s, "nats-down", 20, func(ctx context.Context, t *trial) error {
		var cut *link
		err := t.pair(ctx, func(server string, node int) (string, error) {
			if node == 0 {
				return server, nil
			}
			l, through, err := newLink(server)
			if err == nil {
				cut = l
				t.ends = append(t.ends, l.close)
			}
			return through, err
		})
		if err != nil {
			return err
		}
		return t.runs(ctx, func(ctx context.Context, run int) error { return c.fall(ctx, t, cut) })
	})
}

func (c *natsDownCmd) fall(ctx context.Context, t *trial, cut *link) error {
	broken := severed
	if t.chance.IntN(2) == 0 {
		broken = mute
	}
	var far *station
	if err := t.wait(ctx, time.Minute, "the second node holds a station", func() bool { far = t.held(1); return far != nil }); err != nil {
		return err
	}
	cut.set(broken)
	defer cut.set(whole)
	// Somebody wants something of a station that the other node holds.
	asked := make(chan error, 1)
	go func() {
		began := time.Now()
		status, err := t.command(ctx, far)
		t.fleet.mu.Lock()
		t.result.most("longest_command_while_cut_s", time.Since(began))
		t.result.more("commands_while_cut_"+status, t.result.More["commands_while_cut_"+status]+1)
		t.fleet.mu.Unlock()
		asked <- err
	}()
	for _, s := range t.fleet.stations { // and some stations come back at the other node meanwhile
		if s != far && t.chance.IntN(4) == 0 {
			s.cut()
		}
	}
	if broken == severed {
		url := t.nodes[1].server.URL + "/readyz"
		if err := t.wait(ctx, 20*time.Second, "the node says that it is not ready", func() bool { return status(ctx, url) == http.StatusServiceUnavailable }); err != nil {
			return err
		}
	}
	if !sleep(ctx, time.Duration(float64(c.Away)*(0.5+t.chance.Float64()))) {
		return context.Cause(ctx)
	}
	cut.set(whole)
	return t.reunited(ctx, asked)
}

// reunited checks that commands pass between the nodes again, both ways.
func (t *trial) reunited(ctx context.Context, asked chan error) error {
	began := time.Now()
	for node := range t.nodes {
		err := t.wait(ctx, time.Minute, "commands reach the stations of both nodes", func() bool {
			s := t.held(node)
			if s == nil {
				return false
			}
			status, err := t.command(ctx, s)
			return err == nil && status == "accepted"
		})
		if err != nil {
			return err
		}
	}
	t.fleet.mu.Lock()
	t.result.most("longest_until_commands_pass_again_s", time.Since(began))
	t.fleet.mu.Unlock()
	return <-asked
}

// held is a station that a node holds; nil: none.
func (t *trial) held(node int) *station {
	for _, s := range t.fleet.stations {
		s.mu.Lock()
		there := s.sock != nil && s.booted && s.node == node
		s.mu.Unlock()
		if there {
			return s
		}
	}
	return nil
}

// command asks a station to clear its cache, through the first node, and
// tells how the command ended: accepted, or failed with a reason.
func (t *trial) command(ctx context.Context, s *station) (status string, err error) {
	var done struct{ Status, Error string }
	err = t.api.Do(ctx, http.MethodPost, "/api/v1/charging-stations/"+s.id+"/commands", "application/json", []byte(`{"action":"ClearCache"}`), &done)
	if err != nil {
		return "error", fmt.Errorf("a command to station %s: %w", s.id, err)
	}
	if done.Status != "accepted" && done.Error == "" {
		return done.Status, fmt.Errorf("a command to station %s ended as %s without a reason", s.id, done.Status)
	}
	return done.Status, nil
}
