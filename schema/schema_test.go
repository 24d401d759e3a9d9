package schema_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

var update = flag.Bool("update", false, "write testdata/*.txt anew")

// The schema that the migrations really make is kept as text, a file per
// table and engine: a migration that changes more than meant shows in review.
func TestGolden(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		read := map[db.Dialect]func(*db.Tx) ([]string, error){db.SQLite: dumpSQLite, db.Postgres: dumpPostgres}[d.Dialect()]
		tables := map[string]string{}
		err := d.View(t.Context(), func(tx *db.Tx) error {
			lines, err := read(tx)
			for _, line := range lines {
				table, what, _ := strings.Cut(line, ": ")
				tables[table] += what + "\n"
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join("testdata", d.Dialect().String())
		if *update {
			writeGolden(t, dir, tables)
		}
		compareGolden(t, dir, tables)
	})
}

func writeGolden(t *testing.T, dir string, tables map[string]string) {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for table, text := range tables {
		if err := os.WriteFile(filepath.Join(dir, table+".txt"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func compareGolden(t *testing.T, dir string, tables map[string]string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept[strings.TrimSuffix(filepath.Base(file), ".txt")] = string(text)
	}
	const hint = "if that is meant, run go test ./schema -update and review the difference"
	for table, text := range tables {
		if kept[table] != text {
			t.Errorf("the table %s differs from %s; %s\nkept:\n%snow:\n%s", table, dir, hint, kept[table], text)
		}
	}
	for table := range kept {
		if _, ok := tables[table]; !ok {
			t.Errorf("the table %s kept in %s is gone; %s", table, dir, hint)
		}
	}
}

func text(s db.Scanner) (line string, err error) {
	err = s.Scan(&line)
	return line, err
}

// Every line begins with its table, so that sorting groups them.
func dumpSQLite(tx *db.Tx) ([]string, error) {
	return db.Collect(tx, text, `
		SELECT m.name || ': ' || printf('%03d', c.cid) || ' ' || c.name || ' ' || c.type
			|| CASE WHEN c."notnull" THEN ' not null' ELSE '' END
			|| COALESCE(' default ' || c.dflt_value, '')
			|| CASE WHEN c.pk > 0 THEN ' key ' || c.pk ELSE '' END AS line
		FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'schema_version'
		UNION ALL
		SELECT tbl_name || ': ' || type || ' ' || replace(replace(sql, char(10), ' '), '    ', '') FROM sqlite_master
		WHERE type IN ('index', 'trigger', 'view') AND sql IS NOT NULL
		UNION ALL
		SELECT m.name || ': references ' || f."table" || ' (' || f."from" || ' → ' || COALESCE(f."to", '') || ') on delete ' || lower(f.on_delete)
		FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'
		ORDER BY line`)
}

func dumpPostgres(tx *db.Tx) ([]string, error) {
	return db.Collect(tx, text, `
		SELECT line COLLATE "C" FROM (
		SELECT table_name || ': ' || to_char(ordinal_position, 'FM000') || ' ' || column_name || ' ' || data_type
			|| CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
			|| COALESCE(' default ' || column_default, '')
			|| CASE is_identity WHEN 'YES' THEN ' identity' ELSE '' END AS line
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'schema_version'
		UNION ALL
		SELECT tablename || ': ' || indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'schema_version'
		UNION ALL
		SELECT c.conrelid::regclass || ': ' || c.conname || ' ' || pg_get_constraintdef(c.oid) FROM pg_constraint c
		JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = 'public' AND c.contype IN ('f', 'c')
		) dump ORDER BY 1`)
}

func TestMigrateTwice(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		before, err := d.SchemaVersion(t.Context())
		if err != nil || before == 0 {
			t.Fatal(before, err)
		}
		if err := d.Migrate(t.Context(), schema.Files); err != nil {
			t.Fatal(err)
		}
		if after, err := d.SchemaVersion(t.Context()); err != nil || after != before {
			t.Fatal(after, err)
		}
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	newer := fstest.MapFS{"9001_newer.sql": {Data: []byte("-- +goose Up\nCREATE TABLE newer (id TEXT);\n")}}
	names, err := fs.Glob(schema.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(schema.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		newer[name] = &fstest.MapFile{Data: text}
	}
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		known, err := d.SchemaVersion(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context(), newer); err != nil {
			t.Fatal(err)
		}
		err = d.Migrate(t.Context(), schema.Files)
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "9001") || !strings.Contains(err.Error(), fmt.Sprint("up to ", known)) {
			t.Fatal(err)
		}
	})
}

func TestBlocks(t *testing.T) {
	files := fstest.MapFS{"0001_x.sql": {Data: []byte("-- +goose Up\n-- +sqlite\nCREATE TABLE lite (id TEXT);\n-- +end\n-- +postgres\nnonsense;\n-- +end\nCREATE TABLE both (id TEXT);\n")}}
	d, err := db.Open(t.Context(), schematest.Fresh(t, db.SQLite))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"-- +sqlite\n", "-- +end\n", "-- +sqlite\n-- +postgres\n-- +end\n"} {
		err := d.Migrate(t.Context(), fstest.MapFS{"0001_x.sql": {Data: []byte("-- +goose Up\n" + bad)}})
		if fault.Of(err) == nil || !strings.Contains(err.Error(), "0001_x.sql") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
