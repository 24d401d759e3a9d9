package gateway

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp/rpc"
)

// MessageLog keeps every frame of every station, for people to search.
type MessageLog struct {
	g     *Gateway
	limit int
	node  int64 // ten bits of every id

	mu      sync.Mutex
	queue   []entry
	spare   []entry // to be the next queue: empty, with the room of an earlier one
	taken   int     // out of the queue and not written yet
	bytes   int
	sampled int64     // left out since the last start
	since   time.Time // when the last sampling began
	warned  time.Time
	closed  bool
	more    chan struct{} // has room for one: something waits
	done    chan struct{}

	lastID int64       // run's alone,
	brief  *db.Portion // as this
	gaps   gaps
}

// entry is one frame on its way to the table.
type entry struct {
	id, at    int64
	org       string
	station   string
	epoch     int64
	direction string
	frame     string // type
	action    string
	messageID string
	text      []byte
	size      int // of the text as it came
}

const (
	logLeast   = 125                    // rows per transaction; on SQLite as many as are brief,
	logPieces  = 32                     // and more when that would make more pieces
	logMost    = 3000                   // but never more than that
	logFew     = 500                    // at most, while that makes few pieces
	logUrgent  = .125                   // of the queue, above which no piece yields,
	logLarge   = 8                      // and they are as few as that
	logSpare   = 4096                   // entries for which room is kept
	logBytes   = 64 << 20               // of text waiting
	logLinger  = 250 * time.Millisecond // rows gather that long,
	logBusy    = 200                    // and when they are so many then
	logGather  = time.Second            // that long
	logRetry   = time.Second
	sampleFrom = .75 // of the queue; above it only a part is kept
	sampleKeep = 8   // one of so many frames
)

func newMessageLog(g *Gateway) *MessageLog {
	h := fnv.New32a()
	h.Write([]byte(g.node))
	return &MessageLog{g: g, limit: g.config.LogQueue, node: int64(h.Sum32() & 0x3ff), brief: db.NewPortion(g.db, logLeast, logFew), more: make(chan struct{}, 1), done: make(chan struct{})}
}

// nextID gives increasing numbers that sort by time: 41 bits of milliseconds,
// 10 of the node, 12 of a counter. Frames are numbered as they are written:
// those of a station in their order, of different ones not quite. at is in
// microseconds.
func (m *MessageLog) nextID(at int64) int64 {
	id := at/1000<<22 | m.node<<12
	if id <= m.lastID {
		id = m.lastID + 1
	}
	m.lastID = id
	return id
}

// frame takes a frame in and never blocks. text must not be changed later.
func (m *MessageLog) frame(l *link, direction string, f *rpc.Frame, text []byte, at time.Time) {
	l.mu.Lock()
	org, epoch := l.peer.Org, l.peer.Epoch
	l.mu.Unlock()
	kind := f.Type.String()
	if kind == "" {
		kind = "unreadable"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	waiting := len(m.queue) + m.taken
	full := waiting >= m.limit || m.bytes+len(text) > logBytes
	tight := m.full(waiting) >= sampleFrom || m.g.pressure.level.Load() >= thinLog
	if m.closed || full || tight && rand.IntN(sampleKeep) != 0 {
		m.drop(at)
		return
	}
	m.queue = append(m.queue, entry{
		at: db.Micros(at), size: len(text), org: org, station: l.key, epoch: epoch, direction: direction,
		frame: kind, action: f.Action, messageID: f.ID, text: text,
	})
	m.bytes += len(text)
	select {
	case m.more <- struct{}{}:
	default:
	}
}

func (m *MessageLog) drop(at time.Time) {
	m.sampled++
	m.g.metrics.logDropped.Inc()
	m.gaps.note(m.g.node, at)
	if at.Sub(m.warned) > time.Minute {
		m.warned, m.since = at, at
		m.g.logger.Warn("the message log is sampled: more frames come than can be written", "left_out", m.sampled)
	}
}

// Sampled tells how many frames were left out under pressure since the node
// started, and when that was last noticed; a page that shows the log says so.
func (m *MessageLog) Sampled() (frames int64, last time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sampled, m.since
}

// share is how full the queue is, of 1.
func (m *MessageLog) share() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.full(len(m.queue) + m.taken)
}

// full is how full the queue is with so many frames, in number or in bytes.
func (m *MessageLog) full(waiting int) float64 {
	return max(float64(waiting)/float64(m.limit), float64(m.bytes)/logBytes)
}

func (m *MessageLog) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.queue) + m.taken
}

