package gateway

import "sync"

// few does work in the order it came, little of it at a time. When thousands
// of connections break at once, as many goroutines would stand before the
// messages of those that did not.
type few struct {
	mu      sync.Mutex
	most    int // at a time
	queue   []func()
	running int
}

// Go does not wait.
func (f *few) Go(work func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(f.queue, work)
	f.fill()
}

// widen allows more at a time from now on.
func (f *few) widen(most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.most = most
	f.fill()
}

// fill starts what there is room and work for. f.mu is held.
func (f *few) fill() {
	for f.running < f.most && len(f.queue) > 0 {
		f.running++
		go f.run(f.next())
	}
}

// next takes the first. f.mu is held.
func (f *few) next() func() {
	first := f.queue[0]
	f.queue[0] = nil
	if f.queue = f.queue[1:]; len(f.queue) == 0 {
		f.queue = nil
	}
	return first
}

func (f *few) run(work func()) {
	for {
		work()
		f.mu.Lock()
		if len(f.queue) == 0 || f.running > f.most {
			f.running--
			f.mu.Unlock()
			return
		}
		work = f.next()
		f.mu.Unlock()
	}
}
