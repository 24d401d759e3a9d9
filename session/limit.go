package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Limit is what a driver or the platform allowed a session from the start.
// Zero values mean no limit.
type Limit struct {
	Energy   unit.Energy
	Duration time.Duration
}

// reached reports whether the session is at its limit.
func (l Limit) reached(s State, now time.Time) bool {
	return l.Energy > 0 && s.Energy >= l.Energy || l.Duration > 0 && !s.StartedAt.IsZero() && now.Sub(s.StartedAt) >= l.Duration
}

// lowest gives what two limits allow together.
func (l Limit) lowest(o Limit) Limit {
	if l.Energy == 0 || o.Energy != 0 && o.Energy < l.Energy {
		l.Energy = o.Energy
	}
	if l.Duration == 0 || o.Duration != 0 && o.Duration < l.Duration {
		l.Duration = o.Duration
	}
	return l
}

// cap limits a new session to what the market of its site allows; the rule
// stays as it was at the start.
func (s *Service) cap(tx *db.Tx, w *work) error {
	if s.d.Cap == nil || !w.fresh || w.Site == "" {
		return nil
	}
	most, ok, err := s.d.Cap(tx, w.Site)
	if err == nil && ok {
		w.Limit = w.Limit.lowest(Limit{Energy: most})
	}
	return err
}
