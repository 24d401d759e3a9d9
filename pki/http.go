package pki

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type idInput struct {
	ID string `path:"id" maxLength:"64"`
}

type authorityBody struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind" enum:"root,issuing"`
	Algorithm   string    `json:"algorithm" enum:"ecdsa,rsa"`
	Signs       bool      `json:"signs" doc:"It signs today; else another one took over and it is trusted until it ends"`
	Parent      string    `json:"parent_id,omitempty"`
	Subject     string    `json:"subject"`
	Serial      string    `json:"serial_number" doc:"Hexadecimal"`
	Fingerprint string    `json:"fingerprint_sha256"`
	Certificate string    `json:"certificate" doc:"PEM"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	CreatedAt   time.Time `json:"created_at"`
}

func authorityBodyOf(r authorityRow) authorityBody {
	return authorityBody{r.ID, r.Kind, string(r.Algorithm), r.Signs(), r.Parent, r.Subject, r.Serial, r.Fingerprint, r.PEM, r.NotBefore.UTC(), r.NotAfter.UTC(), r.Created.UTC()}
}

type certificateBody struct {
	ID           string     `json:"id"`
	Organisation string     `json:"organisation"`
	Site         string     `json:"site,omitempty"`
	Station      string     `json:"station"`
	Type         string     `json:"type,omitempty" doc:"ChargingStationCertificate, V2GCertificate or V2G20Certificate; absent: for both connections"`
	Authority    string     `json:"authority" doc:"Id of our authority, or the name of the external one"`
	Subject      string     `json:"subject"`
	Issuer       string     `json:"issuer"`
	Serial       string     `json:"serial_number" doc:"Hexadecimal"`
	Fingerprint  string     `json:"fingerprint_sha256"`
	KeyType      string     `json:"key_type"`
	Chain        string     `json:"chain" doc:"PEM, the station's own certificate first"`
	Status       string     `json:"status" enum:"signed,delivered,active,refused,revoked"`
	NotBefore    time.Time  `json:"not_before"`
	NotAfter     time.Time  `json:"not_after"`
	FirstUsedAt  *time.Time `json:"first_used_at,omitempty"`
	RevokedAt    *time.Time `json:"revoked_at,omitempty"`
	Reason       string     `json:"revocation_reason,omitempty"`
	CreatedAt    time.Time  `json:"created_at"`
}

func certificateBodyOf(c Certificate) certificateBody {
	b := certificateBody{
		ID: c.ID, Organisation: c.Org, Site: c.Site, Station: c.Station, Type: c.Type, Authority: c.Authority, Subject: c.Subject, Issuer: c.Issuer, Serial: c.Serial,
		Fingerprint: c.Fingerprint, KeyType: c.KeyType, Chain: c.Chain, Status: c.Status, NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
		FirstUsedAt: utc(c.FirstUsed), RevokedAt: utc(c.Revoked), CreatedAt: c.Created.UTC(),
	}
	if c.Status == Revoked {
		b.Reason = Reason(c.Reason).String()
	}
	return b
}

type requestBody struct {
	ID           string    `json:"id"`
	Organisation string    `json:"organisation"`
	Site         string    `json:"site,omitempty"`
	Station      string    `json:"station"`
	Type         string    `json:"type,omitempty"`
	Number       *int64    `json:"request_id,omitempty" doc:"The station's own number, OCPP 2.1"`
	CSR          string    `json:"csr" doc:"PEM"`
	Subject      string    `json:"subject,omitempty"`
	KeyType      string    `json:"key_type,omitempty"`
	Status       string    `json:"status" enum:"waiting,queued,delivering,done,failed,rejected,replaced"`
	Detail       string    `json:"detail,omitempty" doc:"Why it waits or failed"`
	Certificate  string    `json:"certificate_id,omitempty"`
	Repeats      int64     `json:"repeats" doc:"How often the station sent the same request again"`
	ReceivedAt   time.Time `json:"received_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

func requestBodyOf(r SigningRequest) requestBody {
	return requestBody{r.ID, r.Org, r.Site, r.Station, r.Type, r.RequestID, r.CSR, r.Subject, r.KeyType, r.Status, r.Detail, r.Certificate, r.Repeats, r.Received.UTC(), r.Updated.UTC()}
}

