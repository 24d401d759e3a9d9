package simulator

import (
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// purpose orders charging profiles the way OCPP does: a station-wide
// ceiling, a default for every transaction, one transaction's own.
type purpose uint8

const (
	stationMax purpose = iota
	txDefault
	txOwn
)

// profile is a stored charging profile in version-free form.
type profile struct {
	id, stack, evse int // evse 0 means every EVSE (txDefault) or the station (stationMax)
	purpose         purpose
	transaction     string // txOwn only; empty means the running one
	from, to        time.Time
	every           time.Duration // recurrence: a day or a week; zero for none
	start           time.Time     // zero: relative to the transaction's start
	duration        time.Duration // zero: no end
	inWatts         bool
	periods         []period
	told            ocpp.ChargingProfile // as 2.x set it
}

// period is a limit that holds from an offset until the next.
type period struct {
	offset time.Duration
	limit  int64 // milliamperes or watts
	phases int
}

// at gives the period in force; ok is false where the profile says nothing.
func (p *profile) at(now, txStart time.Time) (period, bool) {
	if !p.from.IsZero() && now.Before(p.from) || !p.to.IsZero() && !now.Before(p.to) {
		return period{}, false
	}
	start := p.start
	if start.IsZero() {
		start = txStart
	}
	since := now.Sub(start)
	if since < 0 && p.every == 0 || start.IsZero() {
		return period{}, false
	}
	if p.every > 0 {
		since = ((since % p.every) + p.every) % p.every
	}
	if p.duration > 0 && since >= p.duration {
		return period{}, false
	}
	var in period
	ok := false
	for _, q := range p.periods {
		if q.offset > since {
			break
		}
		in, ok = q, true
	}
	return in, ok
}

// limitAt gives what the stored profiles allow an EVSE: the highest stack
// level with something to say of the transaction's own profiles, else of the
// defaults, and never more than the station's ceiling. hardware is the limit
// without any profile, per phase.
func (m *machine) limitAt(e *EVSE, now time.Time) unit.MilliAmps {
	own, found := m.highest(txOwn, e, now)
	if !found {
		own, found = m.highest(txDefault, e, now)
	}
	limit := e.config.MaxAmps
	if found {
		limit = min(limit, own)
	}
	if ceiling, ok := m.highest(stationMax, e, now); ok {
		limit = min(limit, ceiling/unit.MilliAmps(max(1, m.busy(now))))
	}
	return max(0, limit)
}

func (m *machine) highest(kind purpose, e *EVSE, now time.Time) (unit.MilliAmps, bool) {
	best, bestStack := unit.MilliAmps(0), -1
	for i := range m.profiles {
		p := &m.profiles[i]
		if p.purpose != kind || p.evse != 0 && p.evse != e.config.ID || p.stack <= bestStack {
			continue
		}
		var began time.Time
		if e.tx != nil {
			began = e.tx.started
			if kind == txOwn && p.transaction != "" && p.transaction != e.tx.id {
				continue
			}
		} else if kind == txOwn {
			continue
		}
		if in, ok := p.at(now, began); ok {
			best, bestStack = p.amps(in, e), p.stack
		}
	}
	return best, bestStack >= 0
}

func (p *profile) amps(in period, e *EVSE) unit.MilliAmps {
	if !p.inWatts {
		return unit.MilliAmps(in.limit)
	}
	phases := in.phases
	if phases == 0 {
		phases = e.config.Phases
	}
	return unit.MilliAmps(in.limit * 1000 / volts / int64(max(1, phases)))
}

// busy counts the EVSEs that share a station-wide ceiling.
func (m *machine) busy(time.Time) int {
	n := 0
	for _, e := range m.evses {
		if e.tx != nil {
			n++
		}
	}
	return n
}

// store keeps a profile, replacing one with the same id or the same place in
// the stack, as OCPP 2.0.1 K01.FR.05 and 1.6 §5.16 want.
func (m *machine) store(p profile) {
	m.profiles = slices.DeleteFunc(m.profiles, func(q profile) bool {
		return q.id == p.id || q.purpose == p.purpose && q.stack == p.stack && q.evse == p.evse && q.transaction == p.transaction
	})
	m.profiles = append(m.profiles, p)
}

// clear removes matching profiles and says whether there were any.
func (m *machine) clear(match func(profile) bool) bool {
	before := len(m.profiles)
	m.profiles = slices.DeleteFunc(m.profiles, match)
	return len(m.profiles) < before
}

// composite lists the limits of the next duration where they change.
func (m *machine) composite(e *EVSE, now time.Time, d time.Duration) []period {
	var out []period
	for at := time.Duration(0); at < d; at += time.Second {
		limit := int64(m.limitAt(e, now.Add(at)))
		if len(out) == 0 || out[len(out)-1].limit != limit {
			out = append(out, period{offset: at, limit: limit, phases: e.config.Phases})
		}
		if d > 2*time.Hour { // whole minutes are fine enough for a long look ahead
			at += 59 * time.Second
		}
	}
	return out
}
