package pki

import (
	"crypto/x509"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestRootIsCheckedWithOneClearReason(t *testing.T) {
	root := selfSigned(t, "Root", t0)
	as := func(change func(*x509.Certificate)) string {
		return encodePEM(signed(t, "X", nil, t0, change).cert)
	}
	authority := func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }
	sub := signed(t, "Sub", &root, t0, authority)
	for name, c := range map[string]struct{ text, purpose, code string }{
		"good":                    {encodePEM(root.cert), purposeV2G, ""},
		"an issuing one":          {encodePEM(sub.cert), purposeV2G, "pki.root_not_self_signed"},
		"an issuing one for here": {encodePEM(sub.cert), PurposeStation, ""},
		"not a CA":                {as(func(*x509.Certificate) {}), purposeV2G, "pki.root_not_ca"},
		"may not sign":            {as(func(c *x509.Certificate) { authority(c); c.KeyUsage = x509.KeyUsageDigitalSignature }), purposeV2G, "pki.root_usage"},
		"ended":                   {as(func(c *x509.Certificate) { authority(c); c.NotAfter = t0.Add(-time.Minute) }), purposeV2G, "pki.root_expired"},
		"two":                     {encodePEM(root.cert, root.cert), purposeV2G, "pki.root_many"},
		"text":                    {"hello", purposeV2G, "pki.pem"},
		"unknown purpose":         {encodePEM(root.cert), "Cooking", "pki.purpose"},
	} {
		if _, err := checkRoot(c.text, c.purpose, t0); codeOf(err) != c.code || err != nil && len(fault.Of(err).Fields) != 1 {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
}

func (h *house) addRoot(c *x509.Certificate, purpose, more string) string {
	h.t.Helper()
	return h.north.Must(201, "POST", "/api/v1/trust-roots", `{"purpose":"`+purpose+`","certificate":`+quoted(encodePEM(c))+more+`}`).Field("id")
}

func (h *house) rootsOnStation() []string {
	h.t.Helper()
	var out []string
	for _, x := range h.box.roots {
		out = append(out, string(x.CertificateType)+" "+x.CertificateHashData.SerialNumber)
	}
	slices.Sort(out)
	return out
}

func TestRootsComeToStationsAndGo(t *testing.T) {
	each(t, func(d *Deps) { d.InstallOwnRoot = true }, func(t *testing.T, h *house) {
		_, err := h.ServerCertificate(t.Context(), "csms.example.org") // our own roots exist now
		h.must(err)
		v2g, foreign, theirs := selfSigned(t, "V2G Root", t0), selfSigned(t, "Makers Root", t0), selfSigned(t, "Their Root", t0)
		v2gID := h.addRoot(v2g.cert, purposeV2G, "")
		if again := h.addRoot(v2g.cert, purposeV2G, ""); again != v2gID {
			t.Error("the same root was added twice")
		}
		h.addRoot(selfSigned(t, "Not for stations", t0).cert, PurposeStation, "")
		h.south.Must(201, "POST", "/api/v1/trust-roots", `{"purpose":"MORootCertificate","certificate":`+quoted(encodePEM(theirs.cert))+`}`)
		made, err := HashData(foreign.cert, foreign.cert, ocpp.HashAlgorithmEnumSHA256)
		h.must(err)
		h.box.roots = []ocpp.CertificateHashDataChain{{CertificateType: ocpp.GetCertificateIdUseEnumManufacturerRootCertificate, CertificateHashData: made}}

		h.record(stationBoot)
		h.later(1)
		got := h.rootsOnStation()
		if len(got) != 4 || !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, purposeV2G) }) || !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, purposeManufacturer) }) {
			t.Fatalf("the station has %v; want two of ours, the V2G root, and its maker's", got)
		}
		a := h.north.Must(200, "GET", "/api/v1/charging-stations/CS-1/installed-certificates", "")
		if !strings.Contains(string(a.Body), "CN=V2G Root") || a.Field("read_at") == "" {
			t.Errorf("the page says %s", a.Body)
		}
		h.south.Must(404, "GET", "/api/v1/charging-stations/CS-1/installed-certificates", "")

		h.south.Must(404, "DELETE", "/api/v1/trust-roots/"+v2gID, "")
		h.north.Must(204, "DELETE", "/api/v1/trust-roots/"+v2gID, "")
		h.clock.Advance(5 * time.Minute)
		h.settle()
		if got := h.rootsOnStation(); len(got) != 3 || slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, purposeV2G) }) {
			t.Errorf("after the root was withdrawn the station has %v", got)
		}
	})
}

func TestLastRootForTheConnectionStaysUntilAnotherIsThere(t *testing.T) {
	old, next := selfSigned(t, "Old", t0), selfSigned(t, "Next", t0)
	want := func(c ca) wantedRoot { return wantedRoot{purposeCSMS, c.cert, fingerprint(c.cert)} }
	has := func(c ca) Installed {
		d, _ := HashData(c.cert, c.cert, ocpp.HashAlgorithmEnumSHA256)
		return Installed{Type: purposeCSMS, Hash: d}
	}
	p := planRoots([]Installed{has(old)}, []wantedRoot{want(next)}, []wantedRoot{want(old)})
	if len(p.install) != 1 || len(p.remove) != 0 {
		t.Errorf("first the new one is installed; got %d, %d", len(p.install), len(p.remove))
	}
	p = planRoots([]Installed{has(old), has(next)}, []wantedRoot{want(next)}, []wantedRoot{want(old)})
	if len(p.install) != 0 || len(p.remove) != 1 {
		t.Errorf("then the old one is deleted; got %d, %d", len(p.install), len(p.remove))
	}
}

