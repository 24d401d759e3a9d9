package job_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// Twenty a second are shared by the nodes, four work at once, and a busy node
// begins one a second.
func TestPace(t *testing.T) {
	nodes, busy := 1, false
	next := job.Paced(job.Pace{PerSecond: 20, Nodes: func() int { return nodes }, Busy: func() bool { return busy }})
	at := start
	for i, step := range []struct {
		after time.Duration
		nodes int
		busy  bool
		begin int // how many begin, and end before the next step
	}{
		{0, 1, false, 1},
		{0, 1, false, 0},
		{100 * time.Millisecond, 1, false, 2},
		{time.Hour, 1, false, 4}, // at once
		{50 * time.Millisecond, 1, false, 4},
		{time.Second, 10, false, 2},
		{time.Second, 0, true, 1}, // no beat yet
		{500 * time.Millisecond, 1, true, 0},
		{500 * time.Millisecond, 1, true, 1},
	} {
		at, nodes, busy = at.Add(step.after), step.nodes, step.busy
		if got := next(at); got != step.begin {
			t.Errorf("step %d: %d begin, want %d", i, got, step.begin)
		}
	}
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
			if urgent := key == "later7" || key[:3] == "now"; urgent && i > 4 {
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
