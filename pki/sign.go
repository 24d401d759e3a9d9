package pki

import (
	"context"
	"crypto"
	"crypto/x509"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

const jobSign = "pki.sign"

type signJob struct {
	Request string `json:"request"`
}

// SignCertificate stores a station's request and answers whether it will be
// worked on; the certificate follows with CertificateSigned (use cases A02
// and A03).
func (s *Service) SignCertificate(ctx context.Context, p ocpp.Peer, r *ocpp.SignCertificateRequest) (*ocpp.SignCertificateResponse, error) {
	req, err := s.received(ctx, p, r)
	if err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Unsupported {
		return nil, err
	}
	if err != nil {
		s.d.Log.Warn("a certificate request was refused", "org", p.Org, "station", p.Station, "why", err)
		if err := s.noteRefusal(ctx, req, err); err != nil {
			return nil, err
		}
		f := fault.Of(err)
		// OCPP 2.0.1 A02.FR.12
		return &ocpp.SignCertificateResponse{Status: ocpp.GenericStatusEnumRejected, StatusInfo: &ocpp.StatusInfo{ReasonCode: reasonCode(f), AdditionalInfo: clip(f.Message, 400)}}, nil
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error { return s.store(tx, req) })
	if err != nil {
		return nil, err
	}
	// OCPP 2.0.1 A02.FR.11
	return &ocpp.SignCertificateResponse{Status: ocpp.GenericStatusEnumAccepted}, nil
}

// reasonCode is the standard code for a refusal.
func reasonCode(f *fault.Error) string {
	if f.Kind == fault.Unsupported {
		return "UnsupportedRequest"
	}
	return "InvalidCSR"
}

// received checks what came and makes the request of it.
func (s *Service) received(ctx context.Context, p ocpp.Peer, r *ocpp.SignCertificateRequest) (*SigningRequest, error) {
	now := s.d.DB.Now()
	req := &SigningRequest{ID: id.New[string](now), Org: p.Org, Site: p.Site, Station: p.Station, Status: Queued, CSR: r.Csr, Received: now, Updated: now}
	if r.RequestID != nil {
		n := int64(*r.RequestID)
		req.RequestID = &n
	}
	kind, ok := typeOf(r.CertificateType)
	if req.Type = kind; !ok {
		return req, fault.New(fault.Invalid, "pki.type", "%q is no type of certificate that is signed here", clip(string(r.CertificateType), 50))
	}
	if isV2GOnly(kind) && s.d.V2G == nil {
		return req, fault.New(fault.Unsupported, "pki.v2g_off", "certificates for cars are not signed here (--pki-v2g)")
	}
	req.open = openKey(p.Station, kind)
	csr, err := parseRequest(r.Csr)
	if err != nil {
		return req, err
	}
	req.Subject, req.KeyType = csr.Subject.String(), keyType(csr.PublicKey)
	if r.HashRootCertificate != nil && s.authorityFor(kind).Name() == ownName {
		if err := s.knowsRoot(ctx, *r.HashRootCertificate); err != nil {
			return req, err
		}
	}
	rules, err := s.rulesFor(ctx, p, kind)
	if err != nil {
		return req, err
	}
	_, look, err := checkRequest(csr, rules)
	if err == nil && (look || s.d.Manual) {
		req.Status = Waiting
		if look {
			req.Detail = "the SECC id of the station (ISO15118Ctrlr.SeccId) is not known here: compare the common name by hand"
		}
	}
	return req, err
}

// knowsRoot refuses a request that is for another authority than ours (field
// hashRootCertificate of OCPP 2.1).
func (s *Service) knowsRoot(ctx context.Context, d ocpp.CertificateHashData) error {
	t, err := s.trusted(ctx)
	if err != nil {
		return err
	}
	for _, o := range t.own {
		if o.kind == kindRoot && names(d, o.cert) {
			return nil
		}
	}
	return fault.New(fault.Invalid, "pki.unknown_root", "the root that the request names (serial number %s) is not one of those that sign here", clip(d.SerialNumber, 40))
}

// rulesFor gathers what the subject of a station's request must say.
func (s *Service) rulesFor(ctx context.Context, p ocpp.Peer, kind string) (subjectRules, error) {
	st, err := s.d.Station(ctx, p.Station)
	if err != nil {
		return subjectRules{}, err
	}
	rules := subjectRules{names: []string{st.ID}, nameKnown: true, organisations: []string{s.d.Organisation}}
	if st.Serial != "" {
		rules.names = append(rules.names, st.Serial)
	}
	if isV2GOnly(kind) {
		secc, known := s.variable(ctx, p.Station, "ISO15118Ctrlr", "SeccId")
		if rules.nameKnown = known && secc != ""; rules.nameKnown {
			rules.names = append(rules.names, secc)
		}
	}
	if o, ok := s.variable(ctx, p.Station, "SecurityCtrlr", "OrganizationName"); ok && isV2GOnly(kind) && o != "" {
		rules.organisations = append(rules.organisations, o)
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		line, err := lineage(tx, st.Org)
		for _, o := range line {
			rules.organisations = append(rules.organisations, o.Name)
		}
		return err
	})
	return rules, err
}

