package device

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

func TestUpgradeDecides(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) *time.Time { at := t0.Add(-d); return &at }
	online := func(change func(*station.Station)) station.Station {
		st := station.Station{Connected: true, HasPassword: true, Epoch: 5, LinkProfile: 1, ConnectedAt: ago(time.Hour)}
		if change != nil {
			change(&st)
		}
		return st
	}
	move := func(step Step) Upgrade {
		return Upgrade{Kind: ToProfile, Target: 2, Step: step, Epoch: 5, StepAt: t0.Add(-time.Minute), Deadline: t0.Add(time.Hour)}
	}
	late := func(u Upgrade) Upgrade { u.Deadline = t0.Add(-time.Second); return u }
	rotate := func(reset bool) Upgrade {
		u := move(StepVerify)
		u.Kind, u.Target, u.Options.Reset = ToPassword, 1, reset
		return u
	}
	for name, c := range map[string]struct {
		u      Upgrade
		st     station.Station
		signed bool
		want   standing
	}{
		"offline":                            {move(StepConfigure), online(func(s *station.Station) { s.Connected = false }), false, wait},
		"offline for too long":               {late(move(StepConfigure)), online(func(s *station.Station) { s.Connected = false }), false, expire},
		"there":                              {move(StepConfigure), online(nil), false, act},
		"charging":                           {move(StepConfigure), online(func(s *station.Station) { s.InUse = true }), false, wait},
		"charging, told already":             {move(StepRestart), online(func(s *station.Station) { s.InUse = true }), false, wait},
		"a password does not wait":           {move(StepPassword), online(func(s *station.Station) { s.InUse = true }), false, act},
		"went by itself":                     {move(StepRestart), online(func(s *station.Station) { s.LinkProfile = 2 }), false, succeed},
		"back as wanted":                     {move(StepVerify), online(func(s *station.Station) { s.LinkProfile, s.Epoch = 2, 6 }), false, succeed},
		"higher than wanted":                 {move(StepVerify), online(func(s *station.Station) { s.LinkProfile, s.Epoch = 3, 6 }), false, succeed},
		"not gone yet":                       {move(StepVerify), online(nil), false, wait},
		"never went":                         {late(move(StepVerify)), online(nil), false, expire},
		"never came":                         {late(move(StepVerify)), online(func(s *station.Station) { s.Connected = false }), false, expire},
		"on its way":                         {move(StepVerify), online(func(s *station.Station) { s.Connected = false }), false, wait},
		"lost its line before it restarted":  {move(StepVerify), online(func(s *station.Station) { s.Epoch, s.ConnectedAt = 6, ago(time.Second) }), false, wait},
		"restarted and as it was":            {move(StepVerify), online(func(s *station.Station) { s.Epoch, s.ConnectedAt, s.BootedAt = 6, ago(2*time.Second), ago(time.Second) }), false, fallBack},
		"back for long and as it was":        {move(StepVerify), online(func(s *station.Station) { s.Epoch, s.ConnectedAt = 6, ago(time.Hour) }), false, fallBack},
		"new password not used yet":          {rotate(false), online(func(s *station.Station) { s.Epoch, s.ConnectedAt = 6, ago(time.Hour) }), false, wait},
		"new password used":                  {rotate(false), online(nil), true, succeed},
		"new password never used":            {late(rotate(false)), online(nil), false, expire},
		"restarted and not the new password": {rotate(true), online(func(s *station.Station) { s.Epoch, s.BootedAt = 6, ago(time.Second) }), false, fallBack},
	} {
		if got, why := c.u.decide(c.st, c.signed, t0); got != c.want {
			t.Errorf("%s: %d (%s), want %d", name, got, why, c.want)
		}
	}
}

func TestFreeSlot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		priority, allowed, active string
		want                      int
		ok                        bool
	}{
		{"1", "1,2,3", "1", 2, true},
		{"1", "", "1", 2, true},
		{"0", "", "", 1, true},
		{"1,2", "1,2", "1", 2, true}, // the spare one
		{"2,1", "1,2", "2", 1, true},
		{"1, 2", "1,2", "2", 1, true}, // it fell back to the second
		{"", "", "", 1, true},
		{"1", "1", "1", 0, false},
		{"7", "7,9", "", 9, true},
	} {
		if got, ok := freeSlot(c.priority, c.allowed, c.active); got != c.want || ok != c.ok {
			t.Errorf("%+v: %d %v", c, got, ok)
		}
	}
	if got := first(3, "1, 3,2"); got != "3,1,2" {
		t.Error(got)
	}
}

