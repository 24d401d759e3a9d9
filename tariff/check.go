package tariff

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Check holds a tariff of our own to everything FromOCPI asks and more: no
// field we do not know, no negative price, nothing that can never apply. The
// error is fault.Invalid with a field for each problem: where, and the fix.
func Check(o ocpi.Tariff) (Tariff, error) {
	c := compiler{err: fault.New(fault.Invalid, "tariff.invalid", "The tariff is not valid.")}
	t := c.tariff(o)
	for _, name := range foreign(o.UnknownFields()) {
		c.bad(name, nil, "is not a field of an OCPI 2.2.1 or 2.3.0 tariff; remove it")
	}
	c.identity(o)
	c.texts(o)
	c.limits(o)
	for i := range o.Elements {
		c.checkElement(o, i)
	}
	if len(c.err.Fields) == 0 {
		c.reach(&t)
		c.windows(&t)
	}
	if len(c.err.Fields) > 0 {
		return Tariff{}, c.err
	}
	return t, nil
}

func (c *compiler) identity(o ocpi.Tariff) {
	if !printable(o.ID, 1, 36) {
		c.bad("id", o.ID, "must be 1 to 36 visible ASCII characters")
	}
	if len(o.CountryCode) != 2 || strings.Trim(o.CountryCode, letters) != "" {
		c.bad("country_code", o.CountryCode, "must be an ISO 3166 alpha-2 code such as FR")
	}
	if len(o.PartyID) != 3 || strings.Trim(o.PartyID, letters+"0123456789") != "" {
		c.bad("party_id", o.PartyID, "must be three letters or digits, upper case")
	}
	if o.Type != "" && !slices.Contains(ocpi.TariffTypes, o.Type) {
		c.bad("type", o.Type, "must be one of %v, or absent for all sessions", ocpi.TariffTypes)
	}
	if o.StartDateTime != nil && o.EndDateTime != nil && !o.StartDateTime.Before(o.EndDateTime.Time) {
		c.bad("end_date_time", o.EndDateTime.Time, "must be after start_date_time")
	}
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

func printable(s string, least, most int) bool {
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}

func (c *compiler) texts(o ocpi.Tariff) {
	for i, x := range o.TariffAltText {
		at := fmt.Sprintf("tariff_alt_text[%d]", i)
		if len(x.Language) != 2 || strings.Trim(x.Language, strings.ToLower(letters)) != "" {
			c.bad(at+".language", x.Language, "must be an ISO 639-1 code such as fr")
		}
		if n := len([]rune(x.Text)); n == 0 || n > 512 {
			c.bad(at+".text", x.Text, "must have 1 to 512 characters")
		}
	}
	if o.TariffAltURL != "" {
		if u, err := url.Parse(o.TariffAltURL); err != nil || u.Host == "" || len(o.TariffAltURL) > 255 {
			c.bad("tariff_alt_url", o.TariffAltURL, "must be a web address of at most 255 characters")
		}
	}
}

func (c *compiler) limits(o ocpi.Tariff) {
	for _, x := range []struct {
		name  string
		price *ocpi.Price
	}{{"min_price", o.MinPrice}, {"max_price", o.MaxPrice}} {
		if x.price == nil {
			continue
		}
		net, hasNet := x.price.Net()
		gross, hasGross := x.price.Gross()
		switch {
		case !hasNet:
			c.bad(x.name+".excl_vat", nil, "is required")
		case net.Sign() < 0 || hasGross && gross.Sign() < 0:
			c.bad(x.name, net.String(), "must not be negative")
		case hasGross && less(gross, net):
			c.bad(x.name+".incl_vat", gross.String(), "must not be below excl_vat")
		}
	}
	if o.MinPrice != nil && o.MaxPrice != nil {
		low, ok1 := o.MinPrice.Net()
		high, ok2 := o.MaxPrice.Net()
		if ok1 && ok2 && less(high, low) {
			c.bad("max_price.excl_vat", high.String(), "must not be below min_price")
		}
	}
}

func less(a, b unit.Decimal) bool {
	x, _ := a.Scaled(6)
	y, _ := b.Scaled(6)
	return x < y
}

func (c *compiler) checkElement(o ocpi.Tariff, i int) {
	at := fmt.Sprintf("elements[%d]", i)
	e := o.Elements[i]
	seen := map[ocpi.TariffDimension]bool{}
	for j, p := range e.PriceComponents {
		here := fmt.Sprintf("%s.price_components[%d]", at, j)
		if p.Price.Sign() < 0 {
			c.bad(here+".price", p.Price.String(), "must not be negative")
		}
		if p.StepSize == 0 && p.Type != ocpi.DimensionFlat {
			c.bad(here+".step_size", 0, "must be at least 1 (1 Wh or 1 second bills exactly)")
		}
		if seen[p.Type] {
			c.bad(here+".type", p.Type, "is priced twice in this element, so this price never applies; use a second element with restrictions")
		}
		seen[p.Type] = true
		if e.Restrictions != nil && e.Restrictions.Reservation != "" && p.Type != ocpi.DimensionFlat && p.Type != ocpi.DimensionTime {
			c.bad(here+".type", p.Type, "must be FLAT or TIME in an element that prices a reservation")
		}
		if o.TaxIncluded == ocpi.TaxNone && p.VAT != nil && p.VAT.Sign() != 0 {
			c.bad(here+".vat", p.VAT.String(), "must be absent when tax_included is N/A")
		}
	}
	if e.Restrictions != nil {
		c.checkRestrictions(at+".restrictions", e.Restrictions)
	}
}

// checkRestrictions refuses what can never hold.
func (c *compiler) checkRestrictions(at string, r *ocpi.TariffRestrictions) {
	if r.StartTime != "" && r.StartTime == r.EndTime && r.StartTime != "00:00" {
		c.bad(at+".end_time", r.EndTime, "equals start_time; leave both out for the whole day")
	}
	if r.StartDate != "" && r.EndDate != "" && r.StartDate >= r.EndDate {
		c.bad(at+".end_date", r.EndDate, "must be after start_date (it is the first day that no longer counts)")
	}
	for _, x := range []struct {
		name   string
		lo, hi *unit.Decimal
	}{{"kwh", r.MinKWh, r.MaxKWh}, {"current", r.MinCurrent, r.MaxCurrent}, {"power", r.MinPower, r.MaxPower}} {
		if x.lo != nil && x.hi != nil && !less(*x.lo, *x.hi) {
			c.bad(at+".max_"+x.name, x.hi.String(), "must be above min_%s, or the element never applies", x.name)
		}
		if x.hi != nil && x.hi.Sign() == 0 {
			c.bad(at+".max_"+x.name, 0, "must be above 0, or the element never applies")
		}
	}
	if r.MinDuration != nil && r.MaxDuration != nil && *r.MinDuration >= *r.MaxDuration {
		c.bad(at+".max_duration", *r.MaxDuration, "must be above min_duration, or the element never applies")
	}
	if r.MaxDuration != nil && *r.MaxDuration == 0 {
		c.bad(at+".max_duration", 0, "must be above 0, or the element never applies")
	}
	seen := map[string]bool{}
	for i, d := range r.DayOfWeek {
		if seen[d] {
			c.bad(fmt.Sprintf("%s.day_of_week[%d]", at, i), d, "is listed twice")
		}
		seen[d] = true
	}
}

// reach refuses components behind an unrestricted one of the same dimension.
func (c *compiler) reach(t *Tariff) {
	for phase := range phases {
		if phase == phaseExpired {
			continue // falls back to RESERVATION by design
		}
		for _, list := range t.candidates[phase] {
			for i, k := range list {
				if k.when.set != 0 || i == len(list)-1 {
					continue
				}
				next := list[i+1]
				c.bad(fmt.Sprintf("elements[%d]", next.element), next.Dimension,
					"its %s price never applies, because elements[%d] prices %s without restriction before it; put it first", next.Dimension, k.element, k.Dimension)
				break
			}
		}
	}
}
