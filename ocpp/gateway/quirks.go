package gateway

import (
	_ "embed"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

//go:embed quirks.json
var quirksJSON []byte

// QuirkTable is what stations in the field do, and to which of them a
// Tolerance applies. Nothing is tolerated of a station on the grounds of its
// row that could harm another: those rows match by vendor, model and firmware.
type QuirkTable struct{ rows []quirk }

type quirk struct {
	ocpp.Quirk
	tolerate ocpp.Tolerance
	match    []pattern
}

// pattern are globs as of path.Match, compared without case.
type pattern struct{ Vendor, Model, Firmware string }

func (p pattern) matches(m ocpp.Make) bool {
	return m.Known() && glob(p.Vendor, m.Vendor) && glob(p.Model, m.Model) && glob(p.Firmware, m.Firmware)
}

func glob(pattern, s string) bool {
	s = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "/", " ") // to path.Match a slash is an end
	ok, err := path.Match(strings.ToLower(pattern), s)
	return ok && err == nil
}

// Quirks gives the built-in table.
var Quirks = sync.OnceValues(func() (*QuirkTable, error) { return readQuirks(quirksJSON) })

func readQuirks(text []byte) (*QuirkTable, error) {
	var in []struct {
		ID, Stations, Versions, Category, Behaviour, Response, Source, Date, Switch, Applies string

		Match []pattern
		Shows []string
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "gateway.quirks", "the table of quirks cannot be read")
	}
	t := &QuirkTable{}
	for _, r := range in {
		q := quirk{match: r.Match, Quirk: ocpp.Quirk{ID: r.ID, Stations: r.Stations, Versions: r.Versions, Category: r.Category, Behaviour: r.Behaviour,
			Response: r.Response, Source: r.Source, Date: r.Date, Switch: r.Switch, Applies: r.Applies, Shows: r.Shows}}
		if r.Switch == "" {
			q.Applies = "everybody"
		} else if tolerate, ok := ocpp.ParseTolerance(r.Switch); ok {
			q.tolerate = tolerate
		} else {
			return nil, fault.New(fault.Internal, "gateway.quirks", "quirk %s: there is no switch %q", r.ID, r.Switch)
		}
		if !slices.Contains([]string{"everybody", "model", "switch"}, q.Applies) || (q.Applies == "model") != (len(q.match) > 0) {
			return nil, fault.New(fault.Internal, "gateway.quirks", "quirk %s: applies is %q with %d models", r.ID, q.Applies, len(q.match))
		}
		for _, p := range q.match {
			for _, g := range []string{p.Vendor, p.Model, p.Firmware} {
				if _, err := path.Match(g, ""); err != nil || g == "" {
					return nil, fault.New(fault.Internal, "gateway.quirks", "quirk %s: %q is no pattern", r.ID, g)
				}
			}
		}
		t.rows = append(t.rows, q)
	}
	return t, nil
}

// All gives every row.
func (t *QuirkTable) All() []ocpp.Quirk {
	out := make([]ocpp.Quirk, len(t.rows))
	for i := range t.rows {
		out[i] = t.rows[i].Quirk
	}
	return out
}

// Tolerated gives what applies to a station of this make without anybody
// having switched anything.
func (t *QuirkTable) Tolerated(m ocpp.Make) ocpp.Tolerance {
	var out ocpp.Tolerance
	for i := range t.rows {
		if r := &t.rows[i]; r.Applies == "everybody" || r.Applies == "model" && slices.ContainsFunc(r.match, func(p pattern) bool { return p.matches(m) }) {
			out |= r.tolerate
		}
	}
	return out
}

// Of gives the rows that name a make.
func (t *QuirkTable) Of(m ocpp.Make) []ocpp.Quirk {
	var out []ocpp.Quirk
	for i := range t.rows {
		if slices.ContainsFunc(t.rows[i].match, func(p pattern) bool { return p.matches(m) }) {
			out = append(out, t.rows[i].Quirk)
		}
	}
	return out
}

// tolerated is that with what a person has switched.
func (g *Gateway) tolerated(m ocpp.Make, a ocpp.Admission) ocpp.Tolerance {
	return (g.quirks.Tolerated(m) | a.On) &^ a.Off
}
