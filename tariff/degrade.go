package tariff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Loss is something a tariff says that OCPI has no words for: where, and what
// a reader of the OCPI form is told instead.
type Loss struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// ToOCPI gives the tariff in plain OCPI 2.2.1/2.3.0, and what was lost. What
// can be said exactly is said (free kWh of every session, quiet hours); what
// cannot is left out such that the OCPI form never promises less than is
// billed, step sizes apart, to a driver who has no group and no plan. Where something is lost,
// our own sentence is added as tariff_alt_text, in each language that has no
// text yet.
func (t *Tariff) ToOCPI() (ocpi.Tariff, []Loss) {
	d := degrader{t: t, out: t.Source}
	e, err := ExtensionOf(t.Source)
	if err != nil {
		return t.Source, nil // cannot be: the tariff was compiled from it
	}
	d.out.Elements = nil
	for i := range t.Source.Elements {
		d.element(i)
	}
	d.idle(e.Idle)
	d.allowances(e.Allowances)
	d.rest(e)
	d.out.Extra = plain(d.out.Extra)
	if len(d.out.Elements) == 0 { // everything was for groups only
		d.out.Elements = []ocpi.TariffElement{{PriceComponents: []ocpi.PriceComponent{{Type: ocpi.DimensionFlat, StepSize: 1}}}}
	}
	if len(d.lost) > 0 {
		d.sentences()
	}
	return d.out, d.lost
}

type degrader struct {
	t    *Tariff
	out  ocpi.Tariff
	lost []Loss
}

func (d *degrader) lose(path, format string, args ...any) {
	d.lost = append(d.lost, Loss{Path: path, Text: fmt.Sprintf(format, args...)})
}

// plain is what else was in an object, without our extension.
func plain(x ocpi.Extra) ocpi.Extra {
	if _, ok := x[ExtensionField]; !ok {
		return x
	}
	x = maps.Clone(x)
	delete(x, ExtensionField)
	if len(x) == 0 {
		return nil
	}
	return x
}

// element keeps an element that OCPI can say. One for a driver group or a
// band of the battery is left out: a partner would take it to be for all.
func (d *degrader) element(i int) {
	o := d.t.Source.Elements[i]
	beyond := d.t.Elements[i].When.beyond
	o.Extra = plain(o.Extra)
	if beyond == nil {
		d.out.Elements = append(d.out.Elements, o)
		return
	}
	path := fmt.Sprintf("elements[%d].%s", i, ExtensionField)
	switch {
	case len(beyond.DriverGroups) > 0:
		d.lose(path+".driver_groups", "the price for %v is not told to partners", beyond.DriverGroups)
	case beyond.MinSoC != nil || beyond.MaxSoC != nil:
		d.lose(path, "OCPI has no restriction on the state of charge; the price is left out")
	default:
		var r ocpi.TariffRestrictions
		if o.Restrictions != nil {
			r = *o.Restrictions
		}
		if r.MinPower == nil {
			r.MinPower = (*unit.Decimal)(beyond.MinRatedPower)
		}
		if r.MaxPower == nil {
			r.MaxPower = (*unit.Decimal)(beyond.MaxRatedPower)
		}
		o.Restrictions = &r
		d.out.Elements = append(d.out.Elements, o)
		d.lose(path, "the power of the EVSE is told as the power that is drawn")
	}
}

// idle says quiet hours as parking of price 0; the rest has no words.
func (d *degrader) idle(r *IdleRule) {
	if r == nil {
		return
	}
	path := ExtensionField + ".idle"
	var free []ocpi.TariffElement
	for _, q := range r.QuietHours {
		free = append(free, ocpi.TariffElement{
			PriceComponents: []ocpi.PriceComponent{{Type: ocpi.DimensionParking, StepSize: 1}},
			Restrictions:    &ocpi.TariffRestrictions{StartTime: q.Start, EndTime: q.End},
		})
	}
	d.out.Elements = append(free, d.out.Elements...)
	if r.GraceMinutes > 0 {
		d.lose(path+".grace_minutes", "the first %d minutes of parking appear to cost what the others do", r.GraceMinutes)
	}
	if r.Cap != nil {
		d.lose(path+".cap", "parking appears to have no cap of its own")
	}
	if r.OnlyWaiting {
		d.lose(path+".only_while_others_wait", "parking appears to cost something also while nobody waits")
	}
}

// allowances says the free kWh of every session as energy of price 0.
func (d *degrader) allowances(all []AllowanceRule) {
	said := false
	for i, a := range all {
		path := fmt.Sprintf("%s.allowances[%d]", ExtensionField, i)
		first := !slices.ContainsFunc(all[:i], func(b AllowanceRule) bool { return b.KWh != nil })
		if a.KWh != nil && a.Per == PerSession && len(a.DriverGroups) == 0 && first && !said && d.exact() {
			limit := decimal(*a.KWh)
			d.out.Elements = append([]ocpi.TariffElement{{
				PriceComponents: []ocpi.PriceComponent{{Type: ocpi.DimensionEnergy, StepSize: 1}},
				Restrictions:    &ocpi.TariffRestrictions{MaxKWh: &limit},
			}}, d.out.Elements...)
			said = true
			continue
		}
		d.lose(path, "what is free per %s is not told to partners", a.Per)
	}
}

// exact reports that energy is billed without steps, so that what is free may
// count into the total.
func (d *degrader) exact() bool {
	return !slices.ContainsFunc(d.t.components, func(c *Component) bool { return c.dim == dimEnergy && c.Step > c.smallestStep() })
}

func (d *degrader) rest(e Extension) {
	if e.FailedStart != nil {
		d.lose(ExtensionField+".failed_start", "the start fee appears to be due also when the start fails")
	}
	if e.DayCap != nil {
		d.lose(ExtensionField+".day_cap", "the cap per day is not told")
	}
	if e.Rounding != nil {
		d.lose(ExtensionField+".rounding", "OCPI leaves rounding to the parties")
	}
}

// maxAltText is what DisplayText holds.
const maxAltText = 512

// sentences adds what was lost in words: the whole sentence, or if that is
// too long only what goes beyond OCPI.
func (d *degrader) sentences() {
	texts := slices.Clone(d.out.TariffAltText)
	for _, l := range []Language{English, French, German} {
		if slices.ContainsFunc(texts, func(x ocpi.DisplayText) bool { return x.Language == string(l) }) {
			continue
		}
		s := []rune(d.t.Sentence(l))
		if len(s) > maxAltText {
			s = []rune(strings.Join(d.t.policyWords(l), "; "))
		}
		if len(s) > maxAltText {
			s = append(s[:maxAltText-1], '…')
		}
		if len(s) > 0 {
			texts = append(texts, ocpi.DisplayText{Language: string(l), Text: string(s)})
		}
	}
	d.out.TariffAltText = texts
}
