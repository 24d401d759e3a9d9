package gateway

import (
	"sync"
	"sync/atomic"
)

// workers handle the stations' messages: a bounded set of goroutines for the
// whole node. Their stacks grow with the rooms' code, those of the readers
// stay small. Work is taken in the order it came.
type workers struct {
	max, spare int
	handled    atomic.Uint64

	mu      sync.Mutex
	wake    *sync.Cond
	queue   []*link // a ring: head is the next
	head    int
	count   int
	running int
	idle    int
	woken   int // idle ones that were signalled but do not run yet
	stopped bool
	done    sync.WaitGroup
}

func newWorkers(max int) *workers {
	w := &workers{max: max, spare: min(max, 128), queue: make([]*link, 64)}
	w.wake = sync.NewCond(&w.mu)
	return w
}

// submit never blocks: each connection is in the queue at most once. After
// stop only what the last workers still find is handled; the rest was not
// answered, so the stations send it again.
func (w *workers) submit(l *link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped && w.running == 0 {
		return
	}
	if w.count == len(w.queue) {
		bigger := make([]*link, 2*len(w.queue))
		n := copy(bigger, w.queue[w.head:])
		copy(bigger[n:], w.queue[:w.head])
		w.queue, w.head = bigger, 0
	}
	w.queue[(w.head+w.count)%len(w.queue)] = l
	w.count++
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

func (w *workers) run() {
	defer w.done.Done()
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for w.count == 0 {
			if w.stopped || w.idle >= w.spare {
				w.running--
				return
			}
			w.idle++
			w.wake.Wait()
			w.idle--
			w.woken = max(w.woken-1, 0)
		}
		l := w.queue[w.head]
		w.queue[w.head] = nil
		w.head = (w.head + 1) % len(w.queue)
		w.count--
		w.mu.Unlock()
		l.conn.Work()
		w.handled.Add(1)
		w.mu.Lock()
	}
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
	return w.running - w.idle, w.count
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
