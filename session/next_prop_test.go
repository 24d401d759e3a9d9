package session

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"pgregory.net/rapid"
)

var testStart = time.Date(2026, 3, 10, 9, 7, 12, 0, time.UTC)

// digested gives an event the digest of its own content, as the room does.
func digested(e Event) Event {
	h := fnv.New64a()
	fmt.Fprintf(h, "%v", e)
	e.Digest = h.Sum64()
	return e
}

// drawSession makes the events of a session as a station could send them,
// with every oddity switched on at times.
func drawSession(t *rapid.T) []Event {
	seqs := rapid.Bool().Draw(t, "2.x")
	n := rapid.IntRange(0, 12).Draw(t, "steps")
	reg := unit.Energy(rapid.SampledFrom([]int64{0, 1_000_000, 999_999_990_000, 5_000_000}).Draw(t, "register"))
	at, seq := testStart, int64(0)
	var out []Event
	add := func(e Event) {
		e.Received = testStart.Add(200 * time.Hour)
		e.Seq = NoSeq
		if seqs && e.Kind != Connector && e.Kind != Vacated {
			e.Seq = seq
		}
		out = append(out, digested(e))
	}
	if rapid.IntRange(0, 9).Draw(t, "start") > 0 {
		add(Event{Kind: Started, Station: at, Token: Token{"A", "ISO14443"}, EVSE: 1, Charging: pick(seqs, Connected)})
		if !seqs {
			add(Event{Kind: ReadingTaken, Anchor: MeterStart, Station: at, Reading: Reading{Has: HasRegister, Register: reg}})
		}
	}
	for range n {
		at = at.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "gap")) * time.Second)
		seq++
		stamp := at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, -7200, -3, 3600}).Draw(t, "jump")) * time.Second)
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0, 1:
			c := Charging(rapid.IntRange(1, 5).Draw(t, "charging"))
			if seqs {
				add(Event{Kind: Updated, Station: stamp, Charging: c, Trigger: rapid.SampledFrom([]string{"", "", "TimeLimitReached"}).Draw(t, "trigger")})
			} else {
				add(Event{Kind: Connector, Station: stamp, Charging: c})
			}
		case 2:
			add(Event{Kind: Connector, Station: stamp, Reason: "Available"})
		case 3:
			if rapid.Bool().Draw(t, "vacated") {
				add(Event{Kind: Vacated, Station: stamp, Reason: rapid.SampledFrom([]string{"superseded", "silent", signContinued}).Draw(t, "sign")})
			}
		default:
			if seqs {
				add(Event{Kind: Updated, Station: stamp})
			}
			step := unit.Energy(rapid.IntRange(0, 3_000_000).Draw(t, "energy"))
			reg += step
			r := Reading{Has: HasRegister, Register: reg}
			switch rapid.IntRange(0, 14).Draw(t, "oddity") {
			case 0:
				reg, r.Register = 0, 0
			case 1:
				r.Register = 0
			case 2:
				r.Register -= 5000
			case 3:
				r = Reading{Has: HasInterval, Interval: step}
			case 4:
				r = Reading{Has: HasInterval | HasRegister, Interval: step, Register: reg, Clock: true}
			case 5:
				r = Reading{Has: HasPower | HasSoC, Power: 7000, SoC: 40_000}
			case 6:
				r.Location = Inlet
				r.Register += 100_000
			case 7:
				reg += 2_000_000_000_000
				r.Register = reg
			}
			if rapid.Bool().Draw(t, "power") {
				r.Has |= HasPower
				r.Power = unit.Watts(rapid.IntRange(0, 150_000).Draw(t, "w"))
				r.Has |= HasCurrentSum
				r.Amperes = unit.MilliAmps(rapid.IntRange(0, 300_000).Draw(t, "mA"))
			}
			add(Event{Kind: ReadingTaken, Station: stamp, Reading: r})
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "end") > 0 {
		seq++
		at = at.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "last")) * time.Second)
		add(Event{Kind: Ended, Station: at, Reason: "Local"})
		stop := Event{Kind: ReadingTaken, Anchor: MeterStop, Station: at, Reading: Reading{Has: HasRegister, Register: reg}}
		if seqs {
			stop.Anchor = NoAnchor
		}
		add(stop)
	}
	return out
}

func pick(b bool, c Charging) Charging {
	if b {
		return c
	}
	return Unknown
}

// play does what the room does: take each event as it comes, and fold all
// that is stored when one comes late.
func play(events []Event) (State, []Slice) {
	var s State
	var rows []Slice
	var stored []Event
	for _, e := range events {
		if slices.ContainsFunc(stored, func(o Event) bool { return keyOf(o) == keyOf(e) }) {
			continue
		}
		stored = append(stored, e)
		next, done, late := Next(s, e)
		if late {
			s, rows = Fold(stored)
			continue
		}
		s, rows = next, append(rows, done...)
	}
	return s, rows
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestNextSameSessionInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawSession(t)
		want, slicesWant := Fold(events)
		checkSums(t, want, slicesWant)
		for range 4 {
			mixed := slices.Clone(events)
			for range rapid.IntRange(0, 5).Draw(t, "repeats") {
				if len(events) > 0 {
					mixed = append(mixed, events[rapid.IntRange(0, len(events)-1).Draw(t, "again")])
				}
			}
			r := rand.New(rand.NewSource(int64(rapid.Int32().Draw(t, "shuffle"))))
			r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			s, rows := Fold(mixed)
			if text(s) != text(want) || text(rows) != text(slicesWant) {
				t.Fatalf("fold depends on order:\n%s\n%s\n%s\n%s", text(s), text(want), text(rows), text(slicesWant))
			}
			s, rows = play(mixed)
			if text(s) != text(want) || text(rows) != text(slicesWant) {
				t.Fatalf("play differs from fold:\n%s\n%s\n%s\n%s", text(s), text(want), text(rows), text(slicesWant))
			}
		}
	})
}

func TestNextInOrderIsFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawSession(t)
		for cut := range len(events) + 1 {
			want, rowsWant := Fold(events[:cut])
			s, rows := play(events[:cut])
			if text(s) != text(want) || text(rows) != text(rowsWant) {
				t.Fatalf("after %d events:\n%s\n%s\n%s\n%s", cut, text(s), text(want), text(rows), text(rowsWant))
			}
		}
	})
}

type failer interface{ Fatalf(string, ...any) }

func checkSums(t failer, s State, done []Slice) {
	all := append(slices.Clone(done), s.Rest(testStart.Add(300*time.Hour))...)
	var sum unit.Energy
	for i, p := range all {
		sum += p.Energy
		if p.End.Before(p.Start) || i > 0 && !p.Start.Equal(all[i-1].End) {
			t.Fatalf("slices leave a hole or overlap: %s", text(all))
		}
	}
	if sum != s.Energy {
		t.Fatalf("slices sum to %d, session has %d: %s", sum, s.Energy, text(s))
	}
	if s.Phase != Empty && len(all) > 0 && !all[0].Start.Equal(s.StartedAt) {
		t.Fatalf("slices begin at %v, session at %v", all[0].Start, s.StartedAt)
	}
	if !s.EndedAt.IsZero() && !all[len(all)-1].End.Equal(s.EndedAt) {
		t.Fatalf("slices end at %v, session at %v", all[len(all)-1].End, s.EndedAt)
	}
	iv := Intervals(all)
	var wh int64
	for _, w := range WattHours(iv) {
		wh += w
	}
	if wh != s.Energy.WattHours() {
		t.Fatalf("intervals sum to %d Wh, session has %d", wh, s.Energy.WattHours())
	}
}