type rootBody struct {
	ID           string     `json:"id"`
	Organisation string     `json:"organisation"`
	Site         string     `json:"site,omitempty"`
	Station      string     `json:"station,omitempty"`
	Purpose      string     `json:"purpose"`
	Subject      string     `json:"subject"`
	Issuer       string     `json:"issuer"`
	Serial       string     `json:"serial_number" doc:"Hexadecimal"`
	Fingerprint  string     `json:"fingerprint_sha256"`
	Certificate  string     `json:"certificate" doc:"PEM"`
	NotBefore    time.Time  `json:"not_before"`
	NotAfter     time.Time  `json:"not_after"`
	RemovedAt    *time.Time `json:"removed_at,omitempty" doc:"Withdrawn: stations that have it are told to delete it"`
	CreatedAt    time.Time  `json:"created_at"`
}

func rootBodyOf(r Root) rootBody {
	return rootBody{r.ID, r.Org, r.Site, r.Station, r.Purpose, r.Subject, r.Issuer, r.Serial, r.Fingerprint, r.PEM, r.NotBefore.UTC(), r.NotAfter.UTC(), utc(r.Removed), r.Created.UTC()}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

type (
	certificateOutput struct{ Body certificateBody }
	requestOutput     struct{ Body requestBody }
	rootOutput        struct{ Body rootBody }
	authorityOutput   struct{ Body authorityBody }
)

func op(method, path, permission, summary string) web.Op {
	return web.Op{Method: method, Path: path, Room: "pki", Permission: permission, Summary: summary, Tags: []string{"certificates"}}
}

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	s.publicRoutes(a)
	lists(s, a, "/certificate-authorities", "List the authorities of this installation", authoritySpec, nil, scanAuthority, authorityBodyOf)
	lists(s, a, "/certificates", "List the certificates of stations", certificateSpec, inScope, scanCertificate, certificateBodyOf)
	lists(s, a, "/certificate-requests", "List what stations asked to have signed", requestSpec, inScope, scanRequest, requestBodyOf)
	lists(s, a, "/trust-roots", "List the trust roots", rootSpec, inScope, scanRoot, rootBodyOf)
	web.Handle(a, op(http.MethodGet, "/certificate-authorities/{id}", identity.CertificateRead, "Read an authority"), s.getAuthority)
	web.Handle(a, op(http.MethodGet, "/certificates/{id}", identity.CertificateRead, "Read a certificate"), s.getCertificate)
	web.Handle(a, op(http.MethodPost, "/certificates/{id}/revoke", identity.CertificateWrite, "Revoke a certificate"), s.postRevoke)
	renew := op(http.MethodPost, "/certificates/{id}/renew", identity.CertificateWrite, "Ask the station for a new request, in the background")
	renew.Status = http.StatusAccepted
	web.Handle(a, renew, s.postRenew)
	web.Handle(a, op(http.MethodPost, "/certificate-requests/{id}/approve", identity.CertificateWrite, "Approve a request that waits"), s.postApprove)
	web.Handle(a, op(http.MethodPost, "/certificate-requests/{id}/reject", identity.CertificateWrite, "Reject a request"), s.postReject)
	add := op(http.MethodPost, "/trust-roots", identity.CertificateWrite, "Add a trust root")
	add.Status = http.StatusCreated
	web.Handle(a, add, s.postRoot)
	web.Handle(a, op(http.MethodDelete, "/trust-roots/{id}", identity.CertificateWrite, "Withdraw a trust root"), s.deleteRoot)
	s.stationRoutes(a)
}

func inScope(c identity.Caller) db.Cond { return c.Scope.Where("org") }

// lists registers a list; the scope is nil for what belongs to the
// installation and is public anyway.
func lists[T, B any](s *Service, a *web.API, path, summary string, spec db.ListSpec, scope func(identity.Caller) db.Cond, scan func(db.Scanner) (T, error), body func(T) B) {
	o := op(http.MethodGet, path, identity.CertificateRead, summary)
	o.List = &spec
	web.Handle(a, o, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[B], error) {
		caller, err := identity.Require(ctx, identity.CertificateRead)
		if err != nil {
			return nil, err
		}
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		var where []db.Cond
		if scope != nil {
			where = append(where, scope(caller))
		}
		var items []B
		var next string
		err = s.d.DB.View(ctx, func(tx *db.Tx) error {
			rows, n, err := db.List(tx, spec, where, req, scan)
			next, items = n, make([]B, len(rows))
			for i, r := range rows {
				items[i] = body(r)
			}
			return err
		})
		return web.NewList(items, next), err
	})
}

