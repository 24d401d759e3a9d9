package pki

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type installedBody struct {
	Ref            string    `json:"ref" doc:"Names it for deletion"`
	Type           string    `json:"type"`
	Parent         string    `json:"parent_ref,omitempty" doc:"The certificate of the chain that it belongs to"`
	HashAlgorithm  string    `json:"hash_algorithm"`
	IssuerNameHash string    `json:"issuer_name_hash"`
	IssuerKeyHash  string    `json:"issuer_key_hash"`
	Serial         string    `json:"serial_number"`
	Subject        string    `json:"subject,omitempty" doc:"When it is a certificate that is known here"`
	ReportedAt     time.Time `json:"reported_at"`
}

type rootStateBody struct {
	Purpose     string    `json:"purpose"`
	Fingerprint string    `json:"fingerprint_sha256"`
	Status      string    `json:"status" enum:"installed,rejected,failed,unsupported"`
	Detail      string    `json:"detail,omitempty"`
	TriedAt     time.Time `json:"tried_at"`
}

type stationBody struct {
	ReadAt    *time.Time      `json:"read_at,omitempty" doc:"When the station was last asked"`
	Detail    string          `json:"detail,omitempty" doc:"Why it could not be compared"`
	Installed []installedBody `json:"installed" nullable:"false"`
	Roots     []rootStateBody `json:"roots" nullable:"false" doc:"What became of the roots it was to get"`
}

type stationOutput struct{ Body stationBody }

func (s *Service) stationRoutes(a *web.API) {
	const at = "/charging-stations/{id}/installed-certificates"
	web.Handle(a, op(http.MethodGet, at, identity.CertificateRead, "Read which certificates a station has"), s.getInstalled)
	web.Handle(a, op(http.MethodPost, at+"/refresh", identity.CertificateWrite, "Ask a station now, and bring its roots about"), s.postInstalledRefresh)
	web.Handle(a, op(http.MethodPost, at, identity.CertificateWrite, "Install a root on a station now"), s.postInstalled)
	web.Handle(a, op(http.MethodDelete, at, identity.CertificateWrite, "Delete a certificate from a station now"), s.deleteInstalled)
	ask := op(http.MethodPost, "/charging-stations/{id}/certificate-request", identity.CertificateWrite, "Ask a station to send a certificate request now")
	ask.Status = http.StatusAccepted
	web.Handle(a, ask, s.postTrigger)
}

// at gives a station that the caller may see.
func (s *Service) at(ctx context.Context, permission identity.Permission, id string) (Station, error) {
	caller, err := identity.Require(ctx, permission)
	if err != nil {
		return Station{}, err
	}
	unknown := fault.New(fault.NotFound, "pki.station", "there is no charging station %q", clip(id, 64))
	st, err := s.d.Station(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && st.Retired {
		return st, unknown
	}
	if err != nil {
		return st, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		in, err := caller.Scope.Has(tx, identity.OrgID(st.Org))
		if err == nil && !in {
			err = unknown
		}
		return err
	})
	return st, err
}

func (s *Service) getInstalled(ctx context.Context, in *idInput) (*stationOutput, error) {
	st, err := s.at(ctx, identity.CertificateRead, in.ID)
	if err != nil {
		return nil, err
	}
	return s.installedOutput(ctx, st)
}

func (s *Service) installedOutput(ctx context.Context, st Station) (*stationOutput, error) {
	t, err := s.trusted(ctx)
	if err != nil {
		return nil, err
	}
	out := &stationOutput{Body: stationBody{Installed: []installedBody{}, Roots: []rootStateBody{}}}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		read, detail, err := stationState(tx, st.ID)
		if err != nil {
			return err
		}
		out.Body.ReadAt, out.Body.Detail = utc(read), detail
		list, err := installedOn(tx, st.ID)
		if err != nil {
			return err
		}
		roots, err := t.of(tx, st, func(string) bool { return true })
		if err != nil {
			return err
		}
		for _, i := range list {
			out.Body.Installed = append(out.Body.Installed, installedBody{
				Ref: i.Ref, Type: i.Type, Parent: i.Parent, HashAlgorithm: string(i.Hash.HashAlgorithm), IssuerNameHash: i.Hash.IssuerNameHash,
				IssuerKeyHash: i.Hash.IssuerKeyHash, Serial: i.Hash.SerialNumber, Subject: t.subject(i, roots), ReportedAt: i.Reported.UTC(),
			})
		}
		out.Body.Roots, err = rootStates(tx, st.ID)
		return err
	})
	return out, err
}

// subject names an installed certificate that we know.
func (t *trust) subject(i Installed, roots []trustedRoot) string {
	for _, o := range t.own {
		if names(i.Hash, o.cert) {
			return o.cert.Subject.String()
		}
	}
	for _, r := range roots {
		if names(i.Hash, r.cert) {
			return r.Subject
		}
	}
	return ""
}

