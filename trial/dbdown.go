package trial

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"time"
)

type dbDownCmd struct {
	options `embed:""`
	Away    time.Duration `help:"How long PostgreSQL stays away, about." default:"2s" env:"-"`
}

// falls are the ways PostgreSQL goes: a crash, `pg_ctl stop -m immediate`,
// `pg_ctl stop -m fast`.
var falls = []os.Signal{syscall.SIGKILL, syscall.SIGQUIT, syscall.SIGINT}

// Run takes a PostgreSQL of its own away under load. The server goes on.
func (c *dbDownCmd) Run(ctx context.Context, s Streams) error {
	if c.DatabaseURL != "" {
		return fmt.Errorf("trial db-down stops its PostgreSQL and starts one of its own for that; --database-url is not for it")
	}
	return c.trialOf(ctx, s, "db-down", 20, func(ctx context.Context, t *trial) error {
		p, err := t.ownPostgres(ctx)
		if err != nil {
			return err
		}
		n, err := t.single(ctx)
		if err != nil {
			return err
		}
		return t.runs(ctx, func(ctx context.Context, run int) error {
			t.unlook()
			if err := p.Signal(falls[t.chance.IntN(len(falls))]); err != nil {
				return err
			}
			p.Stop()
			fell := time.Now()
			if err := t.unready(ctx, n.server.URL); err != nil {
				return err
			}
			if !sleep(ctx, time.Duration(float64(c.Away)*(0.5+t.chance.Float64()))) {
				return context.Cause(ctx)
			}
			if err := p.Start(ctx); err != nil {
				return err
			}
			back := time.Now()
			if err := t.wait(ctx, time.Minute, "the server is ready again", func() bool { return status(ctx, n.server.URL+"/readyz") == http.StatusOK }); err != nil {
				return err
			}
			t.result.most("longest_until_ready_again_s", time.Since(back))
			t.result.most("longest_away_s", back.Sub(fell))
			return n.alive()
		})
	})
}

// unready checks that the server says clearly what it cannot do: it is not
// ready, and the API answers 503.
func (t *trial) unready(ctx context.Context, base string) error {
	if err := t.wait(ctx, 15*time.Second, "the server says that it is not ready", func() bool { return status(ctx, base+"/readyz") == http.StatusServiceUnavailable }); err != nil {
		return err
	}
	if got := status(ctx, base+"/healthz"); got != http.StatusOK {
		return fmt.Errorf("the process is not well: %d", got)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/sessions", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+t.key)
	if got := statusOf(req); got != http.StatusServiceUnavailable {
		t.fleet.fail("unclear refusal", fmt.Errorf("the API answered %d without its database, not 503", got))
	}
	return nil
}

// status of a page; 0 when there is no answer.
func status(ctx context.Context, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	return statusOf(req)
}

func statusOf(req *http.Request) int {
	client := http.Client{Timeout: 20 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// alive checks that the server did not restart.
func (n *node) alive() error {
	select {
	case <-n.server.Ended:
		return fmt.Errorf("%s has ended by itself", n.name)
	default:
		return nil
	}
}
