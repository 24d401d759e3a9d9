package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func TestStationGetsConnectsRenewsAndLosesItsCertificate(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		first := h.certified(ecKey(t))
		leaf := first[0]
		if leaf.Subject.CommonName != "SN-1" || !slices.Equal(leaf.Subject.Organization, []string{"North"}) {
			t.Errorf("the subject is %s", leaf.Subject)
		}
		if len(leaf.ExtKeyUsage) != 0 || len(leaf.DNSNames) != 0 || leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 || len(first) != 2 {
			t.Errorf("want key usage only and a chain of two; got %v %v %d", leaf.ExtKeyUsage, leaf.DNSNames, len(first))
		}
		// As the TLS listener does, with and without the certificate above.
		for _, above := range [][]*x509.Certificate{first[1:], nil} {
			o := x509.VerifyOptions{Roots: h.StationRoots(t.Context()), CurrentTime: h.clock.Now()}
			if _, err := verifyAt(leaf, above, o); err != nil {
				t.Errorf("the listener would refuse the certificate: %v", err)
			}
		}
		if got := h.statuses()[fingerprint(leaf)]; got != Delivered {
			t.Errorf("before the station connects the certificate is %q", got)
		}
		h.identifies(leaf, "")
		if got := h.statuses()[fingerprint(leaf)]; got != Active {
			t.Errorf("after the station connected the certificate is %q", got)
		}

		h.later(20) // of 365 days
		second := h.certified(ecKey(t))[0]
		h.identifies(leaf, "") // it still uses the old one
		h.identifies(second, "")
		h.identifies(leaf, "pki.certificate_revoked")
		h.checkCRL(first[1], leaf, second)
		h.checkOCSP(first[1], leaf, ocsp.Revoked)
		h.checkOCSP(first[1], second, ocsp.Good)

		h.north.Must(200, "POST", "/api/v1/certificates/"+h.idOf(second)+"/revoke", `{"reason":"key_compromise"}`)
		h.identifies(second, "pki.certificate_revoked")
		h.checkCRL(first[1], leaf, nil)
		h.clock.Advance(400 * 24 * time.Hour)
		h.identifies(second, "pki.certificate_expired")
		for _, want := range []string{KindAuthorityCreated, KindRequestReceived, KindCertificateSigned, KindCertificateActive, KindCertificateRevoked} {
			if !slices.ContainsFunc(h.kinds(), func(k string) bool { return k == want }) {
				t.Errorf("the fact %s was not recorded: %v", want, h.kinds())
			}
		}
	})
}

func (h *house) idOf(c *x509.Certificate) string {
	h.t.Helper()
	var page struct{ Items []certificateBody }
	h.north.Must(200, "GET", "/api/v1/certificates?station=CS-1&status=active&fingerprint_sha256="+fingerprint(c), "").JSON(h.t, &page)
	if len(page.Items) != 1 {
		h.t.Fatalf("%d certificates in the list", len(page.Items))
	}
	h.south.Must(404, "GET", "/api/v1/certificates/"+page.Items[0].ID, "")
	return page.Items[0].ID
}

// identifies expects the station, or a refusal with the code.
func (h *house) identifies(c *x509.Certificate, refusal string) {
	h.t.Helper()
	got, err := h.Identify(h.t.Context(), c)
	if refusal == "" && (err != nil || got != "CS-1") {
		h.t.Errorf("Identify gives %q, %v", got, err)
	}
	if refusal != "" && (fault.Of(err) == nil || fault.Of(err).Code != refusal || !fault.Is(err, fault.Unauthenticated)) {
		h.t.Errorf("Identify gives %q, %v; want %s", got, err, refusal)
	}
}

func (h *house) get(path string) []byte {
	h.t.Helper()
	res, err := http.Get(h.anyone.URL() + path)
	h.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	h.must(err)
	if res.StatusCode != 200 {
		h.t.Fatalf("GET %s: %s %s", path, res.Status, body)
	}
	return body
}

func (h *house) pathOf(url string) string { return url[len("https://csms.example.org"):] }

func (h *house) checkCRL(ca, in, out *x509.Certificate) {
	h.t.Helper()
	list, err := x509.ParseRevocationList(h.get(h.pathOf(in.CRLDistributionPoints[0])))
	h.must(err)
	h.must(list.CheckSignatureFrom(ca))
	has := func(c *x509.Certificate) bool {
		return slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(c.SerialNumber) == 0 })
	}
	if !has(in) || out != nil && has(out) {
		h.t.Errorf("the list holds %d entries, not the one expected", len(list.RevokedCertificateEntries))
	}
}

func (h *house) checkOCSP(ca, c *x509.Certificate, want int) {
	h.t.Helper()
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384} {
		req, err := ocsp.CreateRequest(c, ca, &ocsp.RequestOptions{Hash: hash})
		h.must(err)
		res, err := http.Post(h.anyone.URL()+ocspPath, "application/ocsp-request", bytes.NewReader(req))
		h.must(err)
		posted, err := io.ReadAll(res.Body)
		res.Body.Close()
		h.must(err)
		got := h.get(ocspPath + "/" + urlBase64(req))
		for _, body := range [][]byte{posted, got} {
			r, err := ocsp.ParseResponseForCert(body, c, ca)
			h.must(err)
			if r.Status != want {
				h.t.Errorf("with %v the responder says %d, want %d", hash, r.Status, want)
			}
		}
	}
}