func TestRefusedRootIsTold(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		h.box.answer = func(req ocpp.Request) (ocpp.Response, error) {
			switch r := req.(type) {
			case *ocpp.InstallCertificateRequest:
				return &ocpp.InstallCertificateResponse{Status: ocpp.InstallCertificateStatusEnumRejected}, nil
			case *ocpp.GetInstalledCertificateIdsRequest:
				if len(r.CertificateType) != 1 { // as 1.6
					return nil, fault.New(fault.Unsupported, "ocpp.version", "one type at a time")
				}
			}
			return nil, nil
		}
		h.addRoot(selfSigned(t, "Root", t0).cert, purposeCSMS, `,"station":"CS-1"`)
		h.record(stationBoot)
		h.later(2)
		n := 0
		for _, k := range h.kinds() {
			if k == KindRootRefused {
				n++
			}
		}
		if n != 1 {
			t.Errorf("the refusal was told %d times", n)
		}
		h.north.Must(409, "POST", "/api/v1/charging-stations/CS-1/installed-certificates", `{"purpose":"CSMSRootCertificate","certificate":`+quoted(encodePEM(selfSigned(t, "R2", t0).cert))+`}`)
	})
}

func TestRootIsInstalledAndDeletedByHand(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		const at = "/api/v1/charging-stations/CS-1/installed-certificates"
		a := h.north.Must(200, "POST", at, `{"purpose":"MORootCertificate","certificate":`+quoted(encodePEM(selfSigned(t, "MO", t0).cert))+`}`)
		var body stationBody
		a.JSON(t, &body)
		if len(body.Installed) != 1 || body.Installed[0].Type != purposeMO {
			t.Fatalf("installed: %s", a.Body)
		}
		h.viewer.Must(403, "DELETE", at+"?ref="+body.Installed[0].Ref, "")
		h.north.Must(200, "DELETE", at+"?ref="+body.Installed[0].Ref, "")
		if len(h.box.roots) != 0 {
			t.Error("the root is still there")
		}
		h.north.Must(404, "DELETE", at+"?ref=none", "")
		h.north.Must(202, "POST", "/api/v1/charging-stations/CS-1/certificate-request", `{}`)
		if len(h.box.trigger) != 1 {
			t.Error("the station was not asked for a request")
		}
	})
}

func TestForeignCertificateSpeaksForItsStationOnly(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		maker := selfSigned(t, "Maker", t0)
		byID, bySerial := signed(t, "CS-1", &maker, t0, nil), signed(t, "SN-1", &maker, t0, nil)
		h.identifies(byID.cert, "pki.certificate_unknown")
		root := h.addRoot(maker.cert, purposeManufacturer, "")
		h.identifies(byID.cert, "")
		h.identifies(bySerial.cert, "")
		h.identifies(signed(t, "CS-2", &maker, t0, nil).cert, "pki.certificate_unknown") // of another organisation
		h.identifies(signed(t, "CS-9", &maker, t0, nil).cert, "pki.certificate_unknown")
		h.identifies(signed(t, "CS-1", &maker, t0.Add(48*time.Hour), nil).cert, "pki.certificate_not_yet")
		h.north.Must(204, "DELETE", "/api/v1/trust-roots/"+root, "")
		h.identifies(byID.cert, "pki.certificate_unknown")
	})
}

func TestAMoveBringsTheRootsOfTheServer(t *testing.T) {
	each(t, func(d *Deps) { d.ServesOwn = true }, func(t *testing.T, h *house) {
		_, err := h.ServerCertificate(t.Context(), "csms.example.org") // our own roots exist now
		h.must(err)
		theirs := selfSigned(t, "Other authority of the server", t0)
		h.addRoot(theirs.cert, purposeCSMS, "")
		h.addRoot(selfSigned(t, "V2G", t0).cert, purposeV2G, "") // has nothing to do with the connection
		for range 2 {                                            // what is there is not installed again
			refused, err := h.BringServerRoots(t.Context(), "CS-1")
			h.must(err)
			if refused != "" || len(h.box.roots) != 3 {
				t.Fatalf("%q, the station has %v; want our two roots and the one that people named", refused, h.rootsOnStation())
			}
		}
		h.box.roots = nil
		h.box.answer = func(req ocpp.Request) (ocpp.Response, error) {
			if _, ok := req.(*ocpp.InstallCertificateRequest); ok {
				return &ocpp.InstallCertificateResponse{Status: ocpp.InstallCertificateStatusEnumRejected}, nil
			}
			return nil, nil
		}
		if refused, err := h.BringServerRoots(t.Context(), "CS-1"); err != nil || !strings.Contains(refused, "rejected") {
			t.Errorf("%q, %v", refused, err)
		}
		h.box.answer = func(ocpp.Request) (ocpp.Response, error) {
			return nil, &ocpp.CallError{Code: ocpp.CodeNotImplemented}
		}
		if refused, err := h.BringServerRoots(t.Context(), "CS-1"); err != nil || !strings.Contains(refused, "does not tell") {
			t.Errorf("%q, %v", refused, err)
		}
		h.box.answer = func(ocpp.Request) (ocpp.Response, error) {
			return nil, fault.New(fault.Unavailable, "gateway.offline", "gone")
		}
		if _, err := h.BringServerRoots(t.Context(), "CS-1"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
	})
}

func TestAMoveNeedsNoRootOfAServerThatIsNotOurs(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		if refused, err := h.BringServerRoots(t.Context(), "CS-1"); refused != "" || err != nil || len(h.box.roots) != 0 {
			t.Errorf("%q, %v, %v", refused, err, h.rootsOnStation())
		}
	})
}
