package station

import "time"

// Outage is a stretch of time in which a port could not serve a driver for a
// reason of its own or its connection's. It is read off the status history.
type Outage struct {
	EVSE  int
	Cause State // Unreachable or Faulted
	Start time.Time
	End   *time.Time // nil: it lasts
}

// outageCause tells whether a status is an outage: empty means no. Taken out
// of service by intent is down time for the regimes, but not an outage.
func outageCause(s Status) State {
	if s.State == Unreachable || s.State == Faulted {
		return s.State
	}
	return ""
}

// Change is one entry of a port's history: the state it took at an instant.
type Change struct {
	EVSE    int
	At      time.Time
	State   State
	OCPI    OCPI
	InUse   bool
	Suspect bool
	Session string
	Error   string // the error code the station sent with it

	from  State
	quiet bool // a gap in the connection that has not lasted yet: no fact
}

// Outages folds the history of one port (ascending) into its outages. Runs
// shorter than debounce are left out: a socket that returns within seconds
// is not an outage (field note 25). until is the instant of the reading.
func Outages(history []Change, until time.Time, debounce time.Duration) []Outage {
	var out []Outage
	var open *Outage
	end := func(at time.Time) {
		if open == nil {
			return
		}
		if at.Sub(open.Start) >= debounce {
			open.End = &at
			out = append(out, *open)
		}
		open = nil
	}
	for _, c := range history {
		cause := outageCause(Status{State: c.State})
		if open != nil && open.Cause == cause {
			continue
		}
		end(c.At)
		if cause != "" {
			open = &Outage{EVSE: c.EVSE, Cause: cause, Start: c.At}
		}
	}
	if open != nil && until.Sub(open.Start) >= debounce {
		out = append(out, *open)
	}
	return out
}
