package job_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// run works until the test or stop ends it.
func run(t *testing.T, r *job.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
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

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never:", what)
		}
	}
}

func list(t *testing.T, d *db.DB, req db.ListRequest) (all []job.Status) {
	t.Helper()
	err := d.View(context.Background(), func(tx *db.Tx) (err error) {
		all, _, err = job.List(tx, nil, req)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// second opens the database as another node would.
func second(t *testing.T, d *db.DB, now func() time.Time) *db.DB {
	if d.Dialect() == db.SQLite {
		return d
	}
	return schematest.OpenConfig(t, db.Config{URL: schematest.URL(d)}, now)
}

func TestTwoRunnersShareTheWork(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		done := map[string]int{}
		by := map[string]int{}
		for _, node := range []string{"a", "b"} {
			r := newRunner(map[string]*db.DB{"a": d, "b": second(t, d, time.Now)}[node], node)
			r.Handle("k", func(ctx context.Context, j job.Job) error {
				mu.Lock()
				defer mu.Unlock()
				var n string
				if err := j.Decode(&n); err != nil {
					return err
				}
				done[n]++
				by[node]++
				return nil
			}, job.Options{})
			run(t, r)
		}
		const total = 200
		for i := range total {
			enqueue(t, d, job.Job{Kind: "k", Org: "o", Payload: fmt.Sprint(i)})
		}
		eventually(t, "all done", func() bool { return len(list(t, d, db.ListRequest{})) == 0 })
		mu.Lock()
		defer mu.Unlock()
		for n, times := range done {
			if times != 1 {
				t.Errorf("job %s ran %d times", n, times)
			}
		}
		if len(done) != total {
			t.Error(len(done))
		}
		t.Log("shares:", by)
	})
}

func TestWakesAtOnce(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		bus, err := cluster.Start(t.Context(), cluster.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { bus.Close() }) // after the runners
		ran := make(chan string, 1)
		tell := func(_ context.Context, j job.Job) error { ran <- j.Kind; return nil }
		start := func(d *db.DB, node, kind string) {
			r := job.New(d, bus, node, nil)
			job.SetPoll(r, time.Hour) // who is not woken does nothing here
			r.Handle(kind, tell, job.Options{})
			run(t, r)
		}
		begin := func(kind string) {
			t.Helper()
			enqueue(t, d, job.Job{Kind: kind})
			select {
			case got := <-ran:
				if got != kind {
					t.Fatalf("%s ran, not %s", got, kind)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("no runner of %s was woken", kind)
			}
			eventually(t, "the end is stored", func() bool { return len(list(t, d, db.ListRequest{})) == 0 })
		}
		start(second(t, d, time.Now), "b", "there")
		start(d, "a", "here") // tells b when something is enqueued
		begin("here")         // both listen once they have done something
		begin("there")
		for range 3 {
			time.Sleep(20 * time.Millisecond) // a runner looks once more after a job: let it come to rest
			begin("there")
		}
	})
}

