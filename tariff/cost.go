package tariff

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Cost is what a usage costs under a tariff, with everything needed to
// explain it. Lines add up to Excl and Incl.
type Cost struct {
	Currency   money.Currency
	Excl, Incl money.Amount // rounded once, by Rounding
	Tax        TaxState
	Rounding   Rounding
	Lines      []Line
	Periods    []PricedPeriod
	Notes      []Note

	Start       time.Time     // of the session
	Energy      unit.Energy   // all that was used, billed or not
	Duration    time.Duration // of the session
	ParkingTime time.Duration // of which the vehicle asked for no power
	ReservedFor time.Duration // before the session

	Flags []Flag  // what should be looked at
	Used  []Used  // of allowances, by this session
	Spent []Spent // by this session, by day, where the tariff has a day cap
}

// TaxState says what the two totals mean.
type TaxState string

const (
	TaxExact    TaxState = "exact"       // both are right
	TaxLater    TaxState = "added_later" // Incl equals Excl; local taxes come on top
	TaxContents TaxState = "included"    // Excl equals Incl; it contains taxes not itemised
)

// Rounding says how totals become payable amounts. The zero value rounds the
// total half up to the currency's smallest unit, which is what the worked
// examples of OCPI do.
type Rounding struct {
	Rule    money.Rule
	PerLine bool // round each line to the smallest unit, so that totals are plain sums
	// Increment rounds what is paid, taxes included, to a multiple of itself,
	// as cash is; 0 does not.
	Increment money.Micro
}

// Context carries what a price may depend on beside tariff and usage. A
// tariff's own rounding comes before Rounding. JSON names are stable.
type Context struct {
	Rounding Rounding   `json:"-"`
	Groups   []string   `json:"driver_groups,omitempty"`
	Rated    unit.Watts `json:"rated_power_w,omitempty"`   // of the EVSE; 0: not known
	Used     []Used     `json:"allowances_used,omitempty"` // before this session
	Spent    []Spent    `json:"spent,omitempty"`           // by day, before this session
}

// LineKind says what a line is for.
type LineKind string

const (
	LineSession     LineKind = "session"
	LineReservation LineKind = "reservation"
	LineMinimum     LineKind = "min_price" // lifts the total to the tariff's minimum
	LineMaximum     LineKind = "max_price" // lowers it to the tariff's maximum
	LineFree        LineKind = "free"      // has a price and cost nothing; Reason says why
	LineReduction   LineKind = "reduction" // taken off by a cap or a free amount; Reason says which
	LineRounding    LineKind = "rounding"  // to what can be paid in cash
)

// Line is the cost of one component. Amounts are rounded once, to a millionth
// (or to the currency's smallest unit when Rounding.PerLine).
type Line struct {
	Kind      LineKind
	Element   int // index in the tariff; -1 for a minimum or maximum
	Dimension Dimension
	Quantity  Quantity // used
	Billed    Quantity // after the step
	Price     unit.Decimal
	VAT       *unit.Decimal
	Excl      money.Amount
	Incl      money.Amount
	Step      *StepEffect
	Reason    Reason // of LineFree and LineReduction
	Date      string // the local day, where days are counted: "2026-03-29"
	component *Component
	policy    *policy    // that Reason is of
	rule      *allowance // that Reason is of
	increment money.Micro
}

// Quantity is mWh for ENERGY, microseconds for the times, 1 for FLAT. Where a
// boundary cuts a period the true figure may be a fraction; money is computed
// from that, and this is the nearest whole number.
type Quantity int64

// StepEffect tells how the total of a dimension was rounded up to whole steps;
// the difference is billed on this line, the last one used.
type StepEffect struct {
	Step         Quantity
	Total        Quantity // of all lines of the dimension
	Billed       Quantity // the next multiple of Step
	AcrossOthers bool     // other lines of the dimension count into the total
}

// PricedPeriod is a stretch in which the same components applied. Energies of
// adjoining periods add up exactly.
type PricedPeriod struct {
	Start, End time.Time
	Reserved   bool
	Energy     unit.Energy

	source                         *Period
	energyComponent, timeComponent *Component
	dim                            int8
	excuse                         Reason
}

// Note is a remark on how the cost came about.
type Note struct {
	Code string `json:"code"` // stable
	Text string `json:"text"` // English, but in a view
}

// Note codes.
const (
	NoteNoTariff       = "no_tariff"
	NoteCurrentUnknown = "current_not_measured"
	NoteUsageCorrected = "usage_corrected"
	NoteTaxLater       = "taxes_added_later"
	NoteTaxIncluded    = "taxes_included"
	NoteNotBilled      = "waiting_not_billed"
	NoteSoCUnknown     = "soc_not_told"
	NoteRatedUnknown   = "rated_power_unknown"
)

