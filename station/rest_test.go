package station

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/location"
)

func TestStationsOverREST(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		site, err := h.sites.Create(h.ctx(), location.Site{Name: "Harbour", Address: location.Address{Country: "NO"}})
		h.must(err)
		north, south, viewer := h.north.For(t), h.south.For(t), h.viewer.For(t)
		password := ""
		north.Run(
			webtest.Scenario{Name: "create", Method: "POST", Path: "/charging-stations", Body: `{"id":"CS-1","site":"` + string(site.ID) + `","name":"Pier 1"}`, Status: 201,
				Contains: []string{`"url":"ws://example.org/ocpp/CS-1"`, `"active":true`, `"security_profile":1`, `"site_name":"Harbour"`, `"online":false`, `"status":"unreachable"`, `"evses":[]`, `"deviations":[]`},
				Facts:    []string{KindCreated}, Check: func(_ testing.TB, a webtest.Answer) { password = a.Field("password") }},
			webtest.Scenario{Name: "the id is taken in any case", Method: "POST", Path: "/charging-stations", Body: `{"id":"cs-1"}`, Status: 409, Code: "station.exists", Facts: []string{}},
			webtest.Scenario{Name: "create inactive", Method: "POST", Path: "/charging-stations", Body: `{"id":"CS-2","active":false,"security_profile":0}`, Status: 201,
				Contains: []string{`"active":false`, `"status":"not_activated"`, `"has_password":false`}, Lacks: []string{`"password":`}, Facts: []string{KindCreated}},
			webtest.Scenario{Name: "import a password", Method: "POST", Path: "/charging-stations", Body: `{"id":"CS-3","password":"0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"}`, Status: 201, Lacks: []string{`"password":`, "0001020304"}},
			webtest.Scenario{Name: "a short password", Method: "POST", Path: "/charging-stations", Body: `{"id":"CS-4","password":"abc"}`, Status: 422, Contains: []string{"body.password", "16 to 64"}, Facts: []string{}},
			webtest.Scenario{Name: "a bad id", Method: "POST", Path: "/charging-stations", Body: `{"id":"CS 4"}`, Status: 422, Contains: []string{"body.id"}},
			webtest.Scenario{Name: "a bad profile", Method: "POST", Path: "/charging-stations", Body: `{"id":"CS-4","security_profile":4}`, Status: 422, Contains: []string{"body.security_profile"}},
			webtest.Scenario{Name: "a foreign or unknown site", Method: "POST", Path: "/charging-stations", Body: `{"id":"CS-4","site":"nowhere"}`, Status: 422, Contains: []string{"body.site"}},
			webtest.Scenario{Name: "an unknown field", Method: "POST", Path: "/charging-stations", Body: `{"id":"CS-4","colour":"red"}`, Status: 422, Contains: []string{"colour"}},
		)
		if len(password) != 40 {
			t.Errorf("the generated password has %d characters", len(password))
		}
		south.Run(webtest.Scenario{Name: "another's site", Method: "POST", Path: "/charging-stations", Body: `{"id":"S-1","site":"` + string(site.ID) + `"}`, Status: 422, Contains: []string{"body.site"}, Facts: []string{}})
		p := h.connect("CS-1")
		h.boot(p, "SN-77")
		h.status(p, 1, 1, "Available")
		north.Run(
			webtest.Scenario{Name: "read in any case", Method: "GET", Path: "/charging-stations/cs-1", Status: 200,
				Contains: []string{`"id":"CS-1"`, `"online":true`, `"status":"available"`, `"vendor":"Acme"`, `"serial_number":"SN-77"`, `"protocol":"2.0.1"`, `"ocpi_status":"AVAILABLE"`, `"connectors":[{"id":1,"status":"Available"`}, Lacks: []string{password}},
			webtest.Scenario{Name: "ports", Method: "GET", Path: "/charging-stations/CS-1/evses", Status: 200, Contains: []string{`"nevi":"up"`}},
			webtest.Scenario{Name: "describe a port", Method: "PATCH", Path: "/charging-stations/CS-1/evses/1", Body: `{"label":"A","max_power_w":22000,"connectors":[{"id":1,"type":"IEC_62196_T2","format":"SOCKET","power_type":"AC_3_PHASE","max_power_w":22000}]}`,
				Status: 200, Contains: []string{`"label":"A"`, `"type":"IEC_62196_T2"`, `"status":"available"`}, Facts: []string{KindChanged}},
			webtest.Scenario{Name: "out of service", Method: "PATCH", Path: "/charging-stations/CS-1/evses/1", Body: `{"operative":false}`, Status: 200, Contains: []string{`"status":"unavailable"`, `"nevi":"down"`}, Facts: []string{KindChanged, KindStatusChanged}},
			webtest.Scenario{Name: "in service", Method: "PATCH", Path: "/charging-stations/CS-1/evses/1", Body: `{"operative":true}`, Status: 200, Contains: []string{`"status":"available"`}},
			webtest.Scenario{Name: "rename", Method: "PATCH", Path: "/charging-stations/CS-1", Body: `{"name":"Pier One","security_profile":2}`, Status: 200, Contains: []string{`"Pier One"`, `"security_profile":2`}, Facts: []string{KindChanged}},
			webtest.Scenario{Name: "the same is no change", Method: "PATCH", Path: "/charging-stations/CS-1", Body: `{"name":"Pier One"}`, Status: 200, Facts: []string{}},
			webtest.Scenario{Name: "activate", Method: "POST", Path: "/charging-stations/CS-2/activate", Status: 200, Contains: []string{`"active":true`}, Facts: []string{KindActivated}},
			webtest.Scenario{Name: "activate again", Method: "POST", Path: "/charging-stations/CS-2/activate", Status: 200, Facts: []string{}},
			webtest.Scenario{Name: "deactivate", Method: "POST", Path: "/charging-stations/CS-2/deactivate", Status: 200, Contains: []string{`"status":"not_activated"`}, Facts: []string{KindDeactivated}},
			webtest.Scenario{Name: "rotate", Method: "POST", Path: "/charging-stations/CS-1/credentials", Body: `{}`, Status: 201, Contains: []string{`"password":"`, `"user":"CS-1"`}},
			webtest.Scenario{Name: "history", Method: "GET", Path: "/charging-stations/CS-1/status-history?status=available", Status: 200, Contains: []string{`"uk_pcpr":"up"`}},
			webtest.Scenario{Name: "state at an instant", Method: "GET", Path: "/charging-stations/CS-1/status-history?at=2026-03-01T13:00:00%2B00:00", Status: 200, Contains: []string{`"status":"available"`}},
			webtest.Scenario{Name: "devices", Method: "GET", Path: "/charging-stations/CS-1/devices", Status: 200, Contains: []string{"SN-77"}},
			webtest.Scenario{Name: "outages", Method: "GET", Path: "/charging-stations/CS-1/outages?from=2026-02-01T00:00:00Z", Status: 200, Contains: []string{`"items":[]`}},
			webtest.Scenario{Name: "messages", Method: "GET", Path: "/charging-stations/CS-1/messages", Status: 200, Contains: []string{`"items":[]`}},
		)
		h.listScenarios(t)
		if err := h.sites.Delete(h.ctx(), site.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("an occupied site can be deleted: %v", err)
		}
		south.Run(
			webtest.Scenario{Name: "foreign read", Method: "GET", Path: "/charging-stations/CS-1", Status: 404, Code: "station.unknown"},
			webtest.Scenario{Name: "foreign change", Method: "PATCH", Path: "/charging-stations/CS-1", Body: `{"name":"x"}`, Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "foreign port", Method: "PATCH", Path: "/charging-stations/CS-1/evses/1", Body: `{"label":"x"}`, Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "foreign rotation", Method: "POST", Path: "/charging-stations/CS-1/credentials", Body: `{}`, Status: 404},
			webtest.Scenario{Name: "foreign history", Method: "GET", Path: "/charging-stations/CS-1/status-history", Status: 404},
			webtest.Scenario{Name: "foreign messages", Method: "GET", Path: "/charging-stations/CS-1/messages", Status: 404},
			webtest.Scenario{Name: "foreign retirement", Method: "DELETE", Path: "/charging-stations/CS-1", Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "foreign list", Method: "GET", Path: "/charging-stations", Status: 200, Contains: []string{`"items":[]`}},
		)
		viewer.Run(
			webtest.Scenario{Name: "a viewer reads", Method: "GET", Path: "/charging-stations/CS-1", Status: 200},
			webtest.Scenario{Name: "a viewer writes nothing", Method: "PATCH", Path: "/charging-stations/CS-1", Body: `{"name":"x"}`, Status: 403, Facts: []string{}},
			webtest.Scenario{Name: "a viewer rotates nothing", Method: "POST", Path: "/charging-stations/CS-1/credentials", Body: `{}`, Status: 403},
		)
		north.Run(
			webtest.Scenario{Name: "retire", Method: "DELETE", Path: "/charging-stations/CS-1", Status: 204, Facts: []string{KindRetired, KindStatusChanged}},
			webtest.Scenario{Name: "retire again", Method: "DELETE", Path: "/charging-stations/CS-1", Status: 404},
			webtest.Scenario{Name: "gone from the list", Method: "GET", Path: "/charging-stations", Status: 200, Lacks: []string{"CS-1"}},
			webtest.Scenario{Name: "listed when asked for", Method: "GET", Path: "/charging-stations?retired=true", Status: 200, Contains: []string{"CS-1"}},
			webtest.Scenario{Name: "history stays", Method: "GET", Path: "/charging-stations/CS-1/status-history", Status: 200, Contains: []string{`"status":"available"`}},
			webtest.Scenario{Name: "create it again", Method: "POST", Path: "/charging-stations", Body: `{"id":"cs-1"}`, Status: 201, Contains: []string{`"id":"CS-1"`}, Facts: []string{KindCreated, KindStatusChanged}},
		)
	})
}

