package gateway

import (
	"slices"
	"sync"
	"testing"
)

// Work is done in order, so much at a time; wider when it is told.
func TestFew(t *testing.T) {
	t.Parallel()
	f := few{most: 2}
	var mu sync.Mutex
	var began []int
	var all sync.WaitGroup
	hold, at := make(chan struct{}), make(chan struct{}, 20)
	for i := range 20 {
		all.Add(1)
		f.Go(func() {
			defer all.Done()
			mu.Lock()
			began = append(began, i)
			mu.Unlock()
			at <- struct{}{}
			<-hold
		})
	}
	<-at
	<-at
	f.mu.Lock()
	if f.running != 2 || len(f.queue) != 18 {
		t.Errorf("%d run, %d wait", f.running, len(f.queue))
	}
	f.mu.Unlock()
	f.widen(5)
	for range 3 {
		<-at
	}
	f.widen(1)
	close(hold)
	all.Wait()
	if len(began) != 20 || !slices.Contains(began[:2], 0) || !slices.Contains(began[:2], 1) || began[19] != 19 {
		t.Error(began)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running > 1 || f.queue != nil {
		t.Errorf("%d run still, %d wait", f.running, len(f.queue))
	}
}

// A newer end counts, and is not forgotten with an older one's.
func TestParting(t *testing.T) {
	t.Parallel()
	var p parting
	p.add("x", 3)
	p.add("x", 4)
	p.remove("x", 3)
	if got := p.of("x"); got != 4 {
		t.Errorf("%d", got)
	}
	p.remove("x", 4)
	if got := p.of("x"); got != 0 || len(p.epochs) != 0 {
		t.Errorf("%d of %d", got, len(p.epochs))
	}
}
