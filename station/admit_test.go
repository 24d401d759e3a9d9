package station

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestConnectBySecurityProfile(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		open, _, err := h.Create(h.ctx(), Draft{ID: "OPEN", Profile: 0})
		h.must(err)
		if open.HasPassword {
			t.Error("a station of profile 0 got a password")
		}
		basic := h.create(Draft{ID: "BASIC", Profile: 1})
		tls := h.create(Draft{ID: "TLS", Profile: 2})
		asleep := h.create(Draft{ID: "ASLEEP", Profile: 1, Inactive: true})
		for _, c := range []struct {
			name    string
			edit    func(*ocpp.Handshake)
			id, pw  string
			kind    fault.Kind // of the refusal
			profile int
			active  bool
		}{
			{name: "no password needed", id: "OPEN", profile: 0, active: true},
			{name: "a password nobody asked for", id: "OPEN", pw: "whatever", profile: 0, active: true},
			{name: "basic", id: "BASIC", pw: basic, profile: 1, active: true},
			{name: "basic, id in another case", id: "basic", pw: basic, profile: 1, active: true},
			{name: "basic over TLS", id: "BASIC", pw: basic, edit: func(h *ocpp.Handshake) { h.TLS = true }, profile: 2, active: true},
			{name: "only a password", id: "BASIC", pw: basic, edit: func(h *ocpp.Handshake) { h.User = "" }, profile: 1, active: true},
			{name: "no password", id: "BASIC", kind: fault.Unauthenticated},
			{name: "wrong password", id: "BASIC", pw: tls, kind: fault.Unauthenticated},
			{name: "another user", id: "BASIC", pw: basic, edit: func(h *ocpp.Handshake) { h.User = "TLS" }, kind: fault.Unauthenticated},
			{name: "TLS required", id: "TLS", pw: tls, kind: fault.Forbidden},
			{name: "TLS", id: "TLS", pw: tls, edit: func(h *ocpp.Handshake) { h.TLS = true }, profile: 2, active: true},
			{name: "created but inactive", id: "ASLEEP", pw: asleep, profile: 1},
			{name: "inactive and wrong", id: "ASLEEP", pw: basic, kind: fault.Unauthenticated},
			{name: "unknown", id: "NOBODY", pw: basic, kind: fault.NotFound},
			{name: "no id at all", id: "a b", kind: fault.NotFound},
		} {
			hs := h.handshake(c.id, c.pw)
			if c.edit != nil {
				c.edit(&hs)
			}
			a, err := h.Connect(t.Context(), hs)
			if c.kind != fault.Internal {
				if !fault.Is(err, c.kind) {
					t.Errorf("%s: %+v, %v; want %s", c.name, a, err, c.kind)
				}
				continue
			}
			if err != nil || a.SecurityProfile != c.profile || a.Active != c.active || a.Org != string(h.northID) || a.HeartbeatInterval <= 0 {
				t.Errorf("%s: %+v, %v", c.name, a, err)
			}
		}
	})
}

// Field note 22: after a rotation the old password stays valid until the new
// one was used once. On every node.
func TestFieldNote22OldPasswordUntilTheNewOneConnects(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		old := h.create(Draft{ID: "CS-1"})
		other := h.node()
		connects := func(s *Service, password string) bool {
			_, err := s.Connect(t.Context(), h.handshake("CS-1", password))
			if err != nil && !fault.Is(err, fault.Unauthenticated) {
				t.Fatal(err)
			}
			h.clock.Advance(10 * time.Second)
			return err == nil
		}
		if !connects(h.Service, old) || !connects(other, old) {
			t.Fatal("the first password is refused")
		}
		fresh, err := h.Rotate(h.ctx(), "cs-1", "", false)
		h.must(err)
		octets, err := hex.DecodeString(fresh)
		h.must(err)
		if !connects(h.Service, old) {
			t.Error("the old password ended before the new one was used")
		}
		if !h.view("CS-1").Rotating {
			t.Error("the rotation does not show")
		}
		// The other node has the old card in memory; nothing told it.
		if !connects(other, string(octets)) {
			t.Error("the new password is refused on another node, as octets")
		}
		if connects(h.node(), old) {
			t.Error("the old password outlived the first use of the new one")
		}
		if !connects(h.Service, fresh) || h.view("CS-1").Rotating {
			t.Error("the new password is not the only one now")
		}
		if _, err := h.Rotate(h.ctx(), "CS-1", "Imported-Password-1", true); err != nil {
			t.Fatal(err)
		}
		if connects(h.Service, fresh) || !connects(h.Service, "Imported-Password-1") {
			t.Error("revoke_old kept the old password")
		}
	})
}

