package app

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/device"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpp/v16"
	"github.com/forecourt-ev/forecourt/pki"
	"github.com/forecourt-ev/forecourt/reservation"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
	"github.com/forecourt-ev/forecourt/tariff"
)

// seams hand a room what it asks of one that it may not import, as functions.
type seams struct {
	db        *db.DB
	stations  *station.Service
	locations *location.Service
	devices   *device.Service
}

// sessionsOf lists sessions for the device room, which may not know theirs.
func sessionsOf(r *rooms) func(ctx context.Context, req db.ListRequest) ([]any, string, error) {
	return func(ctx context.Context, req db.ListRequest) ([]any, string, error) {
		list, next, err := r.session.List(ctx, req)
		out := make([]any, len(list))
		for i, one := range list {
			out[i] = one
		}
		return out, next, err
	}
}

// holder tells the tariff room who holds a token. A token's OCPP group is a
// driver group by that name.
func holder(tokens *access.Service) func(tx *db.Tx, org, token string) (tariff.Driver, error) {
	return func(tx *db.Tx, org, token string) (tariff.Driver, error) {
		t, err := tokens.Holder(tx, org, token)
		if err != nil || t == nil {
			return tariff.Driver{}, err
		}
		d := tariff.Driver{Token: access.Match(t.Value), ID: t.Driver, Known: t.Type != "DirectPayment"}
		if t.Group != "" {
			d.Memberships = append(d.Memberships, tariff.Membership{Audience: tariff.AudienceDriverGroup, Ref: t.Group})
		}
		return d, nil
	}
}

// zone is the time zone that prices at a site follow; the organisation's
// without a site.
func (s seams) zone(tx *db.Tx, org, site string) (*time.Location, error) {
	if site == "" {
		owner, err := identity.Lookup(tx, identity.OrgID(org))
		if err != nil {
			return nil, err
		}
		return time.LoadLocation(owner.TimeZone)
	}
	place, err := s.locations.Get(tx, location.ID(site))
	if err != nil {
		return nil, err
	}
	return place.Zone(), nil
}

// currency is that of a site; the organisation's without one.
func (s seams) currency(tx *db.Tx, org, site string) (money.Currency, error) {
	if site != "" {
		place, err := s.locations.Get(tx, location.ID(site))
		if err != nil || place.Currency != "" {
			return place.Currency, err
		}
	}
	owner, err := identity.Lookup(tx, identity.OrgID(org))
	return owner.Currency, err
}

// rating is the power that an EVSE can deliver, 0 when nobody has said.
func (s seams) rating(tx *db.Tx, id string, evse int) (unit.Watts, error) {
	ports, err := s.stations.EVSEs(tx, id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return 0, err
	}
	for _, p := range ports {
		if p.EVSE == evse {
			return unit.Watts(p.MaxPower), nil
		}
	}
	return 0, nil
}

// placed is where a station stands, and its EVSEs.
func (s seams) placed(tx *db.Tx, id string) (session.Placed, error) {
	st, err := s.stations.Get(tx, id)
	if err != nil {
		return session.Placed{}, err
	}
	p := session.Placed{Org: st.Org, Site: st.Site}
	ports, err := s.stations.EVSEs(tx, id)
	for _, e := range ports {
		if e.EVSE > 0 {
			p.EVSEs = append(p.EVSEs, e.EVSE)
		}
	}
	return p, err
}

// offline is when a station was out of reach.
func (s seams) offline(tx *db.Tx, id string, evse int, from, until time.Time) ([]session.Span, error) {
	all, err := s.stations.Offline(tx, id, evse, from, until)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	out := make([]session.Span, len(all))
	for i, o := range all {
		out[i] = session.Span{Start: o.Start, End: until}
		if o.End != nil {
			out[i].End = *o.End
		}
	}
	return out, err
}

