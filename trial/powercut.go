package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db/pgserver"
)

type powerCutCmd struct {
	options `embed:""`
	Size    int64 `help:"Bytes of the disk." default:"1000000000" env:"-"`
}

// Run takes the disk of the database away as a power cut does: what was
// written and not synced is gone. kill -9 cannot show that, for the system
// keeps what a killed process has written.
func (c *powerCutCmd) Run(ctx context.Context, s Streams) error {
	if c.DatabaseURL != "" {
		return fmt.Errorf("trial power-cut cuts the disk of a PostgreSQL of its own (--postgres); --database-url is not for it")
	}
	return c.trialOf(ctx, s, "power-cut", 20, func(ctx context.Context, t *trial) error {
		t.result.note("disk: ext4 on a loop device of %d bytes, shut down without its journal being written out, after up to %d pieces of each file were written in any order", c.Size, mostPieces)
		if c.Postgres {
			return c.ofPostgres(ctx, t)
		}
		return c.ofSQLite(ctx, t)
	})
}

func (c *powerCutCmd) ofSQLite(ctx context.Context, t *trial) error {
	d, err := t.cutDisk(filepath.Join(t.dir, "server"), c.Size)
	if err != nil {
		return err
	}
	n, err := t.single(ctx)
	if err != nil {
		return err
	}
	return t.runs(ctx, func(ctx context.Context, run int) error {
		return t.powerless(ctx, d, n, func() {}, func() error { return nil })
	})
}

// ofPostgres has the power of the machine fail on which both the server and
// its PostgreSQL run.
func (c *powerCutCmd) ofPostgres(ctx context.Context, t *trial) error {
	var d *cutDisk
	p, err := t.ownPostgresOn(ctx, func(dir string) (err error) {
		d, err = t.cutDisk(dir, c.Size)
		return err
	})
	if err != nil {
		return err
	}
	n, err := t.single(ctx)
	if err != nil {
		return err
	}
	if err := d.sync(); err != nil { // its files were made without
		return err
	}
	return t.runs(ctx, func(ctx context.Context, run int) error {
		return t.powerless(ctx, d, n, func() { killPostgres(p) }, func() error { return p.Start(ctx) })
	})
}

// killPostgres ends it as kill -9 does; it may have ended by itself.
func killPostgres(p *pgserver.Server) {
	p.Signal(syscall.SIGKILL)
	p.Stop()
}

// powerless cuts the power of the disk and, a moment later, that of the
// programs: what they say in between must not be more than the disk has.
func (t *trial) powerless(ctx context.Context, d *cutDisk, n *node, crash func(), restart func() error) error {
	t.unlook()
	began := time.Now()
	if err := d.scatter(t.chance); err != nil {
		return err
	}
	if err := d.cut(); err != nil {
		return err
	}
	if !sleep(ctx, time.Duration(t.chance.Int64N(int64(300*time.Millisecond)))) {
		return context.Cause(ctx)
	}
	n.server.Kill()
	crash()
	if err := d.back(); err != nil {
		return err
	}
	if err := restart(); err != nil {
		return err
	}
	if err := t.start(ctx, n); err != nil {
		return err
	}
	t.result.most("longest_restart_s", time.Since(began))
	return nil
}

// cutDisk mounts a disk whose power can be cut at dir. It is taken down when
// the trial is over.
func (t *trial) cutDisk(dir string, size int64) (*cutDisk, error) {
	d := &cutDisk{dir: dir, image: filepath.Join(t.dir, "disk.img")}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := d.make(size); err != nil {
		return nil, fmt.Errorf("trial power-cut mounts a disk of its own, which needs root, mkfs.ext4 and loop devices: %w", err)
	}
	t.ends = append(t.ends, func() {
		if err := d.unmount(); err != nil {
			t.say("%v", err)
		}
		os.Remove(dir) // empty, or kept
	})
	return d, nil
}
