package station

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// joinRest gathers connections: when a network comes back they open by the
// hundred a second.
const joinRest = 80 * time.Millisecond

// Connected takes note of an open connection. A late call for an older
// connection changes nothing: the higher epoch wins.
func (s *Service) Connected(ctx context.Context, p ocpp.Peer) error {
	s.forgetFailures(p)
	return s.joins.Add(ctx, change{station: p.Station, at: s.now(), do: func(t *tree) { t.connect(p, s.now()) }})
}

func (t *tree) connect(p ocpp.Peer, now time.Time) {
	if p.Epoch < t.Epoch || p.Epoch == t.Epoch && t.Connected {
		return
	}
	t.quiet = !t.Announced
	at := p.ConnectedAt
	if at.IsZero() {
		at = now
	}
	t.Connected, t.Epoch, t.Protocol, t.RemoteAddr = true, p.Epoch, string(p.Version), p.RemoteAddr
	t.ConnectedAt, t.LastSeenAt = &at, &now
	if t.LinkProfile = p.SecurityProfile; t.LinkProfile >= 2 { // a password that nobody asked for proves nothing
		t.Proven = max(t.Proven, t.LinkProfile)
	}
	if t.Announced {
		t.Announced = false
		t.facts = append(t.facts, fact{KindConnected, Connection{Since: at, Protocol: string(p.Version), RemoteAddr: p.RemoteAddr}})
	}
}

// Disconnected takes note of a closed connection, unless a newer one is open.
func (s *Service) Disconnected(ctx context.Context, p ocpp.Peer, reason string) {
	at := ocpp.Received(ctx)
	if at.IsZero() {
		at = s.now()
	}
	err := s.leaves.Add(ctx, change{p.Station, at, func(t *tree) { t.disconnect(p.Epoch, at) }})
	if err != nil { // the sweep for silence finds it
		s.d.Log.Warn("a disconnection was not stored", "station", p.Station, "reason", reason, "error", err)
	}
}

// disconnect marks the gap at once; facts wait until it has lasted.
func (t *tree) disconnect(epoch int64, at time.Time) {
	if epoch != t.Epoch || !t.Connected {
		return
	}
	t.quiet = true
	t.Connected, t.GoneAt = false, &at
	for i := range t.EVSEs {
		t.EVSEs[i].Power = 0
	}
}

type seen struct {
	station string // key
	epoch   int64
	at      time.Time
}

// Seen stores signs of life.
func (s *Service) Seen(ctx context.Context, signs ...ocpp.Sign) error {
	rows := make([]seen, len(signs))
	for i, one := range signs {
		rows[i] = seen{ID(one.Peer.Station).Key(), one.Peer.Epoch, one.At}
	}
	return s.lives.Add(ctx, rows...)
}

// storeSeen writes signs of life; a station that was taken for silent on
// this very connection is back.
func (s *Service) storeSeen(tx *db.Tx, batch []seen) error {
	back, err := touch(tx, batch)
	if err != nil || len(back) == 0 {
		return err
	}
	return s.flush(tx, back)
}

var heardColumns = cols("station:t connection:i at:i")

// noteHeard stores what is in heard.
var noteHeard = fmt.Sprintf(`UPDATE charging_station SET last_seen_at = heard.at, silent_at = CASE WHEN heartbeat * 2000000 > %d
		THEN (heard.at / (heartbeat * 500000) + 4) * (heartbeat * 500000) ELSE (heard.at / %d + 4) * %[2]d END
	FROM heard WHERE key = heard.station AND epoch = heard.connection AND (last_seen_at IS NULL OR last_seen_at < heard.at)
	RETURNING key, connected`, minSilence/time.Microsecond, minSilence/4/time.Microsecond)

// touch notes when the stations were last heard of, with one statement, and
// gives the changes for those that were taken for silent. An older connection
// and a station that is gone are passed over. For silent_at see silentAt.
func touch(tx *db.Tx, batch []seen) (back []change, err error) {
	latest := make(map[string]seen, len(batch)) // one row is updated once
	for _, one := range batch {
		if was, ok := latest[one.station]; !ok || one.epoch > was.epoch || one.epoch == was.epoch && one.at.After(was.at) {
			latest[one.station] = one
		}
	}
	order := slices.Sorted(maps.Keys(latest)) // as lockTrees does
	rows := make([][]any, len(order))
	for i, key := range order {
		one := latest[key]
		rows[i] = []any{one.station, one.epoch, db.Micros(one.at)}
	}
	q, err := db.Given(tx, db.Table{Name: "heard", Cols: heardColumns, Rows: rows})
	if err != nil {
		return nil, err
	}
	query, args := q.Add(noteHeard).SQL()
	found, err := db.Collect(tx, func(row db.Scanner) (key string, err error) {
		var connected bool
		if err = row.Scan(&key, &connected); connected {
			key = ""
		}
		return key, err
	}, query, args...)
	for _, key := range found {
		if key != "" {
			one := latest[key]
			back = append(back, change{key, one.at, func(t *tree) { t.revive(one.epoch, one.at) }})
		}
	}
	return back, err
}