func stationState(tx *db.Tx, station string) (*time.Time, string, error) {
	type state struct {
		read   *int64
		detail string
	}
	list, err := db.Collect(tx, func(row db.Scanner) (x state, err error) { return x, row.Scan(&x.read, &x.detail) }, "SELECT read_at, detail FROM pki_station WHERE station = $1", station)
	if err != nil || len(list) == 0 || list[0].read == nil {
		detail := ""
		if len(list) > 0 {
			detail = list[0].detail
		}
		return nil, detail, err
	}
	at := db.Time(*list[0].read)
	return &at, list[0].detail, nil
}

func rootStates(tx *db.Tx, station string) ([]rootStateBody, error) {
	out, err := db.Collect(tx, func(row db.Scanner) (b rootStateBody, err error) {
		var at int64
		err = row.Scan(&b.Purpose, &b.Fingerprint, &b.Status, &b.Detail, &at)
		b.TriedAt = db.Time(at).UTC()
		return b, err
	}, "SELECT purpose, fingerprint, status, detail, tried_at FROM pki_root_state WHERE station = $1 ORDER BY purpose, fingerprint", station)
	if out == nil {
		out = []rootStateBody{}
	}
	return out, err
}

func (s *Service) postInstalledRefresh(ctx context.Context, in *idInput) (*stationOutput, error) {
	st, err := s.at(ctx, identity.CertificateWrite, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.reconcile(ctx, st); err != nil {
		return nil, orStation(err)
	}
	return s.installedOutput(ctx, st)
}

// orStation makes a fault of a station's CALLERROR.
func orStation(err error) error {
	if fault.Of(err) != nil {
		return err
	}
	return fault.Wrap(fault.Conflict, err, "pki.station_refused", "%s", messageOf(err))
}

type installInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Purpose     string `json:"purpose" enum:"CSMSRootCertificate,ManufacturerRootCertificate,V2GRootCertificate,MORootCertificate,OEMRootCertificate"`
		Certificate string `json:"certificate" maxLength:"20000" doc:"PEM, one root certificate"`
	}
}

func (s *Service) postInstalled(ctx context.Context, in *installInput) (*stationOutput, error) {
	st, err := s.at(ctx, identity.CertificateWrite, in.ID)
	if err != nil {
		return nil, err
	}
	c, err := checkRoot(in.Body.Certificate, in.Body.Purpose, s.d.DB.Now())
	if err != nil {
		return nil, err
	}
	status, detail, err := s.install1(ctx, st.ID, in.Body.Purpose, encodePEM(c))
	if err != nil {
		return nil, err
	}
	if err := s.noteRoot(ctx, st, wantedRoot{in.Body.Purpose, c, fingerprint(c)}, status, detail); err != nil {
		return nil, err
	}
	if err := s.audited(ctx, st, "certificate.installed", c.Subject.String(), status); err != nil {
		return nil, err
	}
	if status != rootInstalled {
		return nil, fault.New(fault.Conflict, "pki.install_"+status, "the station did not install the certificate (%s) %s", status, detail)
	}
	return s.reread(ctx, st)
}

func (s *Service) audited(ctx context.Context, st Station, action, subject, outcome string) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(st.Org), Action: action, Subject: st.ID,
			Changes: map[string]identity.Change{"certificate": {nil, subject}, "outcome": {nil, outcome}}})
	})
}

func (s *Service) reread(ctx context.Context, st Station) (*stationOutput, error) {
	list, err := s.readInstalled(ctx, st.ID)
	if err != nil {
		return nil, orStation(err)
	}
	if err := s.d.DB.Update(ctx, func(tx *db.Tx) error { return saveInstalled(tx, st, list) }); err != nil {
		return nil, err
	}
	return s.installedOutput(ctx, st)
}

type deleteInput struct {
	ID  string `path:"id" maxLength:"64"`
	Ref string `query:"ref" required:"true" maxLength:"400" doc:"The ref of the certificate, as read"`
}

func (s *Service) deleteInstalled(ctx context.Context, in *deleteInput) (*stationOutput, error) {
	st, err := s.at(ctx, identity.CertificateWrite, in.ID)
	if err != nil {
		return nil, err
	}
	var list []Installed
	err = s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		list, err = installedOn(tx, st.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(x Installed) bool { return x.Ref == in.Ref })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "pki.installed", "the station told of no certificate %q; read them anew with POST …/refresh", in.Ref)
	}
	status, err := s.delete1(ctx, st, list[i])
	if err != nil {
		return nil, err
	}
	if err := s.audited(ctx, st, "certificate.deleted", in.Ref, string(status)); err != nil {
		return nil, err
	}
	if status != "Accepted" && status != "NotFound" {
		return nil, fault.New(fault.Conflict, "pki.delete_refused", "the station answered %s: it keeps its own certificate, and often the last one of a type", status)
	}
	return s.reread(ctx, st)
}

type triggerInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Type string `json:"type,omitempty" enum:"ChargingStationCertificate,V2GCertificate,V2G20Certificate" doc:"Default: the one for the connection to the platform"`
	}
}

func (s *Service) postTrigger(ctx context.Context, in *triggerInput) (*struct{}, error) {
	st, err := s.at(ctx, identity.CertificateWrite, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.Trigger(ctx, st.ID, in.Body.Type)
}
