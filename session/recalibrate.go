package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// setClock stores the clock of a station. What open sessions were told live
// before it was measured is corrected too: a station that marks its local
// time as UTC shows itself only after some messages, and would otherwise have
// started its first session hours ago.
func (s *Service) setClock(tx *db.Tx, p ocpp.Peer, c Clock) error {
	if err := storeClock(tx, p.Org, p.Station, c); err != nil || !c.Known {
		return err
	}
	open, err := openAt(tx, p.Station, 0)
	if err != nil {
		return err
	}
	for _, r := range open {
		n, err := reskew(tx, r.ID, c.Skew)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		w := workOn(&r)
		if err := w.refold(tx); err != nil {
			return err
		}
		if err := s.conclude(tx, w, w.HeardAt); err != nil {
			return err
		}
	}
	return nil
}

// reskew applies a measured skew to what was stored with another one, as far
// as its own times show that it was heard live. It gives how many rows it
// changed.
func reskew(tx *db.Tx, id ID, skew time.Duration) (int64, error) {
	us, near := skew.Microseconds(), 2*clockSpread.Microseconds()
	first := plausibleClock.UnixMicro()
	n, err := tx.Exec(`UPDATE session_event SET skew_us = $2, at = station_at + $2, offline = $5 WHERE session = $1 AND skew_us <> $2
		AND station_at >= $4 AND received_at - station_at - $2 BETWEEN $6 AND $3`, string(id), us, near, first, false, -near)
	if err != nil {
		return n, err
	}
	more, err := tx.Exec(`UPDATE meter_sample SET skew_us = $2, at = station_at + $2 WHERE stream = $1 AND skew_us <> $2
		AND station_at >= $4 AND received_at - station_at - $2 BETWEEN $5 AND $3`, string(id), us, near, first, -near)
	return n + more, err
}