func (h *house) listScenarios(t *testing.T) {
	h.north.For(t).Run(
		webtest.Scenario{Name: "list", Method: "GET", Path: "/charging-stations", Status: 200, Contains: []string{"CS-1", "CS-2", "CS-3"}},
		webtest.Scenario{Name: "search by serial number", Method: "GET", Path: "/charging-stations?q=sn-77", Status: 200, Contains: []string{"CS-1"}, Lacks: []string{"CS-2"}},
		webtest.Scenario{Name: "search by site", Method: "GET", Path: "/charging-stations?q=HARB", Status: 200, Contains: []string{"CS-1"}, Lacks: []string{"CS-2"}},
		webtest.Scenario{Name: "online and available", Method: "GET", Path: "/charging-stations?online=true&status=available", Status: 200, Contains: []string{"CS-1"}, Lacks: []string{"CS-2"}},
		webtest.Scenario{Name: "several states", Method: "GET", Path: "/charging-stations?status[in]=not_activated,faulted", Status: 200, Contains: []string{"CS-2"}, Lacks: []string{"CS-1"}},
		webtest.Scenario{Name: "inactive", Method: "GET", Path: "/charging-stations?active=false", Status: 200, Contains: []string{"CS-2"}, Lacks: []string{"CS-1"}},
		webtest.Scenario{Name: "by id in any case", Method: "GET", Path: "/charging-stations?id=CS-3", Status: 200, Contains: []string{"CS-3"}, Lacks: []string{"CS-1"}},
		webtest.Scenario{Name: "never seen", Method: "GET", Path: "/charging-stations?last_seen_at=null&sort=-created_at", Status: 200, Contains: []string{"CS-2", "CS-3"}, Lacks: []string{`"CS-1"`}},
		webtest.Scenario{Name: "unknown state", Method: "GET", Path: "/charging-stations?status=broken", Status: 422, Contains: []string{"not_activated"}},
		webtest.Scenario{Name: "unknown filter", Method: "GET", Path: "/charging-stations?colour=red", Status: 422, Contains: []string{"colour"}},
		webtest.Scenario{Name: "as CSV", Method: "GET", Path: "/charging-stations?format=csv&sort=vendor", Status: 200, Contains: []string{"id,organisation,site", "CS-2"}},
	)
}

