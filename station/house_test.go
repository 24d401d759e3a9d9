package station

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// house is an installation with two operators, and stations at the other end
// of the line that answer as the test says.
type house struct {
	*Service
	t            *testing.T
	db           *db.DB
	clock        *schematest.Clock
	sites        *location.Service
	line         *line
	north, south *webtest.Client // administrators
	viewer       *webtest.Client // of north, may only read
	northID      identity.OrgID
	counted      int // facts read so far
}

// line stands for the wire: it answers what the station at its end would.
type line struct {
	mu     sync.Mutex
	answer func(ctx context.Context, station string, req ocpp.Request) (ocpp.Response, error)
	sent   []ocpp.Request
}

func (l *line) Send(ctx context.Context, station string, req ocpp.Request) (ocpp.Response, error) {
	l.mu.Lock()
	l.sent = append(l.sent, req)
	answer := l.answer
	l.mu.Unlock()
	if answer == nil {
		return nil, fault.New(fault.Unavailable, "gateway.offline", "the station is not connected")
	}
	return answer(ctx, station, req)
}

func (l *line) answers(f func(ctx context.Context, station string, req ocpp.Request) (ocpp.Response, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = f
}

var secret = []byte("the secret of the test installation")

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	schematest.EachAt(t, t0, func(t *testing.T, d *db.DB, clock *schematest.Clock) { fn(t, open(t, d, clock)) })
}

func open(t *testing.T, d *db.DB, clock *schematest.Clock) *house {
	t.Helper()
	people := identity.New(identity.Deps{DB: d})
	first, _, err := people.Bootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: d, clock: clock, line: &line{}}
	if h.sites, err = location.New(location.Deps{DB: d}); err != nil {
		t.Fatal(err)
	}
	h.Service = h.node()
	api := web.New(web.Config{DB: d, Guard: people.Guard})
	h.Routes(api)
	anyone := webtest.New(t, api.Handler())
	system := identity.System(context.Background(), "")
	org := func(name string) identity.OrgID {
		o, err := people.CreateOrganisation(system, identity.Organisation{Name: name, Parent: first.Organisation})
		if err != nil {
			t.Fatal(err)
		}
		return o.ID
	}
	as := func(role identity.RoleID, org identity.OrgID) *webtest.Client {
		_, key, err := people.CreateKey(system, identity.APIKey{Name: "test", Role: role, Org: org})
		if err != nil {
			t.Fatal(err)
		}
		return anyone.Bearer(key).Counting(webtest.Facts(t, d))
	}
	h.northID = org("North")
	h.north, h.viewer, h.south = as("admin", h.northID), as("viewer", h.northID), as("admin", org("South"))
	return h
}

// node makes another service on the same database, as a second node has.
func (h *house) node() *Service {
	h.t.Helper()
	s, err := New(Deps{Config: Config{AllowProfile0: true}, DB: h.db, Locations: h.sites, Commander: h.line, Secret: secret, URL: func(id string) string { return "ws://example.org/ocpp/" + id }})
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) ctx() context.Context { return identity.System(h.t.Context(), h.northID) }

// create adds a station with profile 1 and gives its password.
func (h *house) create(d Draft) string {
	h.t.Helper()
	if d.Profile == 0 {
		d.Profile = 1
	}
	_, password, err := h.Create(h.ctx(), d)
	if err != nil {
		h.t.Fatal(err)
	}
	return password
}

func (h *house) handshake(id, password string) ocpp.Handshake {
	return ocpp.Handshake{Station: id, User: id, Password: password, HasPassword: password != "", RemoteAddr: "192.0.2.1:4711", Protocols: []string{"ocpp2.0.1"}, At: h.clock.Now()}
}

var epochs = struct {
	sync.Mutex
	n int64
}{}

func (h *house) peer(id string) ocpp.Peer {
	epochs.Lock()
	defer epochs.Unlock()
	epochs.n++
	return ocpp.Peer{Org: string(h.northID), Station: id, Version: ocpp.V201, Epoch: epochs.n, ConnectedAt: h.clock.Now(), RemoteAddr: "192.0.2.1:4711"}
}

// connect opens a connection and boots.
func (h *house) connect(id string) ocpp.Peer {
	h.t.Helper()
	p := h.peer(id)
	if err := h.Connected(h.t.Context(), p); err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *house) status(p ocpp.Peer, evse, connector int, status string) {
	h.t.Helper()
	r := &ocpp.StatusNotification{StatusNotificationRequest: ocpp.StatusNotificationRequest{EVSEID: evse, ConnectorID: connector, ConnectorStatus: ocpp.ConnectorStatusEnum(status)}}
	if _, err := h.StatusNotification(h.t.Context(), p, r); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) boot(p ocpp.Peer, serial string) BootVerdict {
	h.t.Helper()
	var v BootVerdict
	err := h.db.Update(h.t.Context(), func(tx *db.Tx) (err error) {
		v, err = h.Boot(tx, p, Booted{Vendor: "Acme", Model: "One", Serial: serial, Firmware: "1.0", Reason: "PowerUp"})
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *house) view(id string) View {
	h.t.Helper()
	v, err := h.Read(h.ctx(), ID(id))
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *house) want(id string, status State, ports ...State) {
	h.t.Helper()
	v := h.view(id)
	if v.Status != status || len(v.EVSEs) != len(ports) {
		h.t.Fatalf("%s is %s with %d ports, want %s with %d", id, v.Status, len(v.EVSEs), status, len(ports))
	}
	for i, s := range ports {
		if v.EVSEs[i].Status.State != s {
			h.t.Errorf("%s port %d is %s, want %s", id, v.EVSEs[i].EVSE, v.EVSEs[i].Status.State, s)
		}
	}
}

// facts gives the kinds recorded since the last call.
func (h *house) facts() []string {
	h.t.Helper()
	all := webtest.Facts(h.t, h.db)()
	fresh := all[h.counted:]
	h.counted = len(all)
	return fresh
}

func (h *house) wantFacts(kinds ...string) {
	h.t.Helper()
	if got := h.facts(); !slices.Equal(got, kinds) {
		h.t.Errorf("facts %v, want %v", got, kinds)
	}
}

func decode[T any](t *testing.T, raw json.RawMessage) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

// all is the platform itself, which sees every organisation.
func (h *house) all() context.Context { return identity.System(h.t.Context(), "") }
