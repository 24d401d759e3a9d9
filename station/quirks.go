package station

import (
	"context"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// QuirkTable is what stations in the field do; gateway.QuirkTable.
type QuirkTable interface {
	All() []ocpp.Quirk
	// Tolerated gives what applies to a make without anybody's doing.
	Tolerated(ocpp.Make) ocpp.Tolerance
	// Of gives the rows that name a make.
	Of(ocpp.Make) []ocpp.Quirk
}

func (s *Service) tolerated(m ocpp.Make, on, off ocpp.Tolerance) ocpp.Tolerance {
	if s.d.Quirks != nil {
		on |= s.d.Quirks.Tolerated(m)
	}
	return on &^ off
}

// Tolerance is what is tolerated of a station, for another room: by its make
// and by what people switched.
func (s *Service) Tolerance(tx *db.Tx, station string) (ocpp.Tolerance, error) {
	st, err := s.Get(tx, station)
	if err != nil {
		return 0, err
	}
	return s.tolerated(st.saidMake(), st.Tolerate, st.Refuse), nil
}

func (st *Station) saidMake() ocpp.Make {
	return ocpp.Make{Vendor: st.Vendor, Model: st.Model, Firmware: st.Firmware}
}

// slowReturn is how long some makes may need to come back.
const slowReturn = 15 * time.Minute

// absence is how long a station may be gone before it is reported offline.
func (s *Service) absence(st *Station) time.Duration {
	if s.tolerated(st.saidMake(), st.Tolerate, st.Refuse).Has(ocpp.TolerateSlowReturn) {
		return max(s.d.Debounce, slowReturn)
	}
	return s.d.Debounce
}

// Switch is a tolerance as it stands for one station.
type Switch struct {
	Name   string
	On     bool
	Forced *bool // what a person said; nil: as the table says
	Rows   []ocpp.Quirk
}

// Quirks is what is known of the quirks of one station.
type Quirks struct {
	Station  Station
	Switches []Switch
	Known    []ocpp.Quirk // rows about its make
	Seen     []Deviation  // what it did
}

// Quirks reads the quirks of a station: what is tolerated of it, and what it
// did.
func (s *Service) Quirks(ctx context.Context, id ID) (Quirks, error) {
	v, err := s.Read(ctx, id)
	if err != nil {
		return Quirks{}, err
	}
	out := Quirks{Station: v.Station, Seen: v.Deviations}
	var all []ocpp.Quirk
	if s.d.Quirks != nil {
		all = s.d.Quirks.All()
		out.Known = s.d.Quirks.Of(v.Station.saidMake())
	}
	on := s.tolerated(v.Station.saidMake(), v.Tolerate, v.Refuse)
	for _, name := range ocpp.Tolerances() {
		t, _ := ocpp.ParseTolerance(name)
		w := Switch{Name: name, On: on.Has(t)}
		if v.Tolerate.Has(t) || v.Refuse.Has(t) {
			forced := v.Tolerate.Has(t)
			w.Forced = &forced
		}
		for _, q := range all {
			if q.Switch == name {
				w.Rows = append(w.Rows, q)
			}
		}
		out.Switches = append(out.Switches, w)
	}
	return out, nil
}

// Tolerate switches a tolerance on or off for one station, or leaves it to
// the table again (nil). It is in force from the next boot or connection on.
func (s *Service) Tolerate(ctx context.Context, id ID, name string, on *bool) error {
	t, ok := ocpp.ParseTolerance(name)
	if !ok {
		return fault.New(fault.NotFound, "station.quirk", "there is no switch %q; there are %v", clipped(name), ocpp.Tolerances())
	}
	_, err := s.edit(ctx, id, "station.quirk", func(_ identity.Caller, _ *db.Tx, st *tree) error {
		if st.Life == Retired {
			return unknown(id)
		}
		st.Tolerate &^= t
		st.Refuse &^= t
		switch {
		case on == nil:
		case *on:
			st.Tolerate |= t
		default:
			st.Refuse |= t
		}
		return nil
	})
	return err
}

// ids lists the rows of a switch.
func (w *Switch) ids() []string {
	out := make([]string, 0, len(w.Rows))
	for _, q := range w.Rows {
		out = append(out, q.ID)
	}
	return slices.Compact(out)
}
