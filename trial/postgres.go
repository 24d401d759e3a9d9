package trial

import (
	"context"
	"os"

	"github.com/forecourt-ev/forecourt/foundation/db/pgserver"
)

// database of the trial in a PostgreSQL of its own.
const ownDatabase = "trial"

// postgres makes sure that the platform runs on PostgreSQL: the one that was
// given, or one of its own with fsync on.
func (t *trial) postgres(ctx context.Context) error {
	if t.url != "" {
		return nil
	}
	_, err := t.ownPostgres(ctx)
	return err
}

func (t *trial) ownPostgres(ctx context.Context, settings ...string) (*pgserver.Server, error) {
	return t.ownPostgresOn(ctx, func(string) error { return nil }, settings...)
}

// ownPostgresOn is ownPostgres in a directory that is prepared first.
func (t *trial) ownPostgresOn(ctx context.Context, prepare func(dir string) error, settings ...string) (*pgserver.Server, error) {
	dir, err := os.MkdirTemp("", "fctrial") // short, and open to the user that PostgreSQL runs as
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	if err := prepare(dir); err != nil {
		return nil, err
	}
	p, err := pgserver.New(dir, append([]string{"max_connections=100", "shared_buffers=64MB", "log_min_messages=fatal"}, settings...)...)
	t.ends = append(t.ends, func() {
		if p != nil {
			p.Stop()
		}
		if t.Keep {
			t.say("kept %s", dir)
			return
		}
		os.RemoveAll(dir) // a temporary directory
	})
	if err != nil {
		return nil, err
	}
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	if err := p.Exec(ctx, "CREATE DATABASE "+ownDatabase+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
		return nil, err
	}
	t.url = p.URL(ownDatabase)
	return p, nil
}
