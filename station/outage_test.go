package station

import (
	"testing"
	"time"
)

// Field note 25: a short gap is no outage and no alarm.
func TestFieldNote25ShortGapsAreNoOutage(t *testing.T) {
	t.Parallel()
	t0 := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	h := []Change{
		{EVSE: 1, At: at(0), State: Available},
		{EVSE: 1, At: at(100), State: Unreachable}, // 20 s: debounced
		{EVSE: 1, At: at(120), State: Available},
		{EVSE: 1, At: at(200), State: Unreachable}, // 400 s
		{EVSE: 1, At: at(600), State: Faulted},     // a second cause
		{EVSE: 1, At: at(700), State: Faulted},     // same again
		{EVSE: 1, At: at(900), State: Charging},
		{EVSE: 1, At: at(1000), State: Unavailable}, // taken out of service: no outage
		{EVSE: 1, At: at(1100), State: Unreachable}, // lasts
	}
	got := Outages(h, at(2000), time.Minute)
	want := []struct {
		cause      State
		start, end int
	}{{Unreachable, 200, 600}, {Faulted, 600, 900}, {Unreachable, 1100, -1}}
	if len(got) != len(want) {
		t.Fatalf("%d outages: %+v", len(got), got)
	}
	for i, w := range want {
		o := got[i]
		if o.Cause != w.cause || !o.Start.Equal(at(w.start)) {
			t.Errorf("outage %d: %+v", i, o)
		}
		if (o.End == nil) != (w.end < 0) || o.End != nil && !o.End.Equal(at(w.end)) {
			t.Errorf("outage %d ends %v, want %d s", i, o.End, w.end)
		}
	}
	if got := Outages(h[:8], at(1130), time.Minute); len(got) != 2 {
		t.Errorf("before the last gap: %+v", got)
	}
}

// Field note 25: heartbeats of stations that booted together spread ±10 %.
func TestFieldNote25HeartbeatsAreJittered(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for i := range 500 {
		id := "station-" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		d := Jitter(id, 300*time.Second)
		if d < 270*time.Second || d > 330*time.Second || d%time.Second != 0 {
			t.Fatalf("%s: %s", id, d)
		}
		if d != Jitter(id, 300*time.Second) {
			t.Fatalf("%s: not stable", id)
		}
		seen[d] = true
	}
	if len(seen) < 40 {
		t.Errorf("only %d different intervals for 500 stations", len(seen))
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	for in, want := range map[time.Duration]time.Duration{
		0: 120 * time.Second, 30 * time.Second: 120 * time.Second, 300 * time.Second: 600 * time.Second,
	} {
		if got := Silence(in); got != want {
			t.Errorf("Silence(%s) = %s, want %s", in, got, want)
		}
	}
}
