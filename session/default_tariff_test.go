package session

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
	"github.com/forecourt-ev/forecourt/tariff"
)

func TestTariffSteps(t *testing.T) {
	a, b := &tariff.Version{ID: "A"}, &tariff.Version{ID: "B"}
	type versions = map[int]*tariff.Version
	type sent = map[int]tariff.VersionID
	for name, c := range map[string]struct {
		want versions
		have sent
		anew bool
		told []string
	}{
		"all the same":           {versions{1: a, 2: a}, nil, false, []string{"0 A"}},
		"one for each":           {versions{1: a, 2: b}, nil, false, []string{"1 A:1", "2 B:2"}},
		"nothing turned":         {versions{1: a, 2: b}, sent{1: "A", 2: "B"}, false, nil},
		"one turned":             {versions{1: a, 2: a}, sent{1: "A", 2: "B"}, false, []string{"2 A:2"}},
		"all turned":             {versions{1: b, 2: b}, sent{1: "A", 2: "A"}, false, []string{"0 B"}},
		"it may have forgotten":  {versions{1: a, 2: a}, sent{1: "A", 2: "A"}, true, []string{"0 A"}},
		"nothing is in force":    {versions{1: nil, 2: nil}, sent{}, true, nil},
		"one has no price now":   {versions{1: a, 2: nil}, sent{1: "A", 2: "A"}, false, []string{"2 clear"}},
		"none has a price now":   {versions{1: nil, 2: nil}, sent{1: "A", 2: "B"}, false, []string{"0 clear"}},
		"nobody described EVSEs": {versions{0: a}, sent{0: "B"}, false, []string{"0 A"}},
	} {
		var got []string
		for _, s := range tariffSteps(c.want, c.have, c.anew) {
			id := "clear"
			if s.Version != nil {
				id = s.id()
			}
			got = append(got, fmt.Sprint(s.EVSE, " ", id))
		}
		if !reflect.DeepEqual(got, c.told) {
			t.Errorf("%s: %q, want %q", name, got, c.told)
		}
	}
}

// Stations that compute costs have the tariffs in force at their EVSEs, also
// when those differ, change, begin by the calendar and end.
func TestDefaultTariffsFollowThePrices(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		sent := h.shows(Display{Tariff: true})
		log := event.New(h.d, nil, "prices", nil)
		log.Consume(h.s.Consumers()...)
		told := func(want ...string) {
			t.Helper()
			if err := log.CatchUp(h.ctx); err != nil {
				t.Fatal(err)
			}
			h.work()
			h.work()
			var got []string
			for _, r := range *sent {
				switch r := r.(type) {
				case *ocpp.SetDefaultTariffRequest:
					got = append(got, fmt.Sprint(r.EVSEID, " ", r.Tariff.Energy.Prices[0].PriceKwh))
				case *ocpp.ClearTariffsRequest:
					got = append(got, fmt.Sprint(*r.EVSEID, " clear"))
				}
			}
			if *sent = nil; !slices.Equal(got, want) {
				t.Fatalf("%q, want %q", got, want)
			}
		}
		create := func(id, price string) {
			t.Helper()
			text := `{"id":"` + id + `","currency":"EUR","elements":[{"price_components":[{"type":"ENERGY","price":` + price + `,"step_size":1}]}]}`
			if err := createFrom(h.ctx, h.tariffs.Create, text); err != nil {
				t.Fatal(err)
			}
		}
		assign := func(id tariff.ID, a tariff.Assignment) tariff.Assignment {
			t.Helper()
			a, err := h.tariffs.Assign(h.ctx, id, a)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		everywhere := tariff.Place{Org: identity.OrgID(h.org)}
		create("DAY", "0.5")
		create("LATER", "0.7")
		err := h.d.Update(h.ctx, func(tx *db.Tx) error {
			return event.Record(tx, event.Fact{Org: h.org, Station: "CS1", Subject: "station/CS1", Kind: station.KindBoot}, station.Boot{Status: "Accepted", Protocol: string(ocpp.V21)})
		})
		if err != nil {
			t.Fatal(err)
		}
		told() // no price is in force yet
		assign("DAY", tariff.Assignment{Place: everywhere})
		told("0 0.5")
		told()
		assign("LATER", tariff.Assignment{Place: everywhere, From: h.clock.Now().Add(time.Hour)})
		told()
		h.clock.Advance(2 * time.Hour)
		told("0 0.7")
		h.s.d.Placed = func(*db.Tx, string) (Placed, error) { return Placed{Org: h.org, EVSEs: []int{1}}, nil }
		told()
	})
}
