package session

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// reading is a message that only brings readings, or the status of a
// connector, on its way through the batch: many stations share one
// transaction.
type reading struct {
	m      *message
	clock  *Clock
	status *sighting // not nil: a status; of m only the peer counts
	// unknown is set when the transaction has no session yet: nothing was
	// stored, the caller makes one.
	unknown bool
}

// MeterValues takes readings that name no transaction. A 1.6 station often
// leaves the number out or sends 0; the readings of a connector belong to the
// session that runs on it. All others are kept as the station's own.
func (s *Service) MeterValues(ctx context.Context, p ocpp.Peer, r *ocpp.MeterValuesRequest) (*ocpp.MeterValuesResponse, error) {
	received := s.received(ctx)
	var live time.Time
	if len(r.MeterValue) > 0 {
		live = r.MeterValue[0].Timestamp.Time
	}
	skew, clock, err := s.skew(ctx, p, live, received)
	if err != nil {
		return nil, err
	}
	m := &message{peer: p, received: received, skew: skew, evse: r.EVSEID}
	m.read(r.MeterValue, NoSeq)
	if err := s.hot.Add(ctx, &reading{m: m, clock: clock}); err != nil {
		return nil, err
	}
	return &ocpp.MeterValuesResponse{}, nil
}

func unknownStream(m *message) string {
	return "tx:" + m.peer.Station + ":" + m.peer.Incarnation + ":" + m.transaction
}

func stationStream(p ocpp.Peer, evse int) string {
	return "evse:" + p.Station + ":" + strconv.Itoa(evse)
}

// flush stores a batch of readings and takes them into their sessions, with
// few statements however many there are.
func (s *Service) flush(tx *db.Tx, rows []*reading) error {
	for _, r := range rows { // first: it may change the sessions that are read below
		if r.clock != nil {
			if err := s.setClock(tx, r.m.peer, *r.clock); err != nil {
				return err
			}
		}
	}
	b := &batch{s: s, tx: tx, works: make(map[ID]*work, len(rows)), heard: make(map[ID]time.Time, len(rows))}
	if err := b.read(rows); err != nil {
		return err
	}
	for _, r := range rows {
		if r.status != nil {
			b.see(r.status)
		} else if err := b.take(r); err != nil {
			return err
		}
	}
	return b.finish()
}

// batch is a flush under way.
type batch struct {
	s       *Service
	tx      *db.Tx
	known   map[ref][]*Session
	seen    map[*sighting]*Session
	works   map[ID]*work
	order   []*work
	heard   map[ID]time.Time
	events  [][]any
	samples [][]any
}

// read finds the sessions that the rows name, and holds them.
func (b *batch) read(rows []*reading) error {
	var refs []ref
	var sightings []*sighting
	met := make(map[ref]bool, len(rows))
	for _, r := range rows {
		r.unknown = false
		if r.status != nil {
			sightings = append(sightings, r.status)
		} else if k := (ref{r.m.peer.Station, r.m.transaction}); r.m.known && !met[k] {
			met[k] = true
			refs = append(refs, k)
		}
	}
	named, seen, err := hold(b.tx, refs, sightings)
	if err != nil {
		return err
	}
	all, err := b.s.recent.read(b.tx, slices.Concat(named, seen))
	if err != nil {
		return err
	}
	b.known, b.seen = make(map[ref][]*Session, len(named)), make(map[*sighting]*Session, len(seen))
	for _, h := range named {
		if r := all[h.id]; r != nil {
			k := ref{r.Station, r.Transaction}
			b.known[k] = append(b.known[k], r)
		}
	}
	for _, h := range seen {
		b.seen[sightings[h.n]] = all[h.id]
	}
	return nil
}

func (b *batch) take(r *reading) error {
	m := r.m
	w, err := b.session(m)
	if err != nil {
		return err
	}
	if w == nil && m.event.Kind != 0 {
		r.unknown = true // a 2.x transaction that begins with this message
		return nil
	}
	stream, org, site := stationStream(m.peer, m.evse), m.peer.Org, m.peer.Site
	switch {
	case w != nil:
		stream, org, site = string(w.ID), w.Org, w.Site
		w.events = append(w.events, m.events()...)
		if m.received.After(b.heard[w.ID]) {
			b.heard[w.ID] = m.received
		}
		if m.event.Kind != 0 {
			b.events = append(b.events, eventRow(w.Session, m.event, "", m.payload))
		}
	case m.transaction != "":
		stream = unknownStream(m)
	}
	for _, p := range m.samples {
		b.samples = append(b.samples, sampleRow(stream, org, site, m.peer.Station, p))
	}
	return nil
}

// session finds whose readings they are; nil: nobody's.
func (b *batch) session(m *message) (*work, error) {
	var r *Session
	if m.known {
		k := ref{m.peer.Station, m.transaction}
		r = m.pick(b.known[k])
	} else if m.peer.Version == ocpp.V16 && m.evse > 0 && len(m.samples) > 0 {
		open, err := openAt(b.tx, m.peer.Station, 0)
		if err != nil {
			return nil, err
		}
		for i := range open {
			if st := &open[i].State; open[i].evseNow(m.peer) == m.evse && st.Phase < Stopped && !m.samples[0].Time().Before(st.StartedAt) {
				r = b.s.recent.of(&open[i])
				break
			}
		}
	}
	if r == nil {
		return nil, nil
	}
	w := b.work(r)
	w.usedID = w.usedID || m.known
	return w, nil
}

// work is the session under way in this batch, from r if it was not yet.
func (b *batch) work(r *Session) *work {
	w := b.works[r.ID]
	if w == nil {
		w = workOn(r)
		b.works[r.ID] = w
		b.order = append(b.order, w)
	}
	return w
}

func (b *batch) finish() error {
	if err := insertEvents(b.tx, b.events); err != nil {
		return err
	}
	if err := insertSamples(b.tx, b.samples); err != nil {
		return err
	}
	for _, w := range b.order {
		if w.postpone(b.tx.Now) {
			w.HeardAt, w.SettleAt = b.heard[w.ID], b.tx.Now.Add(foldPause)
			continue
		}
		if err := w.absorb(b.tx); err != nil {
			return err
		}
		w.batched = true
		if err := b.s.follow(b.tx, w, b.heard[w.ID]); err != nil {
			return err
		}
	}
	if err := b.tellPorts(); err != nil {
		return err
	}
	if err := updateSessions(b.tx, b.toWrite()); err != nil {
		return err
	}
	b.tx.AfterCommit(func() { b.s.recent.keep(b.order) })
	return nil
}

// toWrite gives the sessions whose rows are to be written now.
func (b *batch) toWrite() []*work {
	var now []*work
	for _, w := range b.order {
		if w.canLag(b.tx.Now) {
			b.s.recent.forget(w.ID)
			continue
		}
		w.written(b.tx.Now)
		w.version++
		now = append(now, w)
	}
	return now
}

// tellPorts tells the ports of all sessions at once.
func (b *batch) tellPorts() error {
	var uses []PortUse
	for _, w := range b.order {
		if w.use != nil {
			uses = append(uses, *w.use)
		}
	}
	if len(uses) == 0 {
		return nil
	}
	return b.s.d.PortUse(b.tx, uses...)
}
