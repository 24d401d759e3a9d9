package station

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func certificate(name, org string) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(0xc0ffee), Subject: pkix.Name{CommonName: name, Organization: []string{org}}}
}

func TestConnectWithCertificate(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.d.CertificateOrganisations = []string{"Our CPO"}
		password := h.create(Draft{ID: "CS-1", Profile: 2})
		_, none, err := h.Create(h.ctx(), Draft{ID: "CS-3", Profile: 3})
		h.must(err)
		if none != "" {
			t.Error("a station of profile 3 got a password")
		}
		p := h.connect("CS-3")
		h.must(h.db.Update(t.Context(), func(tx *db.Tx) error {
			_, err := h.Boot(tx, p, Booted{Vendor: "Acme", Model: "One", Serial: "SN-33"})
			return err
		}))
		revoked := fault.New(fault.Unauthenticated, "pki.certificate_revoked", "it was revoked")
		var issued error = fault.New(fault.NotFound, "test", "not ours")
		owner := ""
		h.d.CertificateOf = func(context.Context, *x509.Certificate) (string, error) { return owner, issued }
		try := func(id, pw string, edit func(*ocpp.Handshake)) (int, error) {
			hs := h.handshake(id, pw)
			hs.TLS = true
			edit(&hs)
			a, err := h.Connect(t.Context(), hs)
			h.clock.Advance(2 * time.Minute)
			return a.SecurityProfile, err
		}
		with := func(c *x509.Certificate) func(*ocpp.Handshake) {
			return func(hs *ocpp.Handshake) { hs.ClientCert = c }
		}
		for _, c := range []struct {
			name, id, pw string
			edit         func(*ocpp.Handshake)
			issued       error
			owner        string
			want         int
			kind         fault.Kind
		}{
			{name: "its id", id: "CS-3", edit: with(certificate("cs-3", "Our CPO")), issued: issued, want: 3},
			{name: "its serial number", id: "CS-3", edit: with(certificate("SN-33", "our cpo")), issued: issued, want: 3},
			{name: "one that we issued", id: "CS-3", edit: with(certificate("anything", "")), owner: "cs-3", want: 3},
			{name: "more than is asked for", id: "CS-1", edit: with(certificate("CS-1", "Our CPO")), issued: issued, want: 3},
			{name: "none", id: "CS-3", edit: func(*ocpp.Handshake) {}, kind: fault.Unauthenticated},
			{name: "another name", id: "CS-3", edit: with(certificate("CS-1", "Our CPO")), issued: issued, kind: fault.Unauthenticated},
			{name: "another organisation", id: "CS-3", edit: with(certificate("CS-3", "Their CPO")), issued: issued, kind: fault.Unauthenticated},
			{name: "issued to another", id: "CS-3", edit: with(certificate("CS-3", "Our CPO")), owner: "CS-1", kind: fault.Unauthenticated},
			{name: "revoked", id: "CS-3", edit: with(certificate("CS-3", "Our CPO")), issued: revoked, kind: fault.Unauthenticated},
			{name: "cannot be told now", id: "CS-3", edit: with(certificate("CS-3", "Our CPO")), issued: fault.New(fault.Unavailable, "db", "away"), kind: fault.Unavailable},
			{name: "another's, with a good password", id: "CS-1", pw: password, edit: with(certificate("CS-3", "Our CPO")), issued: issued, kind: fault.Unauthenticated},
			{name: "a bad one, with a good password", id: "CS-1", pw: password, edit: func(hs *ocpp.Handshake) { hs.CertProblem = "it is expired" }, kind: fault.Unauthenticated},
			{name: "not asked for", id: "CS-1", pw: password, edit: func(*ocpp.Handshake) {}, want: 2},
		} {
			issued, owner = c.issued, c.owner
			got, err := try(c.id, c.pw, c.edit)
			if c.want > 0 && (err != nil || got != c.want) || c.want == 0 && !fault.Is(err, c.kind) {
				t.Errorf("%s: %d %v", c.name, got, err)
			}
		}
		var told int
		h.must(h.db.View(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow("SELECT COUNT(*) FROM fact WHERE kind = $1", KindRefused).Scan(&told)
		}))
		if told != 7 {
			t.Errorf("%d refusals are recorded, want 7", told)
		}
	})
}

