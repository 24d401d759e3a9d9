package session

import (
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/tariff"
)

// The session that every quote prices as an example: 20 kWh in an hour, then
// half an hour connected.
const (
	exampleEnergy   = 20 * unit.KiloWattHour
	exampleCharging = time.Hour
	exampleParking  = 30 * time.Minute
)

// Quote is what a driver was shown when the session began: the formula of its
// price, and what an example costs by it. It never changes.
type Quote struct {
	Version  tariff.VersionID           `json:"tariff_version"`
	Tariff   tariff.ID                  `json:"tariff"`
	Number   int                        `json:"number"`
	Currency money.Currency             `json:"currency"`
	Shown    map[tariff.Language]string `json:"shown"` // the sentence
	Zone     string                     `json:"time_zone"`
	At       time.Time                  `json:"at"` // of the example
	Context  tariff.Context             `json:"context"`
	Excl     money.Micro                `json:"example_excl_micros"`
	Incl     money.Micro                `json:"example_incl_micros"`
}

// Example prices the quote's example by a tariff version.
func (q Quote) Example(t tariff.Tariff) (tariff.Cost, error) {
	zone, err := time.LoadLocation(q.Zone)
	if err != nil {
		return tariff.Cost{}, fault.Wrap(fault.Internal, err, "session.quote", "the time zone %q of a quote is not known", q.Zone)
	}
	u := tariff.Quote{Start: q.At, Energy: exampleEnergy, Charging: exampleCharging, Parking: exampleParking}.Usage()
	return tariff.Price(t, u, zone, q.Context), nil
}

// quoteOf makes the quote of a session.
func quoteOf(v *tariff.Version, zone *time.Location, at time.Time, c tariff.Context) (Quote, error) {
	q := Quote{Version: v.ID, Tariff: v.Tariff.ID, Number: v.Number, Currency: v.Tariff.Currency, Zone: zone.String(), At: at.UTC(), Context: c,
		Shown: map[tariff.Language]string{}}
	for _, l := range tariff.Languages {
		q.Shown[l] = v.Tariff.Sentence(l)
	}
	example, err := q.Example(v.Tariff)
	q.Excl, q.Incl = example.Excl.Micros, example.Incl.Micros
	return q, err
}

// quote stores what the driver is shown, when the tariff is locked.
func (s *Service) quote(tx *db.Tx, w *work, v *tariff.Version) error {
	zone, err := s.zone(tx, w.Session)
	if err != nil {
		return err
	}
	c, err := s.driver(tx, w.Session)
	if err != nil {
		return err
	}
	q, err := quoteOf(v, zone, w.State.StartedAt, c)
	if err != nil {
		return err
	}
	text, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return tx.Send(`INSERT INTO session_quote (session, org, version, quote, created_at) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (session) DO NOTHING`, string(w.ID), w.Org, string(v.ID), string(text), db.Micros(tx.Now))
}

// storedQuote gives the quote of a session; nil: there is none.
func storedQuote(tx *db.Tx, id ID) (*Quote, error) {
	var text string
	err := tx.QueryRow(`SELECT quote FROM session_quote WHERE session = $1`, string(id)).Scan(&text)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var q Quote
	if err := json.Unmarshal([]byte(text), &q); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "session.quote", "the quote of session %s cannot be read", id)
	}
	return &q, nil
}

// driver is what a price depends on at the start: who charges, and where.
func (s *Service) driver(tx *db.Tx, r *Session) (c tariff.Context, err error) {
	if s.d.Groups != nil {
		if c.Groups, err = s.d.Groups(tx, r.Org, r.State.Token.Value, r.State.StartedAt); err != nil {
			return c, err
		}
	}
	if s.d.Rating != nil && r.State.EVSE != 0 {
		c.Rated, err = s.d.Rating(tx, r.Station, r.State.EVSE)
	}
	return c, err
}

// holder is whose allowances a session uses: the driver's, else the token's.
func (r *Session) holder() string {
	switch {
	case r.Driver != "":
		return "driver/" + r.Driver
	case r.TokenRef != "":
		return "token/" + r.TokenRef
	case r.State.Token.Value != "":
		return "card/" + r.State.Token.Value
	}
	return ""
}

// formula gives the inputs of a session's price: those of its start, which
// stay, and what the holder has used up by now.
func (s *Service) formula(tx *db.Tx, r *Session, v *tariff.Version) (tariff.Context, error) {
	q, err := storedQuote(tx, r.ID)
	if err != nil {
		return tariff.Context{}, err
	}
	var c tariff.Context
	if q != nil {
		c = q.Context
	}
	return s.d.Tariffs.Counted(tx, v, r.holder(), string(r.ID), c)
}

func (s *Service) zone(tx *db.Tx, r *Session) (*time.Location, error) {
	if s.d.Zone == nil {
		return time.UTC, nil
	}
	return s.d.Zone(tx, r.Org, r.Site)
}

// pricedFacts adds to a usage what else the tariff asks for.
func (s *Service) pricedFacts(tx *db.Tx, r *Session, t *tariff.Tariff, u *tariff.Usage) error {
	var err error
	if t.AsksSoC() {
		if u.SoC, err = socOf(tx, r.ID); err != nil {
			return err
		}
	}
	if t.AsksWaiting() && s.d.Waiting != nil && r.State.EVSE != 0 {
		u.Waiting, err = s.d.Waiting(tx, r.Station, r.State.EVSE, u.Start, u.End)
	}
	return err
}

// socOf gives what the vehicle told of its battery during a session.
func socOf(tx *db.Tx, id ID) ([]tariff.SoCReading, error) {
	return db.Collect(tx, func(row db.Scanner) (tariff.SoCReading, error) {
		p, err := scanSample(row)
		return tariff.SoCReading{At: p.Time(), SoC: p.Reading.SoC}, err
	}, `SELECT `+sampleFields+` FROM meter_sample WHERE stream = $1 AND soc_mpct IS NOT NULL ORDER BY station_at, seq, digest`, string(id))
}
