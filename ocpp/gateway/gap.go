package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Gap is a time in which a node thinned its message log out.
type Gap struct {
	Node     string
	From, To time.Time
	Frames   int64 // left out, of all stations of the node
}

// gapEnds is how long nothing must be left out for a gap to have ended.
const gapEnds = 30 * time.Second

// gaps remembers what is left out of the log until it is stored.
type gaps struct {
	mu      sync.Mutex
	now     Gap // the present one; no frames: none
	written int64
	ended   []Gap // not stored yet, few
}

func (s *gaps) note(node string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.Frames > 0 && at.Sub(s.now.To) > gapEnds {
		s.end()
	}
	if s.now.Frames == 0 {
		s.now = Gap{Node: node, From: at}
	}
	s.now.To = at
	s.now.Frames++
}

// end closes the present gap. s.mu is held.
func (s *gaps) end() {
	if s.now.Frames > s.written && len(s.ended) < 1000 {
		s.ended = append(s.ended, s.now)
	}
	s.now, s.written = Gap{}, 0
}

// unstored gives what the table does not know yet.
func (s *gaps) unstored(now time.Time) []Gap {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.ended
	s.ended = nil
	if s.now.Frames > s.written {
		out = append(out, s.now)
		s.written = s.now.Frames
	}
	if s.now.Frames > 0 && now.Sub(s.now.To) > gapEnds {
		s.now, s.written = Gap{}, 0
	}
	return out
}

// again takes back what could not be stored.
func (s *gaps) again(all []Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(all, s.ended...)
}

// storeGaps writes what was left out since the last time. Called by one
// goroutine.
func (m *MessageLog) storeGaps(ctx context.Context, now time.Time) {
	all := m.gaps.unstored(now)
	if len(all) == 0 {
		return
	}
	err := m.g.db.Update(ctx, func(tx *db.Tx) error {
		for _, gap := range all {
			err := tx.Send(`INSERT INTO message_gap (node, from_at, to_at, frames) VALUES ($1, $2, $3, $4)
				ON CONFLICT (node, from_at) DO UPDATE SET to_at = excluded.to_at, frames = excluded.frames`,
				gap.Node, db.Micros(gap.From), db.Micros(gap.To), gap.Frames)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		m.gaps.again(all)
		m.g.logger.Warn("gaps of the message log are not recorded yet", "err", err)
	}
}

// mostGaps are given at once.
const mostGaps = 200

// Gaps lists when the log was thinned out within a time, the latest first.
func (m *MessageLog) Gaps(ctx context.Context, from, to time.Time) (list []Gap, err error) {
	err = m.g.db.View(ctx, func(tx *db.Tx) error {
		list, err = db.Collect(tx, func(row db.Scanner) (Gap, error) {
			var g Gap
			var from, to int64
			err := row.Scan(&g.Node, &from, &to, &g.Frames)
			g.From, g.To = db.Time(from), db.Time(to)
			return g, err
		}, `SELECT node, from_at, to_at, frames FROM message_gap WHERE to_at >= $1 AND from_at <= $2 ORDER BY from_at DESC, node LIMIT $3`,
			db.Micros(from), db.Micros(to), mostGaps)
		return err
	})
	return list, err
}