// mover is a device that can be moved: it keeps variables and network
// profiles, checks what OCPP asks it to check, and says what it was told.
type mover struct {
	mu       sync.Mutex
	values   map[string]string
	profiles map[int]ocpp.NetworkConnectionProfile
	resets   int
	triggers int
	told     []string
	lose     string // the answer to setting this variable is lost, once
	refuse   string // setting this variable is refused
	gone     bool
}

func newMover() *mover {
	return &mover{profiles: map[int]ocpp.NetworkConnectionProfile{}, values: map[string]string{
		"SecurityCtrlr.BasicAuthPassword": "", "SecurityCtrlr.SecurityProfile": "1", "OCPPCommCtrlr.NetworkConfigurationPriority": "1", "OCPPCommCtrlr.ActiveNetworkProfile": "1",
		"OCPP16.CentralSystem": "",
	}}
}

func (m *mover) Send(_ context.Context, _ string, req ocpp.Request) (ocpp.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone {
		return nil, fault.New(fault.Unavailable, "gateway.offline", "not connected")
	}
	switch r := req.(type) {
	case *ocpp.GetVariablesRequest:
		d := r.GetVariableData[0]
		res := ocpp.GetVariableResult{Component: d.Component, Variable: d.Variable, AttributeStatus: ocpp.GetVariableStatusEnumUnknownVariable}
		if v, ok := m.values[d.Component.Name+"."+d.Variable.Name]; ok {
			res.AttributeStatus, res.AttributeValue = ocpp.GetVariableStatusEnumAccepted, v
		}
		return &ocpp.GetVariablesResponse{GetVariableResult: []ocpp.GetVariableResult{res}}, nil
	case *ocpp.SetVariablesRequest:
		return m.set(r.SetVariableData[0])
	case *ocpp.SetNetworkProfileRequest:
		m.profiles[r.ConfigurationSlot] = r.ConnectionData
		return &ocpp.SetNetworkProfileResponse{Status: ocpp.SetNetworkProfileStatusEnumAccepted}, nil
	case *ocpp.ResetRequest:
		m.resets++
		return &ocpp.ResetResponse{Status: ocpp.ResetStatusEnumAccepted}, nil
	case *ocpp.TriggerMessageRequest:
		m.triggers++
		return &ocpp.TriggerMessageResponse{Status: ocpp.TriggerMessageStatusEnumAccepted}, nil
	}
	return nil, fault.New(fault.Unsupported, "test.action", "%s is not in this device", req.Action())
}

func (m *mover) set(d ocpp.SetVariableData) (ocpp.Response, error) {
	name := d.Component.Name + "." + d.Variable.Name
	status := ocpp.SetVariableStatusEnumAccepted
	switch _, known := m.values[name]; {
	case !known:
		status = ocpp.SetVariableStatusEnumUnknownVariable
	case name == m.refuse:
		status = ocpp.SetVariableStatusEnumRejected
	default:
		m.values[name] = d.AttributeValue
		m.told = append(m.told, name+"="+d.AttributeValue)
	}
	if m.lose == name {
		m.lose = ""
		return nil, fault.New(fault.Unavailable, "ocpp.timeout", "no answer")
	}
	return &ocpp.SetVariablesResponse{SetVariableResult: []ocpp.SetVariableResult{{Component: d.Component, Variable: d.Variable, AttributeStatus: status}}}, nil
}

func (m *mover) value(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[name]
}

// moving is a house with a device that can be moved.
func moving(t *testing.T, fn func(t *testing.T, h *house, m *mover)) {
	t.Helper()
	each(t, func(t *testing.T, h *house) {
		m := newMover()
		h.d.Commander = m
		h.d.CSMSURL = func(profile int) string {
			return map[int]string{1: "ws://csms.example.org/ocpp", 2: "wss://csms.example.org/ocpp", 3: "wss://mtls.example.org/ocpp"}[profile]
		}
		fn(t, h, m)
	})
}

// link opens a connection of a security profile and boots.
func (h *house) link(v ocpp.Version, profile int) ocpp.Peer {
	h.t.Helper()
	h.epoch++
	p := ocpp.Peer{Org: string(h.org), Station: "CS-1", Version: v, Epoch: h.epoch, ConnectedAt: h.clock.Now(), SecurityProfile: profile}
	h.must(h.stations.Connected(h.t.Context(), p))
	h.clock.Advance(time.Second)
	h.boot(p, "S-1")
	return p
}

