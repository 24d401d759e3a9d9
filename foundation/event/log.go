package event

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	poll      = time.Second      // a look at the table without a wake
	leaseTime = 12 * time.Second // a consumer's lease without renewal
	batchSize = 200              // facts handled in one transaction at most, or read at once,
	leastSize = 50               // and at least, on SQLite and when that many wait

	// tailRest is the least time between two looks of a tail: people look on.
	tailRest = 80 * time.Millisecond
	// tellRest is that between two words to other nodes, each of which costs all
	// of them a little; consumers look no more often than that anyway, see gather.
	tellRest = 100 * time.Millisecond
)

// Log delivers facts on one node.
type Log struct {
	db      *db.DB
	bus     *cluster.Bus // nil: no other nodes to wake
	node    string
	log     *slog.Logger
	horizon horizon
	tape    tape
	leases  leases
	wakes   atomic.Int64 // counts wakes: an older look at the horizon is out of date

	mu        sync.Mutex
	consumers []Consumer
	watchers  map[chan struct{}]struct{}
	attached  int
	detach    func()
	tell      chan struct{} // a commit of ours to tell other nodes of
}

// New makes the log of a node. Bus may be nil when there are no other nodes.
func New(d *db.DB, bus *cluster.Bus, node string, log *slog.Logger) *Log {
	if log == nil {
		log = slog.Default()
	}
	return &Log{db: d, bus: bus, node: node, log: log, horizon: horizon{db: d}, tape: tape{db: d}, leases: leases{db: d}, watchers: map[chan struct{}]struct{}{}, tell: make(chan struct{}, 1)}
}

// Consume registers consumers; before Run. Names are unique and stay the same
// for ever: the cursor is kept under them. A new consumer begins with the
// oldest fact kept.
func (l *Log) Consume(c ...Consumer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range c {
		for _, o := range l.consumers {
			if o.Name == n.Name {
				panic("event: two consumers named " + n.Name)
			}
		}
		l.consumers = append(l.consumers, n)
	}
}

// Run works for the consumers whose lease this node can get, until ctx ends.
// It returns nil then, after the leases were given back.
func (l *Log) Run(ctx context.Context) error {
	stop, err := l.attach()
	if err != nil {
		return err
	}
	defer stop()
	var workers sync.WaitGroup
	for _, w := range l.workers() {
		workers.Go(func() { w.run(ctx) })
	}
	workers.Wait()
	return nil
}

func (l *Log) workers() []*worker {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*worker
	for _, c := range l.consumers {
		out = append(out, &worker{log: l, Consumer: c, owner: l.node, brief: db.NewPortion(l.db, leastSize, batchSize)})
	}
	return out
}

// CatchUp handles every fact committed so far with every consumer, the facts
// that they record in turn, and the parked ones that are due, then returns.
// It takes the leases by force and is meant for tests and for tools that work
// while nobody else writes: otherwise it may not come to an end.
func (l *Log) CatchUp(ctx context.Context) error {
	all := l.workers()
	for again := true; again; {
		again = false
		for _, w := range all {
			w.force = true
			moved, err := w.drain(ctx)
			if err != nil {
				return err
			}
			again = again || moved
		}
	}
	for _, w := range all {
		if err := w.release(ctx); err != nil {
			return err
		}
	}
	return nil
}

