package billing

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/tariff"
)

// HeldState is what became of a price that was held back.
type HeldState string

const (
	Waiting  HeldState = "held"
	Released HeldState = "released" // a person let it be billed
	Replaced HeldState = "replaced" // the session was settled anew
)

// Held is a price that the quote shown at the start does not explain. Nothing
// is billed until a person releases it, or the session is settled anew.
type Held struct {
	ID       string
	Org      identity.OrgID
	Site     string
	Station  string
	Session  session.ID
	Revision int64
	State    HeldState
	Excl     money.Amount // as it would be billed
	Incl     money.Amount
	Quoted   [2]money.Amount // before and after tax, by the quote's formula
	Reasons  []string
	HeldAt   time.Time
	EndedAt  *time.Time
	Actor    string
	Note     string

	settled string
}

// Facts about prices that are held back; the subject is the session.
const (
	KindHeld     = "billing.cdr_held"     // payload HeldBack: somebody should look
	KindReleased = "billing.cdr_released" // payload HeldBack
)

// HeldBack tells of a price that is held back or was released.
type HeldBack struct {
	ID         string       `json:"id"`
	Session    session.ID   `json:"session_id"`
	Revision   int64        `json:"revision"`
	Excl       money.Amount `json:"cost_excl"`
	Incl       money.Amount `json:"cost_incl"`
	QuotedIncl money.Amount `json:"quoted_incl"`
	Reasons    []string     `json:"reasons"`
	Note       string       `json:"note,omitempty"`
}

const heldColumns = `h.id, h.org, h.site, h.station, h.session, h.revision, h.state, h.currency, h.excl, h.incl, h.quoted_excl, h.quoted_incl,
	h.reasons, h.settled, h.held_at, h.ended_at, h.actor, h.note`

