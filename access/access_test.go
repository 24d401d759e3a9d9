package access

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

var testStart = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

type house struct {
	t          *testing.T
	d          *db.DB
	clock      *schematest.Clock
	s          *Service
	id         *identity.Service
	root, a, b string
	ctx        context.Context
	facts      []event.Fact
	log        *event.Log
}

func each(t *testing.T, fn func(h *house)) {
	t.Helper()
	t.Parallel()
	schematest.EachAt(t, testStart, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := &house{t: t, d: d, clock: clock, id: identity.New(identity.Deps{DB: d})}
		first, _, err := h.id.Bootstrap(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		h.root = string(first.Organisation)
		h.ctx = identity.System(context.Background(), first.Organisation)
		for _, o := range []*string{&h.a, &h.b} {
			made, err := h.id.CreateOrganisation(h.ctx, identity.Organisation{Name: "Depot", Parent: first.Organisation})
			if err != nil {
				t.Fatal(err)
			}
			*o = string(made.ID)
		}
		h.s = New(Deps{DB: d})
		h.log = event.New(d, nil, "test", nil)
		h.log.Consume(event.Consumer{Name: "test", Kinds: []string{KindCreated, KindChanged, KindBlocked, KindDeleted},
			Handle: func(_ *db.Tx, f event.Fact) error { h.facts = append(h.facts, f); return nil }})
		fn(h)
	})
}

