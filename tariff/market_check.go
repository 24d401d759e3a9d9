package tariff

import (
	"context"
	"fmt"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/station"
)

// MarketCheck is what the rules of a site say about all its prices.
type MarketCheck struct {
	Market   SiteMarket     `json:"market"`
	OK       bool           `json:"ok" doc:"No rule forbids any of the prices"`
	Prices   []CheckedPrice `json:"prices" nullable:"false"`
	Operator []OperatorDuty `json:"operator" nullable:"false" doc:"What the operator as a whole must see to"`
	MaxKWh   *SourcedNumber `json:"max_kwh_per_session,omitempty"`
}

// CheckedPrice is a price in use and what the rules say about it.
type CheckedPrice struct {
	Tariff   ID        `json:"tariff"`
	Audience Audience  `json:"audience"`
	Station  string    `json:"station_id,omitempty"`
	EVSE     int       `json:"evse_id,omitempty"`
	PowerW   int64     `json:"power_w,omitempty"`
	Findings []Finding `json:"findings" nullable:"false"`
}

// OperatorDuty compares the power of all an operator's EVSEs in a market with
// the one from which on it must register as a grid operator.
type OperatorDuty struct {
	Profile  string        `json:"profile"`
	PowerKW  int64         `json:"power_kw"`
	Limit    SourcedNumber `json:"limit"`
	Register bool          `json:"register" doc:"The power is at or above the limit: register"`
}

// CheckSite examines every price in use at a site.
func (s *Service) CheckSite(ctx context.Context, site string) (c MarketCheck, err error) {
	who, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return c, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		where, err := s.siteFor(tx, who, site)
		if err != nil {
			return err
		}
		c, err = s.checkSite(tx, where)
		return err
	})
	return c, err
}

func (s *Service) checkSite(tx *db.Tx, site location.Site) (MarketCheck, error) {
	m, hold, err := s.siteMarket(tx, site)
	c := MarketCheck{Market: m, OK: true, Prices: []CheckedPrice{}, Operator: []OperatorDuty{}}
	if err != nil {
		return c, err
	}
	seen := map[string]bool{}
	err = s.offersAt(tx, site, func(st station.Station, port station.EVSE, o offer) error {
		market := Market{Profiles: hold, Public: m.Public, Power: unit.Watts(port.MaxPower)}
		found := market.Examine(&o.version.Tariff, o.Audience)
		key := fmt.Sprint(o.Tariff, o.TariffOrg, o.Audience, found)
		if seen[key] {
			return nil
		}
		seen[key] = true
		c.OK = c.OK && len(Refused(found)) == 0
		c.Prices = append(c.Prices, CheckedPrice{Tariff: o.Tariff, Audience: o.Audience, Station: string(st.ID), EVSE: port.EVSE, PowerW: port.MaxPower, Findings: found})
		return nil
	})
	if err != nil {
		return c, err
	}
	for _, p := range hold {
		if p.MaxKWh != nil && (c.MaxKWh == nil || p.MaxKWh.Value < c.MaxKWh.Value) {
			c.MaxKWh = p.MaxKWh
		}
		if p.OperatorKW == nil {
			continue
		}
		sum, err := s.operatorPower(tx, identity.OrgID(site.Org), p)
		if err != nil {
			return c, err
		}
		c.Operator = append(c.Operator, OperatorDuty{p.ID, int64(sum) / 1000, *p.OperatorKW, int64(sum) >= p.OperatorKW.Value*1000})
	}
	return c, nil
}

// operatorPower adds up the power of an organisation's EVSEs at sites where a
// profile holds.
func (s *Service) operatorPower(tx *db.Tx, org identity.OrgID, p Profile) (sum unit.Watts, err error) {
	in := map[string]bool{}
	err = s.stationsAt(tx, Place{Org: org}, func(st station.Station) error {
		if st.Site == "" {
			return nil
		}
		covered, known := in[st.Site]
		if !known {
			site, err := s.d.Locations.Get(tx, location.ID(st.Site))
			if err != nil {
				return err
			}
			m, _, err := s.siteMarket(tx, site)
			if err != nil {
				return err
			}
			covered = slices.Contains(m.Profiles, p.ID)
			in[st.Site] = covered
		}
		if !covered {
			return nil
		}
		ports, err := s.d.Stations.EVSEs(tx, string(st.ID))
		for _, e := range ports {
			if e.RemovedAt == nil {
				sum += unit.Watts(e.MaxPower)
			}
		}
		return err
	})
	return sum, err
}
