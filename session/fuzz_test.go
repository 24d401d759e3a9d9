package session

import (
	"encoding/binary"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// FuzzNext makes events of any bytes and holds that their order does not
// matter, that slices sum to the energy, and that energy never is negative.
func FuzzNext(f *testing.F) {
	f.Add([]byte("start reading reading status stop"), int64(1))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 1, 0, 9, 1, 1, 3, 0, 0, 2, 0, 1, 1, 1, 4, 0, 0, 3, 0, 0, 0, 0}, int64(7))
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 0, 3, 1, 0, 200, 255, 255, 3, 1, 3, 1, 0, 100, 0, 0, 1, 5}, int64(3))
	f.Fuzz(func(t *testing.T, data []byte, seed int64) {
		events := fuzzEvents(data)
		want, slicesWant := Fold(events)
		checkSums(t, want, slicesWant)
		if want.Energy < 0 {
			t.Fatalf("energy %d", want.Energy)
		}
		mixed := append(slices.Clone(events), events...)
		rand.New(rand.NewSource(seed)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		s, rows := play(mixed)
		if text(s) != text(want) || text(rows) != text(slicesWant) {
			t.Fatalf("order matters:\n%s\n%s", text(s), text(want))
		}
	})
}

// fuzzEvents reads eight bytes as one event; at most 60 of them.
func fuzzEvents(data []byte) []Event {
	var out []Event
	for len(data) >= 8 && len(out) < 60 {
		b := data[:8]
		data = data[8:]
		at := testStart.Add(time.Duration(binary.BigEndian.Uint16(b[2:4])) * time.Second)
		if b[1]&0x80 != 0 {
			at = at.Add(-time.Duration(b[3]) * time.Hour)
		}
		e := Event{Kind: Kind(b[0]%6) + 1, Seq: NoSeq, Station: at, Received: testStart.Add(300 * time.Hour), Charging: Charging(b[6] % 6)}
		if b[1]&1 != 0 {
			e.Seq = int64(b[6])
		}
		switch e.Kind {
		case ReadingTaken:
			v := unit.Energy(binary.BigEndian.Uint16(b[4:6])) * 7919
			e.Charging = Unknown
			e.Anchor = Anchor(b[1] >> 1 & 3 % 3)
			e.Reading = Reading{Has: Measure(b[6]) & (HasRegister | HasInterval | HasPower | HasSoC), Location: Location(b[7] % 6),
				Clock: b[7]&0x40 != 0, Register: v, Interval: v, Power: unit.Watts(v / 1000)}
			if e.Anchor == 3 || e.Seq != NoSeq {
				e.Anchor = NoAnchor
			}
		case Vacated:
			e.Charging, e.Seq, e.Reason = Unknown, NoSeq, "Silent"
		case Connector:
			e.Seq = NoSeq
			if e.Charging == Unknown {
				e.Reason = "Available"
			}
		}
		out = append(out, digested(e))
	}
	return out
}
