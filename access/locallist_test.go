package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
	"pgregory.net/rapid"
)

// keeper is a station with a local list that it keeps by the book.
type keeper struct {
	t              *testing.T
	mu             sync.Mutex
	version        int
	list           map[string]*ocpp.IdTokenInfo
	entries, items int
	bytes          int
	sent           []*ocpp.SendLocalListRequest
	cleared        int
	away           bool
	refuse         map[ocpp.UpdateEnum]*ocpp.SendLocalListResponse
}

func (k *keeper) Send(_ context.Context, _ string, req ocpp.Request) (ocpp.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away {
		return nil, fault.New(fault.Unavailable, "gateway.offline", "the station is not connected")
	}
	switch r := req.(type) {
	case *ocpp.GetLocalListVersionRequest:
		return &ocpp.GetLocalListVersionResponse{VersionNumber: k.version}, nil
	case *ocpp.ClearCacheRequest:
		k.cleared++
		return &ocpp.ClearCacheResponse{Status: ocpp.ClearCacheStatusEnumAccepted}, nil
	case *ocpp.SendLocalListRequest:
		k.sent = append(k.sent, r)
		if no := k.refuse[r.UpdateType]; no != nil {
			return no, nil
		}
		return &ocpp.SendLocalListResponse{Status: k.take(r)}, nil
	}
	return nil, fault.New(fault.Unsupported, "test", "not asked for")
}

func (k *keeper) take(r *ocpp.SendLocalListRequest) ocpp.SendLocalListStatusEnum {
	text, _ := json.Marshal(r)
	if len(r.LocalAuthorizationList) > k.items || k.bytes > 0 && len(text) > k.bytes || r.VersionNumber <= 0 {
		k.t.Errorf("a message of %d tokens and %d bytes, number %d", len(r.LocalAuthorizationList), len(text), r.VersionNumber)
		return ocpp.SendLocalListStatusEnumFailed
	}
	if r.UpdateType == ocpp.UpdateEnumDifferential && r.VersionNumber <= k.version {
		return ocpp.SendLocalListStatusEnumVersionMismatch
	}
	if r.UpdateType == ocpp.UpdateEnumFull {
		k.list = map[string]*ocpp.IdTokenInfo{}
	}
	for _, e := range r.LocalAuthorizationList {
		if e.IdTokenInfo == nil {
			delete(k.list, e.IdToken.IdToken)
		} else {
			k.list[e.IdToken.IdToken] = e.IdTokenInfo
		}
	}
	if len(k.list) > k.entries {
		k.t.Errorf("%d tokens, the station holds %d", len(k.list), k.entries)
	}
	k.version = r.VersionNumber
	return ocpp.SendLocalListStatusEnumAccepted
}

// yard is a house with a station that keeps a list.
type yard struct {
	*house
	keeper   *keeper
	stations *station.Service
	peer     ocpp.Peer
	jobs     *job.Runner
	log      *event.Log
}

func inYard(t *testing.T, v ocpp.Version, k *keeper, fn func(y *yard)) {
	t.Helper()
	each(t, func(h *house) {
		mine := &keeper{t: h.t, list: map[string]*ocpp.IdTokenInfo{}, version: k.version, entries: k.entries, items: k.items, bytes: k.bytes}
		y := &yard{house: h, keeper: mine}
		places, err := location.New(location.Deps{DB: h.d})
		if err != nil {
			h.t.Fatal(err)
		}
		y.stations, err = station.New(station.Deps{Config: station.Config{AllowProfile0: true}, DB: h.d, Locations: places, Commander: mine,
			Secret: []byte("a secret that only this test knows"), URL: func(id string) string { return "ws://example.org/" + id }})
		if err != nil {
			h.t.Fatal(err)
		}
		h.s = New(Deps{DB: h.d, Stations: y.stations, Commander: mine, StationOrg: y.stations.OrgOf, Variable: mine.variable(v)})
		y.jobs = job.New(h.d, nil, "test", nil)
		h.s.Jobs(y.jobs)
		y.log = event.New(h.d, nil, "test", nil)
		y.log.Consume(h.s.Consumers()...)
		if _, _, err := y.stations.Create(identity.System(context.Background(), identity.OrgID(h.a)), station.Draft{ID: "CS1", Profile: 1}); err != nil {
			h.t.Fatal(err)
		}
		y.peer = ocpp.Peer{Org: h.a, Station: "CS1", Version: v, Epoch: 1, ConnectedAt: h.clock.Now()}
		if err := y.stations.Connected(h.ctx, y.peer); err != nil {
			h.t.Fatal(err)
		}
		fn(y)
	})
}

