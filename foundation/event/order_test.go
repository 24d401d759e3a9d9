package event_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// inbox keeps what consumers got, in the order of the commits.
type inbox struct {
	mu  sync.Mutex
	got []event.Fact
}

func (b *inbox) put(f event.Fact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, f)
}

func (b *inbox) facts() []event.Fact {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

func (b *inbox) seqs() (out []int64) {
	for _, f := range b.facts() {
		out = append(out, f.Seq)
	}
	return out
}

// wait returns when n facts are there.
func (b *inbox) wait(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if got := len(b.facts()); got >= n {
			return
		} else if time.Now().After(end) {
			t.Fatalf("%d facts of %d arrived: %v", got, n, b.seqs())
		}
	}
}

// start runs the log until the test or stop ends it.
func start(t *testing.T, l *event.Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// begin starts a transaction that has its id already and does one step after
// another: its first record, then its end.
func begin(t *testing.T, d *db.DB, subject string) (note func(), end func(err error)) {
	t.Helper()
	begun, noting, noted, ending, ended := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan error), make(chan error)
	go func() {
		ended <- d.Update(context.Background(), func(tx *db.Tx) error {
			if _, err := tx.Exec("SELECT pg_current_xact_id()"); err != nil {
				return err
			}
			close(begun)
			<-noting
			if err := event.Record(tx, event.Fact{Org: "o", Subject: subject, Kind: "k.k"}, nil); err != nil {
				return err
			}
			if err := tx.Flush(); err != nil {
				return err
			}
			if _, err := tx.Exec("SELECT $1::text", ""); err != nil { // what waits goes out with it: the fact draws its number now
				return err
			}
			close(noted)
			return <-ending
		})
	}()
	<-begun
	note = func() { close(noting); <-noted }
	end = func(err error) {
		ending <- err
		if got := <-ended; !errors.Is(got, err) {
			t.Error(got)
		}
	}
	return note, end
}

// open begins a transaction that has recorded a fact and waits to be ended.
func open(t *testing.T, d *db.DB, subject string) (end func(err error)) {
	t.Helper()
	note, end := begin(t, d, subject)
	note()
	return end
}

// Who drew the missing number may have an id above the snapshot's xmax; that
// another one below it ends says nothing about it.
func TestLateCommitAboveXmax(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	var in inbox
	l := newLog(d, "n")
	l.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error {
		tx.AfterCommit(func() { in.put(f) })
		return nil
	}})
	start(t, l)
	record(t, d, "s", "k.k")
	in.wait(t, 1)
	noteB, endB := begin(t, d, "b")
	noteC, endC := begin(t, d, "c")
	noteA, endA := begin(t, d, "a")
	noteA() // 2
	noteB() // 3
	endB(nil)
	time.Sleep(100 * time.Millisecond) // the gap is seen
	noteC()                            // 4
	endC(nil)
	time.Sleep(300 * time.Millisecond)
	if got := in.seqs(); !slices.Equal(got, []int64{1}) {
		t.Fatalf("overtaken: %v", got)
	}
	endA(nil)
	in.wait(t, 4)
	if got := in.seqs(); !slices.Equal(got, []int64{1, 2, 3, 4}) {
		t.Fatal(got)
	}
}

