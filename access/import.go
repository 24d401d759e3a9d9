package access

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
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
	Created int `json:"created"`
	Changed int `json:"changed"`

	Notes []sheet.Note `json:"notes" nullable:"false" doc:"Taken, but worth a look; the first hundred"`
}

// Import reads tokens from CSV or XLSX and stores all of them, or none: every
// wrong row is reported by its number. A token that the organisation has
// already is changed in the columns that the file has.
func (s *Service) Import(ctx context.Context, file io.Reader) (Imported, error) {
	var done Imported
	c, err := identity.Require(ctx, identity.TokenWrite)
	if err != nil {
		return done, err
	}
	table, err := sheet.Read(file, ImportColumns, importLimits)
	if err != nil {
		return done, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		done = Imported{}
		bad := sheet.NewErrors("token.import")
		for _, r := range table.Rows {
			if err := s.importRow(ctx, tx, c, row{r}, &done, bad); err != nil {
				return err
			}
		}
		return bad.Err()
	})
	done.Notes = append([]sheet.Note{}, table.Notes...)
	return done, err
}

// row is a row of the file.
type row struct{ sheet.Row }

func (s *Service) importRow(ctx context.Context, tx *db.Tx, c identity.Caller, r row, done *Imported, bad *sheet.Errors) error {
	edit, err := r.edit()
	if err != nil {
		return bad.Take(err)
	}
	org, err := identity.Place(ctx, tx, identity.OrgID(r.Get("organisation")))
	if err != nil {
		return bad.Take(relocate(err, r.At("organisation")))
	}
	same, err := tokensByMatch(tx, Match(r.Get("id_token")))
	if err != nil {
		return err
	}
	for _, t := range same {
		if t.Org == string(org) {
			done.Changed++
			_, err := s.change(ctx, tx, t, edit, r.At)
			return bad.Take(err)
		}
	}
	t := IdToken{Org: string(org), Value: r.Get("id_token")}
	edit(&t)
	done.Created++
	return bad.Take(s.create(ctx, tx, &t, r.At))
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
		". Either all rows are stored or none; wrong ones are listed by number."
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
