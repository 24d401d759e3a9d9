package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Of a lost node more connections are ended than one statement takes, and each
// is told; of one that is back with a sign of life none is.
func TestAbandon(t *testing.T) {
	t.Parallel()
	const lost = abandonedTogether + 10
	pair(t, func(t *testing.T, a, _ *testNode) {
		err := a.db.Update(t.Context(), func(tx *db.Tx) error {
			for node, beat := range map[string]time.Time{"lost": {}, "back": tx.Now} {
				if _, err := tx.Exec("INSERT INTO gateway_node (node, started_at, beat_at) VALUES ($1, 1, $2)", node, db.Micros(beat)); err != nil {
					return err
				}
				_, err := tx.Exec(`INSERT INTO connection (station_key, station, org, site, node, epoch, version, remote_addr, host, security_profile, connected_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2) SELECT $1 || i, $1 || i, 'o', '', $1, 1, '1.6', '', '', 1, 1 FROM n`, node, lost)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		since := a.now().Add(-time.Minute)
		for _, node := range []string{"lost", "back"} {
			err := a.abandon(t.Context(), node, "lost", since, func(some []Connection) { a.tellGone(t.Context(), some) })
			if err != nil {
				t.Fatal(err)
			}
		}
		told := strings.Join(a.csms.lines(), "\n")
		if n := strings.Count(told, "disconnected lost"); n != lost {
			t.Errorf("%d of %d ends were told", n, lost)
		}
		if strings.Contains(told, "disconnected back") {
			t.Error("a living node was buried")
		}
		if nodes, err := a.store.silent(t.Context(), since); err != nil || len(nodes) > 0 {
			t.Errorf("silent: %v, %v", nodes, err)
		}
	})
}
