package live

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

type house struct {
	t            *testing.T
	db           *db.DB
	bus          *cluster.Bus
	live         *Service
	server       *httptest.Server
	root         string // a key of each
	north, south string
	orgs         map[string]string
}

func open(t *testing.T, d *db.DB) *house {
	t.Helper()
	h := &house{t: t, db: d, orgs: map[string]string{}}
	bus, err := cluster.Start(t.Context(), cluster.Config{Node: "one"})
	h.must(err)
	t.Cleanup(bus.Close)
	h.bus = bus
	people := identity.New(identity.Deps{DB: d})
	first, _, err := people.Bootstrap(t.Context())
	h.must(err)
	h.live = New(Deps{DB: d, Facts: event.New(d, bus, "one", nil), Bus: bus})
	api := web.New(web.Config{DB: d, Guard: people.Guard})
	h.live.Routes(api)
	h.server = httptest.NewServer(api.Handler())
	system := identity.System(context.Background(), "")
	key := func(org identity.OrgID, role identity.RoleID) string {
		_, k, err := people.CreateKey(system, identity.APIKey{Name: "test", Role: role, Org: org})
		h.must(err)
		return k
	}
	for name, keep := range map[string]*string{"north": &h.north, "south": &h.south} {
		o, err := people.CreateOrganisation(system, identity.Organisation{Name: name, Parent: first.Organisation})
		h.must(err)
		h.orgs[name], *keep = string(o.ID), key(o.ID, "viewer")
	}
	h.root = key(first.Organisation, "admin")
	return h
}

// run starts the node's tail; the test's end stops it and every stream.
func (h *house) run() {
	h.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := h.live.Run(ctx); err != nil {
			h.t.Error(err)
		}
	})
	h.t.Cleanup(func() {
		h.live.Close()
		h.server.Close()
		stop()
		done.Wait()
	})
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) record(org, station, kind string, n int) {
	h.t.Helper()
	h.must(h.db.Update(h.t.Context(), func(tx *db.Tx) error {
		return event.Record(tx, event.Fact{Org: h.orgs[org], Station: station, Subject: "station/" + station, Kind: kind}, map[string]int{"n": n})
	}))
}

func (h *house) signal(org, station, kind string) {
	h.t.Helper()
	h.must(h.bus.Publish("signal."+cluster.Token(h.orgs[org])+".x."+cluster.Token(station),
		[]byte(fmt.Sprintf(`{"kind":%q,"org":%q,"station":%q,"at":"2026-03-01T12:00:00Z","data":{"power_w":7}}`, kind, h.orgs[org], station))))
}

// watcher reads one stream.
type watcher struct {
	t      *testing.T
	lines  chan string
	cancel context.CancelFunc
}

func (h *house) watch(key, query, lastID string) *watcher {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", h.server.URL+"/api/v1/events"+query, nil)
	h.must(err)
	req.Header.Set("Authorization", "Bearer "+key)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := h.server.Client().Do(req)
	h.must(err)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		h.t.Fatalf("status %d, %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	w := &watcher{t: h.t, lines: make(chan string, 10_000), cancel: cancel}
	go func() {
		defer close(w.lines)
		defer func() { _ = res.Body.Close() }()
		scan := bufio.NewScanner(res.Body)
		for scan.Scan() {
			w.lines <- scan.Text()
		}
	}()
	h.t.Cleanup(cancel)
	if got := w.line("retry:"); got == "" {
		h.t.Fatal("the stream does not begin")
	}
	return w
}

// line gives the next line with the prefix; empty at the end of the stream.
func (w *watcher) line(prefix string) string {
	w.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case l, ok := <-w.lines:
			if !ok {
				return ""
			}
			if strings.HasPrefix(l, prefix) {
				return l
			}
		case <-late:
			w.t.Fatalf("waited in vain for %q", prefix)
		}
	}
}

func (w *watcher) events(n int) []string {
	w.t.Helper()
	out := make([]string, n)
	for i := range out {
		out[i] = strings.TrimPrefix(w.line("event: "), "event: ") + " " + strings.TrimPrefix(w.line("data: "), "data: ")
	}
	return out
}