func (h *house) run() {
	h.t.Helper()
	for range 5 {
		h.clock.Advance(time.Second)
		_, err := h.jobs.RunDue(h.t.Context())
		h.must(err)
		h.must(h.facts.CatchUp(h.t.Context()))
	}
}

func (h *house) current() Upgrade {
	h.t.Helper()
	var u Upgrade
	h.must(h.db.View(h.t.Context(), func(tx *db.Tx) (err error) {
		u, _, err = upgradeOf(tx, "CS-1")
		return err
	}))
	return u
}

func (h *house) station() (st station.Station) {
	h.t.Helper()
	h.must(h.db.View(h.t.Context(), func(tx *db.Tx) (err error) {
		st, err = h.stations.Get(tx, "CS-1")
		return err
	}))
	return st
}

func (h *house) at(step Step) {
	h.t.Helper()
	if u := h.current(); u.Step != step {
		h.t.Fatalf("the upgrade is at %s (%s), not %s", u.Step, u.Reason, step)
	}
}

const securityPath = "/charging-stations/CS-1/security-profile"

func TestMoveWithNetworkProfile(t *testing.T) {
	moving(t, func(t *testing.T, h *house, m *mover) {
		north := h.north.For(t)
		h.link(ocpp.V201, 1)
		north.Must(202, "POST", securityPath, `{"profile":2}`)
		north.Must(409, "POST", securityPath, `{"profile":2}`)
		h.run()
		h.at(StepVerify)
		p := m.profiles[2]
		if p.SecurityProfile != 2 || p.OcppCsmsURL != "wss://csms.example.org/ocpp" || p.OcppVersion != ocpp.OCPPVersionEnumOCPP20 || p.OcppInterface != ocpp.OCPPInterfaceEnumWireless0 {
			t.Errorf("the network profile is %+v", p) // its modem has a SIM card
		}
		if m.value("OCPPCommCtrlr.NetworkConfigurationPriority") != "2,1" || m.resets != 1 {
			t.Errorf("%v, %d resets", m.told, m.resets)
		}
		if h.station().Profile != 1 {
			t.Error("the old profile ended before the new one was there")
		}
		h.link(ocpp.V201, 2)
		h.run()
		h.at(StepDone)
		if st := h.station(); st.Profile != 2 || st.Proven != 2 {
			t.Errorf("%d %d", st.Profile, st.Proven)
		}
		_, err := h.stations.Connect(t.Context(), ocpp.Handshake{Station: "CS-1", At: h.clock.Now()})
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("after the move without TLS: %v", err)
		}
		h.run()
		north.Run()
		if body := north.Must(200, "GET", "/charging-stations/CS-1/security-events", "").Body; !strings.Contains(body, "not encrypted") {
			t.Error("who tried the old profile does not show:", body)
		}
		if body := north.Must(200, "GET", securityPath, "").Body; !strings.Contains(body, `"step":"done"`) || !strings.Contains(body, `"connected_profile":2`) {
			t.Error(body)
		}
		north.Must(422, "POST", securityPath, `{"profile":2}`)
		h.south.For(t).Must(404, "POST", securityPath, `{"profile":3}`)
		h.south.For(t).Must(404, "GET", securityPath, "")
	})
}

func TestMoveFallsBack(t *testing.T) {
	moving(t, func(t *testing.T, h *house, m *mover) {
		h.link(ocpp.V201, 1)
		h.north.For(t).Must(202, "POST", securityPath, `{"profile":2}`)
		for attempt := 1; attempt <= maxAttempts; attempt++ {
			h.clock.Advance(time.Hour)
			h.must(h.sweepUpgrades(t.Context()))
			h.run()
			h.at(StepVerify)
			h.link(ocpp.V201, 1) // it could not reach us the new way
			h.run()
			if m.value("OCPPCommCtrlr.NetworkConfigurationPriority") != "1" {
				t.Fatalf("attempt %d: its own order of network profiles is not back: %v", attempt, m.told)
			}
		}
		h.at(StepFailed)
		if u := h.current(); u.Attempts != maxAttempts || !strings.Contains(u.Reason, "came back with security profile 1") || h.station().Profile != 1 {
			t.Errorf("%+v", u)
		}
		h.north.For(t).Must(202, "POST", securityPath, `{"profile":2}`) // people may try again
		h.north.For(t).Must(204, "DELETE", securityPath, "")
		h.north.For(t).Must(404, "DELETE", securityPath, "")
		h.run()
		h.at(StepCancelled)
	})
}

