package pki

import (
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func (h *house) count(kind string) (n int) {
	h.t.Helper()
	for _, k := range h.kinds() {
		if k == kind {
			n++
		}
	}
	return n
}

func TestCertificateIsRenewedBeforeItsEnd(t *testing.T) {
	each(t, func(d *Deps) { d.StationLifetime = 60 * 24 * time.Hour }, func(t *testing.T, h *house) {
		first := h.certified(ecKey(t))[0]
		h.identifies(first, "")
		h.later(28)
		if len(h.box.trigger) != 0 {
			t.Fatalf("asked too early: %v", h.box.trigger)
		}
		h.later(4) // it has 28 days
		if len(h.box.trigger) == 0 || h.box.trigger[0] != ocpp.MessageTriggerEnumSignChargingStationCertificate {
			t.Fatalf("the station was not asked to renew: %v", h.box.trigger)
		}
		second := h.certified(ecKey(t))[0]
		h.identifies(second, "")
		asked := len(h.box.trigger)
		h.later(5)
		if len(h.box.trigger) != asked || h.count(KindCertificateExpiring) != 0 {
			t.Errorf("the station was asked again after it had renewed, or an alarm was raised: %v", h.kinds())
		}
	})
}

func TestCertificateThatIsNotRenewedIsToldOfOnce(t *testing.T) {
	each(t, func(d *Deps) { d.StationLifetime = 60 * 24 * time.Hour }, func(t *testing.T, h *house) {
		h.identifies(h.certified(ecKey(t))[0], "")
		h.box.gone = true
		h.later(40)
		if n := h.count(KindCertificateExpiring); n != 0 {
			t.Errorf("told too early")
		}
		h.later(10)
		if n := h.count(KindCertificateExpiring); n != 1 {
			t.Errorf("told %d times, want once", n)
		}
	})
}

func TestAuthorityHandsOverBeforeItsEnd(t *testing.T) {
	day := 24 * time.Hour
	each(t, func(d *Deps) {
		d.StationLifetime, d.IssuingLifetime, d.RootLifetime = 60*day, 200*day, 500*day
	}, func(t *testing.T, h *house) {
		first := h.certified(ecKey(t))
		h.clock.Advance(150 * day) // the issuing authority has 50 days
		h.settle()
		h.identifies(first[0], "pki.certificate_expired")
		second := h.certified(ecKey(t))
		if second[1].Equal(first[1]) {
			t.Fatal("an authority that ends before the certificate signed it")
		}
		h.clock.Advance(160 * day) // the root cannot sign another issuing authority of 200 days
		h.settle()
		third := h.certified(ecKey(t))
		h.identifies(third[0], "")
		var roots []authorityRow
		h.must(h.db.View(t.Context(), func(tx *db.Tx) error {
			all, err := authorities(tx)
			for _, r := range all {
				if r.Kind == kindRoot {
					roots = append(roots, r)
				}
			}
			return err
		}))
		if len(roots) != 2 || roots[0].Signs() || !roots[1].Signs() {
			t.Errorf("want the old root and the new one; got %+v", roots)
		}
		var page struct{ Items []authorityBody }
		h.north.Must(200, "GET", "/api/v1/certificate-authorities?kind=root", "").JSON(t, &page)
		if len(page.Items) != 2 || !parsed(t, page.Items[0].Certificate)[0].IsCA {
			t.Errorf("the roots read as %+v", page.Items)
		}
	})
}

func TestRetiredStationLosesItsCertificates(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		leaf := h.certified(ecKey(t))[0]
		h.identifies(leaf, "")
		h.record(stationRetired)
		h.identifies(leaf, "pki.certificate_revoked")
	})
}