func (s *Service) getAuthority(ctx context.Context, in *idInput) (*authorityOutput, error) {
	if _, err := identity.Require(ctx, identity.CertificateRead); err != nil {
		return nil, err
	}
	out := &authorityOutput{}
	err := s.d.DB.View(ctx, func(tx *db.Tx) error {
		r, err := authorityByID(tx, in.ID)
		if fault.Is(err, fault.NotFound) {
			return noAuthority(in.ID)
		}
		out.Body = authorityBodyOf(r)
		return err
	})
	return out, err
}

func (s *Service) getCertificate(ctx context.Context, in *idInput) (*certificateOutput, error) {
	caller, err := identity.Require(ctx, identity.CertificateRead)
	if err != nil {
		return nil, err
	}
	out := &certificateOutput{}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		c, err := visibleCertificate(tx, caller, in.ID)
		out.Body = certificateBodyOf(c)
		return err
	})
	return out, err
}

type revokeInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Reason string `json:"reason,omitempty" enum:"unspecified,key_compromise,affiliation_changed,superseded,cessation_of_operation,privilege_withdrawn"`
	}
}

func (s *Service) postRevoke(ctx context.Context, in *revokeInput) (*certificateOutput, error) {
	why, err := ParseReason(in.Body.Reason)
	if err != nil {
		return nil, err
	}
	c, err := s.Revoke(ctx, in.ID, why)
	if err != nil {
		return nil, err
	}
	return &certificateOutput{certificateBodyOf(c)}, nil
}

func (s *Service) postRenew(ctx context.Context, in *idInput) (*certificateOutput, error) {
	caller, err := identity.Require(ctx, identity.CertificateWrite)
	if err != nil {
		return nil, err
	}
	out := &certificateOutput{}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		c, err := visibleCertificate(tx, caller, in.ID)
		if err != nil {
			return err
		}
		out.Body = certificateBodyOf(c)
		return s.enqueueRenew(tx, c)
	})
	return out, err
}

func (s *Service) postApprove(ctx context.Context, in *idInput) (*requestOutput, error) {
	r, err := s.Decide(ctx, in.ID, true, "")
	return &requestOutput{requestBodyOf(r)}, err
}

type rejectInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Why string `json:"why,omitempty" maxLength:"500"`
	}
}

func (s *Service) postReject(ctx context.Context, in *rejectInput) (*requestOutput, error) {
	r, err := s.Decide(ctx, in.ID, false, in.Body.Why)
	return &requestOutput{requestBodyOf(r)}, err
}

type newRootInput struct {
	Body struct {
		Organisation string `json:"organisation,omitempty" doc:"Default: your own; the root holds for those below it too"`
		Site         string `json:"site,omitempty"`
		Station      string `json:"station,omitempty"`
		Purpose      string `json:"purpose" enum:"CSMSRootCertificate,ManufacturerRootCertificate,V2GRootCertificate,MORootCertificate,OEMRootCertificate,StationRoot" doc:"StationRoot: it signs certificates of stations and is not given to them"`
		Certificate  string `json:"certificate" maxLength:"20000" doc:"PEM, one certificate"`
	}
}

func (s *Service) postRoot(ctx context.Context, in *newRootInput) (*rootOutput, error) {
	b := in.Body
	r, err := s.AddRoot(ctx, NewRoot{Org: b.Organisation, Site: b.Site, Station: b.Station, Purpose: b.Purpose, PEM: b.Certificate})
	if err != nil {
		return nil, err
	}
	return &rootOutput{rootBodyOf(r)}, nil
}

func (s *Service) deleteRoot(ctx context.Context, in *idInput) (*struct{}, error) {
	return nil, s.RemoveRoot(ctx, in.ID)
}