// variable is what the station states of its list.
func (k *keeper) variable(v ocpp.Version) func(*db.Tx, string, string, string) (string, string, error) {
	return func(_ *db.Tx, _, component, name string) (value, most string, err error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		switch {
		case component != "LocalAuthListCtrlr":
		case name == "Entries" && v == ocpp.V16:
			value = strconv.Itoa(k.entries)
		case name == "Entries":
			value, most = strconv.Itoa(len(k.list)), strconv.Itoa(k.entries)
		case name == "ItemsPerMessage":
			value = strconv.Itoa(k.items)
		case name == "BytesPerMessage" && k.bytes > 0:
			value = strconv.Itoa(k.bytes)
		}
		return value, most, nil
	}
}

// boot boots the station and lets what follows from it happen.
func (y *yard) boot(serial string) {
	y.t.Helper()
	if err := y.d.Update(y.ctx, func(tx *db.Tx) error {
		_, err := y.stations.Boot(tx, y.peer, station.Booted{Vendor: "V", Model: "M", Serial: serial, Reason: "PowerUp"})
		return err
	}); err != nil {
		y.t.Fatal(err)
	}
	y.later()
}

// now lets what is due at once happen; later what waits for a while.
func (y *yard) now() {
	y.t.Helper()
	if err := y.log.CatchUp(y.ctx); err != nil {
		y.t.Fatal(err)
	}
	if _, err := y.jobs.RunDue(y.ctx); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) later() {
	y.t.Helper()
	y.now()
	y.clock.Advance(31 * time.Second)
	y.now()
}

func (y *yard) state() List {
	y.t.Helper()
	l, err := y.s.LocalList(y.ctx, "CS1")
	if err != nil {
		y.t.Fatal(err)
	}
	return l
}

// sent gives and forgets what the station was sent: "Full 20", "Differential 1".
func (y *yard) sent() (out []string) {
	y.keeper.mu.Lock()
	defer y.keeper.mu.Unlock()
	for _, r := range y.keeper.sent {
		out = append(out, fmt.Sprintf("%s %d", r.UpdateType, len(r.LocalAuthorizationList)))
	}
	y.keeper.sent = nil
	return out
}

func (y *yard) has(token string) bool {
	y.keeper.mu.Lock()
	defer y.keeper.mu.Unlock()
	return y.keeper.list[token] != nil
}

func (y *yard) want(sent ...string) {
	y.t.Helper()
	if got := y.sent(); !slices.Equal(got, sent) {
		y.t.Errorf("sent %v, want %v", got, sent)
	}
	l := y.state()
	y.keeper.mu.Lock()
	defer y.keeper.mu.Unlock()
	if l.Status != ListSynced || l.Version != int64(y.keeper.version) || l.Entries != int64(len(y.keeper.list)) || l.Dirty {
		y.t.Errorf("believed %+v, the station has %d of version %d", l, len(y.keeper.list), y.keeper.version)
	}
}

var both = []ocpp.Version{ocpp.V16, ocpp.V201, ocpp.V21}

