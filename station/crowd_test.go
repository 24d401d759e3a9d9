package station

import (
	"reflect"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func TestCrowded(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 5, 4, 10, minute, 0, 0, time.UTC) }
	port := func(changes ...any) (out []Change) {
		for i := 0; i < len(changes); i += 2 {
			out = append(out, Change{At: at(changes[i].(int)), OCPI: changes[i+1].(OCPI)})
		}
		return out
	}
	for name, c := range map[string]struct {
		others [][]Change
		want   []Stretch
	}{
		"no other port":              {nil, []Stretch{{at(0), at(60)}}},
		"one is free all the time":   {[][]Change{port(-90, OCPIAvailable)}, nil},
		"one is taken all the time":  {[][]Change{port(-90, OCPICharging)}, []Stretch{{at(0), at(60)}}},
		"one becomes free":           {[][]Change{port(-90, OCPICharging, 20, OCPIAvailable)}, []Stretch{{at(0), at(20)}}},
		"free for a while":           {[][]Change{port(-5, OCPIAvailable, 20, OCPICharging, 40, OCPIAvailable, 50, OCPIBlocked)}, []Stretch{{at(20), at(40)}, {at(50), at(60)}}},
		"one after the other free":   {[][]Change{port(-5, OCPIAvailable, 20, OCPICharging), port(-9, OCPICharging, 20, OCPIAvailable)}, nil},
		"a minute between them":      {[][]Change{port(-5, OCPIAvailable, 20, OCPICharging), port(-9, OCPICharging, 21, OCPIAvailable)}, []Stretch{{at(20), at(21)}}},
		"out of order and reserved":  {[][]Change{port(-5, OCPIOutOfOrder), port(-5, OCPIReserved), port(-5, OCPIInoperative)}, []Stretch{{at(0), at(60)}}},
		"nobody knows":               {[][]Change{port(-5, OCPIUnknown)}, nil},
		"not there yet":              {[][]Change{port(30, OCPIAvailable)}, []Stretch{{at(0), at(30)}}},
		"its time within another's":  {[][]Change{port(-5, OCPIAvailable, 50, OCPICharging), port(-5, OCPIAvailable, 10, OCPICharging)}, []Stretch{{at(50), at(60)}}},
		"free only after the period": {[][]Change{port(-5, OCPICharging, 70, OCPIAvailable)}, []Stretch{{at(0), at(60)}}},
	} {
		if got := crowded(c.others, at(0), at(60)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestPortKinds(t *testing.T) {
	slow, fast := portKind{power: 22_000, plugs: []string{"IEC_62196_T2"}}, portKind{power: 150_000, plugs: []string{"IEC_62196_T2_COMBO", "CHADEMO"}}
	for name, c := range map[string]struct {
		a, b portKind
		want bool
	}{
		"the same":               {slow, slow, true},
		"AC and DC":              {slow, fast, false},
		"one plug in common":     {fast, portKind{power: 50_000, plugs: []string{"CHADEMO"}}, true},
		"no plug in common":      {fast, portKind{power: 50_000, plugs: []string{"SAE_J3400"}}, false},
		"normal and high power":  {portKind{power: 22_000}, portKind{power: 43_000}, false},
		"nothing known of one":   {slow, portKind{}, true},
		"power unknown, no plug": {slow, portKind{plugs: []string{"CHADEMO"}}, false},
	} {
		if c.a.like(c.b) != c.want || c.b.like(c.a) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

// The history of the site's other ports says when a driver had to wait.
func TestCrowdedReadsTheSite(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		site, err := h.sites.Create(h.ctx(), location.Site{Org: string(h.northID), Name: "Car park", Address: location.Address{Country: "FR"}})
		if err != nil {
			t.Fatal(err)
		}
		peers := map[string]ocpp.Peer{}
		for _, id := range []string{"CS-1", "CS-2", "CS-3"} {
			h.create(Draft{ID: ID(id), Site: string(site.ID)})
			peers[id] = h.connect(id)
			h.status(peers[id], 1, 1, "Available")
		}
		err = h.db.Update(h.ctx(), func(tx *db.Tx) error { // a fast one is of no use to those who wait for a slow one
			for id, power := range map[string]int64{"CS-1": 11_000, "CS-2": 22_000, "CS-3": 150_000} {
				if err := h.Describe(tx, id, []PortSpec{{EVSE: 1, MaxPower: power}}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		start := h.clock.Now()
		at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
		for i, status := range []string{"Occupied", "Available", "Faulted"} {
			h.clock.Set(at(10 * (i + 1)))
			h.status(peers["CS-2"], 1, 1, status)
		}
		h.clock.Set(at(60))
		check := func(id string, want ...Stretch) {
			t.Helper()
			err := h.db.View(h.ctx(), func(tx *db.Tx) error {
				got, err := h.Crowded(tx, id, 1, at(1), at(50))
				if err == nil && !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %v, want %v", id, got, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		check("CS-1", Stretch{at(10), at(20)}, Stretch{at(30), at(50)})
		check("CS-2")                         // CS-1 was free all the time
		check("CS-3", Stretch{at(1), at(50)}) // it is the only one of its kind
	})
}
