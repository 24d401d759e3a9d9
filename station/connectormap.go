package station

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// ConnectorMap is what a station's 1.6 connectors are, since when and why.
type ConnectorMap struct {
	Map     ocpp.ConnectorMap
	Source  MapSource
	Since   *time.Time // nil: never set
	Model   string     // id of the ModelMap, when that is the source
	History []MapChange
}

// MapSource says who decided.
type MapSource string

const (
	MapDefault MapSource = "default" // nobody: connector n is EVSE n
	MapModel   MapSource = "model"   // the model's map
	MapStation MapSource = "station" // somebody, for this station
)

// MapChange is an earlier or present map of a station's own.
type MapChange struct {
	Since   time.Time
	Actor   string
	Inherit bool // back to what the model says
	Map     ocpp.ConnectorMap
}

// ModelMap is what stations of a model have unless one has its own.
type ModelMap struct {
	ID, Org       string
	Vendor, Model string // * stands for any text; compared without case
	Map           ocpp.ConnectorMap
	Note, Actor   string
	CreatedAt     time.Time
}

// fits reports whether the pattern is meant, and how much it says.
func (m ModelMap) fits(vendor, model string) (weight int, ok bool) {
	for _, x := range [][2]string{{m.Vendor, vendor}, {m.Model, model}} {
		if !glob(x[0], x[1]) {
			return 0, false
		}
		weight += len(strings.ReplaceAll(x[0], "*", ""))
	}
	return weight, true
}

