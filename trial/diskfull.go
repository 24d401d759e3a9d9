package trial

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

type diskFullCmd struct {
	options `embed:""`
	Full    time.Duration `help:"How long the disk stays full once the server has noticed." default:"2s" env:"-"`
	Size    int64         `help:"Bytes of the disk." default:"100000000" env:"-"`
}

// Run fills the disk of the database under load, and makes room again. The
// disk is a tmpfs that only the server sees; what fills it is a file beside
// the database.
func (c *diskFullCmd) Run(ctx context.Context, s Streams) error {
	if err := c.onSQLite(); err != nil {
		return err
	}
	return c.trialOf(ctx, s, "disk-full", 20, func(ctx context.Context, t *trial) error {
		t.blind = true // the file lies where this process cannot open it as a database
		d := &smallDisk{dir: filepath.Join(t.dir, "server"), size: c.Size}
		if err := t.onSmallDisk(ctx, d); err != nil {
			return err
		}
		t.result.note("disk: a tmpfs of %d bytes in a mount namespace of the server, filled with a file", c.Size)
		t.result.note("rows of starts and ends are not counted: one session with that start and end, and one bill, stand for them")
		return t.runs(ctx, func(ctx context.Context, run int) error { return c.fill(ctx, t, d) })
	})
}

// onSmallDisk starts the server on the disk, and stations.
func (t *trial) onSmallDisk(ctx context.Context, d *smallDisk) error {
	under, as, err := d.under()
	if err != nil {
		return err
	}
	n := t.node("server")
	n.server, err = rig.StartServerUnder(ctx, under, as, t.dir, n.name, n.flags...)
	if err != nil {
		return fmt.Errorf("a server with a small disk of its own cannot be started (does this system let users make namespaces?): %w", err)
	}
	d.pid = n.server.PID()
	t.inside = d.inside()
	return t.people(ctx)
}

func (c *diskFullCmd) fill(ctx context.Context, t *trial, d *smallDisk) error {
	began := time.Now()
	if _, err := d.fill(); err != nil {
		return err
	}
	// The log of the database has room of its own for a while; what becomes
	// free of it meanwhile is taken as well.
	var refused error
	for refused == nil {
		if refused = t.write(ctx); refused != nil {
			break
		}
		if _, err := d.fill(); err != nil {
			return err
		}
		if time.Since(began) > time.Minute {
			return fmt.Errorf("the disk is full and everything is still stored after %s", time.Since(began))
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	t.result.most("longest_until_noticed_s", time.Since(began))
	if !strings.Contains(refused.Error(), " 503 ") && !strings.Contains(refused.Error(), " 507 ") {
		t.fleet.fail("unclear refusal", fmt.Errorf("on a full disk the API says: %w", refused))
	}
	if got := status(ctx, t.nodes[0].server.URL+"/healthz"); got != http.StatusOK {
		t.fleet.fail("not well", fmt.Errorf("/healthz answers %d on a full disk", got))
	}
	if !sleep(ctx, c.Full) {
		return context.Cause(ctx)
	}
	if err := d.clear(); err != nil {
		return err
	}
	room := time.Now()
	if err := t.wait(ctx, time.Minute, "the server stores again", func() bool { return t.write(ctx) == nil }); err != nil {
		return fmt.Errorf("%w; it says: %w", err, t.write(ctx))
	}
	t.result.most("longest_until_stored_again_s", time.Since(room))
	return t.nodes[0].alive()
}

// write stores something small through the API.
func (t *trial) write(ctx context.Context) error {
	body := fmt.Sprintf(`{"id_token":"PROBE%d","type":"ISO14443","status":"active"}`, time.Now().UnixNano())
	return t.api.Do(ctx, http.MethodPost, "/api/v1/id-tokens", "application/json", []byte(body), nil)
}
