package session

import "time"

// Config of the room. Zero values mean the defaults.
type Config struct {
	Hold         time.Duration `help:"How long a session without a stop is kept open for it, once something says that it is over" default:"24h"`
	GapAsk       time.Duration `help:"How long to wait for missing messages before asking the station for them" default:"30s"`
	GapHold      time.Duration `help:"How long to wait for missing messages of an ended session" default:"1h"`
	ParkingHold  time.Duration `help:"How long a session with a parking price waits for the bay to become free" default:"24h"`
	SilentAfter  time.Duration `help:"After how long without a message an open session is flagged" default:"6h"`
	AbandonAfter time.Duration `help:"After how long without a message an open session counts as over" default:"168h"`
	StartTimeout time.Duration `help:"How long a remote start waits for the transaction (the stations' ConnectionTimeOut)" default:"2m"`
	GhostAfter   time.Duration `help:"After how long a session that claims to charge without any energy is flagged" default:"5m"`
	GhostEnd     time.Duration `help:"After how long the station is asked to end such a session; negative: never" default:"1h"`
	StopRefused  bool          `help:"Ask the station to end a session whose token was refused after it had begun (offline, or by a station that does not wait for the answer)"`
	Tell         time.Duration `help:"Shortest time between two session.updated facts of a session" default:"10s"`
	Reprice      time.Duration `help:"Shortest time between two running prices of a session" default:"1m"`
}

func (c *Config) defaults() {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&c.Hold, 24*time.Hour)
	set(&c.GapAsk, 30*time.Second)
	set(&c.GapHold, time.Hour)
	set(&c.ParkingHold, 24*time.Hour)
	set(&c.SilentAfter, 6*time.Hour)
	set(&c.AbandonAfter, 7*24*time.Hour)
	set(&c.StartTimeout, 2*time.Minute)
	set(&c.GhostAfter, 5*time.Minute)
	if c.GhostEnd == 0 {
		c.GhostEnd = time.Hour
	}
	set(&c.Tell, 10*time.Second)
	set(&c.Reprice, time.Minute)
}

// wait says what an unsettled session still waits for.
type wait uint8

const (
	nothing    wait = iota // settle it
	forStop                // the station's own word
	forGap                 // messages that are missing
	forUnplug              // the bay to become free, which the tariff prices
	forMessage             // it runs
)

// waits decides what the session waits for. parking says that its tariff has
// a price for the time after the charge.
func (s State) waits(parking bool) wait {
	switch {
	case s.Phase == Vacant:
		return forStop
	case s.Phase != Stopped:
		return forMessage
	case !s.Complete():
		return forGap
	case parking && s.UnpluggedAt.IsZero() && s.Flags&(Refused|Offline) == 0: // the status of a bay is not kept while offline: its word will never come
		return forUnplug
	}
	return nothing
}

// due gives how long after the latest message the wait is looked at again,
// and whether it is over then.
func (c Config) due(w wait) (after time.Duration, over bool) {
	switch w {
	case forStop:
		return c.Hold, true
	case forGap:
		return c.GapHold, true
	case forUnplug:
		return c.ParkingHold, true
	case forMessage:
		return c.SilentAfter, false
	}
	return 0, true
}
