package access

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

// ImportColumns are the columns of a token file, by the names of the API. The
// first row names those that are there; id_token must be.
var ImportColumns = []sheet.Column{
	{Name: "id_token", Kind: sheet.Text, Required: true, Doc: "As printed on the card", Example: "04A1B2C3D4E5F6", Aliases: []string{"token", "rfid", "uid", "card", "card number", "id tag", "badge", "carte", "numéro de badge", "karte", "kartennummer"}},
	{Name: "type", Kind: sheet.Text, Doc: "Type of OCPP; empty: ISO14443", Example: "ISO14443", Aliases: []string{"typ"}},
	{Name: "status", Kind: sheet.Text, Doc: "active, blocked or lost; empty: active", Example: "active", Aliases: []string{"état", "statut"}},
	{Name: "expiry", Kind: sheet.Day, Doc: "An instant or a date (UTC); empty: never", Example: "2027-01-31", Aliases: []string{"expires", "expiry date", "valid until", "expiration", "ablauf", "gültig bis"}},
	{Name: "group", Kind: sheet.Text, Doc: "Tokens of one group may stop each other's sessions", Aliases: []string{"parent", "parent id", "groupe", "gruppe"}},
	{Name: "driver", Kind: sheet.Text, Doc: "Id of the driver", Aliases: []string{"conducteur", "fahrer"}},
	{Name: "max_sessions", Doc: "At a time; empty: the installation's", Example: "1", Aliases: []string{"sessions max", "max ladevorgänge"}},
	{Name: "organisation", Kind: sheet.Text, Doc: "Id of the organisation; empty: your own", Aliases: []string{"organization", "org", "mandant"}},
}

var importLimits = sheet.Limits{Bytes: 16 << 20, Rows: 100_000}

// Imported says what an import did.
type Imported struct {
	Created   int `json:"created"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`

	Notes []sheet.Note `json:"notes" nullable:"false" doc:"Taken, but worth a look; the first hundred"`
}

// importChunk is how many rows one transaction stores: a few milliseconds, so
// that stations have their turn between two of them.
const importChunk = 200

// Import reads tokens from CSV or XLSX. A file with a wrong row stores
// nothing: all rows are checked first, and every wrong one is told by its
// number. A token that the organisation has already is changed in the columns
// that the file has.
//
// What was checked is stored in portions, whether the caller waits or not. If
// that cannot be finished, the error says how many rows are stored; the same
// file sent again then does the rest.
func (s *Service) Import(ctx context.Context, file io.Reader) (Imported, error) {
	if _, err := identity.Require(ctx, identity.TokenWrite); err != nil {
		return Imported{}, err
	}
	table, err := sheet.Read(file, ImportColumns, importLimits)
	if err != nil {
		return Imported{}, err
	}
	done := Imported{Notes: append([]sheet.Note{}, table.Notes...)}
	bad := sheet.NewErrors("token.import")
	for rows := range slices.Chunk(table.Rows, importChunk) {
		if err := s.d.DB.View(ctx, func(tx *db.Tx) error {
			_, err := s.readRows(ctx, tx, rows, bad)
			return err
		}); err != nil {
			return Imported{}, err
		}
	}
	if err := bad.Err(); err != nil {
		return Imported{}, err
	}
	ctx = context.WithoutCancel(ctx)                             // a browser that is closed leaves no half of a file
	slices.SortStableFunc(table.Rows, func(a, b sheet.Row) int { // neighbours share pages of the index
		return strings.Compare(Match(a.Get("id_token")), Match(b.Get("id_token")))
	})
	for rows := range slices.Chunk(table.Rows, importChunk) {
		if err := s.importRows(ctx, rows, &done); err != nil {
			return done, unfinished(err, done, len(table.Rows))
		}
	}
	if done.Created >= db.AnalyzeFrom {
		s.d.DB.Analyze(ctx, s.d.Log, "id_token")
	}
	return done, nil
}

// unfinished tells what became of a file of which only some rows are stored.
func unfinished(err error, done Imported, rows int) error {
	stored := done.Created + done.Changed + done.Unchanged
	kind := fault.Unavailable
	if f := fault.Of(err); f != nil {
		kind = f.Kind
	}
	e := fault.Wrap(kind, err, "token.import_unfinished",
		"%d of %d rows are stored, the others are not; send the same file again to store them", stored, rows)
	if f := fault.Of(err); f != nil {
		e.Fields = f.Fields
	}
	return e
}

// importRows stores some rows of a file in one transaction.
func (s *Service) importRows(ctx context.Context, rows []sheet.Row, done *Imported) error {
	var now Imported
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		bad := sheet.NewErrors("token.import")
		run, err := s.readRows(ctx, tx, rows, bad)
		if err != nil {
			return err
		}
		if err := bad.Err(); err != nil { // right when it was checked, wrong by now
			return err
		}
		now = run.did
		return s.storeImported(ctx, tx, run.turned)
	})
	if err == nil {
		done.Created, done.Changed, done.Unchanged = done.Created+now.Created, done.Changed+now.Changed, done.Unchanged+now.Unchanged
	}
	return err
}

// turned is a token that an import creates or changes, and the fact of it.
type turned struct {
	IdToken
	kind    string
	revoked bool
}

// imported is what rows come to.
type imported struct {
	did    Imported
	turned []turned
	latest map[string]IdToken // by organisation and match key: the database's, then what the rows made of it
	orgs   map[string]placed  // by what the file calls them
}