func TestViewersSeeTheirOrganisationOnly(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.run()
		north, south, root := h.watch(h.north, "", ""), h.watch(h.south, "", ""), h.watch(h.root, "", "")
		h.record("north", "N-1", "session.started", 1)
		h.record("south", "S-1", "session.started", 2)
		h.signal("north", "N-1", "session.power")
		h.record("north", "N-1", "session.ended", 3)
		h.record("south", "S-1", "session.ended", 4)
		if got := strings.Join(south.events(2), "\n"); strings.Contains(got, "N-1") || !strings.Contains(got, `"n":2`) || !strings.Contains(got, `"n":4`) {
			t.Errorf("south saw\n%s", got)
		}
		mine := north.events(3)
		if got := strings.Join(mine, "\n"); strings.Contains(got, "S-1") || !strings.Contains(got, "session.power") {
			t.Errorf("north saw\n%s", got)
		}
		begun := mine[0]
		if strings.Contains(begun, "session.power") { // signals keep no order with facts
			begun = mine[1]
		}
		if !strings.Contains(begun, `{"kind":"session.started","org":"`+h.orgs["north"]+`","station":"N-1","at":"`) || !strings.Contains(begun, `"data":{"n":1}}`) {
			t.Errorf("form of an event: %s", begun)
		}
		if got := strings.Join(root.events(5), "\n"); !strings.Contains(got, "N-1") || !strings.Contains(got, "S-1") {
			t.Errorf("the root saw\n%s", got)
		}
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.run()
		w := h.watch(h.north, "?kind=session.*,station.boot&station=n-1,N-2", "")
		h.record("north", "N-1", "station.status_changed", 1)
		h.record("north", "N-3", "station.boot", 2)
		h.record("north", "N-1", "station.boot", 3)
		h.signal("north", "N-2", "session.power")
		h.record("north", "N-2", "session.ended", 4)
		seen := strings.Join(w.events(3), "\n")
		for _, want := range []string{`"n":3`, `"n":4`, "session.power"} {
			if !strings.Contains(seen, want) {
				t.Errorf("%s is missing in\n%s", want, seen)
			}
		}
		client := webtest.New(t, h.server.Config.Handler).Bearer(h.north)
		client.Run(
			webtest.Scenario{Name: "unknown parameter", Method: "GET", Path: "/events?colour=red", Status: 422, Contains: []string{"query.colour"}},
			webtest.Scenario{Name: "bad id", Method: "GET", Path: "/events", Header: []string{"Last-Event-ID", "x"}, Status: 422, Contains: []string{"Last-Event-ID"}},
		)
		webtest.New(t, h.server.Config.Handler).Run(webtest.Scenario{Name: "nobody", Method: "GET", Path: "/events", Status: 401})
	})
}

// A browser that comes back gets exactly the facts it missed, also when the
// node was restarted meanwhile.
func TestResume(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		for n := range 5 { // before this node began
			h.record("north", "N-1", "session.updated", n)
			h.record("south", "S-1", "session.updated", n)
		}
		var third int64
		h.must(h.live.d.Facts.Replay(t.Context(), 0, 1_000_000, func(f event.Fact) error {
			if string(f.Data) == `{"n":2}` && f.Station == "N-1" {
				third = f.Seq
			}
			return nil
		}))
		h.run()
		first := h.watch(h.north, "", "")
		h.record("north", "N-1", "session.updated", 5)
		id := strings.TrimPrefix(first.line("id: "), "id: ")
		w := h.watch(h.north, "", fmt.Sprint(third))
		got := strings.Join(w.events(3), "\n")
		if strings.Contains(got, "S-1") || !strings.Contains(got, `"n":3`) || !strings.Contains(got, `"n":4`) || !strings.Contains(got, `"n":5`) {
			t.Errorf("resumed with\n%s", got)
		}
		h.record("north", "N-1", "session.updated", 6)
		if got := w.events(1)[0]; !strings.Contains(got, `"n":6`) {
			t.Errorf("went on with %s", got)
		}
		again := h.watch(h.north, "?last_event_id="+id, "") // from memory
		if got := again.events(1)[0]; !strings.Contains(got, `"n":6`) {
			t.Errorf("resumed from memory with %s", got)
		}
	})
}