// A lower number that commits later is neither skipped nor overtaken.
func TestLateCommit(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	var in, tailed inbox
	l := newLog(d, "n")
	l.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error {
		tx.AfterCommit(func() { in.put(f) })
		return nil
	}})
	stop := start(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = l.Tail(ctx, 0, func(f event.Fact) error { tailed.put(f); return nil }) }()

	record(t, d, "s", "k.k") // 1
	in.wait(t, 1)
	late := open(t, d, "s")      // 2
	record(t, d, "s", "k.k")     // 3
	later := open(t, d, "other") // 4
	record(t, d, "s", "k.k")     // 5
	time.Sleep(100 * time.Millisecond)
	if got := in.seqs(); !slices.Equal(got, []int64{1}) {
		t.Fatalf("overtaken: %v", got)
	}
	late(nil)
	in.wait(t, 3)
	time.Sleep(50 * time.Millisecond)
	if got := in.seqs(); !slices.Equal(got, []int64{1, 2, 3}) {
		t.Fatal(got)
	}
	later(errors.New("rolled back")) // 4 never comes
	in.wait(t, 4)
	record(t, d, "s", "k.k") // 6
	in.wait(t, 5)
	tailed.wait(t, 5)
	for name, got := range map[string][]int64{"consumed": in.seqs(), "tailed": tailed.seqs()} {
		if !slices.Equal(got, []int64{1, 2, 3, 5, 6}) {
			t.Fatal(name, got)
		}
	}
	stop()
}

// Many writers, some of which roll back or commit late: every committed fact
// once, in order, at every consumer and tail.
func TestStorm(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		var in, tailed inbox
		l := newLog(d, "n")
		l.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error {
			tx.AfterCommit(func() { in.put(f) })
			return nil
		}})
		start(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = l.Tail(ctx, 0, func(f event.Fact) error { tailed.put(f); return nil }) }()
		committed := 0
		var mu sync.Mutex
		var writers sync.WaitGroup
		for w := range 8 {
			writers.Go(func() {
				random := rand.New(rand.NewPCG(1, uint64(w)))
				for range 40 {
					n := 1 + random.IntN(3)
					fail := random.IntN(4) == 0
					err := d.Update(context.Background(), func(tx *db.Tx) error {
						for range n {
							if err := event.Record(tx, event.Fact{Org: "o", Subject: fmt.Sprint(w), Kind: "k.k"}, nil); err != nil {
								return err
							}
						}
						if d.Dialect() == db.Postgres {
							time.Sleep(time.Duration(random.IntN(3)) * time.Millisecond)
						}
						if fail {
							return errors.New("no")
						}
						return nil
					})
					if (err != nil) != fail {
						t.Error(err)
					}
					if err == nil {
						mu.Lock()
						committed += n
						mu.Unlock()
					}
				}
			})
		}
		writers.Wait()
		in.wait(t, committed)
		tailed.wait(t, committed)
		for name, got := range map[string][]int64{"consumed": in.seqs(), "tailed": tailed.seqs()} {
			if len(got) != committed || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != committed {
				t.Errorf("%s: %d facts for %d, sorted %v", name, len(got), committed, slices.IsSorted(got))
			}
		}
	})
}

const effects = "CREATE TABLE scratch_effect (seq BIGINT NOT NULL, node TEXT NOT NULL)"

func create(t *testing.T, d *db.DB, statement string) {
	t.Helper()
	if err := d.Update(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(statement); return err }); err != nil {
		t.Fatal(err)
	}
}

// effect writes a row per fact, without a key: twice would show.
func effect(node string) func(tx *db.Tx, f event.Fact) error {
	return func(tx *db.Tx, f event.Fact) error {
		_, err := tx.Exec("INSERT INTO scratch_effect (seq, node) VALUES ($1, $2)", f.Seq, node)
		return err
	}
}