// A list in the station's sizes; a version that is missing or another one
// has it sent anew, otherwise only what changed is sent.
func TestFieldNote20LocalListsInTheStationsSize(t *testing.T) {
	for _, v := range both {
		t.Run(string(v), func(t *testing.T) {
			inYard(t, v, &keeper{entries: 30, items: 4}, func(y *yard) {
				for i := range 10 {
					y.add(IdToken{Org: y.a, Value: fmt.Sprintf("CARD%d", i), Group: "G"})
				}
				y.add(IdToken{Org: y.root, Value: "ABOVE"})
				y.add(IdToken{Org: y.b, Value: "ELSEWHERE"})
				y.add(IdToken{Org: y.a, Value: "BAD", Status: Blocked})
				y.boot("1")
				y.want("Full 4", "Differential 4", "Differential 3")
				if !y.has("CARD0") || !y.has("ABOVE") || y.has("ELSEWHERE") || y.has("BAD") || y.keeper.list["CARD0"].GroupIdToken.IdToken != "G" {
					t.Errorf("the station has %v", y.keeper.list)
				}
				y.boot("1")
				y.want()
				y.add(IdToken{Org: y.a, Value: "NEW1"})
				y.add(IdToken{Org: y.a, Value: "NEW2"})
				y.later()
				y.want("Differential 2")

				y.keeper.version = 3 // somebody else wrote to it
				y.boot("1")
				y.want("Full 4", "Differential 4", "Differential 4", "Differential 1")
				y.keeper.version, y.keeper.list = 0, map[string]*ocpp.IdTokenInfo{} // a factory reset
				y.boot("1")
				y.want("Full 4", "Differential 4", "Differential 4", "Differential 1")
				y.keeper.version, y.keeper.list = 0, map[string]*ocpp.IdTokenInfo{} // another device
				y.boot("2")
				y.want("Full 4", "Differential 4", "Differential 4", "Differential 1")
			})
		})
	}
}

// A blocked token is taken off at once; a station that was away learns of it
// when it is back. Caches are cleared where the token was used.
func TestRule_BlockedTokenReachesStationsAtOnce(t *testing.T) {
	inYard(t, ocpp.V201, &keeper{entries: 30, items: 10}, func(y *yard) {
		for _, v := range []string{"A", "B", "C"} {
			y.add(IdToken{Org: y.a, Value: v})
		}
		y.boot("1")
		y.want("Full 3")
		y.ask(Ask{Org: y.a, Station: "CS1", EVSE: 1, Token: read("A", ""), Use: "s1", Take: true})
		block := func(v string) {
			if _, err := y.s.Change(y.ctx, v, func(k *IdToken) { k.Status = Blocked }); err != nil {
				y.t.Fatal(err)
			}
			y.now()
		}
		block("A") // no time passes
		y.want("Differential 1")
		if y.has("A") || y.keeper.cleared != 1 {
			y.t.Errorf("A is still there, or the cache was cleared %d times", y.keeper.cleared)
		}
		y.keeper.away = true
		y.stations.Disconnected(y.ctx, y.peer, "test")
		block("B")
		if l := y.state(); !l.Dirty || !y.has("B") {
			y.t.Errorf("%+v", l)
		}
		y.keeper.away, y.peer.Epoch = false, 2
		if err := y.stations.Connected(y.ctx, y.peer); err != nil {
			y.t.Fatal(err)
		}
		y.boot("1")
		if y.has("B") || !y.has("C") {
			y.t.Errorf("the station has %v", y.keeper.list)
		}
		if err := y.s.Delete(y.ctx, "C"); err != nil {
			y.t.Fatal(err)
		}
		y.now()
		if y.has("C") || y.state().Entries != 0 {
			y.t.Errorf("%+v", y.state())
		}
	})
}