// revive undoes silence: the socket was never closed.
func (t *tree) revive(epoch int64, at time.Time) {
	if epoch != t.Epoch || t.Connected {
		return
	}
	t.quiet = !t.Announced
	t.Connected, t.LastSeenAt = true, &at
	if t.Announced {
		t.Announced = false
		t.facts = append(t.facts, fact{KindConnected, Connection{Since: at, Protocol: t.Protocol, RemoteAddr: t.RemoteAddr}})
	}
}

const (
	sweepBatch = 500 // stations that a sweep finds at once,
	sweepPiece = 50  // and changes in one transaction

	sweepPage = 5000                   // stations that it looks through at once on PostgreSQL,
	sweepRest = 100 * time.Millisecond // and then rests
)

// sweepSilent finds connected stations from which nothing was heard for
// longer than Silence: a dead socket, or a node that was killed.
func (s *Service) sweepSilent(ctx context.Context) error {
	return s.sweep(ctx, "connected AND silent_at < $1",
		func(now time.Time) int64 { return db.Micros(now) },
		func(t *tree, now time.Time) {
			if !t.Connected || t.LastSeenAt == nil || now.Sub(*t.LastSeenAt) <= Silence(t.Heartbeat) {
				return
			}
			t.disconnect(t.Epoch, now)
		})
}

// sweepGone announces stations that stayed away for longer than the
// debounce: one fact for the station and one per port (field note 25).
func (s *Service) sweepGone(ctx context.Context) error {
	return s.sweep(ctx, "NOT announced AND disconnected_at < $1 AND NOT connected",
		func(now time.Time) int64 { return db.Micros(now.Add(-s.d.Debounce)) },
		func(t *tree, now time.Time) {
			if t.Connected || t.Announced || t.GoneAt == nil || now.Sub(*t.GoneAt) < s.absence(&t.Station) {
				return
			}
			t.Announced = true
			t.facts = append(t.facts, fact{KindDisconnected, Connection{Since: *t.GoneAt, Protocol: t.Protocol, RemoteAddr: t.RemoteAddr}})
			for _, e := range t.EVSEs {
				if e.RemovedAt == nil && e.Status.State == Unreachable {
					c := Change{EVSE: e.EVSE, At: e.Since, State: e.Status.State, OCPI: e.Status.OCPI, InUse: e.Status.InUse, Session: e.Session}
					t.facts = append(t.facts, fact{KindStatusChanged, c.payload()})
				}
			}
		})
}

// sweep has do look at the stations for which a condition on limit holds.
func (s *Service) sweep(ctx context.Context, where string, limit func(time.Time) int64, do func(*tree, time.Time)) error {
	for last := ""; ; {
		var ids []ID
		var next string
		err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
			ids, next, err = sweepable(tx, where, limit(s.now()), last) // do may leave some as they are
			return err
		})
		if err != nil {
			return err
		}
		now := s.now()
		changes := make([]change, len(ids))
		for i, id := range ids {
			changes[i] = change{string(id), now, func(t *tree) { do(t, now) }}
		}
		for piece := range slices.Chunk(changes, sweepPiece) {
			if err := s.leaves.Add(ctx, piece...); err != nil {
				return err
			}
		}
		if last = next; last == "" || !s.rests(ctx) {
			return ctx.Err()
		}
	}
}

// rests waits between pages on PostgreSQL; false when ctx ends meanwhile.
func (s *Service) rests(ctx context.Context) bool {
	if s.d.DB.Dialect() == db.SQLite {
		return true
	}
	timer := time.NewTimer(sweepRest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// sweepable gives stations behind last for which the condition holds, and from
// where to go on; "" at the end. SQLite has indexes for it. On PostgreSQL one
// would be written with every sign of life, and all others with it, so the
// table is read in its order, in pages: in one go PostgreSQL read 100,000
// stations with three processes for 190 ms, while all else waited.
func sweepable(tx *db.Tx, where string, limit int64, last string) (ids []ID, next string, err error) {
	if tx.Dialect == db.SQLite {
		ids, err = db.Collect(tx, scanID, "SELECT id FROM charging_station WHERE "+where+" AND id > $3 ORDER BY id LIMIT $2", limit, sweepBatch, last)
		if len(ids) == sweepBatch {
			next = string(ids[sweepBatch-1])
		}
		return ids, next, err
	}
	_, err = db.Collect(tx, func(row db.Scanner) (id ID, err error) {
		var end bool
		if err = row.Scan(&id, &end); end {
			next = string(id)
		} else {
			ids = append(ids, id)
		}
		return id, err
	}, fmt.Sprintf(`WITH page AS MATERIALIZED (SELECT id, connected, announced, silent_at, disconnected_at
		FROM charging_station WHERE id > $2 ORDER BY id LIMIT %d)
	SELECT id, FALSE FROM page WHERE %s UNION ALL SELECT MAX(id), TRUE FROM page HAVING COUNT(*) = %[1]d`, sweepPage, where), limit, last)
	return ids, next, err
}

func scanID(row db.Scanner) (id ID, err error) {
	err = row.Scan(&id)
	return id, err
}

// host gives the address without the port.
func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}