func TestMoveOf16(t *testing.T) {
	moving(t, func(t *testing.T, h *house, m *mover) {
		certified := false
		h.d.Certified = func(*db.Tx, string) (bool, error) { return certified, nil }
		h.link(ocpp.V16, 1)
		h.north.For(t).Must(202, "POST", securityPath, `{"profile":3,"rotate_password":true,"configuration":[{"key":"CentralSystem","value":"wss://mtls.example.org/ocpp"}]}`)
		h.run()
		h.at(StepCertificate)
		if m.triggers != 1 || m.resets != 0 {
			t.Errorf("%d triggers, %d resets", m.triggers, m.resets)
		}
		certified = true
		h.clock.Advance(time.Minute)
		h.must(h.sweepUpgrades(t.Context()))
		h.run()
		h.at(StepVerify)
		if want := []string{"OCPP16.CentralSystem=wss://mtls.example.org/ocpp", "SecurityCtrlr.SecurityProfile=3"}; !slices.Equal(m.told, want) || m.resets != 1 {
			t.Errorf("told %v, %d resets", m.told, m.resets)
		}
		h.clock.Advance(h.d.VerifyTimeout + time.Minute) // it is gone, and stays away
		h.must(h.stations.Connected(t.Context(), ocpp.Peer{Org: string(h.org), Station: "CS-1", Epoch: h.epoch}))
		h.stations.Disconnected(t.Context(), ocpp.Peer{Org: string(h.org), Station: "CS-1", Epoch: h.epoch}, "gone")
		h.must(h.sweepUpgrades(t.Context()))
		h.run()
		h.at(StepFailed)
		if u := h.current(); !strings.Contains(u.Reason, "did not come back") {
			t.Error(u.Reason)
		}
	})
}

func TestMoveBringsTheRootFirst(t *testing.T) {
	moving(t, func(t *testing.T, h *house, m *mover) {
		asked, reached := 0, false
		h.d.ServerRoots = func(context.Context, string) (string, error) {
			asked++
			if len(m.profiles) > 0 {
				t.Error("the network profile went before the root")
			}
			if !reached {
				return "", fault.New(fault.Unavailable, "gateway.offline", "gone")
			}
			return "the store is full", nil
		}
		m.refuse = "OCPPCommCtrlr.NetworkConfigurationPriority"
		h.link(ocpp.V201, 1)
		h.north.For(t).Must(202, "POST", securityPath, `{"profile":2}`)
		h.run()
		h.at(StepConfigure) // it was not reached, and is asked again
		reached = true
		h.clock.Advance(time.Hour)
		h.must(h.sweepUpgrades(t.Context()))
		h.run()
		h.at(StepFailed)
		if u := h.current(); asked != 2 || !strings.Contains(u.Reason, "the store is full") {
			t.Errorf("asked %d times; %+v", asked, u)
		}
	})
}

func TestMoveThatTheStationRefuses(t *testing.T) {
	moving(t, func(t *testing.T, h *house, m *mover) {
		m.refuse = "OCPPCommCtrlr.NetworkConfigurationPriority"
		h.link(ocpp.V21, 1)
		h.north.For(t).Must(202, "POST", securityPath, `{"profile":2}`)
		h.run()
		h.at(StepFailed)
		if u := h.current(); !strings.Contains(u.Reason, "root of our certificate") || m.resets != 0 || h.station().Profile != 1 {
			t.Errorf("%+v", u)
		}
		h.d.CSMSURL = func(int) string { return "" }
		h.north.For(t).Must(409, "POST", securityPath, `{"profile":2}`) // there is no such door
	})
}

