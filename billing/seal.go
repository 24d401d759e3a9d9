package billing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/tariff"
)

// settled is everything a CDR is made of.
type settled struct {
	session session.Finished
	version *tariff.Version // nil: no tariff
	cost    tariff.Cost
	place   place
	country string // of the organisation: ISO 3166-1 alpha-2
	party   string
}

// seal writes the record, but for id, number and time of issue.
func (s settled) seal() (CDR, error) {
	f := s.session
	c := CDR{Org: s.org(), Site: f.Site, Station: f.Station, EVSE: f.EVSE, Session: f.ID, Revision: f.Revision, Kind: Plain,
		Token: f.Token, Driver: f.Driver, Excl: s.cost.Excl, Incl: s.cost.Incl, Energy: s.cost.Energy,
		StartedAt: s.start(), EndedAt: f.Usage.End, Note: s.note()}
	if s.version != nil {
		c.Tariff, c.Version = s.version.Tariff.ID, s.version.ID
	}
	object, err := json.Marshal(s.ocpi())
	if err != nil {
		return c, err
	}
	cost, err := s.cost.Seal()
	if err != nil {
		return c, err
	}
	// What is billed, to whom: a site's new address is no reason to credit.
	sum := sha256.New()
	fmt.Fprintln(sum, f.Token, c.Driver, c.Version, c.Energy, c.StartedAt, c.EndedAt)
	sum.Write(cost)
	c.OCPI, c.Cost, c.Digest = object, cost, hex.EncodeToString(sum.Sum(nil))
	return c, nil
}

// note is what a reader of the amount must know.
func (s settled) note() string {
	var out []string
	for _, n := range s.cost.Notes {
		out = append(out, n.Text)
	}
	if s.place.unknown {
		out = append(out, "The station is not at a site with an address, so the place of the session is incomplete.")
	}
	return strings.Join(out, " ")
}

// start is the start of the session, or of the reservation before it.
func (s settled) start() time.Time {
	if r := s.session.Usage.Reservation; r != nil && r.Start.Before(s.session.Usage.Start) {
		return r.Start
	}
	return s.session.Usage.Start
}

// ocpi is the CDR object without id and last_updated (OCPI 2.2.1 mod_cdrs).
func (s settled) ocpi() ocpi.CDR {
	f, c := s.session, s.cost
	end := ocpi.At(f.Usage.End)
	o := ocpi.CDR{
		CountryCode: s.country, PartyID: s.party, StartDateTime: ocpi.At(s.start()), EndDateTime: &end, SessionID: string(f.ID),
		CdrToken: s.token(), AuthMethod: ocpi.AuthWhitelist, CdrLocation: s.place.ocpi(s.country, s.party), Currency: string(c.Currency),
		ChargingPeriods: s.periods(), TotalCost: price(c, c.Excl, c.Incl), Remark: clip(s.note(), 255),
		TotalEnergy: kWh(c.Energy), TotalTime: hours(c.Duration), TotalParkingTime: hours(c.ParkingTime),
	}
	if f.RemoteStart != 0 {
		o.AuthMethod = ocpi.AuthCommand
	}
	if s.version != nil {
		plain, _ := s.version.Tariff.ToOCPI()
		o.Tariffs = []ocpi.Tariff{plain}
	}
	for _, part := range []struct {
		to        **ocpi.Price
		kind      tariff.LineKind
		dimension ocpi.TariffDimension
	}{
		{&o.TotalFixedCost, tariff.LineSession, ocpi.DimensionFlat},
		{&o.TotalEnergyCost, tariff.LineSession, ocpi.DimensionEnergy},
		{&o.TotalTimeCost, tariff.LineSession, ocpi.DimensionTime},
		{&o.TotalParkingCost, tariff.LineSession, ocpi.DimensionParking},
		{&o.TotalReservationCost, tariff.LineReservation, ""},
	} {
		n := 0
		excl, incl := c.Subtotal(func(l tariff.Line) bool {
			if l.Kind != part.kind || part.dimension != "" && l.Dimension != part.dimension {
				return false
			}
			n++
			return true
		})
		if n > 0 {
			*part.to = price(c, excl.RoundTo(4, c.Rounding.Rule), incl.RoundTo(4, c.Rounding.Rule))
		}
	}
	return o
}

// price is an amount in OCPI's form; incl_vat is left out when taxes are
// still to be added by local law.
func price(c tariff.Cost, excl, incl money.Amount) *ocpi.Price {
	p := ocpi.NewPrice(unit.DecimalOf(int64(excl.Micros), -6), unit.DecimalOf(int64(incl.Micros), -6))
	if c.Tax == tariff.TaxLater {
		p.InclVAT = nil
	}
	return p
}

// tokenTypes maps OCPP token types to OCPI's; all else is OTHER.
var tokenTypes = map[string]ocpi.TokenType{
	"": ocpi.TokenRFID, "ISO14443": ocpi.TokenRFID, "ISO15693": ocpi.TokenRFID,
	"Central": ocpi.TokenAppUser, "DirectPayment": ocpi.TokenAdHocUser,
}