func numbers(t *testing.T, d *db.DB, query string) (out []int64) {
	t.Helper()
	err := d.View(context.Background(), func(tx *db.Tx) (err error) {
		out, err = db.Collect(tx, func(s db.Scanner) (n int64, err error) { err = s.Scan(&n); return n, err }, query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Two nodes that both believe to be at work, and a third that takes over by
// force again and again, still make each effect once.
func TestTwoNodesNeverTwice(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		create(t, d, effects)
		other := d
		if d.Dialect() == db.Postgres { // a second process has its own pool and boot
			other = schematest.OpenConfig(t, db.Config{URL: schematest.URL(d)}, time.Now)
		}
		a, b, c := newLog(d, "a"), newLog(other, "b"), newLog(other, "c")
		for node, l := range map[string]*event.Log{"a": a, "b": b, "c": c} {
			l.Consume(event.Consumer{Name: "effect", Handle: effect(node)})
		}
		start(t, a)
		start(t, b)
		const total = 600
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for range total / 4 {
					record(t, d, fmt.Sprint(w), "k.k")
				}
			})
		}
		for range 10 {
			if err := c.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		writers.Wait()
		for end := time.Now().Add(20 * time.Second); len(numbers(t, d, "SELECT seq FROM scratch_effect")) < total && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		got := numbers(t, d, "SELECT seq FROM scratch_effect ORDER BY seq")
		if len(got) != total || len(slices.Compact(got)) != total {
			t.Fatalf("%d effects, %d different, of %d facts", len(got), len(slices.Compact(got)), total)
		}
	})
}

// A node that stops gives its lease back; the other goes on within moments.
func TestTakeOver(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		bus, err := cluster.Start(t.Context(), cluster.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer bus.Close()
		var in inbox
		var stops []func()
		for _, node := range []string{"a", "b"} {
			l := event.New(d, bus, node, nil)
			l.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error {
				tx.AfterCommit(func() { f.Site = node; in.put(f) })
				return nil
			}})
			stops = append(stops, start(t, l))
			record(t, d, "s", "k.k")
			in.wait(t, len(stops))
		}
		if in.facts()[1].Site != "a" {
			t.Error("b took the lease of a running node")
		}
		stops[0]()
		record(t, d, "s", "k.k")
		in.wait(t, 3)
		if in.facts()[2].Site != "b" {
			t.Error("who handled it?", in.facts()[2].Site)
		}
		stops[1]()
	})
}

// A node that was killed and comes back has its own lease at once, one of
// another name waits for it to run out.
func TestLeaseOfTheSameNode(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		later := d
		if d.Dialect() == db.Postgres { // another process has its own boot
			later = schematest.OpenConfig(t, db.Config{URL: schematest.URL(d)}, time.Now)
		}
		var in inbox
		run := func(d *db.DB, node string) {
			l := newLog(d, node)
			l.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error {
				tx.AfterCommit(func() { f.Site = node; in.put(f) })
				return nil
			}})
			start(t, l)
		}
		record(t, d, "s", "k.k")
		err := d.Update(t.Context(), func(tx *db.Tx) error { // as a killed process leaves it
			_, err := tx.Exec("INSERT INTO fact_cursor (consumer, seq, lease_owner, lease_boot, lease_until, updated_at) VALUES ('c', 0, 'a', 'before', $1, 0)", db.Micros(tx.Now.Add(time.Hour)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if d.Dialect() == db.Postgres {
			run(later, "b")
		}
		run(d, "a")
		in.wait(t, 1)
		if site := in.facts()[0].Site; site != "a" {
			t.Errorf("%s took the lease of another node", site)
		}
	})
}

func TestRunLeavesNothingBehind(t *testing.T) {
	d := schematest.Open(t, db.SQLite, time.Now)
	if err := d.View(t.Context(), func(*db.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	leak := goleak.IgnoreCurrent()
	bus, err := cluster.Start(t.Context(), cluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var in inbox
	l := event.New(d, bus, "n", nil)
	l.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error { in.put(f); return nil }})
	stop := start(t, l)
	record(t, d, "s", "k.k")
	in.wait(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	tail := make(chan error)
	go func() { tail <- l.Tail(ctx, -1, func(event.Fact) error { return nil }) }()
	broken := errors.New("gone")
	if err := l.Tail(t.Context(), 0, func(event.Fact) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	cancel()
	if err := <-tail; err != nil {
		t.Error(err)
	}
	stop()
	bus.Close()
	// The pools of database/sql open connections in goroutines of their own.
	goleak.VerifyNone(t, leak, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
}