func urlBase64(b []byte) string {
	out := ""
	for _, r := range base64.StdEncoding.EncodeToString(b) {
		switch r {
		case '/':
			out += "%2F"
		case '+':
			out += "%2B"
		default:
			out += string(r)
		}
	}
	return out
}

func TestStrangersGetNothingFromTheResponder(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		h.certified(ecKey(t))
		if got := h.respond(t.Context(), []byte("no request")); !bytes.Equal(got, ocsp.MalformedRequestErrorResponse) {
			t.Errorf("garbage is answered %x", got)
		}
		ca, leaf := selfSigned(t, "Other CA", h.clock.Now()), selfSigned(t, "x", h.clock.Now())
		req, err := ocsp.CreateRequest(leaf.cert, ca.cert, nil)
		h.must(err)
		if got := h.respond(t.Context(), req); !bytes.Equal(got, ocsp.UnauthorizedErrorResponse) {
			t.Errorf("a certificate of others is answered %x", got)
		}
		h.anyone.Must(404, "GET", crlPath+"nobody.crl", "")
		h.anyone.Must(404, "GET", caPath+"nobody.crt", "")
	})
}

func TestRequestsWaitRepeatAndReplaceEachOther(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		key := ecKey(t)
		text := csr(t, key, "CS-1", "")
		h.box.gone = true
		number := 7
		for range 3 { // OCPP 2.0.1 A02.FR.17: the same again while it waits
			r, err := h.SignCertificate(t.Context(), h.peer(), &ocpp.SignCertificateRequest{Csr: csr(t, key, "CS-1", ""), RequestID: &number})
			h.must(err)
			if r.Status != ocpp.GenericStatusEnumAccepted {
				t.Fatalf("answered %s", r.Status)
			}
			number++
		}
		h.settle()
		if list := h.requests(); len(list) != 1 || list[0].Repeats != 2 || list[0].Status != Delivering || list[0].Detail == "" {
			t.Fatalf("the same request thrice gives %+v", list)
		}
		other := csr(t, ecKey(t), "CS-1", "north") // for another key, in other case
		h.asks(other, "")
		h.box.gone = false
		h.record(stationBoot) // the station is back
		h.settle()
		list := h.requests()
		if len(list) != 2 || list[0].Status != Replaced || list[1].Status != Done || len(h.box.got) != 1 {
			t.Fatalf("another request gives %+v and %d certificates", list, len(h.box.got))
		}
		if got := parsed(t, h.box.got[0].CertificateChain)[0]; string(got.RawSubjectPublicKeyInfo) == string(mustCSR(t, text).RawSubjectPublicKeyInfo) {
			t.Error("the station got the certificate for the key it gave up")
		}
	})
}

func mustCSR(t testing.TB, text string) *x509.CertificateRequest {
	t.Helper()
	c, err := parseRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStationThatRefusesItsCertificateIsTold(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		h.box.answer = func(req ocpp.Request) (ocpp.Response, error) {
			if _, ok := req.(*ocpp.CertificateSignedRequest); ok {
				return &ocpp.CertificateSignedResponse{Status: ocpp.CertificateSignedStatusEnumRejected, StatusInfo: &ocpp.StatusInfo{ReasonCode: "InvalidCert"}}, nil
			}
			return nil, nil
		}
		h.asks(csr(t, ecKey(t), "CS-1", "North"), "")
		h.settle()
		list := h.requests()
		if len(list) != 1 || list[0].Status != Failed || !slices.Contains(h.kinds(), KindRequestFailed) {
			t.Errorf("a refused certificate gives %+v", list)
		}
	})
}

func TestChainIsCutToWhatTheStationTakes(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		h.vars["SecurityCtrlr.MaxCertificateChainSize"] = "1300"
		h.asks(csr(t, ecKey(t), "SN-1", "North"), "")
		h.settle()
		if len(h.box.got) != 1 || len(parsed(t, h.box.got[0].CertificateChain)) != 1 {
			t.Fatalf("got %d messages", len(h.box.got))
		}
		h.vars["SecurityCtrlr.MaxCertificateChainSize"] = "100"
		h.asks(csr(t, ecKey(t), "SN-1", "North"), "")
		h.settle()
		if list := h.requests(); len(h.box.got) != 1 || list[len(list)-1].Status != Failed {
			t.Error("a certificate that does not fit was sent")
		}
	})
}

func TestRequestNumberComesBack(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		number := 42
		_, err := h.SignCertificate(t.Context(), h.peer(), &ocpp.SignCertificateRequest{Csr: csr(t, ecKey(t), "CS-1", "North"), RequestID: &number, CertificateType: "chargingstationcertificate"})
		h.must(err)
		h.settle()
		if len(h.box.got) != 1 || h.box.got[0].RequestID == nil || *h.box.got[0].RequestID != 42 || h.box.got[0].CertificateType != ocpp.CertificateSigningUseEnumChargingStationCertificate {
			t.Errorf("the station got %+v", h.box.got)
		}
	})
}