// take gives what waits. It counts as waiting until it is written.
func (m *MessageLog) take() []entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.queue
	m.queue, m.spare = m.spare, nil // its array goes with what was taken
	m.taken += len(all)
	return all
}

func (m *MessageLog) written(part []entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken -= len(part)
	for i := range part {
		m.bytes -= part[i].size
		part[i] = entry{} // may be freed before the rest is written
	}
}

// giveBack keeps the array of what was taken, which is written by now.
func (m *MessageLog) giveBack(all []entry) {
	if cap(all) > logSpare {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spare = all[:0]
}

// run writes until close.
func (m *MessageLog) run() {
	for {
		select {
		case <-m.more:
		case <-m.done:
			for m.flush(context.Background()) {
			}
			return
		}
		m.gather()
		m.flush(context.Background())
	}
}

// gather waits for more to come. A busy node waits longer: then the frames of
// a station are neighbours in the table and in its index, and a page is
// written once for many of them.
func (m *MessageLog) gather() {
	for range logGather / logLinger {
		select {
		case <-time.After(logLinger):
		case <-m.done:
			return
		}
		if n := m.waiting(); n < logBusy || n*4 > m.limit {
			return
		}
	}
}

// flush writes what waits, in pieces that yield to whom a station waits for.
// Each waits for a commit of its own, so where much waits they are larger, and
// yield no more: else the log fell behind, and frames would be left out. It
// tells whether there was something and all of it was written.
func (m *MessageLog) flush(ctx context.Context) bool {
	pieces := logPieces
	if m.share() < logUrgent {
		ctx = db.Yielding(ctx)
	} else {
		pieces = logLarge
	}
	all := m.take()
	defer m.giveBack(all)
	some := len(all) > 0
	slices.SortStableFunc(all, func(a, b entry) int { return strings.Compare(a.station, b.station) })
	for i := range all {
		all[i].id = m.nextID(all[i].at)
		all[i].text = redact(all[i].text)
	}
	for least := min(len(all)/pieces, logMost); len(all) > 0; {
		part := all[:min(max(m.brief.Size(), least), len(all))]
		all = all[len(part):]
		ok := m.write(ctx, part)
		m.written(part)
		if !ok {
			return false
		}
	}
	return some
}

// write stores a piece. A database that is away is tried again, while the
// queue fills and sampling begins; at the end it is tried only once. A frame
// that the database refuses is given up, not the others.
func (m *MessageLog) write(ctx context.Context, part []entry) bool {
	for {
		err := m.g.db.Update(ctx, m.brief.Of(len(part), func(tx *db.Tx) error { return insertEntries(tx, part) }))
		switch {
		case err == nil:
			m.g.metrics.logWritten.Add(float64(len(part)))
			return true
		case !fault.Is(err, fault.Unavailable) && len(part) > 1:
			half := len(part) / 2
			return m.write(ctx, part[:half]) && m.write(ctx, part[half:])
		case !fault.Is(err, fault.Unavailable):
			m.g.logger.Error("a message cannot be logged", "org", part[0].org, "station", part[0].station, "err", err)
			return true
		}
		m.mu.Lock()
		last := m.closed
		m.mu.Unlock()
		m.g.logger.Warn("messages not logged", "frames", len(part), "given_up", last, "err", err)
		if last {
			return false
		}
		select {
		case <-time.After(logRetry):
		case <-m.done:
		}
	}
}

// close writes the rest. run must have been started and is waited for by the
// gateway.
func (m *MessageLog) close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	close(m.done)
}

var entryColumns = []db.Col{
	{Name: "id", Type: "bigint"}, {Name: "at", Type: "bigint"}, {Name: "org", Type: "text"}, {Name: "station", Type: "text"},
	{Name: "epoch", Type: "bigint"}, {Name: "direction", Type: "text"}, {Name: "type", Type: "text"}, {Name: "action", Type: "text"},
	{Name: "message_id", Type: "text"}, {Name: "payload", Type: "text"},
}

func insertEntries(tx *db.Tx, entries []entry) error {
	rows := make([][]any, len(entries))
	for i, e := range entries {
		rows[i] = []any{e.id, e.at, e.org, e.station, e.epoch, e.direction, e.frame, storable(e.action), storable(e.messageID), storable(string(e.text))}
	}
	// A clock that was set back may repeat an id on SQLite: that frame is lost.
	return db.InsertRows(tx, "message_log", entryColumns, rows, "ON CONFLICT DO NOTHING")
}

// storable makes text fit for PostgreSQL: UTF-8 without NUL.
func storable(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}