func glob(pattern, text string) bool {
	// path.Match without its other special characters and with / as any other.
	clean := strings.NewReplacer(`\`, `\\`, "?", `\?`, "[", `\[`, "/", "\x01")
	ok, err := path.Match(strings.ToLower(clean.Replace(pattern)), strings.ToLower(strings.ReplaceAll(text, "/", "\x01")))
	return ok && err == nil
}

// bestModel gives the map whose pattern says most about the device.
func bestModel(all []ModelMap, vendor, model string) *ModelMap {
	var best *ModelMap
	most := -1
	for i := range all {
		if w, ok := all[i].fits(vendor, model); ok && w > most {
			best, most = &all[i], w
		}
	}
	return best
}

// connectorMap works out what holds for a station now.
func connectorMap(tx *db.Tx, station ID, org, vendor, model string) (ConnectorMap, error) {
	out := ConnectorMap{Source: MapDefault}
	history, err := mapHistory(tx, station)
	if err != nil {
		return out, err
	}
	if out.History = history; len(history) > 0 {
		out.Since = &history[0].Since
		if !history[0].Inherit {
			out.Map, out.Source = history[0].Map, MapStation
			return out, nil
		}
	}
	models, err := modelMaps(tx, org)
	if err != nil {
		return out, err
	}
	if m := bestModel(models, vendor, model); m != nil {
		out.Map, out.Source, out.Model = m.Map, MapModel, m.ID
	}
	return out, nil
}

func mapHistory(tx *db.Tx, station ID) ([]MapChange, error) {
	return db.Collect(tx, func(row db.Scanner) (c MapChange, err error) {
		var since int64
		var places string
		if err = row.Scan(&since, &places, &c.Actor); err != nil {
			return c, err
		}
		c.Since, c.Inherit = db.Time(since), places == ""
		if !c.Inherit {
			err = json.Unmarshal([]byte(places), &c.Map)
		}
		return c, err
	}, "SELECT since, places, actor FROM station_connector_map WHERE station = $1 ORDER BY since DESC LIMIT 50", string(station))
}

const modelMapColumns = "id, org, vendor, model, places, note, actor, created_at"

func scanModelMap(row db.Scanner) (m ModelMap, err error) {
	var places string
	var created int64
	if err = row.Scan(&m.ID, &m.Org, &m.Vendor, &m.Model, &places, &m.Note, &m.Actor, &created); err != nil {
		return m, err
	}
	m.CreatedAt = db.Time(created)
	return m, json.Unmarshal([]byte(places), &m.Map)
}

func modelMaps(tx *db.Tx, org string) ([]ModelMap, error) {
	return db.Collect(tx, scanModelMap, "SELECT "+modelMapColumns+" FROM model_connector_map WHERE org = $1 ORDER BY vendor, model", org)
}

// ConnectorMap reads the map of a station.
func (s *Service) ConnectorMap(ctx context.Context, station ID) (out ConnectorMap, err error) {
	caller, err := identity.Require(ctx, identity.StationRead)
	if err != nil {
		return out, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if err := visible(tx, caller, station); err != nil {
			return err
		}
		st, err := s.Get(tx, string(station))
		if err != nil {
			return err
		}
		out, err = connectorMap(tx, st.ID, st.Org, st.Vendor, st.Model)
		return err
	})
	return out, err
}

// SetConnectorMap gives a station a map of its own; nil takes it away, so that
// its model's holds. What the ports show moves to its new place at once, the
// past stays at the ids it had, and the station is asked to connect again, so
// that commands name the right connector.
func (s *Service) SetConnectorMap(ctx context.Context, station ID, places []ocpp.Place) (out ConnectorMap, err error) {
	text := ""
	if places != nil {
		m, err := ocpp.NewConnectorMap(places)
		if err != nil {
			return out, err
		}
		b, err := json.Marshal(m)
		if err != nil {
			return out, err
		}
		text = string(b)
	}
	moved := false
	st, err := s.edit(ctx, station, "station.connector_map", func(caller identity.Caller, tx *db.Tx, t *tree) error {
		was, err := connectorMap(tx, t.ID, t.Org, t.Vendor, t.Model)
		if err != nil {
			return err
		}
		err = tx.Send(`INSERT INTO station_connector_map (station, since, org, places, actor) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (station, since) DO UPDATE SET places = excluded.places, actor = excluded.actor`,
			string(t.ID), db.Micros(tx.Now), t.Org, text, caller.Actor())
		if err != nil {
			return err
		}
		if out, err = connectorMap(tx, t.ID, t.Org, t.Vendor, t.Model); err != nil {
			return err
		}
		if moved = !was.Map.Equal(out.Map); moved {
			if err := t.move(tx, was.Map, out.Map); err != nil {
				return err
			}
		}
		t.facts = append(t.facts, fact{KindChanged, changedOf(&t.Station)})
		s.announce(tx, t.ID)
		return s.audit(ctx, tx, &t.Station, "station.connector_map", map[string]identity.Change{"places": {was.Map, out.Map}})
	})
	if err == nil && moved {
		s.drop(ctx, st.ID, "the connectors of the station were mapped anew")
	}
	return out, err
}

// drop has a station connect again; what it missed until then it hears at its
// next connection anyway.
func (s *Service) drop(ctx context.Context, station ID, why string) {
	if s.d.Drop == nil {
		return
	}
	if err := s.d.Drop(context.WithoutCancel(ctx), string(station), why); err != nil {
		s.d.Log.Warn("a station could not be asked to connect again", "station", station, "error", err)
	}
}

// move puts what is known of each connector where the new map has it. Ports
// that are left without a connector go out of the lists; their history stays.
func (t *tree) move(tx *db.Tx, from, to ocpp.ConnectorMap) error {
	if t.Protocol != "" && t.Protocol != string(ocpp.V16) {
		return nil // it speaks of its EVSEs itself; the map waits for a 1.6 connection
	}
	type known struct {
		to   ocpp.Place
		what Connector
		port EVSE
	}
	var all []known
	for _, e := range t.EVSEs {
		if e.RemovedAt != nil {
			continue
		}
		for n, wire := range from.Connectors(e.EVSE) {
			if i := slices.IndexFunc(e.Connectors, func(c Connector) bool { return c.ID == n+1 }); i >= 0 {
				all = append(all, known{to.Of(wire), e.Connectors[i], e})
			}
		}
	}
	if err := tx.Send("DELETE FROM connector WHERE station = $1", string(t.ID)); err != nil {
		return err
	}
	for i := range t.EVSEs {
		t.EVSEs[i].Connectors = nil
	}
	for _, k := range all {
		e := t.evse(k.to.EVSE, tx.Now)
		c := e.connector(k.to.Connector)
		id := c.ID
		*c = k.what
		c.ID = id
		if e.EVSE != k.port.EVSE && k.port.Session != "" && e.Session == "" && k.what.Report.busy() {
			e.Use, e.Session, e.Power, e.Energised = k.port.Use, k.port.Session, k.port.Power, k.port.Energised
		}
	}
	for i := range t.EVSEs {
		e := &t.EVSEs[i]
		e.merge(tx.Now)
		if len(e.Connectors) == 0 && e.RemovedAt == nil {
			e.RemovedAt, e.Use, e.Session, e.Power, e.Energised = &tx.Now, UseNone, "", 0, false
		}
	}
	return nil
}

// AddModelMap adds or replaces what stations of a model have.
func (s *Service) AddModelMap(ctx context.Context, m ModelMap) (ModelMap, error) {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err != nil {
		return m, err
	}
	if m.Org == "" {
		m.Org = string(caller.Org)
	}
	if m.Map.Default() {
		return m, fault.New(fault.Invalid, "station.connector_map", "without a map connector n is EVSE n; say where they differ").With("body.places", "connectors in another place than their number", nil)
	}
	places, err := json.Marshal(m.Map)
	if err != nil {
		return m, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if ok, err := caller.Scope.Has(tx, identity.OrgID(m.Org)); err != nil {
			return err
		} else if !ok {
			return fault.New(fault.NotFound, "station.organisation", "there is no organisation %q", m.Org).With("body.organisation", "an organisation that you may manage", m.Org)
		}
		m.ID, m.CreatedAt, m.Actor = id.New[string](tx.Now), tx.Now, caller.Actor()
		err := tx.QueryRow(`INSERT INTO model_connector_map (`+modelMapColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
			ON CONFLICT (org, vendor, model) DO UPDATE SET places = excluded.places, note = excluded.note, actor = excluded.actor, created_at = excluded.created_at
			RETURNING id`, m.ID, m.Org, m.Vendor, m.Model, string(places), m.Note, m.Actor, db.Micros(m.CreatedAt)).Scan(&m.ID)
		if err != nil {
			return err
		}
		return s.modelsChanged(ctx, tx, m, "station.model_map_set")
	})
	return m, err
}

