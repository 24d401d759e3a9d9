package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// What no car on the market does; above it a person should look. The limits
// are those that the European data checks use (EVUDS: 2 880 min, 250 kWh,
// 110 % of the rating).
const (
	emptyEnergy   = 50 * unit.WattHour // a contactor and a meter's noise
	longestCharge = 48 * time.Hour
	largestCharge = 250 * unit.KiloWattHour
	ratingMargin  = 110 // per cent
	ratingSpan    = 5 * time.Minute
)

// empty reports that a meter is there and shows no charge. A socket without
// a meter always shows zero: that says nothing.
func (s State) empty() bool { return s.Memory.Metered && s.Energy < emptyEnergy }

// ghost reports that the session claims to charge and nothing has flowed
// since its start, at the instant now. A car that says itself that it wants
// nothing, or that waits for its turn, is no ghost.
func (s State) ghost(now time.Time, after time.Duration) bool {
	claims := s.Charging == Flowing || s.Charging == Unknown
	return s.Phase == Open && after > 0 && s.Readings > 1 && claims && s.empty() && now.Sub(s.StartedAt) >= after
}

// suspicions are the flags of a finished session that no car explains.
// rating is what the port can deliver; 0: not known.
func (s State) suspicions(rating unit.Watts) (f Flag) {
	if s.empty() && s.Readings > 1 {
		f |= NoEnergy
	}
	if s.EndedAt.Sub(s.StartedAt) > longestCharge {
		f |= VeryLong
	}
	if s.Energy > largestCharge {
		f |= VeryLarge
	}
	if d := s.EnergyEndedAt.Sub(s.EnergyStartedAt); rating > 0 && d >= ratingSpan && s.Energy.Over(d) > rating*ratingMargin/100 {
		f |= OverRating
	}
	return f
}

// settledMarks are decided when a session is settled, each time anew.
const settledMarks = NoEnergy | VeryLong | VeryLarge | OverRating | Overlapping

// suspect sets the flags of a session that is being settled.
func (s *Service) suspect(tx *db.Tx, w *work) error {
	var rating unit.Watts
	if s.d.Rating != nil && w.State.EVSE != 0 {
		var err error
		if rating, err = s.d.Rating(tx, w.Station, w.State.EVSE); err != nil {
			return err
		}
	}
	w.Marks = w.Marks&^settledMarks | w.State.suspicions(rating)
	twin, err := overlapping(tx, w.Session)
	if err == nil && twin {
		w.Marks |= Overlapping
	}
	return err
}

// overlapping reports whether another session on the EVSE counts the same
// turn of the register in the same time.
func overlapping(tx *db.Tx, r *Session) (bool, error) {
	st := &r.State
	if st.EVSE == 0 || st.Energy <= jitter || !st.Memory.Meter.Channel.register() {
		return false, nil
	}
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM session WHERE station = $1 AND evse = $2 AND id <> $3 AND incarnation = $4
		AND started_at >= $5 AND started_at < $6 AND (ended_at IS NULL OR ended_at > $7)
		AND meter_start_mwh < $8 AND meter_stop_mwh > $9 AND energy_mwh > $10`,
		r.Station, int64(st.EVSE), string(r.ID), r.Incarnation, db.Micros(st.StartedAt.Add(-longestCharge)), db.Micros(st.EndedAt), db.Micros(st.StartedAt),
		int64(st.MeterStop-jitter), int64(st.MeterStart+jitter), int64(jitter)).Scan(&n)
	return n > 0, err
}

// ghosts flags a session that claims to charge without any energy, and has
// the station end it when the policy says so.
func (s *Service) ghosts(tx *db.Tx, w *work) error {
	if w.State.Phase != Open {
		return nil
	}
	if w.Marks &^= NoEnergy; w.State.ghost(tx.Now, s.d.Config.GhostAfter) {
		w.Marks |= NoEnergy
	}
	refused := s.d.Config.StopRefused && w.State.Flags&Refused != 0
	if w.Marks&StopAsked != 0 || !refused && !w.State.ghost(tx.Now, s.d.Config.GhostEnd) {
		return nil
	}
	w.Marks |= StopAsked
	return job.Enqueue(tx, job.Job{Kind: jobStop, Key: string(w.ID), Org: w.Org, Payload: wish{Session: w.ID}})
}

// ghostDue is when a running session is next looked at for being a ghost;
// zero when it is none.
func (w *work) ghostDue(c Config) time.Time {
	st := &w.State
	switch {
	case c.GhostAfter > 0 && w.Marks&NoEnergy == 0 && st.ghost(st.StartedAt.Add(c.GhostAfter), c.GhostAfter):
		return st.StartedAt.Add(c.GhostAfter)
	case c.GhostEnd > 0 && w.Marks&StopAsked == 0 && st.ghost(st.StartedAt.Add(c.GhostEnd), c.GhostEnd):
		return st.StartedAt.Add(c.GhostEnd)
	}
	return time.Time{}
}
