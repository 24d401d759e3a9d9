package station

import (
	"context"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
)

// View is a station with all that its page shows.
type View struct {
	Station
	EVSEs      []EVSE
	Deviations []Deviation
}

// Get finds a station for another room: no permission is checked. The id may
// be in any case. fault.NotFound when there is none.
func (s *Service) Get(tx *db.Tx, station string) (Station, error) {
	st, err := scanStation(tx.QueryRow("SELECT "+stationColumns+" FROM charging_station WHERE key = $1", ID(station).Key()))
	return st, orUnknown(err, ID(station))
}

// BySerial finds the stations whose device told this serial number, for
// another room: no permission is checked. Retired ones are left out.
func (s *Service) BySerial(tx *db.Tx, serial string) ([]Station, error) {
	return db.Collect(tx, scanStation, "SELECT "+stationColumns+" FROM charging_station WHERE serial = $1 AND life <> $2 ORDER BY key LIMIT 10", serial, string(Retired))
}

// LastSeen gives when a station was last heard of (see Station): now for one
// that is connected, zero for one that never was.
func (s *Service) LastSeen(tx *db.Tx, station string) (time.Time, error) {
	st, err := s.Get(tx, station)
	if err != nil {
		return time.Time{}, err
	}
	if st.Connected {
		return tx.Now, nil
	}
	if st.LastSeenAt == nil {
		return time.Time{}, nil
	}
	if st.GoneAt != nil && st.GoneAt.After(*st.LastSeenAt) { // it was there until then
		return *st.GoneAt, nil
	}
	return *st.LastSeenAt, nil
}

// OrgOf gives the organisation of a station that the caller of ctx may see;
// fault.NotFound otherwise.
func (s *Service) OrgOf(ctx context.Context, tx *db.Tx, station string) (org string, err error) {
	caller, ok := identity.From(ctx)
	if !ok {
		return "", unknown(ID(station))
	}
	q, args := db.Build("SELECT org FROM charging_station WHERE key = ?", ID(station).Key()).And(caller.Scope.Where("org")).SQL()
	err = tx.QueryRow(q, args...).Scan(&org)
	return org, orUnknown(err, ID(station))
}

// EVSEs gives the ports of a station for another room, ascending.
func (s *Service) EVSEs(tx *db.Tx, station string) ([]EVSE, error) {
	st, err := s.Get(tx, station)
	if err != nil {
		return nil, err
	}
	ports, err := portsOf(tx, []ID{st.ID})
	return present(ports[st.ID]), err
}

func present(ports []EVSE) []EVSE {
	out := []EVSE{}
	for _, e := range ports {
		if e.RemovedAt == nil {
			out = append(out, e)
		}
	}
	return out
}

var stationSpec = db.ListSpec{
	Base:    "SELECT " + stationColumns + " FROM charging_station WHERE 1=1",
	Default: "id",
	Key:     "key",
	Probe:   "charging_station",
	Fields: []db.Field{
		{Name: "id", Column: "key", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "site", Column: "site", Kind: db.Text, Sort: true, Filter: true},
		{Name: "site_name", Column: "site_name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "name", Column: "name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "active", Column: "(life = 'active')", Kind: db.Bool, Filter: true},
		{Name: "security_profile", Column: "profile", Kind: db.Int, Sort: true, Filter: true},
		{Name: "vendor", Column: "vendor", Kind: db.Text, Sort: true, Filter: true},
		{Name: "model", Column: "model", Kind: db.Text, Sort: true, Filter: true},
		{Name: "serial_number", Column: "serial", Kind: db.Text, Sort: true, Filter: true},
		{Name: "firmware_version", Column: "firmware", Kind: db.Text, Sort: true, Filter: true},
		{Name: "protocol", Column: "protocol", Kind: db.Text, Sort: true, Filter: true},
		{Name: "online", Column: "connected", Kind: db.Bool, Sort: true, Filter: true},
		{Name: "status", Column: "status", Kind: db.Enum, Allowed: stateNames(), Sort: true, Filter: true},
		{Name: "status_since", Column: "status_since", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "in_use", Column: "in_use", Kind: db.Bool, Sort: true, Filter: true},
		{Name: "suspect", Column: "suspect", Kind: db.Bool, Sort: true, Filter: true},
		{Name: "quarantined", Column: "(quarantined_at IS NOT NULL)", Kind: db.Bool, Filter: true},
		{Name: "last_seen_at", Column: "last_seen_at", Kind: db.Instant, Sort: true, Filter: true, Nullable: true},
		{Name: "connected_at", Column: "connected_at", Kind: db.Instant, Sort: true, Filter: true, Nullable: true},
		{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "remote_addr", Column: "remote_addr", Kind: db.Text, Filter: true},
	},
}

