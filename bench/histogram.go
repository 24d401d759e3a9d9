package bench

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Histogram counts durations in microseconds: exact to 1/64 of the value,
// from many goroutines, without a lock. The zero value is ready.
type Histogram struct {
	buckets [histogramSize]atomic.Int64
	count   atomic.Int64
	longest atomic.Int64
}

const (
	histogramBits = 6
	histogramSub  = 1 << histogramBits
	histogramSize = (37 - histogramBits) * histogramSub // up to 2^36 µs: 19 hours
)

func bucketOf(us int64) int {
	if us < histogramSub {
		return int(max(us, 0))
	}
	shift := bits.Len64(uint64(us)) - 1 - histogramBits
	return min((shift+1)<<histogramBits+int(us>>shift)&(histogramSub-1), histogramSize-1)
}

// bucketEnd is the greatest value of a bucket.
func bucketEnd(i int) int64 {
	if i < histogramSub {
		return int64(i)
	}
	shift := i>>histogramBits - 1
	return (int64(histogramSub+i&(histogramSub-1))+1)<<shift - 1
}

// Add counts one duration.
func (h *Histogram) Add(d time.Duration) {
	us := d.Microseconds()
	h.buckets[bucketOf(us)].Add(1)
	h.count.Add(1)
	for {
		old := h.longest.Load()
		if us <= old || h.longest.CompareAndSwap(old, us) {
			return
		}
	}
}

// Count gives how many were added.
func (h *Histogram) Count() int64 { return h.count.Load() }

// Quantile gives the duration that the part q (0 to 1) of all does not
// exceed; 0 when nothing was added.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := int64(q * float64(h.count.Load()))
	var seen int64
	for i := range h.buckets {
		if seen += h.buckets[i].Load(); seen > 0 && seen >= rank {
			return time.Duration(min(bucketEnd(i), h.longest.Load())) * time.Microsecond
		}
	}
	return 0
}

// eighths gives what lies in each eighth of a doubling from 64 µs on: its
// bounds in microseconds and how many.
func (h *Histogram) eighths(take func(low, high float64, n int64)) {
	const step = histogramSub / 8
	for i := histogramSub; i+step <= histogramSize; i += step {
		var n int64
		for j := i; j < i+step; j++ {
			n += h.buckets[j].Load()
		}
		take(float64(bucketEnd(i-1)+1), float64(bucketEnd(i+step-1)+1), n)
	}
}

// Longest gives the longest one.
func (h *Histogram) Longest() time.Duration {
	return time.Duration(h.longest.Load()) * time.Microsecond
}

// snapshot is what a histogram held at an instant.
type snapshot [histogramSize]int64

func (h *Histogram) snapshot() *snapshot {
	s := new(snapshot)
	for i := range h.buckets {
		s[i] = h.buckets[i].Load()
	}
	return s
}

// since gives the quantile of what came after an earlier snapshot, and how
// many that were.
func (s *snapshot) since(before *snapshot, q float64) (d time.Duration, n int64) {
	for i := range s {
		n += s[i] - before[i]
	}
	var seen int64
	for i := range s {
		if seen += s[i] - before[i]; seen > 0 && float64(seen) >= q*float64(n) {
			return time.Duration(bucketEnd(i)) * time.Microsecond, n
		}
	}
	return 0, n
}

// counts gives the buckets that are not empty, to be sent to another process.
func (h *Histogram) counts() map[int]int64 {
	out := map[int]int64{}
	for i := range h.buckets {
		if n := h.buckets[i].Load(); n > 0 {
			out[i] = n
		}
	}
	return out
}

// merge adds what another process counted.
func (h *Histogram) merge(counts map[int]int64, longest time.Duration) {
	for i, n := range counts {
		if i >= 0 && i < histogramSize {
			h.buckets[i].Add(n)
			h.count.Add(n)
		}
	}
	if us := longest.Microseconds(); us > h.longest.Load() {
		h.longest.Store(us)
	}
}

// reset forgets everything. Nobody may add meanwhile.
func (h *Histogram) reset() {
	for i := range h.buckets {
		h.buckets[i].Store(0)
	}
	h.count.Store(0)
	h.longest.Store(0)
}
