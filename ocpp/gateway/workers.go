package gateway

import (
	"sync"
	"sync/atomic"
)

// workers handle the stations' messages: a bounded set of goroutines for the
// whole node. Their stacks grow with the rooms' code, those of the readers
// stay small. Work is taken in the order it came, but for boots: when a
// network comes back, thousands boot within seconds, and wait for the database
// together. They have half of the workers at most, and first claim to a few,
// so that neither they nor those at whom somebody charges wait for the others.
type workers struct {
	max, spare int
	handled    atomic.Uint64

	mu      sync.Mutex
	wake    *sync.Cond
	calls   ring
	boots   ring
	booting int // workers with a boot
	running int
	idle    int
	woken   int // idle ones that were signalled but do not run yet
	stopped bool
	done    sync.WaitGroup
}

func newWorkers(max int) *workers {
	w := &workers{max: max, spare: min(max, 128)}
	w.wake = sync.NewCond(&w.mu)
	return w
}

// submit never blocks: each connection is in a queue at most once. After
// stop only what the last workers still find is handled; the rest was not
// answered, so the stations send it again.
func (w *workers) submit(l *link) {
	boot := l.conn.Next() == bootNotification
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped && w.running == 0 {
		return
	}
	if boot {
		w.boots.push(l)
	} else {
		w.calls.push(l)
	}
	switch {
	case w.idle > w.woken:
		w.woken++
		w.wake.Signal()
	case w.running < w.max && !w.stopped:
		w.running++
		w.done.Add(1)
		go w.run()
	}
}

// next takes the connection whose turn it is; nil when there is none. A boot
// is counted in booting.
func (w *workers) next() (l *link, boot bool) {
	if w.boots.count > 0 && (w.booting < max(1, w.max/8) || w.calls.count == 0 && w.booting < max(1, w.max/2)) {
		w.booting++
		return w.boots.pop(), true
	}
	if w.calls.count > 0 {
		return w.calls.pop(), false
	}
	return nil, false
}

func (w *workers) run() {
	defer w.done.Done()
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		l, boot := w.next()
		for l == nil {
			if w.stopped || w.idle >= w.spare {
				w.running--
				return
			}
			w.idle++
			w.wake.Wait()
			w.idle--
			w.woken = max(w.woken-1, 0)
			l, boot = w.next()
		}
		w.mu.Unlock()
		l.conn.Work()
		w.handled.Add(1)
		w.mu.Lock()
		if boot {
			w.booting--
		}
	}
}

// ring is a queue of connections.
type ring struct {
	queue       []*link
	head, count int
}

func (r *ring) push(l *link) {
	if r.count == len(r.queue) {
		bigger := make([]*link, max(64, 2*len(r.queue)))
		n := copy(bigger, r.queue[r.head:])
		copy(bigger[n:], r.queue[:r.head])
		r.queue, r.head = bigger, 0
	}
	r.queue[(r.head+r.count)%len(r.queue)] = l
	r.count++
}

func (r *ring) pop() *link {
	l := r.queue[r.head]
	r.queue[r.head] = nil
	r.head = (r.head + 1) % len(r.queue)
	r.count--
	return l
}

// stop lets the workers finish what is queued and waits for them.
func (w *workers) stop() {
	w.mu.Lock()
	w.stopped = true
	w.wake.Broadcast()
	w.mu.Unlock()
	w.done.Wait()
}

// load gives the messages in work and those waiting.
func (w *workers) load() (busy, waiting int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running - w.idle, w.calls.count + w.boots.count
}

// tasks counts goroutines that may be started while somebody waits for the
// last of them, which a sync.WaitGroup forbids. The zero value is ready.
type tasks struct {
	mu   sync.Mutex
	n    int
	none chan struct{} // closed when n falls to zero; nil when nobody waits
}

func (t *tasks) begin() {
	t.mu.Lock()
	t.n++
	t.mu.Unlock()
}

func (t *tasks) Go(fn func()) {
	t.begin()
	go func() {
		defer t.done()
		fn()
	}()
}

func (t *tasks) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 && t.none != nil {
		close(t.none)
		t.none = nil
	}
}

func (t *tasks) Wait() {
	t.mu.Lock()
	if t.n == 0 {
		t.mu.Unlock()
		return
	}
	if t.none == nil {
		t.none = make(chan struct{})
	}
	none := t.none
	t.mu.Unlock()
	<-none
}
