package app

import "testing"

func TestHeapPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name       string
		rate, used int
		want       int
	}{
		{"an idle small server", 0, 20 * mib, 60},
		{"a busy small server takes no more than the most", 500 * mib, 32 * mib, 200},
		{"15,000 idle stations", 1 * mib, 160 * mib, 7},
		{"15,000 stations that connect", 60 * mib, 160 * mib, 56},
		{"never more than twice", 900 * mib, 160 * mib, 100},
		{"never none", 0, 4000 * mib, 5},
	} {
		if got := heapPercent(float64(c.rate), uint64(c.used)); got != c.want {
			t.Errorf("%s: %d, not %d", c.name, got, c.want)
		}
	}
}
