package job_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// Twenty begin a second, eight work at once, and a busy node begins one in two
// seconds. Then it is quickly at half of what it began, and slowly at more.
func TestPace(t *testing.T) {
	busy := false
	next := job.Paced(job.Pace{PerSecond: 20, Busy: func() bool { return busy }})
	at := start
	for i, step := range []struct {
		after time.Duration
		busy  bool
		begin int // how many begin, and end before the next step
	}{
		{0, false, 1},
		{0, false, 0},
		{100 * time.Millisecond, false, 2},
		{time.Hour, false, 8}, // at once
		{time.Second, true, 1},
		{time.Second, true, 0},
		{time.Second, true, 1},
		{2 * time.Second, false, 2},  // 2.5 a second
		{10 * time.Second, false, 8}, // half of 20 is bearable
		{time.Second, true, 1},
		{2 * time.Second, false, 2},
		{10 * time.Second, false, 5}, // half of 10 is, and slowly more
		{time.Hour, false, 8},
	} {
		at, busy = at.Add(step.after), step.busy
		if got := len(next(at)); got != step.begin {
			t.Errorf("step %d: %d begin, want %d", i, got, step.begin)
		}
	}
}

// A node that may do more does more when it is busy, too.
func TestPaceScales(t *testing.T) {
	next := job.Paced(job.Pace{PerSecond: 400, Busy: func() bool { return true }})
	at, begun := start, 0
	for range 20 {
		begun += len(next(at))
		at = at.Add(500 * time.Millisecond)
	}
	if begun < 90 || begun > 110 { // ten a second, for ten seconds
		t.Errorf("%d begun", begun)
	}
}

// What is taken together begins one after the other, as seldom as the rate
// says, and no more is taken before the last has begun.
func TestPaceSpreads(t *testing.T) {
	next := job.Paced(job.Pace{PerSecond: 20})
	const ms = time.Millisecond
	for _, step := range []struct {
		at   time.Duration
		want []time.Duration
	}{
		{0, []time.Duration{0}},
		{time.Second, []time.Duration{0, 50 * ms, 100 * ms, 150 * ms, 200 * ms, 250 * ms, 300 * ms, 350 * ms}},
		{1150 * ms, nil},
		{1500 * ms, []time.Duration{0, 50 * ms, 100 * ms, 150 * ms, 200 * ms, 250 * ms, 300 * ms, 350 * ms}},
		{-time.Hour, []time.Duration{0, 50 * ms, 100 * ms, 150 * ms, 200 * ms, 250 * ms, 300 * ms, 350 * ms}}, // the clock was set back
	} {
		if got := next(start.Add(step.at)); !slices.Equal(got, step.want) {
			t.Errorf("after %s they wait %v, want %v", step.at, got, step.want)
		}
	}
}

// The background has hands of its own: jobs that keep all the others busy do
// not starve it.
func TestBackgroundIsNotStarved(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		r := newRunner(d, "n")
		done := make(chan struct{})
		r.Handle("long", func(ctx context.Context, _ job.Job) error {
			select {
			case <-done:
			case <-ctx.Done():
			}
			return nil
		}, job.Options{})
		r.Handle("look", func(context.Context, job.Job) error { close(done); return nil }, job.Options{})
		for range 40 {
			enqueue(t, d, job.Job{Kind: "long"})
		}
		enqueue(t, d, job.Job{Kind: "look", Background: true})
		run(t, r)
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Fatal("never begun")
		}
	})
}

// A job that somebody waits for goes before all of the background, and one
// that is asked for meanwhile is of the background no longer.
func TestBackgroundGivesWay(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		var order []string
		r := newRunner(d, "n")
		r.Pace(job.Pace{PerSecond: 1})
		r.Handle("k", func(_ context.Context, j job.Job) error {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, j.Key)
			return nil
		}, job.Options{})
		for i := range 20 {
			enqueue(t, d, job.Job{Kind: "k", Key: fmt.Sprint("later", i), Background: true})
		}
		enqueue(t, d, job.Job{Kind: "k", Key: "later7"})
		enqueue(t, d, job.Job{Kind: "k", Key: "later7", Background: true}) // stays what it became
		for i := range 3 {
			enqueue(t, d, job.Job{Kind: "k", Key: fmt.Sprint("now", i)})
		}
		stop := run(t, r)
		eventually(t, "all that is urgent and some of the rest", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(order) >= 6
		})
		stop()
		for i, key := range order {
			if urgent := key == "later7" || key[:3] == "now"; urgent && i > 4 { // one of the background has begun beside them
				t.Errorf("%s came as number %d of %v", key, i+1, order)
			}
		}
		left := len(list(t, d, db.ListRequest{}))
		if left < 12 {
			t.Errorf("of 19 in the background at one a second %d are left", left)
		}
		if n, err := r.RunDue(t.Context()); err != nil || n != left { // tools do not wait
			t.Errorf("%d were done at once of %d: %v", n, left, err)
		}
	})
}
