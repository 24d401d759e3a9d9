package live

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/identity"
)

// item is one event, written out once for all viewers, when the first wants it.
type item struct {
	envelope
	seq     int64  // of a fact; 0 for a signal
	station string // in lower case
	once    sync.Once
	frame   []byte
}

// filter is what a viewer wants to see; empty lists want all.
type filter struct {
	kinds    []string // exact, or a prefix that ends in ".*"
	stations []string // lower case
	sites    []string
}

func (f *filter) wants(it *item) bool {
	return (len(f.kinds) == 0 || slices.ContainsFunc(f.kinds, it.is)) &&
		(len(f.stations) == 0 || slices.Contains(f.stations, it.station)) &&
		(len(f.sites) == 0 || slices.Contains(f.sites, it.Site))
}

func (it *item) is(kind string) bool {
	if prefix, ok := strings.CutSuffix(kind, "*"); ok {
		return strings.HasPrefix(it.Kind, prefix)
	}
	return it.Kind == kind
}

const (
	viewerBuffer = 512  // events that wait for one viewer
	ringSize     = 2048 // facts kept for viewers that come back
	seesFor      = 30 * time.Second
	linger       = time.Minute // facts are handed out after the last viewer left: it may come back
)

// viewer is one open stream.
type viewer struct {
	filter filter
	events chan *item
	over   chan struct{} // closed when the hub lets the viewer go
	slow   bool          // why; read after over is closed
}

// group is the viewers with the same scope.
type group struct {
	viewers map[*viewer]struct{}
	sees    map[string]sight // by organisation
}

type sight struct {
	ok    bool
	until time.Time
}

// hub hands events to viewers.
type hub struct {
	// sees tells whether a scope contains an organisation.
	sees func(identity.Scope, string) bool
	now  func() time.Time

	mu     sync.Mutex
	groups map[identity.Scope]*group
	ring   []*item   // facts, ascending
	from   int64     // the ring has every fact after this number
	last   int64     // number up to which facts were handed out
	left   time.Time // the last viewer, or the last that asked to begin
	closed bool

	wanted chan struct{} // facts are to be handed out
	begun  chan struct{} // closed while they are: last is known
	active bool          // the same
}

func newHub(sees func(identity.Scope, string) bool, now func() time.Time) *hub {
	return &hub{sees: sees, now: now, groups: map[identity.Scope]*group{}, wanted: make(chan struct{}, 1), begun: make(chan struct{})}
}

// want has facts handed out, for somebody who joins as soon as the channel is
// closed.
func (h *hub) want() (begun <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left = h.now()
	if !h.active {
		select {
		case h.wanted <- struct{}{}:
		default: // it is about to begin
		}
	}
	return h.begun
}

// begin says after which number facts are handed out.
func (h *hub) begin(top int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.from, h.last, h.left = top, top, h.now()
	h.open()
}

// open lets those join who wait for it.
func (h *hub) open() {
	if !h.active {
		h.active = true
		close(h.begun)
	}
}

// rest ends that, and tells so, when nobody looked on for a while: with many
// nodes, each of which reads every fact, it is no small part of the work of the
// database.
func (h *hub) rest() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.groups) > 0 || h.now().Sub(h.left) < linger {
		return false
	}
	h.ring, h.begun, h.active = nil, make(chan struct{}), false
	return true
}

// join adds a viewer, and gives the number of the last fact it will not be
// handed, with the facts of the ring after the number asked for. whole tells
// whether the ring reaches back that far.
func (h *hub) join(scope identity.Scope, f filter, after int64) (v *viewer, upTo int64, recent []*item, whole bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v = &viewer{filter: f, events: make(chan *item, viewerBuffer), over: make(chan struct{})}
	if h.closed {
		close(v.over)
		return v, h.last, nil, true
	}
	g := h.groups[scope]
	if g == nil {
		g = &group{viewers: map[*viewer]struct{}{}, sees: map[string]sight{}}
		h.groups[scope] = g
	}
	g.viewers[v] = struct{}{}
	if after <= 0 || after >= h.last {
		return v, h.last, nil, true
	}
	i, _ := slices.BinarySearchFunc(h.ring, after+1, func(it *item, seq int64) int { return int(it.seq - seq) })
	return v, h.last, slices.Clone(h.ring[i:]), after >= h.from
}

// watched reports whether anybody looks on.
func (h *hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.groups) > 0
}

func (h *hub) leave(scope identity.Scope, v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.groups[scope]; g != nil {
		delete(g.viewers, v)
		if len(g.viewers) == 0 {
			delete(h.groups, scope)
			h.left = h.now()
		}
	}
}

// publish hands an event to who may and wants to see it.
func (h *hub) publish(it *item) {
	h.mu.Lock()
	if it.seq > 0 {
		if it.seq <= h.last {
			h.mu.Unlock()
			return
		}
		h.last = it.seq
		if h.ring = append(h.ring, it); len(h.ring) >= 2*ringSize {
			h.from = h.ring[ringSize-1].seq
			h.ring = slices.Clone(h.ring[ringSize:])
		}
	}
	scopes := h.unsure(it.Org)
	h.mu.Unlock()
	for _, s := range scopes { // a look into the database, never under the lock
		ok := h.sees(s, it.Org)
		h.mu.Lock()
		if g := h.groups[s]; g != nil {
			g.sees[it.Org] = sight{ok, h.now().Add(seesFor)}
		}
		h.mu.Unlock()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.groups {
		if !g.sees[it.Org].ok {
			continue
		}
		for v := range g.viewers {
			if v.filter.wants(it) && !v.hand(it) {
				delete(g.viewers, v)
			}
		}
	}
}

// unsure lists the scopes of which it is not known whether they contain the
// organisation.
func (h *hub) unsure(org string) []identity.Scope {
	var out []identity.Scope
	now := h.now()
	for s, g := range h.groups {
		if seen, ok := g.sees[org]; !ok || now.After(seen.until) {
			out = append(out, s)
		}
	}
	return out
}

// maySee tells whether the scope contains the organisation, for facts that
// are sent again.
func (h *hub) maySee(scope identity.Scope, org string) bool {
	h.mu.Lock()
	g := h.groups[scope]
	if g != nil {
		if seen, ok := g.sees[org]; ok && !h.now().After(seen.until) {
			h.mu.Unlock()
			return seen.ok
		}
	}
	h.mu.Unlock()
	return h.sees(scope, org)
}

// hand gives the viewer an event; false when the viewer is let go.
func (v *viewer) hand(it *item) bool {
	if it.seq == 0 && len(v.events) > viewerBuffer/2 {
		return true // signals may be lost, facts not yet
	}
	select {
	case v.events <- it:
		return true
	default:
		v.slow = true
		close(v.over)
		return false
	}
}

// close lets every viewer go.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.open() // they are let go at once
	for _, g := range h.groups {
		for v := range g.viewers {
			close(v.over)
		}
		g.viewers = map[*viewer]struct{}{}
	}
}
