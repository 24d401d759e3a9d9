package reservation_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/reservation"
	"github.com/forecourt-ev/forecourt/schema/schematest"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
	"github.com/forecourt-ev/forecourt/tariff"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// house is the room with what it stands on, and one station CS-1 with two
// EVSEs at the other end of the line.
type house struct {
	t        *testing.T
	d        *db.DB
	clock    *schematest.Clock
	ctx      context.Context
	org      string
	s        *reservation.Service
	stations *station.Service
	tokens   *access.Service
	sessions *session.Service
	facts    *event.Log
	jobs     *job.Runner
	client   *webtest.Client

	mu     sync.Mutex
	line   func(ocpp.Request) (ocpp.Response, error)
	called []ocpp.Request
}

func (h *house) Send(_ context.Context, _ string, r ocpp.Request) (ocpp.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.called = append(h.called, r)
	return h.line(r)
}

// agrees accepts everything; offline reaches nobody.
func agrees(r ocpp.Request) (ocpp.Response, error) {
	switch r.(type) {
	case *ocpp.ReserveNowRequest:
		return &ocpp.ReserveNowResponse{Status: ocpp.ReserveNowStatusEnumAccepted}, nil
	case *ocpp.CancelReservationRequest:
		return &ocpp.CancelReservationResponse{Status: ocpp.CancelReservationStatusEnumAccepted}, nil
	}
	return nil, fault.New(fault.Unsupported, "test", "not in this test: %T", r)
}

func offline(ocpp.Request) (ocpp.Response, error) {
	return nil, fault.New(fault.Unavailable, "gateway.offline", "the station is not connected")
}

// heard gives and forgets what the station was asked.
func (h *house) heard() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.called {
		switch q := r.(type) {
		case *ocpp.ReserveNowRequest:
			out = append(out, fmt.Sprintf("reserve %d", q.ID))
		case *ocpp.CancelReservationRequest:
			out = append(out, fmt.Sprintf("cancel %d", q.ReservationID))
		}
	}
	h.called = nil
	return out
}

