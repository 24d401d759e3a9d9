package session

import "time"

// Clock measures how far a station's clock is from ours, from the pairs of
// station time and receipt time of its messages.
//
// One pair proves little: a message may have waited in the station's queue
// for hours. But when the difference stays the same while the station's time
// goes on, messages are live and the difference is the clock's. A queue being
// emptied never looks like that: its times run faster than ours.
type Clock struct {
	Skew  time.Duration // to be added to station time; 0 when none or unknown
	Known bool

	candidate time.Duration // smallest difference of the present run
	since     time.Time     // station time of the run's first message
}

const (
	clockSpread = 5 * time.Second  // differences within this are the same
	clockSpan   = 30 * time.Second // station time that a run must last
	clockNoise  = 10 * time.Second // less than this is the network, not the clock
)

// Observe takes in one live message.
func (c Clock) Observe(station, received time.Time) Clock {
	if station.Before(plausibleClock) {
		return c
	}
	d := received.Sub(station)
	if off := d - c.candidate; c.since.IsZero() || off > clockSpread || off < -clockSpread || station.Before(c.since) {
		c.candidate, c.since = d, station
		return c
	}
	c.candidate = min(c.candidate, d)
	if station.Sub(c.since) < clockSpan {
		return c
	}
	c.Known, c.Skew = true, c.candidate.Round(time.Second)
	if c.Skew < clockNoise && c.Skew > -clockNoise {
		c.Skew = 0
	}
	return c
}
