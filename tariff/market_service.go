package tariff

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/station"
)

// KindMarketChanged tells that other market rules hold for a site. Payload SiteMarket.
const KindMarketChanged = "tariff.market_changed"

// SiteMarket says which market rules hold for a site.
type SiteMarket struct {
	Site     string   `json:"site"`
	Profiles []string `json:"profiles" nullable:"false" doc:"The profiles that hold"`
	Chosen   bool     `json:"chosen" doc:"They were chosen; otherwise they follow from the address"`
	Public   bool     `json:"public" doc:"Open to the public; rules for public points hold"`
}

// profilesOf gives the shipped profiles and those an organisation or one
// above it has added, which replace a shipped one of the same id.
func profilesOf(tx *db.Tx, org identity.OrgID) ([]Profile, error) {
	o, err := identity.Lookup(tx, org)
	if err != nil {
		return nil, err
	}
	var own []Profile
	for _, above := range strings.Split(strings.Trim(o.Path, "/"), "/") {
		more, err := db.Collect(tx, scanProfile, `SELECT profile FROM tariff_market_profile WHERE org = $1 ORDER BY id`, above)
		if err != nil {
			return nil, err
		}
		own = append(own, more...)
	}
	all := slices.Clone(shipped)
	for _, p := range own {
		if i := slices.IndexFunc(all, func(o Profile) bool { return o.ID == p.ID }); i >= 0 {
			all[i] = p
		} else {
			all = append(all, p)
		}
	}
	return all, nil
}

func scanProfile(row db.Scanner) (Profile, error) {
	var p Profile
	var text string
	err := row.Scan(&text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &p)
	}
	return p, err
}

// siteMarket gives the rules of a site.
func (s *Service) siteMarket(tx *db.Tx, site location.Site) (SiteMarket, []Profile, error) {
	m := SiteMarket{Site: string(site.ID), Profiles: []string{}, Public: true}
	var chosen string
	err := tx.QueryRow(`SELECT profiles, is_public FROM tariff_site_market WHERE site = $1`, m.Site).Scan(&chosen, &m.Public)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return m, nil, err
	}
	all, err := profilesOf(tx, identity.OrgID(site.Org))
	if err != nil {
		return m, nil, err
	}
	var names []string
	if chosen != "" {
		if err := json.Unmarshal([]byte(chosen), &names); err != nil {
			return m, nil, err
		}
	}
	m.Chosen = names != nil
	var hold []Profile
	for _, p := range all {
		if m.Chosen && slices.Contains(names, p.ID) || !m.Chosen && p.holds(site.Address.Country, site.Address.PostalCode) {
			hold = append(hold, p)
			m.Profiles = append(m.Profiles, p.ID)
		}
	}
	return m, hold, nil
}

// locale is a site where a tariff applies, with its market.
type locale struct {
	site   location.Site
	market Market
}

