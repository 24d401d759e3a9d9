package session

import "time"

// The row of a session that sends often is not written with each reading: the
// readings are stored, and the state follows from them. The node that gets
// them keeps the state, and writes the row once in rowPause. Such a row says
// that it is stale, so that whoever else reads it to change it folds the
// session first, and it is due to be looked at when no more readings come.
const (
	rowPause = 2 * time.Second
	rowLook  = 5 * rowPause
)

// lag is how the row of a session stands to the state that this node keeps.
type lag struct {
	at  time.Time // when this node wrote the row; zero: it did not
	may bool      // the row says that it may be behind
}

// canLag reports whether the row need not be written now: it says already
// that it may be behind, and nothing but the live columns would change.
func (w *work) canLag(now time.Time) bool {
	return w.lag.may && now.Sub(w.lag.at) < rowPause && !w.fresh && !w.stale && !w.refolded && len(w.cut) == 0 && w.onlyLive(w.before)
}

// written notes that the row is written now. Readings of which the latest
// came a moment ago may be followed by more.
func (w *work) written(now time.Time) {
	w.lag = lag{at: now, may: !w.stale && w.State.Phase == Open && now.Sub(w.lag.at) < rowPause}
}

// lookAt is when the row is to be looked at. The column is indexed: it moves
// once in rowLook.
func (s *Session) lookAt() time.Time {
	if early := s.lag.at.Truncate(rowLook).Add(2 * rowLook); s.lag.may && (s.SettleAt.IsZero() || early.Before(s.SettleAt)) {
		return early
	}
	return s.SettleAt
}
