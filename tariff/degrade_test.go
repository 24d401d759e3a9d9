package tariff

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/ocpi"
)

// TestToOCPI: what can be said is said, what cannot is listed, and the result
// is a tariff that anybody can price with.
func TestToOCPI(t *testing.T) {
	t.Parallel()
	x := parse(t, `{`+head+fullExtension)
	o, lost := x.ToOCPI()
	if _, err := Check(o); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, l := range lost {
		paths = append(paths, l.Path)
	}
	want := []string{
		"elements[0].forecourt.driver_groups", "elements[1].forecourt", "elements[2].forecourt", "forecourt.idle.grace_minutes", "forecourt.idle.cap",
		"forecourt.idle.only_while_others_wait", "forecourt.allowances[1]", "forecourt.allowances[2]", "forecourt.failed_start", "forecourt.day_cap", "forecourt.rounding",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("lost %q", paths)
	}
	if len(o.UnknownFields()) != 0 || len(o.TariffAltText) == 0 || len(o.Elements) != 4 {
		t.Errorf("%d elements, %d texts, unknown %v", len(o.Elements), len(o.TariffAltText), o.UnknownFields())
	}
	free, quiet := o.Elements[0], o.Elements[1]
	if free.PriceComponents[0].Type != ocpi.DimensionEnergy || free.Restrictions.MaxKWh.String() != "5" ||
		quiet.PriceComponents[0].Type != ocpi.DimensionParking || quiet.Restrictions.StartTime != "22:00" {
		t.Errorf("%+v %+v", free, quiet)
	}
	if len(x.Source.Elements[0].Extra) == 0 || len(x.Source.Extra) == 0 {
		t.Error("the tariff itself lost its extension")
	}
	if plain := parse(t, `{`+head+`"elements":[{"price_components":[{"type":"ENERGY","price":0.4,"step_size":1}]}]}`); plain.IsNone() {
		t.Error("no tariff")
	} else if o, lost := plain.ToOCPI(); len(lost) != 0 || !reflect.DeepEqual(o, plain.Source) {
		t.Errorf("plain OCPI changed: %v", lost)
	}
}

// TestToOCPINeverPromisesLess: a stranger never pays more than the OCPI form
// says, save for steps and coins.
func TestToOCPINeverPromisesLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		x, zone, u := genExtended(rt, false), genZone(rt), genUsage(rt)
		for i := range x.Source.Elements {
			x.Source.Elements[i].Extra = nil // bands are left out, and another price takes their place
		}
		own, err := FromOCPI(x.Source)
		if err != nil {
			rt.Fatal(err)
		}
		o, _ := own.ToOCPI()
		pushed, err := FromOCPI(o)
		if err != nil {
			rt.Fatal(err)
		}
		ours, theirs := Price(own, u, zone, Context{}), Price(pushed, u, zone, Context{})
		_, rounded := ours.Subtotal(func(l Line) bool { return l.Kind == LineRounding })
		if ours.Incl.Micros-rounded.Micros > theirs.Incl.Micros {
			rt.Fatalf("billed %s, told %s\n%v\n%v", ours.Incl, theirs.Incl, ours.Lines, theirs.Lines)
		}
	})
}

// TestSentencesAreComplete: nothing an extension has is left out in any language.
func TestSentencesAreComplete(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		x := genExtended(rt, true)
		for _, l := range []Language{English, French, German} {
			if s := x.Sentence(l); strings.Contains(s, "%!") || !strings.HasSuffix(s, ".") {
				rt.Fatal(s)
			}
		}
	})
}