var heldSpec = db.ListSpec{
	Base:    "SELECT " + heldColumns + " FROM cdr_held h WHERE",
	Default: "-held_at",
	Key:     "h.id",
	Fields: []db.Field{
		{Name: "id", Column: "h.id", Kind: db.Text, Filter: true},
		{Name: "state", Column: "h.state", Kind: db.Enum, Sort: true, Filter: true, Allowed: []string{string(Waiting), string(Released), string(Replaced)}},
		{Name: "session_id", Column: "h.session", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "h.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "site", Column: "h.site", Kind: db.Text, Sort: true, Filter: true},
		{Name: "station_id", Column: "h.station", Kind: db.Text, Sort: true, Filter: true},
		{Name: "held_at", Column: "h.held_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanHeld(row db.Scanner) (Held, error) {
	var h Held
	var currency, reasons string
	var excl, incl, quotedExcl, quotedIncl, held int64
	var ended sql.NullInt64
	err := row.Scan(&h.ID, (*string)(&h.Org), &h.Site, &h.Station, (*string)(&h.Session), &h.Revision, (*string)(&h.State), &currency,
		&excl, &incl, &quotedExcl, &quotedIncl, &reasons, &h.settled, &held, &ended, &h.Actor, &h.Note)
	if err != nil {
		return h, err
	}
	of := func(v int64) money.Amount {
		return money.Amount{Micros: money.Micro(v), Currency: money.Currency(currency)}
	}
	h.Excl, h.Incl, h.Quoted = of(excl), of(incl), [2]money.Amount{of(quotedExcl), of(quotedIncl)}
	h.HeldAt, h.EndedAt = db.Time(held), db.TimePtr(ended)
	return h, json.Unmarshal([]byte(reasons), &h.Reasons)
}

// hold keeps a settled session from being billed, and tells of it.
func (s *Service) hold(tx *db.Tx, f session.Finished, cost, quoted tariff.Cost, breaches []string) error {
	settled, err := json.Marshal(f)
	if err != nil {
		return err
	}
	reasons, err := json.Marshal(breaches)
	if err != nil {
		return err
	}
	h := Held{ID: id.New[string](tx.Now), Org: identity.OrgID(f.Org), Site: f.Site, Station: f.Station, Session: f.ID, Revision: f.Revision, State: Waiting,
		Excl: cost.Excl, Incl: cost.Incl, Quoted: [2]money.Amount{quoted.Excl, quoted.Incl}, Reasons: breaches, HeldAt: tx.Now}
	if err = tx.Send(`INSERT INTO cdr_held (id, org, site, station, session, revision, state, currency, excl, incl, quoted_excl, quoted_incl,
		reasons, settled, held_at, actor, note) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,'','')`,
		h.ID, f.Org, h.Site, h.Station, string(h.Session), h.Revision, string(h.State), string(cost.Currency), int64(cost.Excl.Micros), int64(cost.Incl.Micros),
		int64(quoted.Excl.Micros), int64(quoted.Incl.Micros), string(reasons), string(settled), db.Micros(tx.Now)); err != nil {
		return err
	}
	s.d.Log.Error("a price is held back: the quote does not explain it", "org", f.Org, "station", f.Station, "session", f.ID, "reasons", breaches)
	return s.tell(tx, KindHeld, h)
}

func (s *Service) tell(tx *db.Tx, kind string, h Held) error {
	return event.Record(tx, event.Fact{Org: string(h.Org), Site: h.Site, Station: h.Station, Subject: string(h.Session), Kind: kind},
		HeldBack{ID: h.ID, Session: h.Session, Revision: h.Revision, Excl: h.Excl, Incl: h.Incl, QuotedIncl: h.Quoted[1], Reasons: h.Reasons, Note: h.Note})
}

// lastHeld gives the highest revision of a session that was held back; 0: none.
func lastHeld(tx *db.Tx, s session.ID) (n int64, err error) {
	err = tx.QueryRow(`SELECT COALESCE(MAX(revision), 0) FROM cdr_held WHERE session = $1`, string(s)).Scan(&n)
	return n, err
}

// replaceHeld ends what is held of earlier revisions.
func replaceHeld(tx *db.Tx, s session.ID) error {
	return tx.Send(`UPDATE cdr_held SET state = $1, ended_at = $2 WHERE session = $3 AND state = $4`,
		string(Replaced), db.Micros(tx.Now), string(s), string(Waiting))
}

// ListHeld pages through the prices held back that the caller may see.
func (s *Service) ListHeld(ctx context.Context, req db.ListRequest) (out []Held, next string, err error) {
	c, err := identity.Require(ctx, identity.CDRRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		out, next, err = db.List(tx, heldSpec, []db.Cond{c.Scope.Where("h.org")}, req, scanHeld)
		return err
	})
	return out, next, err
}

// Release has a price billed that was held back. note says why.
func (s *Service) Release(ctx context.Context, held, note string) (out Held, err error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return out, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		text, args := db.Build("SELECT "+heldColumns+" FROM cdr_held h WHERE h.id = ?", held).And(c.Scope.Where("h.org")).SQL()
		if out, err = scanHeld(tx.QueryRow(text, args...)); fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "cdr.held_unknown", "there is no held price %q", held)
		} else if err != nil {
			return err
		}
		if out.State != Waiting {
			return fault.New(fault.Conflict, "cdr.held_state", "The price is %s already.", out.State)
		}
		var f session.Finished
		if err := json.Unmarshal([]byte(out.settled), &f); err != nil {
			return fault.Wrap(fault.Internal, err, "cdr.held", "the session of held price %s cannot be read", held)
		}
		now := tx.Now
		out.State, out.EndedAt, out.Actor, out.Note = Released, &now, c.Actor(), note
		if err := tx.Send(`UPDATE cdr_held SET state = $1, ended_at = $2, actor = $3, note = $4 WHERE id = $5`,
			string(Released), db.Micros(now), out.Actor, note, out.ID); err != nil {
			return err
		}
		if err := s.bill(tx, f, true); err != nil {
			return err
		}
		if err := identity.Audit(ctx, tx, identity.Entry{Org: out.Org, Action: KindReleased, Subject: string(out.Session),
			Changes: map[string]identity.Change{"state": {string(Waiting), string(Released)}, "note": {"", note}}}); err != nil {
			return err
		}
		return s.tell(tx, KindReleased, out)
	})
	return out, err
}
