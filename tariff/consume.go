package tariff

import (
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/retain"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
)

// ended is what we need of session.ended; the session room, which knows this
// one, tells it.
type ended struct {
	ID          string         `json:"id"`
	Org         string         `json:"organisation"`
	Site        string         `json:"site"`
	Station     string         `json:"station_id"`
	EVSE        int            `json:"evse_id"`
	Token       string         `json:"id_token"`
	StartedAt   time.Time      `json:"started_at"`
	UnpluggedAt *time.Time     `json:"unplugged_at"`
	Revision    int64          `json:"revision"`
	Version     VersionID      `json:"tariff_version"`
	Currency    money.Currency `json:"currency"`
	Excl        money.Micro    `json:"cost_excl_micros"`
	Incl        money.Micro    `json:"cost_incl_micros"`
	Energy      unit.Energy    `json:"energy_mwh"`
	Usage       Usage          `json:"usage"`
}

// Consumers gives what the room listens to.
func (s *Service) Consumers() []event.Consumer {
	return []event.Consumer{{Name: "tariff.usage", Kinds: []string{"session.ended"}, Handle: s.onEnded}}
}

// Stores tells how much room prices take. All of it is kept: a price can be
// explained and repeated years later. Usages name nobody.
func (s *Service) Stores() []retain.Store {
	return []retain.Store{
		{Name: "tariffs", Tables: []string{"tariff", "tariff_version", "tariff_snapshot", "tariff_dynamic", "tariff_assignment", "tariff_group", "tariff_group_place",
			"tariff_group_entry", "tariff_member", "tariff_override", "tariff_site_market", "tariff_market_profile"}},
		{Name: "price series", Tables: []string{"tariff_series", "tariff_series_point"}},
		{Name: "price changes", Tables: []string{"tariff_change", "tariff_change_item"}},
		{Name: "allowances", Tables: []string{"tariff_allowance", "tariff_holder"}},
		{Name: "back-tests", Tables: []string{"tariff_usage", "tariff_backtest"}},
	}
}

// onEnded keeps the usage of a settled session for back-tests.
func (s *Service) onEnded(tx *db.Tx, f event.Fact) error {
	var e ended
	if err := f.Decode(&e); err != nil {
		return err
	}
	if e.Energy == 0 && len(e.Usage.Periods) == 0 {
		return nil // nobody would have paid anything for it
	}
	zone, err := s.zoneName(tx, e.Org, e.Site)
	if err != nil {
		return err
	}
	d, err := s.driver(tx, e.Org, e.Token, e.StartedAt)
	if err != nil {
		return err
	}
	group, audience, err := s.origin(tx, e, d)
	if err != nil {
		return err
	}
	groups, err := groupList(d.groups())
	if err != nil {
		return err
	}
	rated, err := s.rated(tx, e.Station, e.EVSE)
	if err != nil {
		return err
	}
	u := e.Usage.untilUnplugged(e.UnpluggedAt)
	return tx.Send(`INSERT INTO tariff_usage (session, org, site, station, evse, started_at, revision, zone, currency, version, tgroup, audience, excl, incl, energy, usage, rated, driver_groups)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18) ON CONFLICT (session) DO UPDATE SET org = excluded.org, site = excluded.site,
		evse = excluded.evse, started_at = excluded.started_at, revision = excluded.revision, zone = excluded.zone, currency = excluded.currency,
		version = excluded.version, tgroup = excluded.tgroup, audience = excluded.audience, excl = excluded.excl, incl = excluded.incl,
		energy = excluded.energy, usage = excluded.usage, rated = excluded.rated, driver_groups = excluded.driver_groups WHERE tariff_usage.revision < excluded.revision`,
		e.ID, e.Org, e.Site, e.Station, e.EVSE, db.Micros(e.StartedAt), e.Revision, zone, string(e.Currency), string(e.Version), group, audience,
		int64(e.Excl), int64(e.Incl), int64(e.Energy), u.Pack(), int64(rated), groups)
}

// untilUnplugged adds the time after the end in which the bay stayed taken:
// the session leaves it out when its own tariff has no price for it, but
// another tariff may have one.
func (u Usage) untilUnplugged(at *time.Time) Usage {
	if at == nil || !at.After(u.End) {
		return u
	}
	u.Periods = append(u.Periods[:len(u.Periods):len(u.Periods)], Period{Start: u.End, End: *at, Kind: Parking})
	u.End = *at
	return u
}

func (s *Service) zoneName(tx *db.Tx, org, site string) (string, error) {
	if site != "" {
		where, err := s.d.Locations.Get(tx, location.ID(site))
		if err == nil || !fault.Is(err, fault.NotFound) {
			return where.TimeZone, err
		}
	}
	o, err := identity.Lookup(tx, identity.OrgID(org))
	return o.TimeZone, err
}

// origin finds which group and audience gave a session its price.
func (s *Service) origin(tx *db.Tx, e ended, d Driver) (group, audience string, err error) {
	if e.Version == "" {
		return "", "", nil
	}
	r, err := s.resolve(tx, spot{e.Org, e.Site, e.Station, e.EVSE}, d, e.StartedAt, false)
	if err != nil || r.Taken == nil {
		return "", "", err
	}
	return r.Taken.Group, string(r.Taken.Audience), nil
}

// rated is the power that an EVSE can deliver; 0: not known.
func (s *Service) rated(tx *db.Tx, station string, evse int) (unit.Watts, error) {
	if s.d.Stations == nil || evse == 0 {
		return 0, nil
	}
	ports, err := s.d.Stations.EVSEs(tx, station)
	if fault.Is(err, fault.NotFound) {
		return 0, nil
	}
	for _, p := range ports {
		if p.EVSE == evse {
			return unit.Watts(p.MaxPower), err
		}
	}
	return 0, err
}

// groupList writes driver groups for the row of a session; empty: none.
func groupList(groups []string) (string, error) {
	if len(groups) == 0 {
		return "", nil
	}
	text, err := json.Marshal(groups)
	return string(text), err
}