// Nothing waits for a viewer: one that does not read loses signals, then its
// stream; the others go on. A thousand viewers share one tail.
func TestSlowViewersAreLetGo(t *testing.T) {
	t.Parallel()
	scope := identity.ScopeOf("o")
	asked := 0
	h := newHub(func(identity.Scope, string) bool { asked++; return true }, func() time.Time { return time.Unix(0, 0) })
	h.begin(0)
	slow, _, _, _ := h.join(scope, filter{}, 0)
	for range 999 {
		v, _, _, _ := h.join(scope, filter{kinds: []string{"a.b"}}, 0)
		defer h.leave(scope, v)
	}
	for range viewerBuffer {
		h.publish(newItem(0, envelope{Kind: "x.tick", Org: "o"}))
	}
	if n := len(slow.events); n > viewerBuffer/2+1 {
		t.Errorf("%d signals wait, facts need room", n)
	}
	quick, _, _, _ := h.join(scope, filter{}, 0)
	for seq := int64(1); seq <= viewerBuffer; seq++ {
		h.publish(newItem(seq, envelope{Kind: "x.fact", Org: "o"}))
		if it := <-quick.events; it.seq != seq {
			t.Fatalf("%d after %d", it.seq, seq-1)
		}
	}
	select {
	case <-slow.over:
	default:
		t.Fatal("the slow viewer is still there")
	}
	if !slow.slow || asked != 1 {
		t.Errorf("slow=%v, asked %d times who may see", slow.slow, asked)
	}
	h.publish(newItem(viewerBuffer, envelope{Kind: "x.fact", Org: "o"})) // again: at least once below, once here
	if len(quick.events) != 0 {
		t.Error("a fact came twice")
	}
	h.close()
	<-quick.over
	if late, _, _, _ := h.join(scope, filter{}, 0); late.over != nil {
		<-late.over
	}
}

func TestRingAndFilter(t *testing.T) {
	t.Parallel()
	h := newHub(func(identity.Scope, string) bool { return true }, func() time.Time { return time.Unix(0, 0) })
	h.begin(10)
	for seq := int64(11); seq <= 10+2*ringSize; seq++ {
		h.publish(newItem(seq, envelope{Org: "o"}))
	}
	last := int64(10 + 2*ringSize)
	for after, want := range map[int64]struct {
		n     int
		whole bool
	}{
		last: {0, true}, last - 1: {1, true}, last - ringSize: {ringSize, true}, last - ringSize - 1: {ringSize, false}, 5: {ringSize, false}, 0: {0, true}, last + 7: {0, true},
	} {
		_, upTo, recent, whole := h.join(identity.Scope{}, filter{}, after)
		if upTo != last || len(recent) != want.n || whole != want.whole {
			t.Errorf("after %d: %d facts, whole %v, up to %d", after, len(recent), whole, upTo)
		}
	}
}

// Facts are handed out only while somebody looks on and for a minute after
// that; who comes later misses nothing of what he asks for.
func TestNobodyLooksOn(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	h := newHub(func(identity.Scope, string) bool { return true }, func() time.Time { return now })
	begins := func(top int64) {
		t.Helper()
		begun := h.want()
		<-h.wanted
		h.begin(top)
		<-begun
	}
	begins(10)
	v, _, _, _ := h.join(identity.Scope{}, filter{}, 0)
	if now = now.Add(time.Hour); h.rest() {
		t.Fatal("it rests while somebody looks on")
	}
	h.leave(identity.Scope{}, v)
	if now = now.Add(linger - 1); h.rest() {
		t.Fatal("it rests at once")
	}
	if now = now.Add(1); !h.rest() {
		t.Fatal("it does not rest")
	}
	begins(20)
	v, upTo, _, whole := h.join(identity.Scope{}, filter{}, 15)
	if upTo != 20 || whole {
		t.Errorf("up to %d, whole %v", upTo, whole)
	}
	h.leave(identity.Scope{}, v)
	h.close()
	if <-h.want(); len(h.wanted) > 0 {
		t.Error("after its end facts are wanted")
	}
	if now = now.Add(time.Hour); h.rest() {
		t.Error("after its end it rests, and who comes would wait")
	}
}
