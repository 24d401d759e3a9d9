package gateway

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
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
	bytes   int
	sampled int64     // left out since the last start
	since   time.Time // when the last sampling began
	warned  time.Time
	closed  bool
	more    chan struct{} // has room for one: something waits
	done    chan struct{}

	lastID int64
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
}

const (
	logChunk   = 3000                   // rows per transaction, when so many wait
	logBytes   = 64 << 20               // of text waiting
	logLinger  = 100 * time.Millisecond // rows gather that long
	logRetry   = time.Second
	sampleFrom = 3 // quarters of the queue; above it only a part is kept
	sampleKeep = 8 // one of so many frames
)

func newMessageLog(g *Gateway) *MessageLog {
	h := fnv.New32a()
	h.Write([]byte(g.node))
	return &MessageLog{g: g, limit: g.config.LogQueue, node: int64(h.Sum32() & 0x3ff), more: make(chan struct{}, 1), done: make(chan struct{})}
}

// nextID gives increasing numbers that sort by time: 41 bits of milliseconds,
// 10 of the node, 12 of a counter. m.mu is held.
func (m *MessageLog) nextID(at time.Time) int64 {
	id := at.UnixMilli()<<22 | m.node<<12
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
	full := len(m.queue) >= m.limit || m.bytes+len(text) > logBytes
	tight := len(m.queue)*4 >= m.limit*sampleFrom || m.bytes*4 >= logBytes*sampleFrom || m.g.pressure.level.Load() >= thinLog
	if m.closed || full || tight && rand.IntN(sampleKeep) != 0 {
		m.drop(at)
		return
	}
	m.queue = append(m.queue, entry{
		id: m.nextID(at), at: db.Micros(at), org: org, station: l.key, epoch: epoch, direction: direction,
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
	return max(float64(len(m.queue))/float64(m.limit), float64(m.bytes)/logBytes)
}

func (m *MessageLog) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.queue)
}

// take gives up to a chunk of what waits.
func (m *MessageLog) take() []entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(len(m.queue), logChunk)
	part := m.queue[:n:n]
	if m.queue = m.queue[n:]; len(m.queue) == 0 {
		m.queue = nil // its array goes with the last part
	}
	for _, e := range part {
		m.bytes -= len(e.text)
	}
	return part
}

// run writes until close.
func (m *MessageLog) run() {
	for {
		select {
		case <-m.more:
		case <-m.done:
			m.flush(context.Background())
			return
		}
		select { // rows gather
		case <-time.After(logLinger):
		case <-m.done:
		}
		m.flush(context.Background())
	}
}

// flush writes what waits, in large pieces: a busy node has little time for
// its log.
func (m *MessageLog) flush(ctx context.Context) {
	for part := m.take(); len(part) > 0; part = m.take() {
		for i := range part {
			part[i].text = redact(part[i].text)
		}
		if !m.write(ctx, part) {
			return
		}
	}
}

// write stores a piece. A database that is away is tried again, while the
// queue fills and sampling begins; at the end it is tried only once. A frame
// that the database refuses is given up, not the others.
func (m *MessageLog) write(ctx context.Context, part []entry) bool {
	for {
		err := m.g.db.Update(ctx, func(tx *db.Tx) error { return insertEntries(tx, part) })
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
	_, err := db.InsertRows(tx, "message_log", entryColumns, rows, "ON CONFLICT DO NOTHING")
	return err
}

// storable makes text fit for PostgreSQL: UTF-8 without NUL.
func storable(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}