// waiting is when others waited for an EVSE: while no other of its kind at the
// site was free, and while somebody had reserved it.
func (s seams) waiting(tx *db.Tx, reserve *reservation.Service, id string, evse int, from, until time.Time) ([]tariff.TimeSpan, error) {
	all, err := s.stations.Crowded(tx, id, evse, from, until)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return nil, err
	}
	reserved, err := reserve.Waiting(tx, id, evse, from, until)
	out := make([]tariff.TimeSpan, 0, len(all)+len(reserved))
	for _, w := range append(all, reserved...) {
		out = append(out, tariff.TimeSpan{Start: w.Start, End: w.End})
	}
	return out, err
}

// variable is what a station states of itself.
func (s seams) variable(tx *db.Tx, id, component, variable string) (value, most string, err error) {
	v, _, err := s.devices.Value(tx, id, component, variable, "")
	return v.Value, v.Max, err
}

// connectionTimeout is how long a station waits for the cable.
func (s seams) connectionTimeout(tx *db.Tx, id string) (time.Duration, error) {
	v, _, err := s.devices.Value(tx, id, "TxCtrlr", "EVConnectionTimeOut", "")
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(v.Value)
	if err != nil {
		return 0, nil // it has not told, or not in seconds
	}
	return time.Duration(n) * time.Second, nil
}

// display is what a station says it can show of prices: the switches of
// TariffCostCtrlr in 2.x, the key of the California note in 1.6.
func (s seams) display(tx *db.Tx, id string) (d session.Display, err error) {
	on := func(component, variable, instance string) bool {
		var v device.Variable
		if err == nil {
			v, _, err = s.devices.Value(tx, id, component, variable, instance)
		}
		return strings.EqualFold(v.Value, "true")
	}
	d.Cost = on("TariffCostCtrlr", "Enabled", "Cost") || on(v16.KeyComponent, "CustomDisplayCostAndPrice", "")
	d.Tariff = on("TariffCostCtrlr", "Enabled", "Tariff") && on("TariffCostCtrlr", "Available", "Tariff")
	return d, err
}

// portUse tells ports what their sessions are doing.
func (s seams) portUse(tx *db.Tx, uses ...session.PortUse) error {
	out := make([]station.PortUsage, len(uses))
	for i, u := range uses {
		use := station.Use(u.Charging.String())
		if u.Over {
			use = station.UseEnded
		}
		out[i] = station.PortUsage{Station: u.Station, EVSE: u.EVSE, Same: u.Same,
			Usage: station.Usage{State: use, Session: string(u.Session), Power: u.Power, Connector: u.Connector}}
	}
	return s.stations.SetUses(tx, out)
}

// orgOfSite is the organisation of a site.
func (s seams) orgOfSite(tx *db.Tx, site string) (string, error) {
	place, err := s.locations.Get(tx, location.ID(site))
	return string(place.Org), err
}

// stationOf is a station as the pki room knows it.
func stationOf(st station.Station) pki.Station {
	return pki.Station{ID: string(st.ID), Org: st.Org, Site: st.Site, Serial: st.Serial, Protocol: st.Protocol, Retired: st.Life == station.Retired}
}

func (s seams) certified(ctx context.Context, id string) (out pki.Station, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		st, err := s.stations.Get(tx, id)
		out = stationOf(st)
		return err
	})
	return out, err
}

func (s seams) bySerial(ctx context.Context, serial string) (out []pki.Station, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		list, err := s.stations.BySerial(tx, serial)
		for _, st := range list {
			out = append(out, stationOf(st))
		}
		return err
	})
	return out, err
}

// variable is what a station told of itself; unknown on any failure.
func (a *App) variable(devices **device.Service) func(ctx context.Context, id, component, name string) (string, bool) {
	return func(ctx context.Context, id, component, name string) (value string, known bool) {
		err := a.db.View(ctx, func(tx *db.Tx) (err error) {
			var v device.Variable
			v, known, err = (*devices).Value(tx, id, component, name, "")
			value = v.Value
			return err
		})
		if err != nil {
			a.log.Warn("a variable cannot be read", "station", id, "variable", component+"."+name, "error", err)
		}
		return value, known && err == nil
	}
}