// Wrong passwords are limited per station and address. Nobody can lock a
// station out from elsewhere, and the cached decision reads no SQL.
func TestWrongPasswordsAreLimitedWithoutLockingOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		password := h.create(Draft{ID: "CS-1"})
		attack := h.handshake("CS-1", "not-the-password-at-all")
		attack.RemoteAddr = "198.51.100.7:99"
		codes := map[string]int{}
		for range 40 {
			_, err := h.Connect(t.Context(), attack)
			codes[fault.Of(err).Code]++
		}
		if codes["station.throttled"] == 0 || codes["station.password"] > 15 {
			t.Errorf("refusals %v", codes)
		}
		attack.Password = password
		if _, err := h.Connect(t.Context(), attack); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a guess is accepted while throttled: %v", err)
		}
		if _, err := h.Connect(t.Context(), h.handshake("CS-1", password)); err != nil {
			t.Errorf("the station itself is locked out: %v", err)
		}
		h.clock.Advance(time.Minute)
		if _, err := h.Connect(t.Context(), attack); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		found := false
		for _, d := range h.view("CS-1").Deviations {
			found = found || d.Code == "refused_connection"
		}
		if !found {
			t.Error("the refusals do not show on the station's page")
		}
	})
}

// Field note 3: a stranger is refused and listed; through a window or with a
// token it becomes Pending.
func TestFieldNote03StrangersNeedAWindowOrAToken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		knock := func(id, password, token string) (ocpp.Admission, error) {
			hs := h.handshake(id, password)
			hs.EnrolmentToken = token
			return h.Connect(t.Context(), hs)
		}
		for range 3 {
			if _, err := knock("New-1", "", ""); !fault.Is(err, fault.NotFound) {
				t.Fatalf("a stranger: %v", err)
			}
		}
		root, _, err := h.Knocking(h.all(), db.ListRequest{})
		if err != nil || len(root) != 1 || root[0].ID != "New-1" || root[0].Count != 3 || root[0].RemoteAddr != "192.0.2.1" {
			t.Fatalf("knocking: %+v, %v", root, err)
		}
		if mine, _, err := h.Knocking(h.ctx(), db.ListRequest{}); err != nil || len(mine) != 0 {
			t.Errorf("another organisation sees strangers: %+v, %v", mine, err)
		}

		w, token, err := h.OpenWindow(h.ctx(), Window{ClosesAt: h.clock.Now().Add(time.Hour), Max: 2}, true)
		h.must(err)
		if _, err := knock("New-1", "", "wrong"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a wrong token: %v", err)
		}
		a, err := knock("New-1", "", token)
		if err != nil || a.Active || a.Org != string(h.northID) {
			t.Fatalf("with the token: %+v, %v", a, err)
		}
		if v := h.view("New-1"); v.Life != Inactive || v.Profile != 0 || v.SharedSecret {
			t.Errorf("%+v", v.Station)
		}
		if a, err = knock("New-2", token, ""); err != nil || a.Active {
			t.Fatalf("with the token as password: %+v, %v", a, err)
		}
		if v := h.view("New-2"); v.Profile != 1 || !v.SharedSecret {
			t.Errorf("%+v", v.Station)
		}
		if _, err := knock("New-3", "", token); !fault.Is(err, fault.NotFound) {
			t.Errorf("a full window: %v", err)
		}
		if _, err := knock("New-2", token, ""); err != nil {
			t.Errorf("an enrolled station that returns: %v", err)
		}
		if v := h.boot(h.connect("New-1"), "S"); v.Status != ocpp.RegistrationStatusEnumPending {
			t.Errorf("boot of an enrolled station: %s", v.Status)
		}
		if root, _, _ := h.Knocking(h.all(), db.ListRequest{}); len(root) != 1 || root[0].ID != "New-3" {
			t.Errorf("still knocking: %+v", root)
		}

		h.clock.Advance(20 * time.Second) // other nodes hear within seconds
		door, _, err := h.OpenWindow(h.ctx(), Window{ClosesAt: h.clock.Now().Add(time.Hour), Max: 5}, false)
		h.must(err)
		own := NewPassword()
		if a, err := knock("New-4", own, ""); err != nil || a.SecurityProfile != 1 {
			t.Fatalf("through the open door: %+v, %v", a, err)
		}
		if _, err := knock("New-4", NewPassword(), ""); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("with another password than at its enrolment: %v", err)
		}
		h.must(h.CloseWindow(h.ctx(), door.ID))
		if _, err := knock("New-5", "", ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("after the door was closed: %v", err)
		}
		if err := h.CloseWindow(h.ctx(), w.ID); err != nil {
			t.Error(err)
		}
	})
}

