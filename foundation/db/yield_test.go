package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// lineUp queues Updates one after the other behind a writer that is held, and
// notes the order in which they ran. A name that begins with y yields.
type lineUp struct {
	t   *testing.T
	d   *db.DB
	all sync.WaitGroup

	mu  sync.Mutex
	ran []string
}

// add queues one that also does inside, if any, and returns when it waits.
// done is closed when it has its answer.
func (l *lineUp) add(ctx context.Context, name string, inside func(), want error) (done chan struct{}) {
	if strings.HasPrefix(name, "y") {
		ctx = db.Yielding(ctx)
	}
	done = make(chan struct{})
	before := l.d.Queued()
	l.all.Go(func() {
		defer close(done)
		err := l.d.Update(ctx, func(*db.Tx) error {
			l.mu.Lock()
			l.ran = append(l.ran, name)
			l.mu.Unlock()
			if inside != nil {
				inside()
			}
			return nil
		})
		if !errors.Is(err, want) {
			l.t.Errorf("%s: %v", name, err)
		}
	})
	for l.d.Queued() == before {
		time.Sleep(time.Millisecond)
	}
	return done
}

func (l *lineUp) order() string {
	l.all.Wait()
	return strings.Join(l.ran, " ")
}

func lined(t *testing.T, overdue, group time.Duration) (*lineUp, func(others int) error) {
	d := schematest.Open(t, db.SQLite, time.Now)
	d.GroupFor(group)
	d.YieldFor(overdue)
	table(t, d, people)
	return &lineUp{t: t, d: d}, hold(t, d)
}

func TestYieldingIsOvertaken(t *testing.T) {
	l, release := lined(t, time.Hour, time.Hour)
	for _, name := range []string{"y1", "a", "y2", "b", "y3", "c"} {
		l.add(t.Context(), name, nil, nil)
	}
	if err := release(6); err != nil {
		t.Error(err)
	}
	if got := l.order(); got != "a b c y1 y2 y3" {
		t.Error(got)
	}
}

// Who comes while one that yields runs is next, in the same group.
func TestYieldingLetsTheNextGoFirst(t *testing.T) {
	l, release := lined(t, time.Hour, time.Hour)
	l.add(t.Context(), "y1", func() { l.add(t.Context(), "late", nil, nil) }, nil)
	l.add(t.Context(), "y2", nil, nil)
	if err := release(2); err != nil {
		t.Error(err)
	}
	if got := l.order(); got != "y1 late y2" {
		t.Error(got)
	}
}

// With room for one in a group, the queue of the others never runs empty: each
// that waited for long comes behind one of them.
func TestYieldingDoesNotStarve(t *testing.T) {
	for overdue, want := range map[time.Duration]string{time.Nanosecond: "y1 a y2 b y3 c d", time.Hour: "a b c d y1 y2 y3"} {
		l, release := lined(t, overdue, 0)
		for _, name := range []string{"a", "b", "y1", "y2", "c", "y3", "d"} {
			l.add(t.Context(), name, nil, nil)
		}
		if err := release(7); err != nil {
			t.Error(err)
		}
		if got := l.order(); got != want {
			t.Error(overdue, got)
		}
	}
}

func TestYieldingIsWithdrawn(t *testing.T) {
	l, release := lined(t, time.Hour, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	y1 := l.add(ctx, "y1", nil, context.Canceled)
	l.add(t.Context(), "y2", nil, nil)
	cancel()
	<-y1
	if err := release(2); err != nil {
		t.Error(err)
	}
	if got := l.order(); got != "y2" {
		t.Error(got)
	}
}

// Those in both queues are answered when the database closes.
func TestCloseAnswersTheYielding(t *testing.T) {
	l, release := lined(t, time.Hour, time.Hour)
	var wg sync.WaitGroup
	for i := range 4 {
		ctx := t.Context()
		if i%2 == 0 {
			ctx = db.Yielding(ctx)
		}
		wg.Go(func() {
			if err := l.d.Update(ctx, insert(fmt.Sprint(i))); err != nil && !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
		})
	}
	for l.d.Queued() < 4 {
		time.Sleep(time.Millisecond)
	}
	closed := make(chan error)
	go func() { closed <- l.d.Close() }()
	if err := release(0); err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// A batch that yields writes all that waits when it closes.
func TestYieldingBatchIsDrained(t *testing.T) {
	d := schematest.Open(t, db.SQLite, time.Now)
	table(t, d, readings)
	b := db.NewBatch(d, db.BatchOptions{Yields: true, Rest: 20 * time.Millisecond}, flushReadings)
	release := hold(t, d)
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			if err := b.Add(t.Context(), reading{fmt.Sprint(i), 1}); err != nil {
				t.Error(err)
			}
		})
		for i == 0 && d.Queued() == 0 { // the others gather behind it
			time.Sleep(time.Millisecond)
		}
	}
	for b.Waiting() < 299 {
		time.Sleep(time.Millisecond)
	}
	closed := make(chan struct{})
	go func() { b.Close(); close(closed) }()
	if err := release(1); err != nil {
		t.Error(err)
	}
	<-closed
	wg.Wait()
	if n := count(t, d, "SELECT COUNT(*) FROM scratch_reading"); n != 300 {
		t.Fatal(n)
	}
}

func TestPortionFollowsTheTimeTaken(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		rows int
		took time.Duration
		want int
	}{
		{64, ms, 96}, {64, 4 * ms, 96}, {64, 7 * ms, 64}, {64, 11 * ms, 32}, {63, ms, 64}, {63, 40 * ms, 32}, {500, ms, 96},
	} {
		p := db.NewPortion(schematest.Open(t, db.SQLite, time.Now), 16, 200)
		if p.Size() != 64 {
			t.Fatal(p.Size())
		}
		if p.Learn(c.rows, c.took); p.Size() != c.want {
			t.Errorf("%d rows in %v: %d, want %d", c.rows, c.took, p.Size(), c.want)
		}
	}
	p := db.NewPortion(schematest.Open(t, db.SQLite, time.Now), 16, 200)
	for range 10 {
		p.Learn(200, ms)
	}
	if p.Size() != 200 {
		t.Error(p.Size())
	}
	for range 10 {
		p.Learn(200, 20*ms)
	}
	if p.Size() != 16 {
		t.Error(p.Size())
	}
}

// Only what is committed is learnt from, and PostgreSQL learns nothing.
func TestPortionOfAClosure(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, people)
		p := db.NewPortion(d, 1, 100)
		first := p.Size()
		bad := errors.New("no")
		if err := d.Update(t.Context(), p.Of(first, func(*db.Tx) error { return bad })); err != bad || p.Size() != first {
			t.Error(err, p.Size())
		}
		late := false
		if err := d.Update(t.Context(), p.Of(first, func(tx *db.Tx) error {
			db.Gather(tx, "people", "a", func(tx *db.Tx, names []string) error { late = true; return insert(names[0])(tx) })
			return nil
		})); err != nil || !late {
			t.Error(err, late)
		}
		if d.Dialect() == db.Postgres && p.Size() != 100 {
			t.Error(p.Size())
		}
	})
}