// RemoveModelMap takes the map of a model away.
func (s *Service) RemoveModelMap(ctx context.Context, id string) error {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		q, args := db.Build("SELECT "+modelMapColumns+" FROM model_connector_map WHERE id = ?", id).And(caller.Scope.Where("org")).SQL()
		m, err := scanModelMap(tx.QueryRow(q, args...))
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "station.model_map", "there is no connector map %q", id)
		}
		if err != nil {
			return err
		}
		if err := tx.Send("DELETE FROM model_connector_map WHERE id = $1", id); err != nil {
			return err
		}
		return s.modelsChanged(ctx, tx, m, "station.model_map_removed")
	})
}

// modelsChanged lets the stations of the organisation find their map anew; it
// holds from their next connection on.
func (s *Service) modelsChanged(ctx context.Context, tx *db.Tx, m ModelMap, action string) error {
	ids, err := db.Collect(tx, scanID, "SELECT id FROM charging_station WHERE org = $1 AND vendor <> ''", m.Org)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.announce(tx, id)
	}
	return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(m.Org), Action: action, Subject: m.ID,
		Changes: map[string]identity.Change{"vendor": {nil, m.Vendor}, "model": {nil, m.Model}, "places": {nil, m.Map}}})
}

var modelMapSpec = db.ListSpec{
	Base:    "SELECT " + modelMapColumns + " FROM model_connector_map WHERE 1=1",
	Default: "vendor",
	Key:     "id",
	Fields: []db.Field{
		{Name: "id", Column: "id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "vendor", Column: "vendor", Kind: db.Text, Sort: true, Filter: true},
		{Name: "model", Column: "model", Kind: db.Text, Sort: true, Filter: true},
		{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

// ModelMaps lists the maps of models.
func (s *Service) ModelMaps(ctx context.Context, req db.ListRequest) (maps []ModelMap, next string, err error) {
	caller, err := identity.Require(ctx, identity.StationRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		maps, next, err = db.List(tx, modelMapSpec, []db.Cond{caller.Scope.Where("org")}, req, scanModelMap)
		return err
	})
	return maps, next, err
}

// placed gives the EVSE that a 1.6 connector is today; evse when the station
// says itself, or nothing is known of it.
func (s *Service) placed(tx *db.Tx, station string, evse, connector int) (int, error) {
	if connector < 1 {
		return evse, nil
	}
	c, err := s.cardIn(tx, station)
	if err != nil || c.missing || c.Protocol != string(ocpp.V16) {
		return evse, err
	}
	return c.Connectors.Of(connector).EVSE, nil
}

func wrongPlaces(n int) error {
	return fault.New(fault.Invalid, "station.connector_map", "connector_number must be 1 to %d, each once", n).With("body.places", "every connector from 1 on, each once", nil)
}
