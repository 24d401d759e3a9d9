package access

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

// ImportColumns are the columns of a token file, by the names of the API. The
// first row names those that are there; id_token must be.
var ImportColumns = []string{"id_token", "type", "status", "expiry", "group", "driver", "max_sessions", "organisation"}

const (
	maxImport     = 16 << 20
	maxImportRows = 100_000
	maxRowErrors  = 100 // more are counted, not listed
)

// Imported says what an import did.
type Imported struct {
	Created int `json:"created"`
	Changed int `json:"changed"`
}

// Import reads tokens from CSV (RFC 4180; comma or semicolon) and stores all
// of them, or none: every wrong row is reported by its number. A token that
// the organisation has already is changed in the columns that the file has.
func (s *Service) Import(ctx context.Context, file io.Reader) (Imported, error) {
	var done Imported
	c, err := identity.Require(ctx, identity.TokenWrite)
	if err != nil {
		return done, err
	}
	rows, err := readRows(file)
	if err != nil {
		return done, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		done = Imported{}
		bad := &rowErrors{}
		for _, r := range rows {
			if err := s.importRow(ctx, tx, c, r, &done, bad); err != nil {
				return err
			}
		}
		return bad.err()
	})
	return done, err
}

// row is a line of the file with its columns by name.
type row struct {
	number int // of the line, the heading being 1
	cells  map[string]string
}

func (r row) at(field string) string { return fmt.Sprintf("row %d column %s", r.number, field) }

func readRows(file io.Reader) ([]row, error) {
	text, err := io.ReadAll(io.LimitReader(file, maxImport+1))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "token.import", "the file could not be read")
	}
	if len(text) > maxImport {
		return nil, fault.New(fault.Invalid, "token.import", "the file is larger than %d MiB", maxImport>>20)
	}
	body := strings.TrimPrefix(string(text), "\ufeff")
	r := csv.NewReader(strings.NewReader(body))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	if head, _, _ := strings.Cut(body, "\n"); strings.Count(head, ";") > strings.Count(head, ",") {
		r.Comma = ';'
	}
	records, err := r.ReadAll()
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "token.import", "the file is not CSV: %v", err)
	}
	if len(records) < 2 {
		return nil, fault.New(fault.Invalid, "token.import", "the file has no rows; the first names the columns: %s", strings.Join(ImportColumns, ", "))
	}
	if len(records) > maxImportRows+1 {
		return nil, fault.New(fault.Invalid, "token.import", "the file has more than %d rows", maxImportRows)
	}
	return named(records)
}

func named(records [][]string) ([]row, error) {
	bad := fault.New(fault.Invalid, "token.import", "the columns are not those of a token file")
	head := make([]string, len(records[0]))
	for i, name := range records[0] {
		head[i] = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(ImportColumns, head[i]) || slices.Contains(head[:i], head[i]) {
			bad.With(fmt.Sprintf("row 1 column %d", i+1), "must be one of "+strings.Join(ImportColumns, ", ")+", each once", name)
		}
	}
	if !slices.Contains(head, "id_token") {
		bad.With("row 1", "the column id_token is missing", strings.Join(head, ","))
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	out := make([]row, 0, len(records)-1)
	for i, rec := range records[1:] {
		r := row{number: i + 2, cells: map[string]string{}}
		for c, cell := range rec {
			if c < len(head) {
				r.cells[head[c]] = strings.TrimSpace(cell)
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// rowErrors gathers what is wrong in all rows.
type rowErrors struct {
	fields []fault.Field
	more   int
}

func (e *rowErrors) take(err error) error {
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Invalid && f.Kind != fault.Conflict {
		return err
	}
	for _, field := range f.Fields {
		if len(e.fields) < maxRowErrors {
			e.fields = append(e.fields, field)
		} else {
			e.more++
		}
	}
	return nil
}

func (e *rowErrors) err() error {
	if len(e.fields) == 0 {
		return nil
	}
	bad := fault.New(fault.Invalid, "token.import", "nothing was imported: %d values are wrong", len(e.fields)+e.more)
	bad.Fields = e.fields
	return bad
}

func (s *Service) importRow(ctx context.Context, tx *db.Tx, c identity.Caller, r row, done *Imported, bad *rowErrors) error {
	edit, err := r.edit()
	if err != nil {
		return bad.take(err)
	}
	org, err := identity.Place(ctx, tx, identity.OrgID(r.cells["organisation"]))
	if err != nil {
		return bad.take(relocate(err, r.at("organisation")))
	}
	same, err := tokensByMatch(tx, Match(r.cells["id_token"]))
	if err != nil {
		return err
	}
	for _, t := range same {
		if t.Org == string(org) {
			done.Changed++
			_, err := s.change(ctx, tx, t, edit, r.at)
			return bad.take(err)
		}
	}
	t := IdToken{Org: string(org), Value: r.cells["id_token"]}
	edit(&t)
	done.Created++
	return bad.take(s.create(ctx, tx, &t, r.at))
}

func relocate(err error, at string) error {
	if f := fault.Of(err); f != nil {
		for i := range f.Fields {
			f.Fields[i].Location = at
		}
	}
	return err
}

// edit gives what the row says about a token.
func (r row) edit() (func(*IdToken), error) {
	bad := fault.New(fault.Invalid, "token.import", "a row is wrong")
	var expiry *time.Time
	if v := r.cells["expiry"]; v != "" {
		t, err := time.Parse(time.RFC3339, v)
		if err != nil {
			t, err = time.Parse(time.DateOnly, v)
		}
		if err != nil {
			bad.With(r.at("expiry"), "must be an instant such as 2027-01-31T23:00:00Z or a date", v)
		}
		t = t.UTC()
		expiry = &t
	}
	var most *int
	if v := r.cells["max_sessions"]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			bad.With(r.at("max_sessions"), "must be a whole number", v)
		}
		most = &n
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	set := func(column string, do func(v string)) {
		if v, ok := r.cells[column]; ok && (v != "" || column == "group" || column == "driver") {
			do(v)
		}
	}
	return func(t *IdToken) {
		set("type", func(v string) { t.Type = v })
		set("status", func(v string) { t.Status = Status(strings.ToLower(v)) })
		set("group", func(v string) { t.Group = v })
		set("driver", func(v string) { t.Driver = v })
		if _, ok := r.cells["expiry"]; ok {
			t.Expiry = expiry
		}
		if _, ok := r.cells["max_sessions"]; ok {
			t.MaxSessions = most
		}
	}, nil
}

func (s *Service) importRoute(a *web.API) {
	route := op(http.MethodPost, "/id-tokens/import", identity.TokenWrite, "Import tokens from CSV")
	route.Description = "The body is a CSV file. Its first row names the columns: " + strings.Join(ImportColumns, ", ") +
		". Either all rows are stored or none; wrong ones are listed by number."
	route.MaxBody, route.Produces = maxImport, "application/json"
	a.Raw(route, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done, err := s.Import(r.Context(), r.Body)
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			err = fault.New(fault.Invalid, "token.import", "the file is larger than %d MiB", maxImport>>20)
		}
		if err != nil {
			a.Fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		// The client is gone when this fails; there is nobody to tell.
		_ = json.NewEncoder(w).Encode(done)
	}))
}
