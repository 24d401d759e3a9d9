package job_test

import (
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/job"
)

// Seven nodes that each give times give as many together as one alone.
func TestSpread(t *testing.T) {
	nodes := 1
	s := job.Spread{Every: time.Second, Nodes: func() int { return nodes }}
	for i, want := range []time.Duration{0, 1, 2} {
		if got := s.Take(start); !got.Equal(start.Add(want * time.Second)) {
			t.Errorf("time %d is %s", i, got)
		}
	}
	nodes = 7
	s.Take(start)
	if got := s.Take(start); !got.Equal(start.Add(10 * time.Second)) {
		t.Errorf("with seven nodes the next is %s", got)
	}
	nodes = 0 // no beat yet
	s.Take(start)
	if got := s.Take(start); !got.Equal(start.Add(18 * time.Second)) {
		t.Errorf("without a count the next is %s", got)
	}
	if got := s.Take(start.Add(time.Hour)); !got.Equal(start.Add(time.Hour)) {
		t.Errorf("after a rest it is %s", got)
	}
}