var noteTexts = map[string]phrase{
	NoteNoTariff: {"No tariff applied at the start of this session, so its price is zero.",
		"Aucun tarif ne s'appliquait au début de cette session ; son prix est donc nul.",
		"Zu Beginn dieses Ladevorgangs galt kein Tarif, daher ist sein Preis null."},
	NoteCurrentUnknown: {"The tariff depends on the current, which the station did not measure; it was taken as zero.",
		"Le tarif dépend du courant, que la borne n'a pas mesuré ; il a été compté comme nul.",
		"Der Tarif hängt vom Strom ab, den die Station nicht gemessen hat; er zählt als null."},
	NoteUsageCorrected: {"Measured periods overlapped, ran backwards or had negative energy; they were put in order.",
		"Des périodes mesurées se chevauchaient, reculaient ou avaient une énergie négative ; elles ont été remises en ordre.",
		"Gemessene Abschnitte überlappten, liefen rückwärts oder hatten negative Energie; sie wurden geordnet."},
	NoteTaxLater: {"Taxes are added later, according to local law.", "Les taxes sont ajoutées ensuite, selon la loi locale.",
		"Steuern kommen nach örtlichem Recht noch hinzu."},
	NoteTaxIncluded: {"The price includes taxes that are not itemised.", "Le prix comprend des taxes qui ne sont pas détaillées.",
		"Der Preis enthält Steuern, die nicht ausgewiesen sind."},
	NoteSoCUnknown: {"The tariff depends on the battery's state of charge, which the vehicle did not tell; prices for a band of it did not apply.",
		"Le tarif dépend de l'état de charge de la batterie, que le véhicule n'a pas indiqué ; les prix par tranche ne s'appliquent pas.",
		"Der Tarif hängt vom Ladestand ab, den das Fahrzeug nicht genannt hat; Preise nach Ladestand galten nicht."},
	NoteRatedUnknown: {"The tariff depends on the power of the EVSE, which is not known; prices for a band of it did not apply.",
		"Le tarif dépend de la puissance du point de charge, qui n'est pas connue ; les prix par tranche ne s'appliquent pas.",
		"Der Tarif hängt von der Leistung des Ladepunkts ab, die nicht bekannt ist; Preise nach Leistung galten nicht."},
	NoteNotBilled: {"Time in which the site held back power or the station was offline is not billed.",
		"Le temps pendant lequel le site retenait la puissance ou la borne était hors ligne n'est pas facturé.",
		"Zeit, in der der Standort Leistung zurückhielt oder die Station nicht erreichbar war, wird nicht berechnet."},
}

func (c *Cost) note(code string) {
	c.Notes = append(c.Notes, Note{Code: code, Text: noteTexts[code].en})
}

// in gives the note in a language.
func (n Note) in(l Language) Note {
	if p, ok := noteTexts[n.Code]; ok {
		n.Text = p.in(l)
	}
	return n
}

// HasNote reports whether the cost carries the note.
func (c Cost) HasNote(code string) bool {
	for _, n := range c.Notes {
		if n.Code == code {
			return true
		}
	}
	return false
}

// Subtotal adds the lines that keep wants, not rounded any further: OCPI's
// total_energy_cost and its kin.
func (c Cost) Subtotal(keep func(Line) bool) (excl, incl money.Amount) {
	excl, incl = money.Zero(c.Currency), money.Zero(c.Currency)
	for _, l := range c.Lines {
		if keep(l) {
			excl, incl = excl.Add(l.Excl), incl.Add(l.Incl)
		}
	}
	return excl, incl
}

// Kind is what happened in the period.
func (p PricedPeriod) Kind() Kind {
	if p.source == nil {
		return ""
	}
	return p.source.Kind
}

// Measured gives the power and current of the period it is part of.
func (p PricedPeriod) Measured() (period Period, ok bool) {
	if p.source == nil {
		return Period{}, false
	}
	return *p.source, true
}

// TimeDimension is TIME or PARKING_TIME, or empty when neither is billed.
func (p PricedPeriod) TimeDimension() Dimension {
	if p.dim == noDim {
		return ""
	}
	return dimensionOf[p.dim]
}

// SamePrice reports whether the same components applied in both.
func (p PricedPeriod) SamePrice(o PricedPeriod) bool {
	return p.energyComponent == o.energyComponent && p.timeComponent == o.timeComponent &&
		p.dim == o.dim && p.Reserved == o.Reserved && p.excuse == o.excuse
}

// Elements gives the elements that priced the period, by dimension.
func (p PricedPeriod) Elements() map[Dimension]int {
	out := map[Dimension]int{}
	for _, c := range []*Component{p.energyComponent, p.timeComponent} {
		if c != nil {
			out[c.Dimension] = c.element
		}
	}
	return out
}

func energyBetween(from, to point) unit.Energy {
	return unit.Energy(to.energy.nearest() - from.energy.nearest())
}

// Free reports whether the tariff can never cost anything.
func (t *Tariff) Free() bool {
	for _, c := range t.components {
		if c.Price.Sign() != 0 {
			return false
		}
	}
	return t.Min == nil || t.Min.Excl == nil && t.Min.Incl == nil
}