// Field note 22: a password over the air. The answer to it may be lost; then
// the old and the new one are good until the station has chosen.
func TestFieldNote22PasswordOverTheAir(t *testing.T) {
	moving(t, func(t *testing.T, h *house, m *mover) {
		old, err := h.stations.Rotate(h.ctx(), "CS-1", "", true)
		h.must(err)
		signsIn := func(password string) bool {
			_, err := h.stations.Connect(t.Context(), ocpp.Handshake{Station: "CS-1", User: "CS-1", Password: password, HasPassword: true, RemoteAddr: "192.0.2.9:1", At: h.clock.Now()})
			h.clock.Advance(10 * time.Second)
			return err == nil
		}
		h.link(ocpp.V16, 1)
		m.lose = "SecurityCtrlr.BasicAuthPassword"
		h.north.For(t).Must(202, "POST", "/charging-stations/CS-1/credentials/rotate", `{}`)
		h.run()
		h.at(StepPassword)
		first := m.value("SecurityCtrlr.BasicAuthPassword")
		if len(first) != 40 || !signsIn(old) {
			t.Fatalf("the station was given %d characters", len(first))
		}
		h.clock.Advance(2 * time.Minute)
		h.must(h.sweepUpgrades(t.Context()))
		h.run()
		h.at(StepVerify)
		if m.value("SecurityCtrlr.BasicAuthPassword") != first {
			t.Error("another password was sent while the first might have been taken")
		}
		if !signsIn(old) {
			t.Error("the old password ended before the new one was used")
		}
		if !signsIn(first) || signsIn(old) {
			t.Error("the new password is not the only one after its use")
		}
		h.link(ocpp.V16, 1)
		h.run()
		h.at(StepDone)

		// One that is refused leaves everything as it was.
		m.refuse = "SecurityCtrlr.BasicAuthPassword"
		h.north.For(t).Must(202, "POST", "/charging-stations/CS-1/credentials/rotate", `{"reset":true}`)
		h.run()
		h.at(StepFailed)
		if h.station().Rotating || !signsIn(first) {
			t.Error("a refused password is still offered, or the old one is gone")
		}
	})
}

// A station that enrolled without a password gets one over the connection it
// has, and a profile with it.
func TestMoveFromNoPassword(t *testing.T) {
	moving(t, func(t *testing.T, h *house, m *mover) {
		err := h.db.Update(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec("UPDATE charging_station SET profile = 0, password = ''")
			return err
		})
		h.must(err)
		if body := h.north.For(t).Must(200, "GET", "/charging-stations/CS-1", "").Body; !strings.Contains(body, `"needs_credentials":true`) {
			t.Error("nothing says that the station has no password:", body)
		}
		h.link(ocpp.V16, 0)
		h.north.For(t).Must(202, "POST", "/security-upgrades", `{"stations":["CS-1"],"move":{"profile":1}}`)
		h.run()
		h.at(StepVerify)
		if len(m.told) != 2 || !strings.HasPrefix(m.told[0], "SecurityCtrlr.BasicAuthPassword=") || m.told[1] != "SecurityCtrlr.SecurityProfile=1" {
			t.Errorf("told %v", m.told)
		}
		h.link(ocpp.V16, 1)
		h.run()
		h.at(StepDone)
		if st := h.station(); st.Profile != 1 {
			t.Error(strconv.Itoa(st.Profile))
		}
	})
}

func TestUpgradesOfMany(t *testing.T) {
	moving(t, func(t *testing.T, h *house, m *mover) {
		_, _, err := h.stations.Create(h.ctx(), station.Draft{ID: "CS-2", Profile: 2})
		h.must(err)
		body := h.north.For(t).Must(202, "POST", "/security-upgrades", `{"stations":["CS-1","CS-2","CS-3"],"move":{"profile":2}}`).Body
		if strings.Count(body, `"begun":true`) != 1 || !strings.Contains(body, "device.not_higher") || !strings.Contains(body, "station.unknown") {
			t.Error(body)
		}
		h.run()
		if u := h.current(); u.Step != StepConfigure || u.Reason != "the station is offline" {
			t.Errorf("%+v", u)
		}
		if list := h.north.For(t).Must(200, "GET", "/security-upgrades?step=configure", "").Body; !strings.Contains(list, `"station_id":"CS-1"`) {
			t.Error(list)
		}
		if list := h.south.For(t).Must(200, "GET", "/security-upgrades", "").Body; strings.Contains(list, "CS-1") {
			t.Error("another organisation sees it")
		}
		h.north.For(t).Must(422, "POST", "/security-upgrades", `{"stations":["CS-1"]}`)
		h.clock.Advance(h.d.UpgradeTimeout + time.Hour)
		h.must(h.sweepUpgrades(t.Context()))
		h.run()
		h.at(StepFailed)
	})
}
