package station

import (
	"hash/fnv"
	"strings"
	"time"
)

// minSilence is the shortest silence that makes a station unreachable.
const minSilence = 120 * time.Second

// Silence is how long a connected station may send nothing before it counts
// as unreachable: twice its heartbeat interval, at least 120 s.
func Silence(heartbeat time.Duration) time.Duration {
	return max(2*heartbeat, minSilence)
}

// Jitter spreads an interval by up to ±10 %, always the same for one
// station, so that stations that booted together do not beat together for
// ever (field note 25). The result is in whole seconds, as BootNotification
// wants it.
func Jitter(station string, interval time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(station)))
	permille := int64(h.Sum32()%201) - 100 // -100 … +100
	return (interval + interval*time.Duration(permille)/1000).Round(time.Second)
}
