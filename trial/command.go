package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Command is `forecourt trial`.
type Command struct {
	Kill      killCmd      `cmd:"" help:"The server is killed (kill -9) at random moments."`
	PowerCut  powerCutCmd  `cmd:"" help:"The disk of the database goes away in the middle of writing, with all that was not synced. Needs Linux and root."`
	DBDown    dbDownCmd    `cmd:"" name:"db-down" help:"PostgreSQL goes away and comes back."`
	NATSDown  natsDownCmd  `cmd:"" name:"nats-down" help:"Two nodes lose sight of each other."`
	DiskFull  diskFullCmd  `cmd:"" help:"The disk of the SQLite database is full, then has room again."`
	SlowDisk  slowDiskCmd  `cmd:"" help:"Every commit waits long for the disk."`
	ClockJump clockJumpCmd `cmd:"" help:"The clocks of stations jump by hours, days and years."`
	Upgrade   upgradeCmd   `cmd:"" help:"Two nodes are drained and replaced one after the other."`
	Restore   restoreCmd   `cmd:"" help:"The database is lost and restored from a backup."`
}

// Streams are where a command writes: Out the result, Err what it does.
type Streams struct{ Out, Err io.Writer }

// options are what all kinds have.
type options struct {
	Runs        int           `help:"How many times; 0 is what suits the kind." default:"0" env:"-"`
	Seed        uint64        `help:"What the stations do and when the fault comes follows from it." default:"1" env:"-"`
	Stations    int           `help:"How many stations, half of them OCPP 1.6, half 2.0.1." default:"40" env:"-"`
	Seconds     float64       `help:"How long the load of a run lasts, the fault not counted." default:"4" env:"-"`
	Tick        time.Duration `help:"About the time between two events of a station that charges." default:"200ms" env:"-"`
	Reply       time.Duration `help:"After which a station gives up waiting for an answer, and its connection." default:"15s" env:"-"`
	Deliver     time.Duration `help:"How long stations and consumers may take to bring everything in after a run." default:"2m" env:"-"`
	DatabaseURL string        `help:"An empty PostgreSQL database for the server; none is SQLite, or a PostgreSQL of its own where the kind needs one." xor:"postgres" placeholder:"postgres://…" env:"-"`
	Postgres    bool          `help:"Run on a PostgreSQL of its own, made in a temporary directory (needs initdb)." xor:"postgres" env:"-"`
	ServerFlag  []string      `help:"A further flag of the server, such as --server-flag=--log-level=debug." sep:"none" env:"-"`
	Dir         string        `help:"Where the temporary data directory is made." placeholder:"DIR" env:"-"`
	Keep        bool          `help:"Keep the data directory and the server's log." env:"-"`
	Limit       time.Duration `help:"The trial is given up after this." default:"3h" env:"-"`
	JSON        bool          `name:"json" help:"End with one line of JSON." env:"-"`
}

// onSQLite refuses what is about the file of a SQLite database.
func (o options) onSQLite() error {
	if o.DatabaseURL != "" || o.Postgres {
		return errors.New("this kind is about SQLite and its disk; --database-url and --postgres are not for it")
	}
	return nil
}

// trialOf is the frame of a kind: a limit in time, a platform, runs, a result.
func (o options) trialOf(ctx context.Context, s Streams, kind string, runs int, work func(ctx context.Context, t *trial) error) error {
	if o.Runs == 0 {
		o.Runs = runs
	}
	if o.Runs < 1 || o.Stations < 1 || o.Seconds <= 0 || o.Tick <= 0 {
		return fmt.Errorf("--runs, --stations, --seconds and --tick must be above 0")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, fmt.Errorf("the trial was given up after %s (--limit)", o.Limit))
	defer cancel()
	t, err := o.open(s, kind)
	if err != nil {
		return err
	}
	defer t.close()
	if err := work(ctx, t); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		t.tails()
		return err
	}
	t.finish()
	if err := t.result.print(s.Out, o.JSON); err != nil {
		return err
	}
	return t.result.verdict()
}