func TestKeys(t *testing.T) {
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		var got []string
		var again func()
		r := newRunner(d, "n")
		r.Handle("k", func(ctx context.Context, j job.Job) error {
			var s string
			if err := j.Decode(&s); err != nil {
				return err
			}
			got = append(got, s)
			if again != nil {
				f := again
				again = nil
				f()
			}
			if s == "bad" {
				return job.Stop(errors.New("never"))
			}
			return nil
		}, job.Options{})
		expect := func(want ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Fatalf("%v, not %v", got, want)
			}
			got = nil
		}
		put := func(payload string, at time.Duration) {
			enqueue(t, d, job.Job{Kind: "k", Key: "x", Payload: payload, RunAt: clock.Now().Add(at)})
		}
		// One job: the newest payload, the earliest time.
		put("one", 0)
		put("two", time.Hour)
		runDue(t, r, 1)
		expect("two")
		put("late", time.Hour)
		runDue(t, r, 0)
		clock.Advance(time.Hour)
		runDue(t, r, 1)
		expect("late")
		// While it runs: once more afterwards.
		again = func() { put("second", 0); put("third", 0) }
		put("first", 0)
		runDue(t, r, 2)
		expect("first", "third")
		// A job that failed for good comes to life again.
		put("bad", 0)
		runDue(t, r, 1)
		if all := list(t, d, db.ListRequest{Filters: []db.Filter{{Field: "state", Value: "failed"}}}); len(all) != 1 || all[0].Error != "never" || all[0].Key != "x" {
			t.Fatal(all)
		}
		put("better", 0)
		runDue(t, r, 1)
		expect("bad", "better")
		// Even when that happens in its last attempt.
		again = func() { put("mended", 0) }
		put("bad", 0)
		runDue(t, r, 2)
		expect("bad", "mended")
		// Cancelled.
		put("gone", 0)
		for _, want := range []bool{true, false} {
			var was bool
			if err := d.Update(t.Context(), func(tx *db.Tx) (err error) { was, err = job.Cancel(tx, "k", "x"); return err }); err != nil || was != want {
				t.Error(was, err)
			}
		}
		runDue(t, r, 0)
		if n := len(list(t, d, db.ListRequest{})); n != 0 {
			t.Error(n, "jobs left")
		}
	})
}

// A job that was never committed never runs; one whose worker dies is taken
// over when its lease ends, and its last attempt fails it.
func TestWorkerDies(t *testing.T) {
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		rollback := errors.New("no")
		if err := d.Update(t.Context(), func(tx *db.Tx) error {
			if err := job.Enqueue(tx, job.Job{Kind: "k"}); err != nil {
				return err
			}
			return rollback
		}); !errors.Is(err, rollback) {
			t.Fatal(err)
		}
		attempts := []int{}
		handle := func(r *job.Runner, fn func() error) *job.Runner {
			r.Handle("k", func(_ context.Context, j job.Job) error { attempts = append(attempts, j.Attempt); return fn() }, job.Options{MaxAttempts: 2, Timeout: 10 * time.Second})
			return r
		}
		survivor := handle(newRunner(d, "b"), func() error { return nil })
		runDue(t, survivor, 0)

		enqueue(t, d, job.Job{Kind: "k"})
		die := func() {
			// A worker dies in the middle: its goroutine ends without a word.
			done := make(chan struct{})
			go func() {
				defer close(done)
				dying := handle(newRunner(d, "a"), func() error { return nil })
				if err := job.TakeAndVanish(t.Context(), dying); err != nil {
					t.Error(err)
				}
			}()
			<-done
		}
		die()
		runDue(t, survivor, 0)
		clock.Advance(time.Minute)
		runDue(t, survivor, 1)
		if !slices.Equal(attempts, []int{2}) {
			t.Fatal(attempts)
		}
		enqueue(t, d, job.Job{Kind: "k"})
		die()
		clock.Advance(time.Minute)
		die()
		clock.Advance(time.Minute)
		runDue(t, survivor, 0)
		failed, err := survivor.Failed(t.Context())
		if err != nil || len(failed) != 1 {
			t.Fatal(failed, err)
		}
		if err := survivor.Retry(t.Context(), failed[0].ID); err != nil {
			t.Fatal(err)
		}
		runDue(t, survivor, 1)
		if err := survivor.Retry(t.Context(), failed[0].ID); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

// On a locked data directory a restart need not wait for leases.
func TestRestartTakesJobsBack(t *testing.T) {
	c := schematest.Fresh(t, db.SQLite)
	clock := schematest.NewClock(start)
	d := schematest.OpenConfig(t, c, clock.Now)
	lost := newRunner(d, "n")
	nothing := func(context.Context, job.Job) error { return nil }
	lost.Handle("k", nothing, job.Options{})
	enqueue(t, d, job.Job{Kind: "k"})
	if err := job.TakeAndVanish(t.Context(), lost); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = schematest.OpenConfig(t, c, clock.Now)
	r := newRunner(d, "n")
	ran := make(chan struct{})
	r.Handle("k", func(context.Context, job.Job) error { close(ran); return nil }, job.Options{})
	stop := run(t, r)
	select {
	case <-ran:
	case <-time.After(30 * time.Second):
		t.Error("the job waits for a lease of a process that is gone")
	}
	stop()
}

func TestStopGivesJobsBack(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.View(t.Context(), func(*db.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		leak := goleak.IgnoreCurrent()
		r := newRunner(d, "n")
		started := make(chan struct{})
		r.Handle("k", func(ctx context.Context, _ job.Job) error {
			close(started)
			<-ctx.Done()
			return ctx.Err()
		}, job.Options{})
		r.Every("p", time.Millisecond, func(context.Context) error { return nil })
		stop := run(t, r)
		enqueue(t, d, job.Job{Kind: "k"})
		<-started
		stop()
		all := list(t, d, db.ListRequest{})
		if len(all) != 1 || all[0].State != "waiting" || all[0].Attempts != 0 || all[0].RunAt.After(d.Now()) {
			t.Errorf("%+v", all)
		}
		if d.Dialect() == db.SQLite {
			goleak.VerifyNone(t, leak, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
		}
	})
}

func TestWaysToFail(t *testing.T) {
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		r := newRunner(d, "n")
		r.Handle("panic", func(context.Context, job.Job) error { panic("ouch") }, job.Options{MaxAttempts: 1})
		r.Handle("decode", func(_ context.Context, j job.Job) error { var n int; return j.Decode(&n) }, job.Options{})
		r.Handle("slow", func(ctx context.Context, _ job.Job) error { <-ctx.Done(); return ctx.Err() }, job.Options{MaxAttempts: 1, Timeout: time.Millisecond})
		for _, kind := range []string{"panic", "decode", "slow", "nobody handles this"} {
			enqueue(t, d, job.Job{Kind: kind, Payload: "text"})
		}
		runDue(t, r, 3)
		failed, err := r.Failed(t.Context())
		if err != nil || len(failed) != 3 {
			t.Fatal(failed, err)
		}
		if all := list(t, d, db.ListRequest{Filters: []db.Filter{{Field: "state", Value: "waiting"}}}); len(all) != 1 {
			t.Error(all)
		}
		if err := d.Update(t.Context(), func(tx *db.Tx) error { return job.Enqueue(tx, job.Job{}) }); fault.Of(err) == nil {
			t.Error(err)
		}
	})
}

