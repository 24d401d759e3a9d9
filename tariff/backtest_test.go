package tariff

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

func drawUsage(t *rapid.T) Usage {
	at := time.UnixMicro(rapid.Int64Range(1_600_000_000_000_000, 1_900_000_000_000_000).Draw(t, "start")).UTC()
	u := Usage{Start: at}
	if rapid.Bool().Draw(t, "reserved") {
		u.Reservation = &Reservation{Start: at.Add(-time.Hour), End: at, Expired: rapid.Bool().Draw(t, "expired")}
	}
	for range rapid.IntRange(0, 6).Draw(t, "periods") {
		p := Period{Start: at, Kind: rapid.SampledFrom(packKinds[:]).Draw(t, "kind"), Energy: unit.Energy(rapid.Int64Range(-10, 100_000_000).Draw(t, "energy")),
			MinPower: unit.Watts(rapid.Int64Range(0, 400_000).Draw(t, "min")), MaxPower: unit.Watts(rapid.Int64Range(0, 400_000).Draw(t, "max")),
			MinCurrent: unit.MilliAmps(rapid.Int64Range(0, 500_000).Draw(t, "least")), MaxCurrent: unit.MilliAmps(rapid.Int64Range(0, 500_000).Draw(t, "most"))}
		at = at.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Hour/time.Microsecond)).Draw(t, "long")) * time.Microsecond)
		p.End = at
		u.Periods = append(u.Periods, p)
	}
	u.End = at
	for range rapid.IntRange(0, 3).Draw(t, "soc") {
		u.SoC = append(u.SoC, SoCReading{At: u.Start.Add(time.Duration(rapid.IntRange(-9, 9999).Draw(t, "told")) * time.Second), SoC: unit.MilliPercent(rapid.IntRange(0, 100_000).Draw(t, "percent"))})
	}
	for range rapid.IntRange(0, 3).Draw(t, "waiting") {
		from := u.Start.Add(time.Duration(rapid.IntRange(-9, 9999).Draw(t, "from")) * time.Second)
		u.Waiting = append(u.Waiting, TimeSpan{from, from.Add(time.Duration(rapid.IntRange(0, 9999).Draw(t, "waited")) * time.Second)})
	}
	return u
}

func TestPackLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := drawUsage(t)
		var r unpacker
		got, err := r.unpack(u.Pack())
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Periods) == 0 {
			got.Periods = nil
		}
		if !reflect.DeepEqual(got, u) {
			t.Fatalf("%+v became %+v", u, got)
		}
	})
}

func TestUnpackBearsAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r unpacker
		_, _ = r.unpack(rapid.String().Draw(t, "text"))
		packed := drawUsage(t).Pack()
		_, _ = r.unpack(packed[:rapid.IntRange(0, len(packed)).Draw(t, "cut")])
	})
}

// A past session is priced for who charged and where.
func TestReplayKnowsWhoCharged(t *testing.T) {
	candidate := parse(t, `{"currency":"EUR","elements":[{"price_components":[{"type":"FLAT","price":1,"step_size":1}],"forecourt":{"driver_groups":["staff"]}},
		{"price_components":[{"type":"FLAT","price":2,"step_size":1}],"forecourt":{"min_rated_power":50}},{"price_components":[{"type":"FLAT","price":3,"step_size":1}]}]}`)
	u := benchUsage().Pack()
	for name, c := range map[string]struct {
		past Past
		want money.Micro
	}{
		"staff":     {Past{Usage: u, DriverGroups: `["staff","night"]`}, 1_000_000},
		"fast port": {Past{Usage: u, Rated: 150_000}, 2_000_000},
		"nobody":    {Past{Usage: u}, 3_000_000},
	} {
		r := newReplayer(candidate)
		if r.price(c.past); r.out.Total.AfterExcl != c.want || r.out.Unread != 0 {
			t.Errorf("%s: %d, want %d", name, r.out.Total.AfterExcl, c.want)
		}
	}
	r := newReplayer(candidate)
	if r.price(Past{Usage: u, DriverGroups: "{"}); r.out.Unread != 1 {
		t.Error("a row that cannot be read was priced")
	}
}

// However the past is cut into parts, the replays of the parts add up.
func TestReplaysAddUp(t *testing.T) {
	tariff := parse(t, benchTariff)
	rapid.Check(t, func(t *rapid.T) {
		whole := newReplayer(tariff)
		parts := []*replayer{newReplayer(tariff), newReplayer(tariff), newReplayer(tariff)}
		for range rapid.IntRange(0, 20).Draw(t, "sessions") {
			u := drawUsage(t)
			u.Reservation = nil
			p := Past{Site: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "site"), Group: rapid.SampledFrom([]string{"", "g"}).Draw(t, "group"),
				Zone: rapid.SampledFrom([]string{"Europe/Paris", "America/Los_Angeles"}).Draw(t, "zone"), Currency: rapid.SampledFrom([]money.Currency{"EUR", "EUR", "USD"}).Draw(t, "currency"),
				Incl: money.Micro(rapid.Int64Range(0, 40_000_000).Draw(t, "incl")), Usage: u.Pack()}
			whole.price(p)
			parts[rapid.IntRange(0, 2).Draw(t, "part")].price(p)
		}
		sum := newReplay("EUR")
		for _, p := range parts {
			sum.merge(p.out)
		}
		if !reflect.DeepEqual(sum.Report(), whole.out.Report()) {
			t.Fatalf("%+v\n%+v", sum.Report(), whole.out.Report())
		}
		r := whole.out.Report()
		var hours, sites, buckets int64
		for _, h := range r.Hours {
			hours += h.Sessions
		}
		for _, s := range r.Sites {
			sites += s.Sessions
		}
		for _, b := range r.Histogram {
			buckets += b.Sessions
		}
		if hours != r.Total.Sessions || sites != r.Total.Sessions || buckets != r.Total.Dearer+r.Total.Cheaper || r.Total.Dearer+r.Total.Cheaper+r.Total.Same != r.Total.Sessions {
			t.Fatalf("the parts do not make the whole: %+v", r)
		}
	})
}

func TestBuckets(t *testing.T) {
	eur, jpy := newReplayer(Tariff{Currency: "EUR"}), newReplayer(Tariff{Currency: "JPY"})
	for diff, want := range map[money.Micro]int{-60_000_000: 0, -500_001: 6, -500_000: 7, -1: 7, 1: 8, 499_999: 8, 500_000: 9, 50_000_000: 15} {
		if got := eur.bucket(diff); got != want {
			t.Errorf("%d is in bucket %d, want %d", diff, got, want)
		}
		if got := jpy.bucket(diff * 100); got != want && diff != -1 && diff != 1 {
			t.Errorf("JPY: %d is in bucket %d, want %d", diff*100, got, want)
		}
	}
}
