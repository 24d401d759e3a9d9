package station

import (
	"context"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// clockSamples are the last differences between a station's clock and ours,
// from messages that are sent when they happen. The median counts: some
// messages wait in a queue, and some have a clock that was never set.
type clockSamples struct {
	last time.Time // station time of the latest
	list []time.Duration
}

const (
	mostSamples  = 9
	leastSamples = 3 // fewer prove nothing against what was known before

	// skewSlack is the difference that is not worth a write: transport and
	// rounding make as much.
	skewSlack = 2 * time.Second

	// noClock is the year before which a station's time is no time: its clock
	// was never set.
	noClock = 2015

	// skewReset is a jump of the clock that is believed once leastSamples say
	// so: the samples from before tell of another clock.
	skewReset = 30 * time.Second
)

// add takes a pair of station time and time of receipt; false when it says
// nothing.
func (c clockSamples) add(told, received time.Time) (clockSamples, bool) {
	if told.Year() < noClock || told.Equal(received) || told.Equal(c.last) { // equal: stood in for one that is missing, or sent twice
		return c, false
	}
	list := append(slices.Clone(c.list), told.Sub(received))
	if n := len(list) - leastSamples; n > 0 && agree(list[n:]) && distance(median(list[n:]), median(list[:n])) > skewReset {
		list = list[n:]
	}
	if len(list) > mostSamples {
		list = list[1:]
	}
	return clockSamples{told, list}, true
}

// agree holds for samples that are the same but for the network.
func agree(list []time.Duration) bool { return slices.Max(list)-slices.Min(list) <= 2*skewSlack }

func distance(a, b time.Duration) time.Duration { return max(a-b, b-a) }

func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// skew gives the estimate; false while there are too few samples.
func (c clockSamples) skew() (time.Duration, bool) {
	if len(c.list) < leastSamples {
		return 0, false
	}
	return median(c.list), true
}

// sample notes a pair of station time and time of receipt and gives the
// estimate; false when there is none yet.
func (s *Service) sample(station string, told, received time.Time) (time.Duration, bool) {
	key := ID(station).Key()
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.samples[key].add(told, received)
	if !ok {
		return 0, false
	}
	if _, known := s.samples[key]; !known && len(s.samples) >= maxCards {
		clear(s.samples) // they come again with the next messages
	}
	s.samples[key] = c
	return c.skew()
}

// skewOf gives the skew to keep: what was known, unless it changed by more
// than the network explains.
func (t *tree) skewOf(skew time.Duration) time.Duration {
	if distance(skew, t.Skew) <= skewSlack {
		return t.Skew
	}
	return skew.Round(time.Second)
}

// Told takes the station's time from a message that another room handled and
// that is sent when it happens, with the time it was received (field note
// 26). It is written only when the clock changed.
func (s *Service) Told(ctx context.Context, p ocpp.Peer, told time.Time) error {
	skew, ok := s.sample(p.Station, told, s.receipt(ctx))
	if !ok {
		return nil
	}
	key := ID(p.Station).Key()
	s.mu.Lock()
	known, stored := s.skews[key]
	if stored && distance(known, skew) <= skewSlack {
		s.mu.Unlock()
		return nil
	}
	if len(s.skews) >= maxCards {
		clear(s.skews)
	}
	s.skews[key] = skew
	s.mu.Unlock()
	return s.push(ctx, p.Station, func(t *tree) { t.Skew = t.skewOf(skew) })
}