func (h *house) answers(f func(ocpp.Request) (ocpp.Response, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.line = f
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Parallel()
	schematest.EachAt(t, noon, func(t *testing.T, d *db.DB, clock *schematest.Clock) { fn(t, open(t, d, clock)) })
}

func open(t *testing.T, d *db.DB, clock *schematest.Clock) *house {
	t.Helper()
	h := &house{t: t, d: d, clock: clock, line: agrees}
	people := identity.New(identity.Deps{DB: d})
	first, _, err := people.Bootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.org, h.ctx = string(first.Organisation), identity.System(context.Background(), first.Organisation)
	places, err := location.New(location.Deps{DB: d})
	if err != nil {
		t.Fatal(err)
	}
	if h.stations, err = station.New(station.Deps{Config: station.Config{AllowProfile0: true}, DB: d, Locations: places, Commander: h,
		Secret: []byte("the secret of the test installation"), URL: func(id string) string { return id }}); err != nil {
		t.Fatal(err)
	}
	h.tokens = access.New(access.Deps{DB: d, StationOrg: h.stations.OrgOf, Reserved: func(tx *db.Tx, station string, evse int, token, group string) (bool, error) {
		return h.s.KeepsOut(tx, station, evse, token, group)
	}})
	h.sessions = session.New(session.Deps{DB: d, Access: h.tokens, Tariffs: tariff.New(tariff.Deps{DB: d}), Commander: h})
	t.Cleanup(h.sessions.Close)
	h.s = reservation.New(reservation.Deps{DB: d, Log: slog.New(slog.DiscardHandler), Stations: h.stations, Access: h.tokens, Commander: h})
	h.facts, h.jobs = event.New(d, nil, "test", nil), job.New(d, nil, "test", nil)
	h.facts.Consume(h.s.Consumers()...)
	h.s.Jobs(h.jobs)
	api := web.New(web.Config{DB: d, Guard: people.Guard})
	h.s.Routes(api)
	_, key, err := people.CreateKey(h.ctx, identity.APIKey{Name: "test", Role: "operator", Org: first.Organisation})
	if err != nil {
		t.Fatal(err)
	}
	h.client = webtest.New(t, api.Handler()).Bearer(key).Counting(webtest.Facts(t, d))
	h.furnish()
	return h
}

// furnish adds the station and three tokens; A and B are of one group.
func (h *house) furnish() {
	h.t.Helper()
	if _, _, err := h.stations.Create(h.ctx, station.Draft{ID: "CS-1"}); err != nil {
		h.t.Fatal(err)
	}
	for evse := 1; evse <= 2; evse++ {
		if _, err := h.stations.StatusNotification(h.ctx, h.peer(), &ocpp.StatusNotification{StatusNotificationRequest: ocpp.StatusNotificationRequest{
			EVSEID: evse, ConnectorID: 1, ConnectorStatus: ocpp.ConnectorStatusEnumAvailable, Timestamp: ocpp.AtTime(noon)}}); err != nil {
			h.t.Fatal(err)
		}
	}
	for token, group := range map[string]string{"A": "FAMILY", "B": "FAMILY", "C": ""} {
		if _, err := h.tokens.Create(h.ctx, access.IdToken{Value: token, Type: access.TypeISO14443, Group: group}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *house) peer() ocpp.Peer {
	return ocpp.Peer{Org: h.org, Station: "CS-1", Version: ocpp.V201, Incarnation: "serial", Epoch: 1}
}

func (h *house) reserve(evse int, token string) reservation.Reservation {
	h.t.Helper()
	r, err := h.s.Reserve(h.ctx, reservation.Draft{Station: "CS-1", EVSE: evse, Token: token, Until: h.clock.Now().Add(time.Hour)})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) state(id reservation.ID) reservation.State {
	h.t.Helper()
	r, err := h.s.Read(h.ctx, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return r.State
}

// settle lets facts and due jobs happen.
func (h *house) settle() {
	h.t.Helper()
	if err := h.facts.CatchUp(h.ctx); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.jobs.RunDue(h.ctx); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) start(evse int, token, tx string) ocpp.AuthorizationStatusEnum {
	h.t.Helper()
	one := 1
	r, err := h.sessions.TransactionEvent(h.ctx, h.peer(), &ocpp.TransactionEvent{Request: ocpp.TransactionEventRequest{
		EventType: ocpp.TransactionEventEnumStarted, Timestamp: ocpp.AtTime(h.clock.Now()), TriggerReason: ocpp.TriggerReasonEnumAuthorized,
		TransactionInfo: ocpp.Transaction{TransactionID: tx}, EVSE: &ocpp.EVSE{ID: evse, ConnectorID: &one}, IdToken: &ocpp.IdToken{IdToken: token, Type: access.TypeISO14443}}})
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Response.IdTokenInfo.Status
}

// TestFieldNote19Reservations: int32 numbers, group tokens, expiry here too,
// and what was cancelled while the station was away is cancelled there later.
func TestFieldNote19Reservations(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one := h.reserve(1, "A")
		if one.Number != 1 || one.State != reservation.Active || one.KeptBy != reservation.ByStation {
			t.Fatalf("%+v", one)
		}
		q := h.called[0].(*ocpp.ReserveNowRequest)
		if q.GroupIdToken == nil || q.GroupIdToken.IdToken != "FAMILY" || *q.EVSEID != 1 {
			t.Errorf("ReserveNow %+v", q)
		}
		if got := h.start(1, "C", "tx-c"); got != ocpp.AuthorizationStatusEnumNotAtThisTime {
			t.Errorf("a stranger on the reserved EVSE was told %s", got)
		}
		h.settle()
		if got := h.start(1, "B", "tx-b"); got != ocpp.AuthorizationStatusEnumAccepted {
			t.Errorf("another token of the group was told %s", got)
		}
		h.settle()
		if got := h.state(one.ID); got != reservation.Used {
			t.Errorf("after a session of the group: %s", got)
		}

		two := h.reserve(2, "C")
		h.heard()
		h.answers(offline)
		if r, err := h.s.Cancel(h.ctx, two.ID); err != nil || r.State != reservation.Cancelled || !r.AtStation {
			t.Fatalf("cancelled while offline: %+v %v", r, err)
		}
		h.answers(agrees)
		h.heard()
		if err := h.stations.Connected(h.ctx, h.peer()); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(10 * time.Minute) // connections are told of when they have lasted; the sweep is due anyway
		h.settle()
		h.settle()
		if got := h.heard(); len(got) == 0 || got[0] != "cancel 2" {
			t.Errorf("after the station came back it was told %v, want cancel 2", got)
		}
		if r, _ := h.s.Read(h.ctx, two.ID); r.AtStation {
			t.Error("the station still counts as holding it")
		}

		three := h.reserve(2, "C")
		h.clock.Advance(time.Hour + time.Minute)
		h.settle()
		if got := h.state(three.ID); got != reservation.Expired {
			t.Errorf("after its time: %s", got)
		}
	})
}

func TestStationsWithoutReservationsLeaveThemToUs(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.answers(func(ocpp.Request) (ocpp.Response, error) { return nil, &ocpp.CallError{Code: "NotSupported"} })
		r := h.reserve(1, "A")
		if r.State != reservation.Active || r.KeptBy != reservation.ByPlatform || r.AtStation {
			t.Errorf("%+v", r)
		}
		if got := h.start(1, "C", "tx-1"); got != ocpp.AuthorizationStatusEnumNotAtThisTime {
			t.Errorf("a stranger was told %s", got)
		}
		if got := h.start(2, "C", "tx-2"); got == ocpp.AuthorizationStatusEnumNotAtThisTime {
			t.Errorf("on the other EVSE: %s", got)
		}
	})
}

func TestRestartedStationIsToldAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		r := h.reserve(1, "A")
		h.heard()
		if err := h.d.Update(h.ctx, func(tx *db.Tx) error {
			return event.Record(tx, event.Fact{Org: h.org, Station: "CS-1", Subject: "CS-1", Kind: station.KindBoot}, struct{}{})
		}); err != nil {
			t.Fatal(err)
		}
		h.settle()
		if got := h.heard(); len(got) != 1 || got[0] != "reserve 1" {
			t.Errorf("after the boot: %v", got)
		}
		for status, want := range map[ocpp.ReservationUpdateStatusEnum]reservation.State{"Removed": reservation.Cancelled} {
			if err := h.s.StatusUpdate(h.ctx, h.peer(), &ocpp.ReservationStatusUpdateRequest{ReservationID: r.Number, ReservationUpdateStatus: status}); err != nil {
				t.Fatal(err)
			}
			if got := h.state(r.ID); got != want {
				t.Errorf("%s: %s, want %s", status, got, want)
			}
		}
		if err := h.s.StatusUpdate(h.ctx, h.peer(), &ocpp.ReservationStatusUpdateRequest{ReservationID: 4711, ReservationUpdateStatus: "Expired"}); err != nil {
			t.Errorf("a number of nobody: %v", err)
		}
	})
}

func TestReservationRoutes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.client.Run(
			webtest.Scenario{Name: "reserve", Method: "POST", Path: "/reservations", Body: `{"station_id":"CS-1","evse_id":1,"id_token":"A","expires_at":"2026-05-04T13:00:00Z"}`,
				Status: 201, Contains: []string{`"status":"active"`, `"number":1`, `"group":"FAMILY"`}, Facts: []string{"reservation.active"}},
			webtest.Scenario{Name: "taken", Method: "POST", Path: "/reservations", Body: `{"station_id":"CS-1","evse_id":1,"id_token":"C","expires_at":"2026-05-04T13:00:00Z"}`,
				Status: 409, Code: "reservation.taken", Facts: []string{}},
			webtest.Scenario{Name: "nonsense", Method: "POST", Path: "/reservations", Body: `{"station_id":"CS-1","evse_id":7,"id_token":"A","expires_at":"2026-05-01T13:00:00Z"}`,
				Status: 422, Contains: []string{"body.evse_id", "1, 2", "body.expires_at"}, Facts: []string{}},
			webtest.Scenario{Name: "unknown token", Method: "POST", Path: "/reservations", Body: `{"station_id":"CS-1","evse_id":2,"id_token":"X","expires_at":"2026-05-04T13:00:00Z"}`, Status: 409, Code: "reservation.token"},
			webtest.Scenario{Name: "unknown station", Method: "POST", Path: "/reservations", Body: `{"station_id":"CS-9","id_token":"A","expires_at":"2026-05-04T13:00:00Z"}`, Status: 404},
			webtest.Scenario{Name: "list", Method: "GET", Path: "/reservations?status=active", Status: 200, Contains: []string{`"station_id":"CS-1"`}},
		)
		all, _, err := h.s.List(h.ctx, db.ListRequest{})
		if err != nil || len(all) != 1 {
			t.Fatalf("%d reservations, %v", len(all), err)
		}
		path := "/reservations/" + string(all[0].ID)
		h.client.Run(
			webtest.Scenario{Name: "read", Method: "GET", Path: path, Status: 200, Contains: []string{`"kept_by":"station"`}},
			webtest.Scenario{Name: "cancel", Method: "POST", Path: path + "/cancel", Status: 200, Contains: []string{`"status":"cancelled"`}, Facts: []string{"reservation.cancelled"}},
			webtest.Scenario{Name: "cancel again", Method: "POST", Path: path + "/cancel", Status: 409, Code: "reservation.over"},
		)
		h.answers(func(ocpp.Request) (ocpp.Response, error) {
			return &ocpp.ReserveNowResponse{Status: ocpp.ReserveNowStatusEnumOccupied}, nil
		})
		h.client.Run(webtest.Scenario{Name: "occupied", Method: "POST", Path: "/reservations", Body: `{"station_id":"CS-1","evse_id":1,"id_token":"A","expires_at":"2026-05-04T13:00:00Z"}`,
			Status: 201, Contains: []string{`"status":"rejected"`, `"reason":"Occupied"`}})
	})
}
