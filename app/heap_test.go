package app

import "testing"

func TestHeapPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name       string
		rate, used int
		want       int
		room       heapRoom
	}{
		{"an idle small server", 0, 20 * mib, 60, heapSQLite},
		{"a busy small server takes no more than the whole", 500 * mib, 64 * mib, 200, heapSQLite},
		{"15,000 idle stations", 1 * mib, 160 * mib, 7, heapSQLite},
		{"one of seven nodes", 6 * mib, 100 * mib, 40, heapSQLite},
		{"15,000 stations that connect", 60 * mib, 160 * mib, 56, heapSQLite},
		{"never more than twice", 900 * mib, 160 * mib, 100, heapSQLite},
		{"never none", 0, 4000 * mib, 5, heapSQLite},
		{"one of seven nodes on PostgreSQL", 4 * mib, 100 * mib, 156, heapPostgres},
	} {
		if got := c.room.percent(float64(c.rate), uint64(c.used)); got != c.want {
			t.Errorf("%s: %d, not %d", c.name, got, c.want)
		}
	}
}

func TestCalm(t *testing.T) {
	for _, c := range []struct {
		name  string
		rates []float64 // MiB a second
		ends  int
	}{
		{"from the start", []float64{1, 1, 1, 1, 1, 1, 1, 1, 1}, 1},
		{"a load and what follows it", []float64{45, 45, 45, 12, 14, 11, 12, 12, 13, 12}, 1},
		{"and the quiet after that", []float64{45, 45, 45, 12, 14, 11, 12, 12, 13, 12, 1, 1, 1, 1, 1}, 2},
		{"a load that varies", []float64{100, 60, 90, 55, 51, 80, 60, 100, 60}, 0},
		{"a pause in a load", []float64{100, 1, 1, 1, 100, 1, 1, 1, 100}, 0},
		{"another load", []float64{1, 1, 1, 1, 1, 9, 1, 1, 1, 1}, 2},
	} {
		var q calm
		ends := 0
		for _, r := range c.rates {
			if q.look(r * (1 << 20)) {
				ends++
			}
		}
		if ends != c.ends {
			t.Errorf("%s: %d ends, not %d", c.name, ends, c.ends)
		}
	}
}