// 5,000 tokens: as many as fit, those used lately first, in messages of the
// station's size; one more costs one message.
func TestRule_FiveThousandTokens(t *testing.T) {
	inYard(t, ocpp.V16, &keeper{entries: 4000, items: 150}, func(y *yard) {
		if err := y.d.Update(y.ctx, func(tx *db.Tx) error {
			for i := range 5000 {
				k := IdToken{ID: TokenID(fmt.Sprintf("token-%05d", i)), Org: y.a, Value: fmt.Sprintf("CARD-%05d", i), Type: TypeISO14443, Status: Active, CreatedAt: tx.Now, UpdatedAt: tx.Now}
				if i >= 4990 {
					k.LastUsedAt = &tx.Now
				}
				if err := insertToken(tx, k); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			y.t.Fatal(err)
		}
		y.add(IdToken{Org: y.a, Value: "longer than an idTag of 1.6 can be"})
		y.boot("1")
		if got := y.sent(); len(got) != 27 || got[0] != "Full 150" || got[26] != "Differential 100" {
			y.t.Errorf("sent %v", got)
		}
		l := y.state()
		if l.Status != ListSynced || l.Entries != 4000 || l.LeftOut != 1001 || !y.has("CARD-04999") || !y.has("CARD-00000") || y.has("CARD-04500") {
			y.t.Errorf("%+v", l)
		}
		if _, err := y.s.Change(y.ctx, "CARD-04999", func(k *IdToken) { k.Status = Lost }); err != nil {
			y.t.Fatal(err)
		}
		y.now()
		y.want("Differential 2") // it goes, the next one takes its place
	})
}

// What a station answers instead of Accepted.
func TestRule_LocalListRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		refuse map[ocpp.UpdateEnum]*ocpp.SendLocalListResponse
		want   ListStatus
		sent   []string
	}{
		"VersionMismatch":       {map[ocpp.UpdateEnum]*ocpp.SendLocalListResponse{ocpp.UpdateEnumDifferential: {Status: "VersionMismatch"}}, ListSynced, []string{"Differential 1", "Full 2"}},
		"Failed":                {map[ocpp.UpdateEnum]*ocpp.SendLocalListResponse{ocpp.UpdateEnumDifferential: {Status: "Failed"}}, ListSynced, []string{"Differential 1", "Full 2"}},
		"Failed whatever comes": {map[ocpp.UpdateEnum]*ocpp.SendLocalListResponse{ocpp.UpdateEnumDifferential: {Status: "Failed"}, ocpp.UpdateEnumFull: {Status: "Failed"}}, ListFailed, []string{"Differential 1", "Full 2"}},
		"NotSupported": {map[ocpp.UpdateEnum]*ocpp.SendLocalListResponse{ocpp.UpdateEnumDifferential: {Status: "Failed", StatusInfo: &ocpp.StatusInfo{ReasonCode: "NotSupported"}}},
			ListUnsupported, []string{"Differential 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			inYard(t, ocpp.V201, &keeper{entries: 30, items: 10}, func(y *yard) {
				y.add(IdToken{Org: y.a, Value: "A"})
				y.boot("1")
				y.want("Full 1")
				y.keeper.refuse = c.refuse
				y.add(IdToken{Org: y.a, Value: "B"})
				y.later()
				if got := y.sent(); !slices.Equal(got, c.sent) {
					t.Errorf("sent %v, want %v", got, c.sent)
				}
				l := y.state()
				if l.Status != c.want || (c.want == ListFailed) != (l.Failures == 1) || l.Result == "" {
					t.Errorf("%+v", l)
				}
				if c.want != ListFailed {
					return
				}
				y.keeper.refuse = nil // its disk was full; tried again without a reason
				y.clock.Advance(2 * time.Hour)
				if err := y.s.reviewLists(y.ctx); err != nil {
					t.Fatal(err)
				}
				y.now()
				y.want("Full 2")
			})
		})
	}
	t.Run("no list at all", func(t *testing.T) {
		inYard(t, ocpp.V16, &keeper{version: -1}, func(y *yard) {
			y.add(IdToken{Org: y.a, Value: "A"})
			y.boot("1")
			if l := y.state(); l.Status != ListUnsupported || len(y.sent()) != 0 {
				t.Errorf("%+v", l)
			}
		})
	})
}

