package event

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// lookahead is how many numbers one look at the table covers.
const lookahead = 5000

// gapPause is the first pause before a gap is looked at again; it doubles up
// to the poll interval.
const gapPause = 5 * time.Millisecond

// horizon knows the number up to which every fact is settled: committed and
// visible, or never to come.
type horizon struct {
	db *db.DB

	mu      sync.Mutex
	started bool
	seq     int64
	at      int64 // the wakes when the last look began, plus one; 0: none
	gap     *gap
	pause   time.Duration
}

// gap is what was known when a missing number was first seen: every number
// below top was drawn by a transaction with an id below bound.
type gap struct{ top, bound int64 }

// look advances the horizon, unless nothing can have come since the last
// look: wakes counts what may have brought something. again is when to look
// next because of a gap; zero when there is none.
func (h *horizon) look(ctx context.Context, wakes *atomic.Int64) (seq int64, again time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := wakes.Load() + 1 // before the look: what wakes during it is for the next one
	if h.at == at && h.gap == nil {
		return h.seq, 0, nil
	}
	h.at = 0
	err = h.db.View(ctx, func(tx *db.Tx) error {
		if !h.started {
			// What a consumer has passed was settled then.
			if err := tx.QueryRow("SELECT COALESCE(MAX(seq), 0) FROM fact_cursor").Scan(&h.seq); err != nil {
				return err
			}
			h.started = true
		}
		if tx.Dialect == db.SQLite {
			// One writer: numbers become visible in their order. Rows may
			// have been removed by Trim, never the sequence.
			return tx.QueryRow("SELECT COALESCE(MAX(seq), $1) FROM fact", h.seq).Scan(&h.seq)
		}
		return h.lookPostgres(tx)
	})
	if err == nil {
		h.at = at
	}
	if err != nil || h.gap == nil {
		h.pause = 0
		return h.seq, 0, err
	}
	h.pause = min(max(2*h.pause, gapPause), poll)
	return h.seq, h.pause, nil
}

// lookPostgres works on one snapshot: View is repeatable read.
func (h *horizon) lookPostgres(tx *db.Tx) error {
	for {
		var xmin int64
		seqs, err := db.Collect(tx, func(s db.Scanner) (seq int64, err error) {
			err = s.Scan(&seq, &xmin)
			return seq, err
		}, `SELECT seq, pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM fact WHERE seq > $1 ORDER BY seq LIMIT $2`, h.seq, lookahead)
		if err != nil {
			return err
		}
		if len(seqs) == 0 {
			h.gap = nil
			return nil
		}
		if top := h.advance(seqs, xmin); top > 0 {
			// Our own id, taken now, is above every id given out so far. The
			// snapshot's xmax would not do: it is only the first id above the
			// last one that ended, and ids above it may be at work already.
			var bound int64
			if err := tx.QueryRow("SELECT pg_current_xact_id()::text::bigint").Scan(&bound); err != nil {
				return err
			}
			h.gap = &gap{top, bound}
			return nil
		}
		if h.gap != nil || len(seqs) < lookahead {
			return nil
		}
	}
}

// advance moves the horizon over the visible numbers, all above it. When that
// leaves a gap not known yet it gives the highest number seen.
func (h *horizon) advance(seqs []int64, xmin int64) (top int64) {
	if h.gap != nil && xmin >= h.gap.bound {
		h.seq = max(h.seq, h.gap.top)
		h.gap = nil
	}
	for _, seq := range seqs {
		if seq == h.seq+1 {
			h.seq = seq
		}
	}
	top = seqs[len(seqs)-1]
	switch {
	case top <= h.seq:
		h.gap = nil
	case h.gap == nil || h.gap.top <= h.seq:
		return top
	}
	return 0
}
