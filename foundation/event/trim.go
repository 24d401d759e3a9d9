package event

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

const trimStep = 2000 // facts removed in one transaction

// Trim removes facts older than before that every consumer has passed and no
// parked subject waits for, and gives their number. The newest fact stays.
func (l *Log) Trim(ctx context.Context, before time.Time) (removed int64, err error) {
	for {
		var n int64
		err := l.db.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Exec(`DELETE FROM fact WHERE seq IN (SELECT seq FROM fact WHERE at < $1
				AND seq < (SELECT COALESCE(MAX(seq), 0) FROM fact)
				AND seq <= (SELECT COALESCE(MIN(seq), 0) FROM fact_cursor)
				AND seq < (SELECT COALESCE(MIN(seq), 9223372036854775807) FROM fact_parked) ORDER BY seq LIMIT $2)`,
				db.Micros(before), trimStep)
			return err
		})
		removed += n
		if err != nil || n < trimStep {
			return removed, err
		}
	}
}
