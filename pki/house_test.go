package pki

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// box is the station at the other end. answer may be set; else it takes
// certificates and roots as a good station does.
type box struct {
	mu      sync.Mutex
	gone    bool
	answer  func(req ocpp.Request) (ocpp.Response, error) // nil, nil: as usual
	got     []*ocpp.CertificateSignedRequest
	trigger []ocpp.MessageTriggerEnum
	roots   []ocpp.CertificateHashDataChain
}

func (b *box) Send(_ context.Context, _ string, req ocpp.Request) (ocpp.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return nil, fault.New(fault.Unavailable, "gateway.offline", "not connected")
	}
	if b.answer != nil {
		if res, err := b.answer(req); res != nil || err != nil {
			return res, err
		}
	}
	switch r := req.(type) {
	case *ocpp.CertificateSignedRequest:
		b.got = append(b.got, r)
		return &ocpp.CertificateSignedResponse{Status: ocpp.CertificateSignedStatusEnumAccepted}, nil
	case *ocpp.TriggerMessageRequest:
		b.trigger = append(b.trigger, r.RequestedMessage)
		return &ocpp.TriggerMessageResponse{Status: ocpp.TriggerMessageStatusEnumAccepted}, nil
	case *ocpp.GetInstalledCertificateIdsRequest:
		if len(b.roots) == 0 {
			return &ocpp.GetInstalledCertificateIdsResponse{Status: ocpp.GetInstalledCertificateStatusEnumNotFound}, nil
		}
		return &ocpp.GetInstalledCertificateIdsResponse{Status: ocpp.GetInstalledCertificateStatusEnumAccepted, CertificateHashDataChain: b.roots}, nil
	case *ocpp.InstallCertificateRequest:
		certs, err := ParseCertificates(r.Certificate)
		if err != nil {
			return &ocpp.InstallCertificateResponse{Status: ocpp.InstallCertificateStatusEnumRejected}, nil
		}
		h, _ := HashData(certs[0], certs[0], ocpp.HashAlgorithmEnumSHA384)
		b.roots = append(b.roots, ocpp.CertificateHashDataChain{CertificateType: ocpp.GetCertificateIdUseEnum(r.CertificateType), CertificateHashData: h})
		return &ocpp.InstallCertificateResponse{Status: ocpp.InstallCertificateStatusEnumAccepted}, nil
	case *ocpp.DeleteCertificateRequest:
		for i, x := range b.roots {
			if x.CertificateHashData.HashAlgorithm == r.CertificateHashData.HashAlgorithm && sameHashData(x.CertificateHashData, r.CertificateHashData) {
				b.roots = append(b.roots[:i:i], b.roots[i+1:]...)
				return &ocpp.DeleteCertificateResponse{Status: ocpp.DeleteCertificateStatusEnumAccepted}, nil
			}
		}
		return &ocpp.DeleteCertificateResponse{Status: ocpp.DeleteCertificateStatusEnumNotFound}, nil
	}
	return nil, fault.New(fault.Unsupported, "test.action", "%s is not in this box", req.Action())
}

type house struct {
	*Service
	t        *testing.T
	db       *db.DB
	clock    *schematest.Clock
	box      *box
	jobs     *job.Runner
	facts    *event.Log
	people   *identity.Service
	root     identity.OrgID
	org      identity.OrgID // "North", which owns CS-1 (serial SN-1)
	other    identity.OrgID // "South", which owns CS-2 (serial SN-2)
	stations map[string]Station
	vars     map[string]string
}

func each(t *testing.T, change func(*Deps), fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	schematest.EachAt(t, t0, func(t *testing.T, d *db.DB, clock *schematest.Clock) { fn(t, open(t, d, clock, change)) })
}

func open(t *testing.T, d *db.DB, clock *schematest.Clock, change func(*Deps)) *house {
	t.Helper()
	h := &house{t: t, db: d, clock: clock, box: &box{}, stations: map[string]Station{}, vars: map[string]string{}}
	h.people = identity.New(identity.Deps{DB: d})
	first, _, err := h.people.Bootstrap(t.Context())
	h.must(err)
	h.root = first.Organisation
	system := identity.System(context.Background(), "")
	for name, at := range map[string]*identity.OrgID{"North": &h.org, "South": &h.other} {
		o, err := h.people.CreateOrganisation(system, identity.Organisation{Name: name, Parent: first.Organisation})
		h.must(err)
		*at = o.ID
	}
	h.stations["CS-1"] = Station{ID: "CS-1", Org: string(h.org), Serial: "SN-1"}
	h.stations["CS-2"] = Station{ID: "CS-2", Org: string(h.other), Serial: "SN-2"}
	deps := Deps{
		DB: d, Commander: h.box, Secret: []byte("the secret of the test installation"), Config: Config{PublicURL: "https://csms.example.org", V2G: V2GOwn},
		Station: func(_ context.Context, id string) (Station, error) {
			for key, st := range h.stations {
				if strings.EqualFold(key, id) {
					return st, nil
				}
			}
			return Station{}, fault.New(fault.NotFound, "station.unknown", "no station %s", id)
		},
		BySerial: func(_ context.Context, serial string) (out []Station, _ error) {
			for _, st := range h.stations {
				if st.Serial == serial {
					out = append(out, st)
				}
			}
			return out, nil
		},
		Variable: func(_ context.Context, _, component, variable string) (string, bool) {
			v, ok := h.vars[component+"."+variable]
			return v, ok
		},
	}
	if change != nil {
		change(&deps)
	}
	h.Service, err = New(deps)
	h.must(err)
	h.jobs = job.New(d, nil, "test", nil)
	h.facts = event.New(d, nil, "test", nil)
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) ctx() context.Context { return identity.System(h.t.Context(), h.org) }

func (h *house) peer() ocpp.Peer {
	return ocpp.Peer{Org: string(h.org), Station: "CS-1", Version: ocpp.V21}
}

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func csr(t testing.TB, key crypto.Signer, name, organisation string) string {
	t.Helper()
	subject := pkix.Name{CommonName: name}
	if organisation != "" {
		subject.Organization = []string{organisation}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der}))
}

func parsed(t testing.TB, text string) []*x509.Certificate {
	t.Helper()
	certs, err := ParseCertificates(text)
	if err != nil {
		t.Fatal(err)
	}
	return certs
}