func (s *Service) variable(ctx context.Context, station, component, variable string) (string, bool) {
	if s.d.Variable == nil {
		return "", false
	}
	return s.d.Variable(ctx, station, component, variable)
}

// noteRefusal keeps a request that was refused at once, for people to see why.
func (s *Service) noteRefusal(ctx context.Context, r *SigningRequest, why error) error {
	r.Status, r.Detail, r.open = Failed, messageOf(why), r.ID
	r.CSR, r.Subject, r.Type = clean(clip(r.CSR, 6000)), clean(clip(r.Subject, 500)), clean(clip(r.Type, 50))
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		// Of refusals in a row the last one is kept: a station that repeats
		// itself every minute fills no disk.
		if err := tx.Send("DELETE FROM pki_request WHERE station = $1 AND type = $2 AND status = $3 AND certificate = ''", r.Station, r.Type, Failed); err != nil {
			return err
		}
		if err := insertRequest(tx, *r); err != nil {
			return err
		}
		return recordRequest(tx, *r, KindRequestFailed)
	})
}

func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// store keeps a request that will be worked on. The same one again (OCPP
// 2.0.1 A02.FR.17) changes nothing but hurries the job; another one takes the
// place of the one before.
func (s *Service) store(tx *db.Tx, r *SigningRequest) error {
	before, err := openRequest(tx, r.Station, r.Type)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err == nil {
		csr, perr := parseRequest(r.CSR)
		if perr == nil && sameRequest(csr, before.CSR) {
			return s.repeat(tx, before, r.RequestID)
		}
		if _, err := move(tx, before, Replaced, "the station sent another request"); err != nil {
			return err
		}
	}
	if err := insertRequest(tx, *r); err != nil {
		return err
	}
	if err := recordRequest(tx, *r, KindRequestReceived); err != nil || r.Status == Waiting {
		return err
	}
	return enqueueSign(tx, *r)
}

func (s *Service) repeat(tx *db.Tx, r SigningRequest, number *int64) error {
	if number != nil { // OCPP 2.1: the answer names the last request
		if err := tx.Send("UPDATE pki_request SET request_id = $1 WHERE id = $2", *number, r.ID); err != nil {
			return err
		}
	}
	if err := tx.Send("UPDATE pki_request SET repeats = repeats + 1, updated_at = $1 WHERE id = $2", db.Micros(tx.Now), r.ID); err != nil || r.Status == Waiting {
		return err
	}
	return enqueueSign(tx, r)
}

func enqueueSign(tx *db.Tx, r SigningRequest) error {
	return job.Enqueue(tx, job.Job{Kind: jobSign, Key: r.ID, Org: r.Org, Payload: signJob{r.ID}})
}

// authorityFor gives who signs a type.
func (s *Service) authorityFor(kind string) Authority {
	if isV2GOnly(kind) {
		return s.d.V2G
	}
	return s.d.External
}

// sign is the job of one request: signed, then delivered. It fails, to be
// tried again, while the authority or the station cannot be reached.
func (s *Service) sign(ctx context.Context, j job.Job) error {
	var what signJob
	if err := j.Decode(&what); err != nil {
		return err
	}
	var r SigningRequest
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		r, err = requestByID(tx, what.Request)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil && r.Status == Queued {
		r, err = s.issue(ctx, r)
	}
	if err == nil && r.Status == Delivering {
		err = s.deliver(ctx, r)
	}
	return err
}

