package event

import (
	"context"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Waiting tells how many facts each consumer has not taken yet, and how many
// subjects are parked. The numbers of facts have gaps on PostgreSQL, where a
// transaction that failed has used some: the count is then a little too high.
func (l *Log) Waiting(ctx context.Context) (byConsumer map[string]int64, parked int64, err error) {
	byConsumer = map[string]int64{}
	err = l.db.View(ctx, func(tx *db.Tx) error {
		clear(byConsumer)
		rows, err := tx.Query("SELECT consumer, (SELECT COALESCE(MAX(seq), 0) FROM fact) - seq FROM fact_cursor")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var n int64
			if err := rows.Scan(&name, &n); err != nil {
				return err
			}
			byConsumer[name] = max(n, 0) // an emptied table forgets its highest number
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return tx.QueryRow("SELECT COUNT(*) FROM fact_parked").Scan(&parked)
	})
	return byConsumer, parked, err
}
