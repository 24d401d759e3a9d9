package station

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func estimate(at time.Time, skews ...time.Duration) (time.Duration, bool) {
	var c clockSamples
	for i, s := range skews {
		received := at.Add(time.Duration(i) * time.Minute)
		c, _ = c.add(received.Add(s), received)
	}
	return c.skew()
}

func TestClockSkewIsTheMedianOfLiveMessages(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const s = time.Second
	for name, c := range map[string]struct {
		skews []time.Duration
		want  time.Duration
		known bool
	}{
		"too few":               {[]time.Duration{90 * s, 90 * s}, 0, false},
		"a wrong clock":         {[]time.Duration{90 * s, 91 * s, 90 * s}, 90 * s, true},
		"one that waited":       {[]time.Duration{2 * s, s, -7200 * s, s, 2 * s}, s, true},
		"a queue being emptied": {[]time.Duration{s, s, s, s, s, -900 * s, -600 * s, -300 * s}, s, true},
		"set right again":       {[]time.Duration{500 * s, 500 * s, 500 * s, 500 * s, 500 * s, 500 * s, 500 * s, 500 * s, 500 * s, s, s, s}, s, true},
		"daylight saving lost":  {[]time.Duration{s, s, s, 3600 * s, 3600 * s, 3601 * s}, 3600 * s, true},
	} {
		if got, known := estimate(at, c.skews...); got != c.want || known != c.known {
			t.Errorf("%s: %v %v, want %v %v", name, got, known, c.want, c.known)
		}
	}
	var c clockSamples
	if _, ok := c.add(time.Unix(0, 0), at); ok {
		t.Error("1970 counts")
	}
	if _, ok := c.add(at, at); ok {
		t.Error("a time that was stood in counts")
	}
}

// Whatever a few queued messages say, the estimate stays with the live ones.
func TestClockSkewIsRobust(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		skew := time.Duration(rapid.IntRange(-3600, 3600).Draw(t, "skew")) * time.Second
		list := make([]time.Duration, mostSamples)
		for i := range list {
			list[i] = skew + time.Duration(rapid.IntRange(0, 1500).Draw(t, "network"))*-time.Millisecond
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "queued") {
			list[i*3+1] = skew - time.Duration(rapid.IntRange(60, 86400).Draw(t, "waited"))*time.Second
		}
		got, ok := estimate(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), list...)
		if !ok || distance(got, skew) > 2*time.Second {
			t.Fatalf("%v of %v", got, list)
		}
	})
}
