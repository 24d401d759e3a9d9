package trial

import (
	"slices"
	"testing"
	"time"
)

// books makes a trial whose one station has charged 60 Wh with one
// transaction, all acknowledged, and what a sound platform tells of it.
func books() (*trial, *transaction, *told) {
	t := &trial{result: &Result{}, fleet: newFleet(1, 1, time.Second, time.Second)}
	x := &transaction{station: t.fleet.stations[0], id: "7"}
	for i, k := range []kind{started, updated, updated, ended} {
		x.events = append(x.events, &event{kind: k, of: x, seq: i, register: 100 + 20*int64(i), acked: time.Unix(1, 0)})
	}
	return t, x, &told{
		events: map[string]edges{"s": {1, 1}},
		bills:  map[string][]billRow{"s": {{Kind: "cdr", EnergyWh: 60}}},
	}
}

func TestTally(t *testing.T) {
	whole := sessionRow{ID: "s", Status: "completed", EnergyWh: 60, StartWh: 100, StopWh: 160}
	for name, c := range map[string]struct {
		change func(x *transaction, p *told, rows *[]sessionRow, samples *[]int64)
		want   Result // without Transactions
	}{
		"whole":           {nil, Result{Acknowledged: 4, Found: 4}},
		"no session":      {func(_ *transaction, _ *told, rows *[]sessionRow, s *[]int64) { *rows, *s = nil, nil }, Result{Acknowledged: 4, Lost: 4}},
		"two sessions":    {func(_ *transaction, _ *told, rows *[]sessionRow, _ *[]int64) { *rows = append(*rows, whole) }, Result{Acknowledged: 4, Found: 4, Doubled: 1}},
		"reading lost":    {func(_ *transaction, _ *told, _ *[]sessionRow, s *[]int64) { *s = (*s)[1:] }, Result{Acknowledged: 4, Found: 3, Lost: 1}},
		"reading doubled": {func(_ *transaction, _ *told, _ *[]sessionRow, s *[]int64) { *s = append(*s, 140) }, Result{Acknowledged: 4, Found: 3, Doubled: 1}},
		"start twice": {func(_ *transaction, p *told, _ *[]sessionRow, _ *[]int64) { p.events["s"] = edges{2, 1} },
			Result{Acknowledged: 4, Found: 3, Doubled: 1}},
		"end lost":   {func(_ *transaction, _ *told, rows *[]sessionRow, _ *[]int64) { (*rows)[0].Status = "ending" }, Result{Acknowledged: 4, Found: 3, Lost: 1}},
		"energy":     {func(_ *transaction, _ *told, rows *[]sessionRow, _ *[]int64) { (*rows)[0].EnergyWh = 59 }, Result{Acknowledged: 4, Found: 4, EnergyWrong: 1}},
		"no bill":    {func(_ *transaction, p *told, _ *[]sessionRow, _ *[]int64) { p.bills = nil }, Result{Acknowledged: 4, Found: 4, Undelivered: 1}},
		"wrong bill": {func(_ *transaction, p *told, _ *[]sessionRow, _ *[]int64) { p.bills["s"][0].EnergyWh = 1 }, Result{Acknowledged: 4, Found: 4, EnergyWrong: 1}},
		"two bills": {func(_ *transaction, p *told, _ *[]sessionRow, _ *[]int64) {
			p.bills["s"] = append(p.bills["s"], p.bills["s"][0])
		}, Result{Acknowledged: 4, Found: 4, Doubled: 1}},
		"not told": {func(x *transaction, _ *told, _ *[]sessionRow, s *[]int64) {
			x.events[1].acked, *s = time.Time{}, (*s)[1:]
		}, Result{Acknowledged: 3, Found: 3}},
		"gone, spare": {func(x *transaction, _ *told, _ *[]sessionRow, s *[]int64) { x.events[1].gone, *s = true, (*s)[1:] }, Result{Acknowledged: 3, Found: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			tr, x, p := books()
			rows, samples := []sessionRow{whole}, []int64{120, 140}
			if c.change != nil {
				c.change(x, p, &rows, &samples)
			}
			var have []sampleRow
			for _, v := range samples {
				have = append(have, sampleRow{Energy: &v})
			}
			tr.tally(p, x, rows, have)
			got := *tr.result
			got.Transactions = 0
			if got.Acknowledged != c.want.Acknowledged || got.Found != c.want.Found || got.Lost != c.want.Lost || got.Doubled != c.want.Doubled ||
				got.EnergyWrong != c.want.EnergyWrong || got.Undelivered != c.want.Undelivered {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			sound := got.Lost+got.Doubled+got.EnergyWrong+got.Undelivered == 0
			if (got.verdict() == nil) != sound {
				t.Errorf("the verdict is %v", got.verdict())
			}
		})
	}
}

// TestSeedRepeats holds that two fleets of a seed do the same.
func TestSeedRepeats(t *testing.T) {
	var said [2][]int64
	for i := range said {
		s := newFleet(7, 3, time.Second, time.Second).stations[2]
		s.fleet.work.Store(true)
		if !s.begin() {
			t.Fatal("the station does not begin")
		}
		s.tell(updated)
		s.tell(ended)
		for _, e := range s.transactions[0].events {
			said[i] = append(said[i], e.register, int64(e.seq), int64(e.kind))
		}
		if s.begin(); s.idle() {
			t.Error("a station with events to tell is idle")
		}
	}
	if !slices.Equal(said[0], said[1]) {
		t.Errorf("%v, then %v", said[0], said[1])
	}
}