// drain steps until there is nothing more to do; moved says that there was.
func (w *worker) drain(ctx context.Context) (moved bool, err error) {
	for {
		more, err := w.step(ctx)
		if err != nil {
			return moved, err
		}
		moved = moved || more
		if !more && w.leased && w.again == 0 {
			return moved, nil
		}
		if err := sleep(ctx, w.again); err != nil {
			return moved, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Tail calls fn with every fact after the number, in order, from now on, on
// this node; a negative number means only facts to come. It needs no lease
// and keeps no cursor. It returns nil when ctx ends, or the error of fn.
func (l *Log) Tail(ctx context.Context, after int64, fn func(Fact) error) error {
	stop, err := l.attach()
	if err != nil {
		return err
	}
	defer stop()
	wake := l.watch()
	defer l.unwatch(wake)
	for {
		rest := time.After(tailRest)
		top, again, err := l.look(ctx, false)
		if err == nil && after < 0 {
			after = top
		}
		for err == nil && after < top {
			after, err = l.tailPage(ctx, after, top, fn)
		}
		var own tailError
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &own):
			return own.error
		case err != nil:
			l.log.Warn("facts cannot be read", "err", err)
		}
		<-rest
		l.wait(ctx, wake, again)
	}
}

type tailError struct{ error }

func (l *Log) tailPage(ctx context.Context, after, top int64, fn func(Fact) error) (int64, error) {
	facts, reached, ok, err := l.tape.between(ctx, after, top, nil, batchSize)
	if err == nil && !ok {
		return l.replayPage(ctx, after, top, fn)
	}
	if err != nil {
		return after, err
	}
	return give(facts, after, reached, fn)
}

// replayPage reads for itself: what it is asked for is mostly older than what
// the tape has, and a number that is not settled would spoil the tape for all.
func (l *Log) replayPage(ctx context.Context, after, top int64, fn func(Fact) error) (int64, error) {
	var facts []Fact
	err := l.db.View(ctx, func(tx *db.Tx) (err error) {
		facts, err = between(tx, after, top, nil, batchSize)
		return err
	})
	if err != nil {
		return after, err
	}
	if len(facts) == batchSize {
		top = facts[len(facts)-1].Seq
	}
	return give(facts, after, top, fn)
}

// give hands out facts above after that go up to reached, and gives the
// number that was come to.
func give(facts []Fact, after, reached int64, fn func(Fact) error) (int64, error) {
	for _, f := range facts {
		if err := fn(f); err != nil {
			return after, tailError{err}
		}
		after = f.Seq
	}
	return reached, nil
}

// look gives the horizon. Everybody who was woken by the same commit shares
// one look; fresh asks for one's own.
func (l *Log) look(ctx context.Context, fresh bool) (seq int64, again time.Duration, err error) {
	if fresh {
		l.wakes.Add(1)
	}
	return l.horizon.look(ctx, &l.wakes)
}

// attach listens for wakes while someone runs.
func (l *Log) attach() (func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attached == 0 {
		unlisten := l.db.Listen(topic, func() {
			l.wakeAll()
			select {
			case l.tell <- struct{}{}:
			default:
			}
		})
		unsubscribe, quit, gone := func() {}, make(chan struct{}), make(chan struct{})
		if l.bus != nil {
			var err error
			if unsubscribe, err = l.bus.Subscribe(wakeSubject, func(string, []byte) { l.wakeAll() }); err != nil {
				unlisten()
				return nil, err
			}
		}
		go l.teller(quit, gone)
		l.detach = func() {
			unlisten()
			unsubscribe()
			close(quit)
			<-gone
		}
	}
	l.attached++
	return func() {
		l.mu.Lock()
		l.attached--
		var last func()
		if l.attached == 0 {
			last = l.detach
		}
		l.mu.Unlock()
		if last != nil {
			last()
		}
	}, nil
}

// teller tells other nodes that there are new facts, once for many commits.
func (l *Log) teller(quit, gone chan struct{}) {
	defer close(gone)
	for {
		select {
		case <-quit:
			return
		case <-l.tell:
		}
		if l.bus == nil {
			continue
		}
		if err := l.bus.Publish(wakeSubject, []byte(l.node)); err != nil && fault.KindOf(err) != fault.Unavailable {
			l.log.Warn("other nodes were not woken", "err", err)
		}
		select { // what many commits bring is told once
		case <-quit:
			return
		case <-time.After(tellRest):
		}
	}
}

func (l *Log) watch() chan struct{} {
	c := make(chan struct{}, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchers[c] = struct{}{}
	return c
}

func (l *Log) unwatch(c chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.watchers, c)
}

func (l *Log) wakeAll() {
	l.wakes.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// wait returns at a wake, after the pause (the poll interval if zero), or
// when ctx ends.
func (l *Log) wait(ctx context.Context, wake chan struct{}, pause time.Duration) {
	if pause <= 0 || pause > poll {
		pause = poll
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
		l.wakes.Add(1) // a wake may have been lost
	}
}