func TestEnrolmentOverREST(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		closes := h.clock.Now().Add(time.Hour).Format(time.RFC3339)
		window, token := "", ""
		north := h.north.For(t)
		north.Run(
			webtest.Scenario{Name: "open", Method: "POST", Path: "/enrolment-windows", Body: fmt.Sprintf(`{"closes_at":%q,"max_stations":3,"token":true,"label":"Spring"}`, closes), Status: 201,
				Contains: []string{`"open":true`, `"needs_token":true`, `"used":0`}, Check: func(_ testing.TB, a webtest.Answer) { window, token = a.Field("id"), a.Field("token") }},
			webtest.Scenario{Name: "in the past", Method: "POST", Path: "/enrolment-windows", Body: `{"closes_at":"2020-01-01T00:00:00Z","max_stations":3}`, Status: 422, Contains: []string{"body.closes_at"}},
			webtest.Scenario{Name: "for ever", Method: "POST", Path: "/enrolment-windows", Body: `{"closes_at":"2030-01-01T00:00:00Z","max_stations":3}`, Status: 422, Contains: []string{"90 days"}},
		)
		if len(token) != 40 {
			t.Errorf("token %q", token)
		}
		north.Run(webtest.Scenario{Name: "list hides the token", Method: "GET", Path: "/enrolment-windows", Status: 200, Contains: []string{"Spring"}, Lacks: []string{token}})
		h.south.For(t).Run(
			webtest.Scenario{Name: "foreign list", Method: "GET", Path: "/enrolment-windows", Status: 200, Lacks: []string{"Spring"}},
			webtest.Scenario{Name: "foreign close", Method: "DELETE", Path: "/enrolment-windows/" + window, Status: 404},
		)
		north.Run(
			webtest.Scenario{Name: "close", Method: "DELETE", Path: "/enrolment-windows/" + window, Status: 204},
			webtest.Scenario{Name: "close again", Method: "DELETE", Path: "/enrolment-windows/" + window, Status: 404},
			webtest.Scenario{Name: "adopt one that did not knock", Method: "POST", Path: "/knocking-stations/X-1/adopt", Body: `{}`, Status: 404, Code: "station.not_knocking"},
		)
		_, _ = h.Connect(t.Context(), h.handshake("X-1", ""))
		if _, password, err := h.Adopt(h.all(), Draft{ID: "x-1", Org: string(h.northID), Profile: 1}); err != nil || password == "" {
			t.Fatal(err)
		}
		if v := h.view("X-1"); v.ID != "X-1" || v.Life != Active {
			t.Errorf("%+v", v.Station)
		}
	})
}