// OCPP 2.0.1 A05.FR.07: no way back below a profile that was used, unless
// people say so.
func TestNoDowngrade(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		password := h.create(Draft{ID: "CS-1", Profile: 1})
		other := h.node()
		connects := func(s *Service, tls bool) bool {
			hs := h.handshake("CS-1", password)
			hs.TLS = tls
			a, err := s.Connect(t.Context(), hs)
			if err != nil && !fault.Is(err, fault.Forbidden) {
				t.Fatal(err)
			}
			if err == nil {
				p := h.peer("CS-1")
				p.SecurityProfile = a.SecurityProfile
				h.must(s.Connected(t.Context(), p))
			}
			h.clock.Advance(cardFor + time.Second) // no bus tells the other node here
			return err == nil
		}
		if !connects(h.Service, false) || !connects(other, true) {
			t.Fatal("refused")
		}
		if connects(h.Service, false) || connects(other, false) {
			t.Error("the station went back to plain text")
		}
		if v := h.view("CS-1"); v.Profile != 1 || v.Proven != 2 || v.LinkProfile != 2 {
			t.Errorf("%d %d %d", v.Profile, v.Proven, v.LinkProfile)
		}
		h.north.For(t).Must(200, "PATCH", "/charging-stations/CS-1", `{"security_profile":1}`)
		if !connects(h.Service, false) {
			t.Error("an operator's leave does not count")
		}
	})
}

// Quirk Q06: who fails before a request is on the page of its station, or
// among those that knock; whoever scans the internet cannot fill the list.
func TestQuirkQ06FailedConnectionsAreSeen(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		h.Failed(t.Context(), "cs-1", "192.0.2.7:999", "plain_on_tls", "it speaks plain text")
		h.Failed(t.Context(), "CS-9", "192.0.2.8:999", "tls_failed", "expired")
		for i := range 300 {
			h.clock.Advance(time.Second)
			h.Failed(t.Context(), "", "198.51.100."+big.NewInt(int64(i)).String()+":1", "tls_without_http", "gave up")
		}
		h.gather()
		h.must(h.storeDeviations(t.Context()))
		if v := h.view("CS-1"); len(v.Deviations) != 1 || v.Deviations[0].Code != "plain_on_tls" || !strings.Contains(v.Deviations[0].Detail, "192.0.2.7") {
			t.Errorf("%+v", v.Deviations)
		}
		root := identityRoot(h)
		list, _, err := h.Knocking(root, db.ListRequest{Limit: 1000})
		h.must(err)
		named := 0
		for _, k := range list {
			if k.ID == "CS-9" && k.Reason == "tls_failed" && k.Detail == "expired" && k.RemoteAddr == "192.0.2.8" {
				named++
			}
		}
		if named != 1 || len(list) != 1+maxKnocks/5 {
			t.Errorf("%d entries, %d of them named", len(list), named)
		}
	})
}

func TestNeedsCredentials(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.d.AllowProfile0 = false
		north := h.north.For(t)
		_, _, err := h.OpenWindow(h.ctx(), Window{ClosesAt: h.clock.Now().Add(time.Hour), Max: 3}, false)
		h.must(err)
		_, err = h.Connect(t.Context(), h.handshake("CS-NEW", ""))
		h.must(err)
		if body := north.Must(200, "POST", "/charging-stations/CS-NEW/activate", "").Body; !strings.Contains(body, `"needs_credentials":true`) {
			t.Error("activate does not say that the station cannot connect:", body)
		}
		if _, err := h.Connect(t.Context(), h.handshake("CS-NEW", "")); !fault.Is(err, fault.Unauthenticated) {
			t.Error(err)
		}
		north.Must(201, "POST", "/charging-stations/CS-NEW/credentials", `{}`)
		if body := north.Must(200, "GET", "/charging-stations/CS-NEW", "").Body; strings.Contains(body, "needs_credentials") {
			t.Error("it has credentials now:", body)
		}
	})
}

// identityRoot acts for the root organisation, which sees who knocks.
func identityRoot(h *house) context.Context { return identity.System(h.t.Context(), "") }