func (h *house) add(t IdToken) IdToken {
	h.t.Helper()
	made, err := h.s.Create(h.ctx, t)
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

func (h *house) ask(a Ask) Decision {
	h.t.Helper()
	if a.Org == "" {
		a.Org = h.root
	}
	if a.Station == "" {
		a.Station = "CS1"
	}
	if a.At.IsZero() {
		a.At = h.clock.Now()
	}
	var d Decision
	if err := h.d.Update(h.ctx, func(tx *db.Tx) (err error) { d, err = h.s.Decide(tx, a); return err }); err != nil {
		h.t.Fatal(err)
	}
	return d
}

func read(value, typ string) ocpp.IdToken { return ocpp.IdToken{IdToken: value, Type: typ} }

func (h *house) told() (kinds []string) {
	h.t.Helper()
	if err := h.log.CatchUp(h.ctx); err != nil {
		h.t.Fatal(err)
	}
	for _, f := range h.facts {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestRule(t *testing.T) {
	t.Parallel()
	past, future := testStart.Add(-time.Hour), testStart.Add(time.Hour)
	for name, c := range map[string]struct {
		in   Case
		want ocpp.AuthorizationStatusEnum
	}{
		"known":                          {Case{Token: &IdToken{Status: Active}, Max: 1}, "Accepted"},
		"nobody's":                       {Case{Max: 1}, "Unknown"},
		"nobody's, free for all":         {Case{Open: true, Max: 1}, "Accepted"},
		"nobody's, asked for by us":      {Case{Granted: true, Max: 1}, "Accepted"},
		"no authorisation wanted":        {Case{Type: TypeNoAuthorization}, "Accepted"},
		"blocked":                        {Case{Token: &IdToken{Status: Blocked}, Max: 1}, "Blocked"},
		"blocked, free for all":          {Case{Token: &IdToken{Status: Blocked}, Open: true, Max: 1}, "Blocked"},
		"blocked, asked for by us":       {Case{Token: &IdToken{Status: Blocked}, Granted: true, Max: 1}, "Blocked"},
		"lost":                           {Case{Token: &IdToken{Status: Lost}, Max: 1}, "Blocked"},
		"expired":                        {Case{Token: &IdToken{Status: Active, Expiry: &past}, Max: 1}, "Expired"},
		"expired, free for all":          {Case{Token: &IdToken{Status: Active, Expiry: &past}, Open: true, Max: 1}, "Accepted"},
		"not expired yet":                {Case{Token: &IdToken{Status: Active, Expiry: &future}, Max: 1}, "Accepted"},
		"in use":                         {Case{Token: &IdToken{Status: Active}, Busy: 1, Max: 1}, "ConcurrentTx"},
		"in use, two allowed":            {Case{Token: &IdToken{Status: Active}, Busy: 1, Max: 2}, "Accepted"},
		"in use, but honoured offline":   {Case{Token: &IdToken{Status: Active}, Busy: 1, Max: 1, Offline: true}, "Accepted"},
		"blocked, though it was offline": {Case{Token: &IdToken{Status: Blocked}, Max: 1, Offline: true}, "Blocked"},
	} {
		c.in.At = testStart
		if got := Rule(c.in); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestMatchAndTypes(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"20:69:c0:21", "2069C021", "20-69-C0-21", " 2069 c021"} {
		if Match(v) != "2069C021" {
			t.Errorf("%q matches as %q", v, Match(v))
		}
	}
	for _, c := range []struct {
		stored, read string
		want         bool
	}{{"ISO14443", "", true}, {"ISO14443", "ISO15693", true}, {"ISO14443", "Central", true}, {"eMAID", "ISO14443", false}, {"eMAID", "EMAID", true}, {"KeyCode", "Local", false}} {
		if sameType(c.stored, c.read) != c.want {
			t.Errorf("%s read as %s: %v", c.stored, c.read, !c.want)
		}
	}
}

func TestDecideWhoseTokenCounts(t *testing.T) {
	each(t, func(h *house) {
		h.add(IdToken{Value: "ROOT"})
		h.add(IdToken{Value: "OF-A", Org: h.a})
		h.add(IdToken{Value: "SHARED", Org: h.a})
		h.add(IdToken{Value: "SHARED", Org: h.b, Status: Blocked})
		for _, c := range []struct {
			token, org string
			want       ocpp.AuthorizationStatusEnum
		}{
			{"root", h.a, "Accepted"}, // of the organisation above
			{"of:a", h.root, "Accepted"},
			{"ofa", h.a, "Accepted"},
			{"OF-A", h.b, "Unknown"}, // of a sister
			{"shared", h.a, "Accepted"},
			{"shared", h.b, "Blocked"},
			{"nobody", h.root, "Unknown"},
		} {
			if got := h.ask(Ask{Org: c.org, Token: read(c.token, "")}); got.Status != c.want {
				h.t.Errorf("%s at a station of %s: %s, want %s", c.token, c.org, got.Status, c.want)
			}
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	each(t, func(h *house) {
		h.add(IdToken{Value: "A"})
		take := func(use, station string, evse int) ocpp.AuthorizationStatusEnum {
			return h.ask(Ask{Token: read("A", ""), Use: use, Station: station, EVSE: evse, Take: true}).Status
		}
		if got := take("s1", "CS1", 1); got != "Accepted" {
			h.t.Fatal(got)
		}
		if got := take("s1", "CS1", 1); got != "Accepted" {
			h.t.Fatalf("again for the same session: %s", got)
		}
		if got := take("s2", "CS2", 1); got != "ConcurrentTx" {
			h.t.Fatalf("elsewhere: %s", got)
		}
		if got := take("s3", "CS1", 2); got != "ConcurrentTx" {
			h.t.Fatalf("at the next port: %s", got)
		}
		if got := h.ask(Ask{Token: read("A", ""), Station: "CS1"}).Status; got != "Accepted" {
			h.t.Fatalf("shown at the same station, to stop: %s", got)
		}
		if err := h.d.Update(h.ctx, func(tx *db.Tx) error { return h.s.Release(tx, "s1") }); err != nil {
			h.t.Fatal(err)
		}
		var wg sync.WaitGroup
		got := make([]ocpp.AuthorizationStatusEnum, 10)
		for i := range got {
			wg.Go(func() {
				a := Ask{Org: h.root, Token: read("A", ""), Use: fmt.Sprint("p", i), Station: fmt.Sprint("P", i), EVSE: 1, Take: true, At: testStart}
				if err := h.d.Update(h.ctx, func(tx *db.Tx) error {
					d, err := h.s.Decide(tx, a)
					got[i] = d.Status
					return err
				}); err != nil {
					h.t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := count(got, "Accepted"); n != 1 {
			h.t.Fatalf("%d of ten at once were accepted: %v", n, got)
		}
	})
}

func count(all []ocpp.AuthorizationStatusEnum, s ocpp.AuthorizationStatusEnum) (n int) {
	for _, v := range all {
		if v == s {
			n++
		}
	}
	return n
}

func TestAuthorizeTellsGroupAndCache(t *testing.T) {
	each(t, func(h *house) {
		soon := testStart.Add(time.Hour)
		h.add(IdToken{Value: "A", Group: "FLEET", Expiry: &soon})
		r, err := h.s.Authorize(h.ctx, ocpp.Peer{Org: h.root, Station: "CS1", Version: ocpp.V16}, &ocpp.AuthorizeRequest{IdToken: read("a", "")})
		if err != nil {
			h.t.Fatal(err)
		}
		i := r.IdTokenInfo
		if i.Status != "Accepted" || i.GroupIdToken.IdToken != "FLEET" || !i.CacheExpiryDateTime.Equal(soon) {
			h.t.Fatalf("%+v", i)
		}
	})
}

// Each question of a station is a decision in the histogram, and nothing is
// written for it.
func TestAuthorizeIsTimedAndOnlyReads(t *testing.T) {
	each(t, func(h *house) {
		h.add(IdToken{Org: h.root, Value: "a", Type: "ISO14443"})
		r := prometheus.NewRegistry()
		s := New(Deps{DB: h.d, Metrics: r})
		for _, token := range []string{"a", "b"} {
			if _, err := s.Authorize(h.ctx, ocpp.Peer{Org: h.root, Station: "CS1", Version: ocpp.V16}, &ocpp.AuthorizeRequest{IdToken: read(token, "")}); err != nil {
				h.t.Fatal(err)
			}
		}
		all, err := r.Gather()
		if err != nil || len(all) != 1 || all[0].GetName() != "forecourt_authorize_decision_seconds" || all[0].GetMetric()[0].GetHistogram().GetSampleCount() != 2 {
			h.t.Errorf("%v, %v", all, err)
		}
		err = h.d.View(h.ctx, func(tx *db.Tx) error {
			var used sql.NullInt64
			if err := tx.QueryRow("SELECT MAX(last_used_at) FROM id_token").Scan(&used); err != nil || used.Valid {
				h.t.Errorf("a use at %v, %v", used, err)
			}
			return nil
		})
		if err != nil {
			h.t.Error(err)
		}
	})
}

func TestOpenAccess(t *testing.T) {
	each(t, func(h *house) {
		stranger := func(station string) ocpp.AuthorizationStatusEnum {
			return h.ask(Ask{Token: read("WHO", ""), Station: station}).Status
		}
		yes, no := true, false
		h.s.d.StationOrg = func(context.Context, *db.Tx, string) (string, error) { return h.root, nil }
		steps := []struct {
			station string
			open    *bool
			cs1     ocpp.AuthorizationStatusEnum
			cs2     ocpp.AuthorizationStatusEnum
		}{{"", &yes, "Accepted", "Accepted"}, {"CS1", &no, "Unknown", "Accepted"}, {"", nil, "Unknown", "Unknown"}, {"CS1", &yes, "Accepted", "Unknown"}, {"CS1", nil, "Unknown", "Unknown"}}
		for i, step := range steps {
			if err := h.s.SetOpen(h.ctx, step.station, step.open); err != nil {
				h.t.Fatal(err)
			}
			if a, b := stranger("CS1"), stranger("CS2"); a != step.cs1 || b != step.cs2 {
				h.t.Fatalf("step %d: %s and %s", i, a, b)
			}
		}
	})
}

func TestBlockingIsTold(t *testing.T) {
	each(t, func(h *house) {
		h.add(IdToken{Value: "A-1"})
		if _, err := h.s.Change(h.ctx, "a1", func(t *IdToken) { t.Status = Blocked; t.Value = "other" }); err != nil {
			h.t.Fatal(err)
		}
		if _, err := h.s.Change(h.ctx, "A1", func(t *IdToken) { t.Status = Active }); err != nil {
			h.t.Fatal(err)
		}
		if err := h.s.Delete(h.ctx, "A-1"); err != nil {
			h.t.Fatal(err)
		}
		if got := h.told(); !slices.Equal(got, []string{KindCreated, KindBlocked, KindChanged, KindDeleted}) {
			h.t.Fatalf("%v", got)
		}
		if !strings.Contains(string(h.facts[1].Data), `"revoked":true`) || !strings.Contains(string(h.facts[1].Data), `"id_token":"A-1"`) {
			h.t.Fatalf("%s", h.facts[1].Data)
		}
	})
}

func TestTokensAreOnlyVisibleFromAbove(t *testing.T) {
	each(t, func(h *house) {
		h.add(IdToken{Value: "OF-A", Org: h.a})
		inB := identity.System(context.Background(), identity.OrgID(h.b))
		if _, err := h.s.Read(inB, "OF-A"); !fault.Is(err, fault.NotFound) {
			h.t.Fatalf("a sister reads it: %v", err)
		}
		if all, _, err := h.s.List(inB, db.ListRequest{}); err != nil || len(all) != 0 {
			h.t.Fatalf("a sister lists %d, %v", len(all), err)
		}
		if err := h.s.Delete(inB, "OF-A"); !fault.Is(err, fault.NotFound) {
			h.t.Fatalf("a sister deletes it: %v", err)
		}
		if _, err := h.s.Create(inB, IdToken{Value: "X", Org: h.a}); !fault.Is(err, fault.Invalid) {
			h.t.Fatalf("a sister adds one: %v", err)
		}
		if all, _, err := h.s.List(h.ctx, db.ListRequest{}); err != nil || len(all) != 1 {
			h.t.Fatalf("from above: %d, %v", len(all), err)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	each(t, func(h *house) {
		h.add(IdToken{Value: "AA:BB"})
		if _, err := h.s.Create(h.ctx, IdToken{Value: "aabb"}); !fault.Is(err, fault.Conflict) {
			h.t.Fatalf("the same token again: %v", err)
		}
		zero := 0
		_, err := h.s.Create(h.ctx, IdToken{Value: " - ", Type: "Carrier pigeon", Status: "fine", MaxSessions: &zero})
		if f := fault.Of(err); f == nil || len(f.Fields) != 4 {
			h.t.Fatalf("%v", err)
		}
	})
}

func TestImport(t *testing.T) {
	each(t, func(h *house) {
		h.add(IdToken{Value: "OLD", Group: "KEEP"})
		done, err := h.s.Import(h.ctx, strings.NewReader("\ufeffid_token;type;status;expiry;max_sessions\r\nOLD;;blocked;;\r\nNEW-1;eMAID;active;2027-01-31;3\r\n"))
		if err != nil || done.Created != 1 || done.Changed != 1 {
			h.t.Fatalf("%+v %v", done, err)
		}
		old, err := h.s.Read(h.ctx, "old")
		if err != nil || old.Status != Blocked || old.Group != "KEEP" {
			h.t.Fatalf("%+v %v", old, err)
		}
		made, err := h.s.Read(h.ctx, "new1")
		if err != nil || made.Type != "eMAID" || *made.MaxSessions != 3 || !made.Expiry.Equal(time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)) {
			h.t.Fatalf("%+v %v", made, err)
		}
		_, err = h.s.Import(h.ctx, strings.NewReader("id_token,status,expiry,organisation\nGOOD,active,,\nBAD,sleeping,,\n,active,,\nX,active,tomorrow,\nY,active,,nowhere\n"))
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Invalid {
			h.t.Fatalf("%v", err)
		}
		var at []string
		for _, field := range f.Fields {
			at = append(at, field.Location)
		}
		if !slices.Equal(at, []string{"row 3 column status", "row 4 column id_token", "row 5 column expiry", "row 6 column organisation"}) {
			h.t.Fatalf("%v", at)
		}
		if _, err := h.s.Read(h.ctx, "GOOD"); !fault.Is(err, fault.NotFound) {
			h.t.Fatalf("a good row of a bad file was stored: %v", err)
		}
		for _, file := range []string{"", "id_token\n", "colour\nX\n", "id_token,id_token\nX,Y\n", "id_token\n\"X\n"} {
			if _, err := h.s.Import(h.ctx, strings.NewReader(file)); !fault.Is(err, fault.Invalid) {
				h.t.Errorf("%q: %v", file, err)
			}
		}
	})
}

// A large file is stored in portions: what cannot be finished is told, and
// the same file sent again does the rest and says nothing twice.
func TestImportGoesOnWhereItEnded(t *testing.T) {
	each(t, func(h *house) {
		var file strings.Builder
		file.WriteString("id_token,driver\n")
		for i := range 2*importChunk + 50 {
			fmt.Fprintf(&file, "CARD-%04d,one\n", i)
		}
		asked := 0
		h.s.d.KnowsDriver = func(*db.Tx, string, string) (bool, error) { // the driver is deleted meanwhile
			asked++
			return asked <= 2*importChunk+50+importChunk+10, nil
		}
		_, err := h.s.Import(h.ctx, strings.NewReader(file.String()))
		f := fault.Of(err)
		if f == nil || f.Code != "token.import_unfinished" || f.Kind != fault.Invalid ||
			!strings.HasPrefix(f.Message, fmt.Sprintf("%d of %d rows are stored", importChunk, 2*importChunk+50)) || len(f.Fields) == 0 {
			h.t.Fatalf("%v", err)
		}
		h.s.d.KnowsDriver = nil
		done, err := h.s.Import(h.ctx, strings.NewReader(file.String()))
		if err != nil || done.Created != importChunk+50 || done.Unchanged != importChunk || done.Changed != 0 {
			h.t.Fatalf("%+v %v", done, err)
		}
		if done, err = h.s.Import(h.ctx, strings.NewReader("id_token,type\ncard 0001,eMAID\nTwice,\ntwice,eMAID\n")); err != nil || done.Created != 1 || done.Changed != 2 {
			h.t.Fatalf("%+v %v", done, err)
		}
		if got, want := len(h.told()), 2*importChunk+50+3; got != want {
			h.t.Errorf("%d facts, want %d", got, want)
		}
	})
}