// A port follows its sessions, also when news come late or of another one.
func TestPortFollowsSessions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		h.status(p, 1, 1, "Occupied")
		tell := func(station string, evse int, u Usage) {
			h.must(h.db.Update(t.Context(), func(tx *db.Tx) error { return h.SetUses(tx, []PortUsage{{Station: station, EVSE: evse, Usage: u}}) }))
		}
		tell("CS-1", 1, Usage{Session: "a"})
		if e := h.view("CS-1").EVSEs[0]; e.Status.State != Preparing || e.Session != "a" || !e.Status.InUse {
			t.Errorf("a session of unknown state: %+v", e)
		}
		tell("cs-1", 1, Usage{State: UseCharging, Session: "a", Power: 11_000})
		tell("CS-1", 1, Usage{State: UseCharging, Session: "a", Power: 12_000})
		if e := h.view("CS-1").EVSEs[0]; e.Status.State != Charging || e.Session != "a" || e.Power != 12_000 {
			t.Errorf("%+v", e)
		}
		tell("CS-1", 1, Usage{State: UseEnded, Session: "old"})
		h.want("CS-1", Charging, Charging)
		tell("CS-1", 1, Usage{State: UseEnded, Session: "a"})
		h.want("CS-1", Finishing, Finishing)
		h.status(p, 1, 1, "Available")
		h.want("CS-1", Available, Available)
		tell("nobody", 1, Usage{Session: "b"})
		tell("CS-1", 0, Usage{Session: "b"})
		h.want("CS-1", Available, Available)
	})
}