func TestKnockingIsBounded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 300 {
			hs := h.handshake("K"+string(rune('A'+i%26))+string(rune('A'+i/26)), "")
			if _, err := h.Connect(t.Context(), hs); !fault.Is(err, fault.NotFound) {
				t.Fatal(err)
			}
		}
		// One address may knock a hundred times at once, then once a second.
		list, _, err := h.Knocking(h.all(), db.ListRequest{Limit: 1000})
		if err != nil || len(list) != 100 {
			t.Fatalf("%d on the list, %v", len(list), err)
		}
	})
}

// Field note 4: the answer to a boot differs by the life of the station, and
// activation is told to a station that waits.
func TestFieldNote04PendingUntilActivated(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1", Inactive: true})
		p := h.connect("CS-1")
		v := h.boot(p, "S1")
		if v.Status != ocpp.RegistrationStatusEnumPending || v.Interval < 30*time.Second {
			t.Fatalf("%+v", v)
		}
		h.status(p, 1, 1, "Available") // 1.6 stations send it early; it is kept
		h.want("CS-1", NotActivated, NotActivated)
		if _, err := h.Activate(h.ctx(), "CS-1"); err != nil {
			t.Fatal(err)
		}
		h.want("CS-1", Available, Available)
		if v := h.boot(p, "S1"); v.Status != ocpp.RegistrationStatusEnumAccepted {
			t.Errorf("after activation: %s", v.Status)
		}
		if a, err := h.Deactivate(h.ctx(), "CS-1"); err != nil || a.Life != Inactive {
			t.Errorf("%+v, %v", a, err)
		}
		h.must(h.Retire(h.ctx(), "CS-1"))
		if v := h.boot(p, "S1"); v.Status != ocpp.RegistrationStatusEnumRejected {
			t.Errorf("retired: %s", v.Status)
		}
	})
}

// Without leave for the installation, profile 0 is refused, and a station
// that enrolled without a password gets no further than Pending.
func TestProfile0NeedsLeave(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.d.AllowProfile0 = false
		if _, _, err := h.Create(h.ctx(), Draft{ID: "CS-1", Profile: 0}); !fault.Is(err, fault.Invalid) {
			t.Errorf("create: %v", err)
		}
		_, _, err := h.OpenWindow(h.ctx(), Window{ClosesAt: h.clock.Now().Add(time.Hour), Max: 5}, false)
		h.must(err)
		if a, err := h.Connect(t.Context(), h.handshake("CS-2", "")); err != nil || a.Active {
			t.Fatalf("%+v, %v", a, err)
		}
		_, err = h.Activate(h.ctx(), "CS-2")
		h.must(err)
		if _, err := h.Connect(t.Context(), h.handshake("CS-2", "")); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("active without a password: %v", err)
		}
		password, err := h.Rotate(h.ctx(), "CS-2", "", false)
		h.must(err)
		if a, err := h.Connect(t.Context(), h.handshake("CS-2", password)); err != nil || !a.Active {
			t.Errorf("with its password: %+v, %v", a, err)
		}
	})
}
