package station

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Field note 9: a changed serial number opens a new incarnation; the ports
// and their history stay.
func TestFieldNote09ChangedSerialIsANewIncarnation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		if v := h.boot(p, "S1"); !v.First || v.NewDevice || v.Incarnation != "S1" {
			t.Fatalf("first boot: %+v", v)
		}
		h.status(p, 1, 1, "Available")
		if v := h.boot(p, "S1"); v.First || v.NewDevice {
			t.Errorf("second boot: %+v", v)
		}
		if v := h.boot(p, ""); v.NewDevice || v.Incarnation != "S1" {
			t.Errorf("a boot without a serial number: %+v", v)
		}
		h.facts()
		h.clock.Advance(time.Hour)
		v := h.boot(p, "S2")
		if !v.First || !v.NewDevice || v.Incarnation != "S2" || v.Status != ocpp.RegistrationStatusEnumAccepted {
			t.Errorf("another device: %+v", v)
		}
		h.wantFacts(KindReplaced, KindBoot)
		list, err := h.Devices(h.ctx(), "CS-1")
		if err != nil || len(list) != 2 || list[0].Serial != "S2" || list[1].Serial != "S1" {
			t.Errorf("devices: %+v, %v", list, err)
		}
		if changes, err := h.At(h.ctx(), "CS-1", t0); err != nil || len(changes) != 1 {
			t.Errorf("history after the replacement: %+v, %v", changes, err)
		}
	})
}

// Field note 10: two devices that alternate on one id are quarantined; a
// replacement, and one that was undone, are not.
func TestFieldNote10AlternatingDevicesAreQuarantined(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		password := h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		verdict := func(serial string) ocpp.RegistrationStatusEnum {
			h.clock.Advance(time.Minute)
			return h.boot(p, serial).Status
		}
		for _, serial := range []string{"A", "B", "A"} {
			if s := verdict(serial); s != ocpp.RegistrationStatusEnumAccepted {
				t.Fatalf("%s: %s", serial, s)
			}
		}
		h.facts()
		if s := verdict("B"); s != ocpp.RegistrationStatusEnumPending {
			t.Fatalf("the third change: %s", s)
		}
		h.wantFacts(KindReplaced, KindQuarantined, KindBoot)
		v := h.view("CS-1")
		if v.Quarantined == nil || !slices.ContainsFunc(v.Deviations, func(d Deviation) bool { return d.Code == "duplicate_identity" }) {
			t.Errorf("%+v %+v", v.Quarantined, v.Deviations)
		}
		if a, err := h.Connect(t.Context(), h.handshake("CS-1", password)); err != nil || a.Active {
			t.Errorf("in quarantine: %+v, %v", a, err)
		}
		lift := false
		if _, err := h.Change(h.ctx(), "CS-1", Edit{Quarantined: &lift}); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(25 * time.Hour)
		if s := verdict("B"); s != ocpp.RegistrationStatusEnumAccepted {
			t.Errorf("after it was lifted: %s", s)
		}
		if a, err := h.Connect(t.Context(), h.handshake("CS-1", password)); err != nil || !a.Active {
			t.Errorf("after it was lifted: %+v, %v", a, err)
		}
	})
}

// Field note 10: who is not authenticated never reaches the socket of the
// station: the decision comes before, and changes nothing.
func TestFieldNote10AuthenticateBeforeReplacing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		if _, err := h.Connect(t.Context(), h.handshake("CS-1", "a-wrong-password-1")); err == nil {
			t.Fatal("a wrong password connects")
		}
		if v := h.view("CS-1"); !v.Connected || v.Epoch != p.Epoch {
			t.Errorf("the station's connection changed: %+v", v.Station)
		}
	})
}

// Field note 28: activation records a plan per port, also for ports that
// appear later, and deactivation ends it.
func TestFieldNote28ActivationRecordsAPlanPerPort(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		plans := func() map[int]int {
			out := map[int]int{}
			h.must(h.db.View(t.Context(), func(tx *db.Tx) error {
				ports, err := db.Collect(tx, func(row db.Scanner) (evse int, err error) { err = row.Scan(&evse); return evse, err },
					"SELECT evse FROM port_plan WHERE station = $1 AND plan = 'all' AND until_at IS NULL", "CS-1")
				for _, evse := range ports {
					out[evse]++
				}
				return err
			}))
			return out
		}
		h.create(Draft{ID: "CS-1", Inactive: true})
		p := h.connect("CS-1")
		h.status(p, 1, 1, "Available")
		if got := plans(); len(got) != 0 {
			t.Fatalf("before activation: %v", got)
		}
		_, err := h.Activate(h.ctx(), "CS-1")
		h.must(err)
		if got := plans(); len(got) != 2 || got[0] != 1 || got[1] != 1 {
			t.Errorf("after activation: %v", got)
		}
		h.status(p, 2, 1, "Available")
		if got := plans(); got[2] != 1 {
			t.Errorf("a port that appeared later: %v", got)
		}
		h.clock.Advance(time.Hour)
		_, err = h.Deactivate(h.ctx(), "CS-1")
		h.must(err)
		if got := plans(); len(got) != 0 {
			t.Errorf("after deactivation: %v", got)
		}
	})
}

// Activation asks the station that waits to boot; one that is offline, or
// does not know the message, boots by itself.
func TestActivationTriggersTheBoot(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		runner := job.New(h.db, nil, "test", nil)
		h.Jobs(runner)
		h.create(Draft{ID: "CS-1", Inactive: true})
		for name, answer := range map[string]reply{
			"asked": says(&ocpp.TriggerMessageResponse{Status: "Accepted"}), "offline": nil, "refused": fails(&ocpp.CallError{Code: ocpp.CodeNotImplemented}),
		} {
			h.line.answers(answer)
			before := len(h.line.sent)
			_, err := h.Activate(h.ctx(), "CS-1")
			h.must(err)
			if n, err := runner.RunDue(t.Context()); err != nil || n == 0 {
				t.Fatalf("%s: %d jobs, %v", name, n, err)
			}
			sent, ok := h.line.sent[len(h.line.sent)-1].(*ocpp.TriggerMessageRequest)
			if len(h.line.sent) != before+1 || !ok || sent.RequestedMessage != ocpp.MessageTriggerEnumBootNotification {
				t.Errorf("%s: sent %v", name, h.line.sent[before:])
			}
			if failed, err := runner.Failed(t.Context()); err != nil || len(failed) != 0 {
				t.Errorf("%s: %+v, %v", name, failed, err)
			}
			_, err = h.Deactivate(h.ctx(), "CS-1")
			h.must(err)
		}
	})
}

// Whatever a station says of itself, it boots: an index takes no text of any
// length, and random text cannot be packed.
func TestBootOfManyWords(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1", Name: randomText(250)})
		p := h.connect("CS-1")
		var v []BootVerdict
		err := h.db.Update(t.Context(), func(tx *db.Tx) (err error) {
			v, err = h.Boots(tx, []Booting{{p, Booted{Vendor: randomText(9000), Model: randomText(9000), Serial: randomText(9000), Firmware: randomText(9000), ICCID: randomText(9000), IMSI: randomText(9000)}}})
			return err
		})
		if err != nil || v[0].Status != ocpp.RegistrationStatusEnumAccepted || len(v[0].Station.Vendor) > mostOfBoot {
			t.Errorf("%+v, %v", v, err)
		}
	})
}

func randomText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('!' + rand.IntN('~'-'!'))
	}
	return string(b)
}
