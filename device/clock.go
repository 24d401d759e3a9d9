package device

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
)

// Facts about the clocks of stations. Subject is the station.
const (
	KindClockWrong = "device.clock_wrong" // Clock: it has been off for long
	KindClockRight = "device.clock_right" // Clock: it is right again
)

// Clock is the payload of KindClockWrong and KindClockRight.
type Clock struct {
	Skew  int64     `json:"skew_s"` // station clock minus ours
	Since time.Time `json:"since"`
}

// A clock that is off by more than clockOff for clockFor is told of: bills
// and certificates depend on it (field note 26).
const (
	clockOff = time.Minute
	clockFor = 15 * time.Minute
)

type wrongClock struct {
	owner
	since time.Time
	told  bool
}

// watchClocks records clocks that are wrong for long, and right again.
func (s *Service) watchClocks(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		known, err := db.Collect(tx, func(row db.Scanner) (w wrongClock, err error) {
			var since int64
			err = row.Scan(&w.station, &w.org, &w.site, &since, &w.told)
			w.since = db.Time(since)
			return w, err
		}, "SELECT station, org, site, since, told FROM device_clock")
		if err != nil {
			return err
		}
		before := map[string]wrongClock{}
		for _, w := range known {
			before[w.station] = w
		}
		wrong, err := s.d.Stations.WrongClocks(tx, clockOff)
		if err != nil {
			return err
		}
		for _, st := range wrong {
			w, ok := before[string(st.ID)]
			delete(before, string(st.ID))
			if !ok {
				w = wrongClock{owner: ownerOf(st), since: tx.Now}
			}
			if err := noteClock(tx, w, !w.told && tx.Now.Sub(w.since) >= clockFor, int64(st.Skew/time.Second)); err != nil {
				return err
			}
		}
		return s.clocksRight(tx, before)
	})
}

func noteClock(tx *db.Tx, w wrongClock, tell bool, skew int64) error {
	err := tx.Send("INSERT INTO device_clock (station, org, site, since, told) VALUES ($1,$2,$3,$4,$5) ON CONFLICT (station) DO UPDATE SET told = excluded.told",
		w.station, w.org, w.site, db.Micros(w.since), w.told || tell)
	if err != nil || !tell {
		return err
	}
	return recordClock(tx, w, KindClockWrong, skew)
}

// clocksRight forgets stations whose clock was wrong and is not any more. One
// that is offline proves nothing.
func (s *Service) clocksRight(tx *db.Tx, before map[string]wrongClock) error {
	for _, w := range before {
		st, err := s.d.Stations.Get(tx, w.station)
		if err != nil {
			return err
		}
		off := max(st.Skew, -st.Skew)
		if off > clockOff {
			continue
		}
		if err := tx.Send("DELETE FROM device_clock WHERE station = $1", w.station); err != nil {
			return err
		}
		if w.told {
			if err := recordClock(tx, w, KindClockRight, int64(st.Skew/time.Second)); err != nil {
				return err
			}
		}
	}
	return nil
}

func recordClock(tx *db.Tx, w wrongClock, kind string, skew int64) error {
	return event.Record(tx, event.Fact{Org: w.org, Site: w.site, Station: w.station, Subject: "station/" + w.station, Kind: kind}, Clock{Skew: skew, Since: w.since.UTC()})
}
