package station

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// How long the room keeps what is of no more use.
const (
	keepKnocks   = 30 * 24 * time.Hour
	keepSwitches = 30 * 24 * time.Hour
)

func (s *Service) tidy(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		for _, t := range []struct {
			query  string
			before time.Time
		}{
			{"DELETE FROM adhoc_token WHERE expires_at < $1", tx.Now.Add(-time.Hour)},
			{"DELETE FROM knocking_station WHERE last_at < $1", tx.Now.Add(-keepKnocks)},
			{"DELETE FROM station_switch WHERE at < $1", tx.Now.Add(-keepSwitches)},
		} {
			if err := tx.Send(t.query, db.Micros(t.before)); err != nil {
				return err
			}
		}
		return nil
	})
}
