package app

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
)

// dataFlags say which installation a command line tool works on.
type dataFlags struct {
	Data        string `help:"Directory of the SQLite database and the secret." default:"data" placeholder:"DIR"`
	DatabaseURL string `help:"PostgreSQL to use instead of SQLite in the data directory." placeholder:"postgres://…"`
	SecretFile  string `help:"Key shared by all nodes; none uses secret.key in the data directory." placeholder:"FILE"`
}

func (f dataFlags) config() Config {
	return Config{Data: f.Data, DatabaseURL: f.DatabaseURL, SecretFile: f.SecretFile, LogLevel: "warn"}
}

type migrateCmd struct {
	dataFlags `embed:""`
}

// Run brings the schema up to date.
func (c *migrateCmd) Run(ctx context.Context, s streams) error {
	d, err := openDatabase(ctx, c.config(), slog.New(slog.DiscardHandler), false)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, "The database has this version's schema.")
	return d.Close()
}

type apiKeyCmd struct {
	Create apiKeyCreateCmd `cmd:"" help:"Create a key and print only it."`
}

type apiKeyCreateCmd struct {
	dataFlags    `embed:""`
	Name         string `help:"What the key is for." required:""`
	Role         string `help:"Role of the key, for example owner or viewer." required:""`
	Organisation string `help:"Organisation the key belongs to; none is the first."`
}

// Run creates the key beside a running server.
func (c *apiKeyCreateCmd) Run(ctx context.Context, s streams) error {
	key, err := createKey(ctx, c.config(), identity.APIKey{Name: c.Name, Role: identity.RoleID(c.Role), Org: identity.OrgID(c.Organisation)})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, key)
	return err
}

func createKey(ctx context.Context, cfg Config, k identity.APIKey) (string, error) {
	if _, err := os.Stat(cfg.databasePath()); cfg.DatabaseURL == "" && errors.Is(err, fs.ErrNotExist) {
		return "", fault.New(fault.NotFound, "config.no_data", "%s holds no database; start `forecourt serve --data %s` once, or name the right directory", cfg.Data, cfg.Data)
	}
	log := slog.New(slog.DiscardHandler)
	d, err := openDatabase(ctx, cfg, log, true)
	if err != nil {
		return "", err
	}
	defer d.Close()
	people := identity.New(identity.Deps{DB: d, Log: log})
	_, key, err := people.CreateKey(identity.System(ctx, ""), k)
	return key, err
}

const (
	databaseEntry = "forecourt.db"
	secretEntry   = "secret.key"
)

type backupCmd struct {
	dataFlags `embed:""`
	File      string `arg:"" help:"File to write; must not exist."`
}

// Run writes one file with a consistent copy of the database and the secret.
func (c *backupCmd) Run(ctx context.Context, s streams) error {
	cfg := c.config()
	d, err := openDatabase(ctx, cfg, slog.New(slog.DiscardHandler), true)
	if err != nil {
		return err
	}
	defer d.Close()
	work, err := os.MkdirTemp(filepath.Dir(c.File), ".backup-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := d.Backup(ctx, filepath.Join(work, databaseEntry)); err != nil {
		return err
	}
	secret, err := os.ReadFile(cfg.secretPath())
	if err != nil {
		return fmt.Errorf("reading the secret: %w", err)
	}
	if err := os.WriteFile(filepath.Join(work, secretEntry), secret, 0o600); err != nil {
		return err
	}
	if err := pack(c.File, work); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Backup written to %s. It holds the secret: keep it as safe as the data itself.\n", c.File)
	return nil
}

// pack writes the archive beside its place and moves it there when whole.
func pack(file, dir string) error {
	if _, err := os.Stat(file); err == nil {
		return fault.New(fault.Conflict, "backup.exists", "%s exists already; name another file", file)
	}
	part := filepath.Join(dir, "archive")
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	zipped := gzip.NewWriter(out)
	archive := tar.NewWriter(zipped)
	for _, name := range []string{databaseEntry, secretEntry} {
		if err := add(archive, dir, name); err != nil {
			return err
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close(), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(part, file)
}

func add(archive *tar.Writer, dir, name string) error {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	_, err = io.Copy(archive, f)
	return err
}

type restoreCmd struct {
	dataFlags `embed:""`
	File      string    `arg:"" help:"A file written by backup, or the directory of an archive (serve --archive)."`
	To        time.Time `help:"The instant to restore, of an archive; none is the last." placeholder:"2026-11-21T12:00:00Z"`
}

// Run unpacks into a directory that holds no installation.
func (c *restoreCmd) Run(ctx context.Context, s streams) error {
	cfg := c.config()
	if cfg.DatabaseURL != "" {
		return fault.New(fault.Unsupported, "restore.postgres", "restore writes SQLite data directories; for PostgreSQL use pg_restore")
	}
	from, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	if !from.IsDir() && !c.To.IsZero() {
		return fault.New(fault.Invalid, "restore.to", "a backup holds one instant; --to is for the directory of an archive")
	}
	for _, path := range []string{cfg.databasePath(), cfg.secretPath()} {
		if _, err := os.Stat(path); err == nil {
			return fault.New(fault.Conflict, "restore.exists", "%s exists already; restore into an empty directory", path)
		}
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	if from.IsDir() {
		return c.fromArchive(ctx, s, cfg)
	}
	work, err := os.MkdirTemp(cfg.Data, ".restore-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	database, secret := filepath.Join(work, databaseEntry), filepath.Join(work, secretEntry)
	if err := unpack(c.File, map[string]string{databaseEntry: database, secretEntry: secret}); err != nil {
		return err
	}
	if err := db.Restore(ctx, database, cfg.databasePath(), false); err != nil { // checks that it is whole
		return err
	}
	if err := placeSecret(secret, cfg.secretPath()); err != nil {
		return err
	}
	if err := c.open(ctx, cfg); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Restored into %s.\n", cfg.Data)
	return nil
}

// open shows that the restored database can be used, and brings its schema up
// to date.
func (c *restoreCmd) open(ctx context.Context, cfg Config) error {
	d, err := openDatabase(ctx, cfg, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return err
	}
	return d.Close()
}

// placeSecret copies, since --secret-file may be on another file system.
func placeSecret(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return write(to, in)
}

// unpack writes each known entry to its path, through a temporary name so
// that a broken archive leaves nothing half-written.
func unpack(file string, paths map[string]string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	bad := func(err error) error {
		return fault.Wrap(fault.Invalid, err, "restore.archive", "%s is not a whole backup made by `forecourt backup`", file)
	}
	zipped, err := gzip.NewReader(in)
	if err != nil {
		return bad(err)
	}
	archive := tar.NewReader(zipped)
	var parts []string
	defer func() {
		for _, p := range parts {
			os.Remove(p + ".part")
		}
	}()
	for {
		entry, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return bad(err)
		}
		path, known := paths[entry.Name]
		if !known {
			continue
		}
		parts = append(parts, path)
		if err := write(path+".part", archive); err != nil {
			return bad(err)
		}
	}
	if len(parts) != len(paths) {
		return bad(nil)
	}
	for _, p := range parts {
		if err := os.Rename(p+".part", p); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, from io.Reader) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	return errors.Join(err, out.Sync(), out.Close())
}