// issue has the request signed, and stores the certificate.
func (s *Service) issue(ctx context.Context, r SigningRequest) (SigningRequest, error) {
	a := s.authorityFor(r.Type)
	if a == nil {
		return r, s.fail(ctx, r, "certificates for cars are not signed here any more (--pki-v2g)")
	}
	order, err := s.order(ctx, r)
	if err != nil {
		return r, err
	}
	chain, err := a.Sign(ctx, order)
	if err == nil {
		err = checkSigned(chain, order)
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Forbidden, fault.Unsupported:
		return r, s.fail(ctx, r, messageOf(err))
	}
	if err != nil {
		s.note(ctx, r, err)
		return r, err
	}
	cert := chain[0]
	c := Certificate{
		Org: r.Org, Site: r.Site, Station: r.Station, Type: r.Type, Subject: cert.Subject.String(), Issuer: cert.Issuer.String(), Serial: serialText(cert.SerialNumber),
		Fingerprint: fingerprint(cert), KeyType: r.KeyType, Chain: encodePEM(chain...), Status: Signed, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, Authority: a.Name(),
	}
	moved := false
	err = s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		if moved, err = move(tx, r, Delivering, ""); err != nil || !moved {
			return err
		}
		if a.Name() == ownName {
			if c.Authority, err = s.signerOf(tx, chain); err != nil {
				return err
			}
		}
		c.ID, c.Created = id.New[string](tx.Now), tx.Now
		if err := insertCertificate(tx, c); err != nil {
			return err
		}
		if err := tx.Send("UPDATE pki_request SET certificate = $1 WHERE id = $2", c.ID, r.ID); err != nil {
			return err
		}
		return recordCertificate(tx, c, KindCertificateSigned, "")
	})
	if moved {
		r.Status, r.Certificate = Delivering, c.ID
	}
	return r, err
}

func (s *Service) signerOf(tx *db.Tx, chain []*x509.Certificate) (string, error) {
	var ca string
	err := tx.QueryRow("SELECT id FROM pki_authority WHERE fingerprint = $1", fingerprint(chain[1])).Scan(&ca)
	return ca, err
}

// order makes what the authority needs of a request.
func (s *Service) order(ctx context.Context, r SigningRequest) (Order, error) {
	csr, err := parseRequest(r.CSR)
	if err != nil {
		return Order{}, err
	}
	o := Order{Request: csr, CommonName: strings.TrimSpace(csr.Subject.CommonName), Type: r.Type}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		owner, err := identity.Lookup(tx, identity.OrgID(r.Org))
		o.Organisation = owner.Name
		return err
	})
	return o, err
}

// checkSigned holds what an authority gave against what was ordered.
func checkSigned(chain []*x509.Certificate, o Order) error {
	if len(chain) == 0 {
		return fault.New(fault.Invalid, "pki.signed", "the authority gave no certificate")
	}
	pub, ok := chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(o.Request.PublicKey) {
		return fault.New(fault.Invalid, "pki.signed", "the authority gave a certificate for another key")
	}
	for i := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(chain[i+1]); err != nil {
			return fault.New(fault.Invalid, "pki.signed", "the authority gave a chain that is broken after %s: %v", chain[i].Subject, err)
		}
	}
	return nil
}

// note keeps why a request waits.
func (s *Service) note(ctx context.Context, r SigningRequest, why error) {
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return tx.Send("UPDATE pki_request SET detail = $1, updated_at = $2 WHERE id = $3 AND status = $4", clip(messageOf(why), 1000), db.Micros(tx.Now), r.ID, r.Status)
	})
	if err != nil {
		s.d.Log.Warn("the state of a certificate request was not stored", "station", r.Station, "error", err)
	}
}

// fail ends a request; an operator is to look (A02, error handling).
func (s *Service) fail(ctx context.Context, r SigningRequest, why string) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		moved, err := move(tx, r, Failed, why)
		if err != nil || !moved {
			return err
		}
		r.Status, r.Detail = Failed, clip(why, 1000)
		return recordRequest(tx, r, KindRequestFailed)
	})
}