// Readings of several stations at once: where only the power is another it is
// noted, the others go the long way.
func TestPortsFollowManySessions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ids := []string{"CS-1", "CS-2", "CS-3", "CS-4"}
		usage := func(id string, evse int, state Use, power int64) PortUsage {
			return PortUsage{Station: id, EVSE: evse, Same: state != UseEnded, Usage: Usage{State: state, Session: id, Power: power}}
		}
		tell := func(uses ...PortUsage) {
			t.Helper()
			h.must(h.db.Update(t.Context(), func(tx *db.Tx) error { return h.SetUses(tx, uses) }))
		}
		for _, id := range ids {
			h.create(Draft{ID: ID(id)})
			h.status(h.connect(id), 1, 1, "Occupied")
			tell(usage(id, 1, UseCharging, 1000)) // not the same as before, whatever it says
		}
		two := usage("CS-4", 2, UseCharging, 700)
		two.Session = "another"
		tell(usage("CS-1", 1, UseCharging, 2000), usage("CS-2", 1, UseCharging, 3000), usage("CS-3", 1, UseEnded, 0), usage("nobody", 1, UseCharging, 1),
			usage("CS-4", 1, UseCharging, 4000), two)
		for id, power := range map[string]int64{"CS-1": 2000, "CS-2": 3000, "CS-3": 0, "CS-4": 4000} {
			if e := h.view(id).EVSEs[0]; e.Power != power || e.Session != id && id != "CS-3" {
				t.Errorf("%s: %+v", id, e)
			}
		}
		if e := h.view("CS-4").EVSEs[1]; e.Power != 700 || e.Session != "another" {
			t.Errorf("the second port: %+v", e)
		}
		h.want("CS-3", Finishing, Finishing)
	})
}

// What is read while a station changes is not kept.
func TestCardsThatChanged(t *testing.T) {
	var c changed
	c.note("a")
	read := c.count
	c.note("b")
	if c.since("a", read) || !c.since("b", read) || c.since("c", read) {
		t.Error("a changed before the reading, b since")
	}
	for i := range maxChanged {
		c.note(strconv.Itoa(i))
	}
	if !c.since("c", read) || c.since("c", c.count) {
		t.Error("what is not known any more counts as changed, but not what is read now")
	}
}

// ownFrame is a frame as the gateway would declare it.
type ownFrame struct {
	ID         int64
	At         time.Time
	Org        string
	Station    string
	Connection int64
	Direction  string
	Type       string
	Action     string
	MessageID  string
	Payload    string
}

type ownLog struct{ asked string }

func (l *ownLog) Spec() db.ListSpec { return db.ListSpec{} }
func (l *ownLog) Messages(_ context.Context, station string, _ db.ListRequest) ([]ownFrame, string, error) {
	l.asked = station
	return []ownFrame{{ID: 7, At: t0, Station: station, Connection: 3, Direction: "in", Type: "call", Action: "Heartbeat", Payload: `[2,"1","Heartbeat",{}]`}}, "more", nil
}

func TestMessagesComeFromTheGatewaysLog(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		log := &ownLog{}
		h.d.Messages = Frames(log)
		h.north.For(t).Run(webtest.Scenario{Name: "messages", Method: "GET", Path: "/charging-stations/cs-1/messages", Status: 200,
			Contains: []string{`"id":"7"`, `"connection":"3"`, `"payload":"[2,\"1\",\"Heartbeat\",{}]"`, `"next_cursor":"more"`}})
		if log.asked != "CS-1" {
			t.Errorf("asked for %q", log.asked)
		}
	})
}