func TestRule_LocalListRoutes(t *testing.T) {
	inYard(t, ocpp.V201, &keeper{entries: 30, items: 10}, func(y *yard) {
		api := web.New(web.Config{DB: y.d, Guard: y.id.Guard})
		y.s.Routes(api)
		client := func(org string) *webtest.Client {
			_, key, err := y.id.CreateKey(y.ctx, identity.APIKey{Name: "test", Role: identity.Owner, Org: identity.OrgID(org)})
			if err != nil {
				y.t.Fatal(err)
			}
			return webtest.New(y.t, api.Handler()).Bearer(key)
		}
		y.add(IdToken{Org: y.a, Value: "A"})
		y.boot("1")
		y.sent()
		mine, foreign := client(y.a), client(y.b)
		const path = "/charging-stations/CS1/"
		mine.Run(
			webtest.Scenario{Name: "state", Method: "GET", Path: path + "local-list", Status: 200, Contains: []string{`"status":"synced"`, `"entries":1`, `"version":1`}},
			webtest.Scenario{Name: "sync", Method: "POST", Path: path + "local-list/sync", Body: `{"full":true}`, Status: 200, Contains: []string{`"status":"pending"`}},
			webtest.Scenario{Name: "clear", Method: "POST", Path: path + "clear-cache", Body: `{}`, Status: 200, Contains: []string{`"status":"Accepted"`}},
			webtest.Scenario{Name: "unknown", Method: "GET", Path: "/charging-stations/CS9/local-list", Status: 404},
		)
		y.now()
		y.want("Full 1")
		foreign.Run(
			webtest.Scenario{Name: "foreign state", Method: "GET", Path: path + "local-list", Status: 404},
			webtest.Scenario{Name: "foreign sync", Method: "POST", Path: path + "local-list/sync", Body: `{}`, Status: 404},
			webtest.Scenario{Name: "foreign clear", Method: "POST", Path: path + "clear-cache", Body: `{}`, Status: 404},
		)
	})
}

// Whatever a station has and is to have: the messages keep to its sizes, are
// numbered upwards, and bring about what is wanted.
func TestMessagesBringAboutTheList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tokens := func(label string) (out []IdToken) {
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 40), 0, 30, rapid.ID[int]).Draw(rt, label) {
				k := IdToken{Value: fmt.Sprintf("T%d", n), Type: TypeISO14443}
				if rapid.Bool().Draw(rt, "group") {
					k.Group = "G"
				}
				out = append(out, k)
			}
			return out
		}
		k := &keeper{t: t, list: map[string]*ocpp.IdTokenInfo{}, entries: 50, items: rapid.IntRange(1, 9).Draw(rt, "items"), bytes: rapid.SampledFrom([]int{0, 600, 2000}).Draw(rt, "bytes")}
		l := Limits{Entries: k.entries, Items: k.items, Bytes: k.bytes}
		send := func(kind ocpp.UpdateEnum, list []ocpp.AuthorizationData) {
			for _, r := range messages(kind, list, l, int64(k.version)+1) {
				if got := k.take(r); got != ocpp.SendLocalListStatusEnumAccepted {
					rt.Fatalf("%s", got)
				}
			}
		}
		first, _ := fit(tokens("first"), l)
		then, _ := fit(tokens("then"), l)
		send(ocpp.UpdateEnumFull, first)
		var have []held
		for _, e := range first {
			have = append(have, held{e.IdToken.IdToken, e.IdToken.Type, digestOf(e)})
		}
		send(ocpp.UpdateEnumDifferential, difference(have, then))
		if len(k.list) != len(then) {
			rt.Fatalf("%d tokens, want %d", len(k.list), len(then))
		}
		for _, e := range then {
			got := k.list[e.IdToken.IdToken]
			if got == nil || (got.GroupIdToken == nil) != (e.IdTokenInfo.GroupIdToken == nil) {
				rt.Fatalf("%s: %+v", e.IdToken.IdToken, got)
			}
		}
	})
}