func stateNames() []string {
	var out []string
	for _, s := range States() {
		out = append(out, string(s))
	}
	return out
}

// matching finds a text anywhere in what names a station, without case.
func matching(q string) db.Cond {
	escaped := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(strings.TrimSpace(q)))
	return db.Cond{Text: "search LIKE ? ESCAPE '!'", Args: []any{"%" + escaped + "%"}, Few: true}
}

// List pages through the stations the caller may see, with their ports.
// search matches anywhere in id, name, site, vendor, model, serial number and
// ICCID. Retired stations show only when asked for.
func (s *Service) List(ctx context.Context, req db.ListRequest, search string, retired bool) (views []View, next string, err error) {
	caller, err := identity.Require(ctx, identity.StationRead)
	if err != nil {
		return nil, "", err
	}
	where := []db.Cond{caller.Scope.Where("org"), {Text: "life <> 'retired'"}}
	if retired {
		where[1].Text = "life = 'retired'"
	}
	if search != "" {
		where = append(where, matching(search))
	}
	for i, f := range req.Filters {
		if f.Field == "id" { // the column holds the lower-case key
			req.Filters[i].Value = strings.ToLower(f.Value)
		}
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		stations, more, err := db.List(tx, stationSpec, where, req, scanStation)
		if err != nil {
			return err
		}
		next = more
		views, err = withPorts(tx, stations)
		return err
	})
	return views, next, err
}

func withPorts(tx *db.Tx, stations []Station) ([]View, error) {
	ids := make([]ID, len(stations))
	for i, st := range stations {
		ids[i] = st.ID
	}
	ports, err := portsOf(tx, ids)
	if err != nil {
		return nil, err
	}
	deviations, err := deviationsOf(tx, ids)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(stations))
	for i, st := range stations {
		views[i] = View{Station: st, EVSEs: present(ports[st.ID]), Deviations: deviations[st.ID]}
	}
	return views, nil
}

// Read finds a station that the caller may see; retired ones too.
func (s *Service) Read(ctx context.Context, id ID) (v View, err error) {
	caller, err := identity.Require(ctx, identity.StationRead)
	if err != nil {
		return v, err
	}
	if err := s.storeDeviations(ctx); err != nil { // what this node counted meanwhile
		return v, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		v, err = readView(tx, caller, id)
		return err
	})
	return v, err
}