func TestEvery(t *testing.T) {
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		var ran []string
		var fail error
		var runners []*job.Runner
		for _, node := range []string{"a", "b"} {
			r := newRunner(second(t, d, clock.Now), node)
			r.Every("tidy", time.Minute, func(context.Context) error { ran = append(ran, node); return fail })
			runners = append(runners, r)
		}
		runDue(t, runners[0], 1)
		runDue(t, runners[1], 0)
		clock.Advance(30 * time.Second)
		runDue(t, runners[1], 0)
		clock.Advance(31 * time.Second)
		runDue(t, runners[1], 1)
		runDue(t, runners[0], 0)
		clock.Advance(time.Hour) // none is made up for
		fail = errors.New("cannot")
		runDue(t, runners[0], 1)
		runDue(t, runners[0], 0)
		if !slices.Equal(ran, []string{"a", "b", "a"}) {
			t.Fatal(ran)
		}
	})
}

func TestEveryRunsByItself(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		var at, most, now atomic.Int64
		for _, node := range []string{"a", "b"} {
			r := newRunner(second(t, d, time.Now), node)
			r.Every("tick", 20*time.Millisecond, func(context.Context) error {
				most.Store(max(most.Load(), now.Add(1)))
				defer now.Add(-1)
				at.Add(1)
				time.Sleep(5 * time.Millisecond)
				return nil
			})
			run(t, r)
		}
		eventually(t, "10 runs", func() bool { return at.Load() >= 10 })
		if most.Load() != 1 {
			t.Error("two nodes at once")
		}
	})
}
