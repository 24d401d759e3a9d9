package db

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const versionTable = "schema_version"

// Migrate brings the schema up to the newest of the numbered files. Lines
// between "-- +sqlite" or "-- +postgres" and "-- +end" are kept for that
// engine only. A schema newer than the files gives fault.Conflict with code
// "schema.newer". On PostgreSQL nodes that start together wait for each other.
func (d *DB) Migrate(ctx context.Context, files fs.FS) error {
	own, err := forDialect(files, d.dialect)
	if err != nil {
		return err
	}
	pool, dialect := d.pg, goose.DialectPostgres
	options := []goose.ProviderOption{
		goose.WithLogger(goose.NopLogger()), goose.WithVerbose(false), goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true),
	}
	if d.dialect == SQLite {
		pool, dialect = d.lite.write, goose.DialectSQLite3
	} else {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(database.Dialect(dialect), pool, own, options...)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "schema.files", "the migrations cannot be read")
	}
	have, err := d.schemaVersion(ctx, pool)
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	if newest := sources[len(sources)-1].Version; have > newest {
		return fault.New(fault.Conflict, "schema.newer",
			"the database has schema version %d, but this program knows versions up to %d: use the newer program, or restore a backup made with this one", have, newest)
	}
	results, err := provider.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		return fault.Wrap(fault.Internal, partial.Err, "schema.migrate", "migration %s failed", partial.Failed.Source.Path)
	}
	if err != nil {
		return classify(err)
	}
	if len(results) > 0 {
		d.log.Info("schema migrated", "from", have, "to", results[len(results)-1].Source.Version)
	}
	return nil
}

// SchemaVersion gives the version of the newest migration that was applied;
// 0 for an empty database.
func (d *DB) SchemaVersion(ctx context.Context) (int64, error) {
	if d.dialect == Postgres {
		return d.schemaVersion(ctx, d.pg)
	}
	return d.schemaVersion(ctx, d.lite.write)
}

// Ready checks that the database answers and has at least the schema of a
// version. A newer one is no fault: during a rolling upgrade the nodes of the
// old version go on with it. Errors: fault.Unavailable when the database does
// not answer, fault.Conflict with code "schema.older" when it is behind, as
// after an old backup was put in place under a running node.
func (d *DB) Ready(ctx context.Context, version int64) error {
	var have int64
	err := d.View(ctx, func(tx *Tx) error {
		return tx.QueryRow("SELECT COALESCE(MAX(version_id), 0) FROM " + versionTable + " WHERE is_applied").Scan(&have)
	})
	if err == nil && have < version {
		return fault.New(fault.Conflict, "schema.older", "the database has schema version %d, but this node was started with %d", have, version)
	}
	return err
}

func (d *DB) schemaVersion(ctx context.Context, pool *sql.DB) (int64, error) {
	exists := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1"
	if d.dialect == Postgres {
		exists = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1"
	}
	var n, version int64
	if err := pool.QueryRowContext(ctx, exists, versionTable).Scan(&n); err != nil || n == 0 {
		return 0, classify(err)
	}
	err := pool.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable+" WHERE is_applied").Scan(&version)
	return version, classify(err)
}