type placed struct {
	org string
	err error
}

func tokenKey(org, match string) string { return org + "\x00" + match }

// readRows finds out what rows come to, and what is wrong with them.
func (s *Service) readRows(ctx context.Context, tx *db.Tx, rows []sheet.Row, bad *sheet.Errors) (*imported, error) {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = Match(r.Get("id_token"))
	}
	known, err := tokensByMatches(tx, keys)
	if err != nil {
		return nil, err
	}
	run := &imported{latest: map[string]IdToken{}, orgs: map[string]placed{}}
	for _, t := range known {
		run.latest[tokenKey(t.Org, Match(t.Value))] = t
	}
	for i, r := range rows {
		if err := s.readRow(ctx, tx, run, row{r}, keys[i]); err != nil {
			if err = bad.Take(err); err != nil {
				return nil, err
			}
		}
	}
	return run, nil
}

func (s *Service) readRow(ctx context.Context, tx *db.Tx, run *imported, r row, match string) error {
	edit, err := r.edit()
	if err != nil {
		return err
	}
	asked := r.Get("organisation")
	at, known := run.orgs[asked]
	if !known {
		org, err := identity.Place(ctx, tx, identity.OrgID(asked))
		at = placed{string(org), err}
		run.orgs[asked] = at
	}
	if at.err != nil {
		return relocate(at.err, r.At("organisation"))
	}
	key := tokenKey(at.org, match)
	before, there := run.latest[key]
	var t turned
	if there {
		t.IdToken, t.kind, t.revoked, err = s.edited(tx, before, edit, r.At)
	} else {
		fresh := IdToken{Org: at.org, Value: r.Get("id_token")}
		edit(&fresh)
		t.kind = KindCreated
		t.IdToken, err = s.made(tx, fresh, r.At)
	}
	switch {
	case err != nil:
		return err
	case there && t.same(before):
		run.did.Unchanged++
		return nil
	case there:
		run.did.Changed++
	default:
		run.did.Created++
	}
	run.latest[key] = t.IdToken
	run.turned = append(run.turned, t)
	return nil
}

// storeImported stores what rows came to, with the facts in their order.
func (s *Service) storeImported(ctx context.Context, tx *db.Tx, all []turned) error {
	last := map[TokenID]int{} // a token may be in the file more than once
	for i, t := range all {
		last[t.ID] = i
	}
	var tokens []IdToken
	for i, t := range all {
		if last[t.ID] == i {
			tokens = append(tokens, t.IdToken)
		}
	}
	if err := putTokens(tx, tokens); err != nil {
		return err
	}
	for _, t := range all {
		if err := s.record(ctx, tx, t.IdToken, t.kind, t.revoked); err != nil {
			return err
		}
	}
	return nil
}

// row is a row of the file.
type row struct{ sheet.Row }

// relocate gives an error about a body the place of a cell.
func relocate(err error, at string) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	moved := *f
	moved.Fields = slices.Clone(f.Fields)
	for i := range moved.Fields {
		moved.Fields[i].Location = at
	}
	return &moved
}

// edit gives what the row says about a token.
func (r row) edit() (func(*IdToken), error) {
	bad := fault.New(fault.Invalid, "token.import", "a row is wrong")
	var expiry *time.Time
	if v := r.Get("expiry"); v != "" {
		t, err := time.Parse(time.RFC3339, v)
		if err != nil {
			t, err = time.Parse(time.DateOnly, v)
		}
		if err != nil {
			bad.With(r.At("expiry"), "must be an instant such as 2027-01-31T23:00:00Z or a date", v)
		}
		t = t.UTC()
		expiry = &t
	}
	var most *int
	if v := r.Get("max_sessions"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			bad.With(r.At("max_sessions"), "must be a whole number", v)
		}
		most = &n
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	set := func(column string, do func(v string)) {
		if v := r.Get(column); r.Has(column) && (v != "" || column == "group" || column == "driver") {
			do(v)
		}
	}
	return func(t *IdToken) {
		set("type", func(v string) { t.Type = v })
		set("status", func(v string) { t.Status = Status(strings.ToLower(v)) })
		set("group", func(v string) { t.Group = v })
		set("driver", func(v string) { t.Driver = v })
		if r.Has("expiry") {
			t.Expiry = expiry
		}
		if r.Has("max_sessions") {
			t.MaxSessions = most
		}
	}, nil
}

func (s *Service) importRoute(a *web.API) {
	route := op(http.MethodPost, "/id-tokens/import", identity.TokenWrite, "Import tokens from CSV or XLSX")
	route.Description = "The body is a CSV or XLSX file. Its first row names the columns: " + strings.Join(sheet.Names(ImportColumns), ", ") +
		". If a row is wrong nothing is stored, and the wrong ones are listed by number. Should the server fail while it stores the rows, " +
		"the problem says how many are stored; the same file sent again stores the others."
	route.MaxBody, route.Produces = importLimits.Bytes+1, "application/json"
	a.Raw(route, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done, err := s.Import(r.Context(), r.Body)
		if err != nil {
			a.Fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		// The client is gone when this fails; there is nobody to tell.
		_ = json.NewEncoder(w).Encode(done)
	}))
	empty := op(http.MethodGet, "/id-tokens/import-template", identity.TokenRead, "Download an empty token file to fill in: ?format=xlsx (default) or csv")
	empty.Produces = sheet.XLSX.MediaType()
	a.Raw(empty, a.Template("id-tokens", ImportColumns))
}