func readView(tx *db.Tx, caller identity.Caller, id ID) (View, error) {
	q, args := db.Build("SELECT "+stationColumns+" FROM charging_station WHERE key = ?", id.Key()).And(caller.Scope.Where("org")).SQL()
	st, err := scanStation(tx.QueryRow(q, args...))
	if err != nil {
		return View{}, orUnknown(err, id)
	}
	views, err := withPorts(tx, []Station{st})
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

func scanChange(row db.Scanner) (Change, error) {
	var c Change
	var at int64
	err := row.Scan(&c.EVSE, &at, &c.State, &c.OCPI, &c.InUse, &c.Suspect, &c.Session, &c.Error)
	c.At = db.Time(at)
	return c, err
}

const changeColumns = "evse, at, status, ocpi, in_use, suspect, session, error"

var historySpec = db.ListSpec{
	Base:    "SELECT " + changeColumns + " FROM evse_status WHERE 1=1",
	Default: "-at",
	Key:     "evse",
	Fields: []db.Field{
		{Name: "evse_id", Column: "evse", Kind: db.Int, Filter: true},
		{Name: "at", Column: "at", Kind: db.Instant, Sort: true, Filter: true}, // alone: only with it the key is unique
		{Name: "status", Column: "status", Kind: db.Enum, Allowed: stateNames(), Filter: true},
		{Name: "suspect", Column: "suspect", Kind: db.Bool, Filter: true},
		{Name: "session_id", Column: "session", Kind: db.Text, Filter: true},
	},
}

// History lists the states a station's ports took, latest first.
func (s *Service) History(ctx context.Context, id ID, req db.ListRequest) (changes []Change, next string, err error) {
	err = s.reading(ctx, id, func(tx *db.Tx, st Station) error {
		where := []db.Cond{{Text: "station = ?", Args: []any{string(st.ID)}}}
		changes, next, err = db.List(tx, historySpec, where, req, scanChange)
		return err
	})
	return changes, next, err
}

// At gives the state of every port at an instant: for each, the last change
// up to it. Ports that were not there yet are left out.
func (s *Service) At(ctx context.Context, id ID, at time.Time) (changes []Change, err error) {
	err = s.reading(ctx, id, func(tx *db.Tx, st Station) error {
		changes, err = db.Collect(tx, scanChange, "SELECT "+changeColumns+` FROM evse_status s WHERE station = $1
			AND at = (SELECT MAX(at) FROM evse_status l WHERE l.station = s.station AND l.evse = s.evse AND l.at <= $2) ORDER BY evse`, string(st.ID), db.Micros(at))
		return err
	})
	return changes, err
}

// OutagesOf gives the outages of a station's ports that touch [from, to).
func (s *Service) OutagesOf(ctx context.Context, id ID, from, to time.Time) (out []Outage, err error) {
	err = s.reading(ctx, id, func(tx *db.Tx, st Station) error {
		// The state at from is the last change before it.
		changes, err := db.Collect(tx, scanChange, "SELECT "+changeColumns+` FROM evse_status s WHERE station = $1 AND at < $3
			AND at >= COALESCE((SELECT MAX(at) FROM evse_status l WHERE l.station = s.station AND l.evse = s.evse AND l.at <= $2), 0) ORDER BY evse, at`,
			string(st.ID), db.Micros(from), db.Micros(to))
		if err != nil {
			return err
		}
		until := to
		if until.After(tx.Now) {
			until = tx.Now
		}
		for start := 0; start < len(changes); {
			end := start
			for end < len(changes) && changes[end].EVSE == changes[start].EVSE {
				end++
			}
			out = append(out, Outages(changes[start:end], until, s.d.Debounce)...)
			start = end
		}
		return nil
	})
	return out, err
}

// Devices lists the devices that used the id of a station, latest first.
func (s *Service) Devices(ctx context.Context, id ID) (list []Incarnation, err error) {
	err = s.reading(ctx, id, func(tx *db.Tx, st Station) error {
		list, err = incarnationsOf(tx, st.ID)
		return err
	})
	return list, err
}

// Visible runs a read about one station that the caller may see with the
// permission, for rooms that show something of a station.
func (s *Service) Visible(ctx context.Context, permission identity.Permission, id ID, do func(tx *db.Tx, st Station) error) error {
	caller, err := identity.Require(ctx, permission)
	if err != nil {
		return err
	}
	return s.d.DB.View(ctx, func(tx *db.Tx) error {
		q, args := db.Build("SELECT "+stationColumns+" FROM charging_station WHERE key = ?", id.Key()).And(caller.Scope.Where("org")).SQL()
		st, err := scanStation(tx.QueryRow(q, args...))
		if err != nil {
			return orUnknown(err, id)
		}
		return do(tx, st)
	})
}

func (s *Service) reading(ctx context.Context, id ID, do func(tx *db.Tx, st Station) error) error {
	return s.Visible(ctx, identity.StationRead, id, do)
}