// locales gives the sites that a place covers, with the power of its
// strongest EVSE there.
func (s *Service) locales(tx *db.Tx, p Place) ([]locale, error) {
	power := map[string]unit.Watts{}
	switch p.Level() {
	case LevelEVSE, LevelStation:
		if p.Site == "" {
			return nil, nil
		}
		most, err := s.power(tx, p.Station, p.EVSE)
		if err != nil {
			return nil, err
		}
		power[p.Site] = most
	default:
		if p.Level() == LevelSite {
			power[p.Site] = 0
		}
		err := s.stationsAt(tx, p, func(st station.Station) error {
			most, err := s.power(tx, string(st.ID), 0)
			if st.Site != "" {
				power[st.Site] = max(power[st.Site], most)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var out []locale
	for id, most := range power {
		site, err := s.d.Locations.Get(tx, location.ID(id))
		if err != nil {
			return nil, err
		}
		m, hold, err := s.siteMarket(tx, site)
		if err != nil {
			return nil, err
		}
		out = append(out, locale{site, Market{Profiles: hold, Public: m.Public, Power: most}})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].site.ID < out[j].site.ID })
	return out, nil
}

// stationsAt calls do for each station of a site or organisation.
func (s *Service) stationsAt(tx *db.Tx, p Place, do func(station.Station) error) error {
	scope := identity.ScopeOf(p.Org)
	after := station.ID("")
	for {
		page, err := s.d.Stations.Fleet(tx, scope, p.Site, after, 500)
		if err != nil {
			return err
		}
		for _, st := range page {
			if err := do(st); err != nil {
				return err
			}
		}
		if len(page) < 500 {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

// power is that of the strongest EVSE of a station, or of one EVSE.
func (s *Service) power(tx *db.Tx, id string, evse int) (unit.Watts, error) {
	ports, err := s.d.Stations.EVSEs(tx, id)
	if err != nil {
		return 0, err
	}
	var most int64
	for _, p := range ports {
		if p.RemovedAt == nil && (evse == 0 || p.EVSE == evse) {
			most = max(most, p.MaxPower)
		}
	}
	return unit.Watts(most), nil
}

// lawful refuses a tariff at a place whose rules forbid it for an audience.
func (s *Service) lawful(tx *db.Tx, p Place, t Tariff, a Audience) error {
	all, err := s.locales(tx, p)
	if err != nil {
		return err
	}
	for _, l := range all {
		if bad := Refused(l.market.Examine(&t, a)); len(bad) > 0 {
			return refusal(t.ID, l.site.Name, bad)
		}
	}
	return nil
}

// groupLawful checks each entry of a group at each of its places.
func (s *Service) groupLawful(tx *db.Tx, g Group) error {
	for i, e := range g.Entries {
		v, err := newest(tx, e.uid)
		if err != nil {
			return err
		}
		for _, b := range g.Places {
			if err := s.lawful(tx, b.Place, v.Tariff, e.Audience); err != nil {
				return relocate(err, fmt.Sprintf("body.entries[%d]", i))
			}
		}
	}
	return nil
}

// stillLawful checks a new version of a tariff wherever the tariff is used
// now or later.
func (s *Service) stillLawful(tx *db.Tx, u uid, t Tariff) error {
	all, err := usesOf(tx, u)
	if err != nil {
		return err
	}
	for _, x := range all {
		if err := s.lawful(tx, x.Place, t, x.Audience); err != nil {
			return err
		}
	}
	return nil
}

// SessionCap is the most energy that a session at a site may deliver by its
// market's rules; ok is false when there is no such rule.
func (s *Service) SessionCap(tx *db.Tx, site string) (most unit.Energy, ok bool, err error) {
	where, err := s.d.Locations.Get(tx, location.ID(site))
	if err != nil {
		return 0, false, err
	}
	_, hold, err := s.siteMarket(tx, where)
	for _, p := range hold {
		if p.MaxKWh == nil {
			continue
		}
		if e := unit.Energy(p.MaxKWh.Value) * 1000 * unit.WattHour; !ok || e < most {
			most, ok = e, true
		}
	}
	return most, ok, err
}

// SetSiteMarket chooses the profiles of a site (nil: by its address) and says
// whether it is public. It gives what its prices break under them; they stay
// in force until somebody changes them.
func (s *Service) SetSiteMarket(ctx context.Context, site string, profiles []string, public bool) (c MarketCheck, err error) {
	who, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return c, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		where, err := s.siteFor(tx, who, site)
		if err != nil {
			return err
		}
		known, err := profilesOf(tx, identity.OrgID(where.Org))
		if err != nil {
			return err
		}
		for i, name := range profiles {
			if !slices.ContainsFunc(known, func(p Profile) bool { return p.ID == name }) {
				return fault.New(fault.Invalid, "tariff.market_unknown", "There is no market profile %q.", name).
					With(fmt.Sprintf("body.profiles[%d]", i), "must be one of GET /market-profiles", name)
			}
		}
		text, err := json.Marshal(profiles)
		if err != nil {
			return err
		}
		err = tx.Send(`INSERT INTO tariff_site_market (site, org, profiles, is_public, updated_at, updated_by) VALUES ($1,$2,$3,$4,$5,$6)
			ON CONFLICT (site) DO UPDATE SET org = $2, profiles = $3, is_public = $4, updated_at = $5, updated_by = $6`,
			site, where.Org, string(text), public, db.Micros(tx.Now), who.Actor())
		if err != nil {
			return err
		}
		if c, err = s.checkSite(tx, where); err != nil {
			return err
		}
		err = identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(where.Org), Action: KindMarketChanged, Subject: site,
			Changes: map[string]identity.Change{"profiles": {nil, c.Market.Profiles}, "public": {nil, public}}})
		if err != nil {
			return err
		}
		return event.Record(tx, event.Fact{Org: where.Org, Site: site, Subject: "site-market/" + site, Kind: KindMarketChanged}, c.Market)
	})
	return c, err
}

// siteFor finds a site that the caller may see.
func (s *Service) siteFor(tx *db.Tx, c identity.Caller, site string) (location.Site, error) {
	where, err := s.d.Locations.Get(tx, location.ID(site))
	if err != nil {
		return where, err
	}
	seen, err := c.Scope.Has(tx, identity.OrgID(where.Org))
	if err == nil && !seen {
		err = fault.New(fault.NotFound, "location.unknown", "there is no site %q", site)
	}
	return where, err
}

// SetProfile adds a market profile of an organisation's own, or changes it.
func (s *Service) SetProfile(ctx context.Context, org identity.OrgID, p Profile) (Profile, error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return p, err
	}
	p.ID = strings.ToUpper(p.ID)
	if err := p.check(); err != nil {
		return p, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		own, err := identity.Place(ctx, tx, org)
		if err != nil {
			return err
		}
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		err = tx.Send(`INSERT INTO tariff_market_profile (org, id, profile, updated_at, updated_by) VALUES ($1,$2,$3,$4,$5)
			ON CONFLICT (org, id) DO UPDATE SET profile = $3, updated_at = $4, updated_by = $5`, string(own), p.ID, string(text), db.Micros(tx.Now), c.Actor())
		if err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: own, Action: "tariff.market_profile_changed", Subject: p.ID})
	})
	return p, err
}

// Profiles gives the market profiles that an organisation can use.
func (s *Service) Profiles(ctx context.Context) (all []Profile, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		org, err := identity.Place(ctx, tx, c.Org)
		if err != nil {
			return err
		}
		all, err = profilesOf(tx, org)
		return err
	})
	return all, err
}