func (s settled) token() *ocpi.CdrToken {
	f := s.session
	uid := clip(f.Token, 36)
	if uid == "" {
		uid = ocpi.NotAvailable
	}
	t := ocpi.CdrToken{CountryCode: s.country, PartyID: s.party, UID: uid, Type: ocpi.TokenOther, ContractID: uid}
	if k, ok := tokenTypes[f.TokenType]; ok {
		t.Type = k
	}
	return &t
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// Numbers in OCPI have four decimals: a tenth of a Wh, 0.36 s.
const (
	energyStep = int64(unit.WattHour / 10)
	timeStep   = int64(time.Hour/time.Microsecond) / 10_000
)

func kWh(e unit.Energy) *unit.Decimal {
	d := unit.DecimalOf(nearest(int64(e), energyStep), -4)
	return &d
}

func hours(t time.Duration) *unit.Decimal {
	d := unit.DecimalOf(nearest(t.Microseconds(), timeStep), -4)
	return &d
}

func nearest(v, step int64) int64 { return (v + step/2) / step }

// periods lists the charging periods: a new one wherever a price component
// began or ended, or the kind of use changed.
func (s settled) periods() []ocpi.ChargingPeriod {
	var out []ocpi.ChargingPeriod
	tariffID := ""
	if s.version != nil {
		tariffID = string(s.version.Tariff.ID)
	}
	var sums sums
	for _, m := range merge(s.cost.Periods) {
		out = append(out, ocpi.ChargingPeriod{StartDateTime: ocpi.At(m.start), Dimensions: m.dimensions(&sums), TariffID: tariffID})
	}
	if len(out) == 0 {
		out = append(out, ocpi.ChargingPeriod{StartDateTime: ocpi.At(s.start()), TariffID: tariffID,
			Dimensions: []ocpi.CdrDimension{{Type: ocpi.CdrEnergy}}})
	}
	return out
}

// stretch is one or more priced periods that are alike.
type stretch struct {
	start, end             time.Time
	energy                 unit.Energy
	like                   tariff.PricedPeriod
	minPower, maxPower     unit.Watts
	minCurrent, maxCurrent unit.MilliAmps
}

func merge(periods []tariff.PricedPeriod) []stretch {
	var out []stretch
	for _, p := range periods {
		n := len(out)
		if n == 0 || !out[n-1].like.SamePrice(p) || out[n-1].like.Kind() != p.Kind() || !out[n-1].end.Equal(p.Start) {
			out = append(out, stretch{start: p.Start, like: p})
			n++
		}
		s := &out[n-1]
		s.end, s.energy = p.End, s.energy+p.Energy
		if m, ok := p.Measured(); ok {
			s.maxPower, s.maxCurrent = max(s.maxPower, m.MaxPower), max(s.maxCurrent, m.MaxCurrent)
			s.minPower, s.minCurrent = least(s.minPower, m.MinPower), least(s.minCurrent, m.MinCurrent)
		}
	}
	return out
}

// least is the smaller of two figures of which zero is unknown.
func least[T ~int64](a, b T) T {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// sums are running totals, so that rounded volumes add up.
type sums struct{ energy, time, parking, reserved int64 }

func (s *stretch) dimensions(total *sums) []ocpi.CdrDimension {
	var out []ocpi.CdrDimension
	add := func(t ocpi.CdrDimensionType, coef int64, exp int) {
		out = append(out, ocpi.CdrDimension{Type: t, Volume: unit.DecimalOf(coef, exp)})
	}
	grow := func(sum *int64, v, step int64) int64 {
		before := nearest(*sum, step)
		*sum += v
		return nearest(*sum, step) - before
	}
	took := s.end.Sub(s.start).Microseconds()
	d := s.like.TimeDimension()
	energy := grow(&total.energy, int64(s.energy), energyStep)
	if !s.like.Reserved && (energy > 0 || d != ocpi.DimensionParking) {
		add(ocpi.CdrEnergy, energy, -4)
	}
	switch {
	case s.like.Reserved:
		add(ocpi.CdrReservationTime, grow(&total.reserved, took, timeStep), -4)
	case d == ocpi.DimensionTime:
		add(ocpi.CdrTime, grow(&total.time, took, timeStep), -4)
	case d == ocpi.DimensionParking:
		add(ocpi.CdrParkingTime, grow(&total.parking, took, timeStep), -4)
	}
	for _, m := range []struct {
		kind  ocpi.CdrDimensionType
		value int64
	}{
		{ocpi.CdrMinPower, int64(s.minPower)}, {ocpi.CdrMaxPower, int64(s.maxPower)},
		{ocpi.CdrMinCurrent, int64(s.minCurrent)}, {ocpi.CdrMaxCurrent, int64(s.maxCurrent)},
	} {
		if m.value != 0 {
			add(m.kind, m.value, -3)
		}
	}
	return out
}

// credit is the CDR that takes c back: all of its data, total_cost negative
// (OCPI 2.2.1 mod_cdrs, Credit CDRs).
func (c CDR) credit() (CDR, error) {
	o, err := ocpi.Parse[ocpi.CDR](c.OCPI)
	if err != nil {
		return c, err
	}
	yes := true
	k := c
	k.ID, k.Kind, k.Credits = c.ID+"-C", Credit, c.ID
	k.Excl.Micros, k.Incl.Micros, k.Energy = -c.Excl.Micros, -c.Incl.Micros, -c.Energy
	k.Note = "Takes back CDR number " + strconv.FormatInt(c.Number, 10) + "."
	o.Credit, o.CreditReferenceID, o.Remark = &yes, string(c.ID), k.Note
	for _, d := range []*unit.Decimal{o.TotalCost.ExclVAT, o.TotalCost.InclVAT} {
		if d != nil {
			d.Coef = -d.Coef
		}
	}
	k.OCPI, err = json.Marshal(o)
	return k, err
}

// stamp puts the identity of the issued record into its OCPI form.
func (c *CDR) stamp() error {
	o, err := ocpi.Parse[ocpi.CDR](c.OCPI)
	if err != nil {
		return err
	}
	o.ID, o.LastUpdated = string(c.ID), ocpi.At(c.IssuedAt.Truncate(time.Second))
	c.OCPI, err = json.Marshal(o)
	return err
}
