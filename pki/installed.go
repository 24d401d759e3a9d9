package pki

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Installed is a certificate that a station says it has.
type Installed struct {
	Ref      string // names it among the station's, stable while it is there
	Type     string // a GetCertificateIdUseEnum
	Parent   string // Ref of the certificate it belongs to; empty: none
	Hash     ocpp.CertificateHashData
	Reported time.Time
	Subject  string // when it is one that we know
	RootID   string
}

func refOf(kind string, d ocpp.CertificateHashData) string {
	return strings.ToLower(kind + "/" + string(d.HashAlgorithm) + "/" + d.IssuerKeyHash + "/" + d.SerialNumber)
}

const installedColumns = "ref, type, parent, hash_algorithm, issuer_name_hash, issuer_key_hash, serial, reported_at"

func scanInstalled(row db.Scanner) (Installed, error) {
	var i Installed
	var at int64
	err := row.Scan(&i.Ref, &i.Type, &i.Parent, &i.Hash.HashAlgorithm, &i.Hash.IssuerNameHash, &i.Hash.IssuerKeyHash, &i.Hash.SerialNumber, &at)
	i.Reported = db.Time(at)
	return i, err
}

func installedOn(tx *db.Tx, station string) ([]Installed, error) {
	return db.Collect(tx, scanInstalled, "SELECT "+installedColumns+" FROM pki_installed WHERE station = $1 ORDER BY type, parent, ref", station)
}

// saveInstalled replaces what was known of a station's certificates.
func saveInstalled(tx *db.Tx, st Station, list []ocpp.CertificateHashDataChain) error {
	if err := tx.Send("DELETE FROM pki_installed WHERE station = $1", st.ID); err != nil {
		return err
	}
	var rows [][]any
	seen := map[string]bool{}
	add := func(kind, parent string, d ocpp.CertificateHashData) string {
		ref := refOf(kind, d)
		if !seen[ref] {
			seen[ref] = true
			rows = append(rows, []any{st.ID, clean(ref), st.Org, clean(kind), parent, clean(string(d.HashAlgorithm)), clean(d.IssuerNameHash), clean(d.IssuerKeyHash), clean(d.SerialNumber), tx.Now})
		}
		return ref
	}
	for _, x := range list {
		parent := add(string(x.CertificateType), "", x.CertificateHashData)
		for _, child := range x.ChildCertificateHashData { // OCPP 2.0.1 M03.FR.05
			add(string(x.CertificateType), parent, child)
		}
	}
	for _, r := range rows {
		r[9] = db.Micros(tx.Now)
		if err := tx.Send(`INSERT INTO pki_installed (station, ref, org, type, parent, hash_algorithm, issuer_name_hash, issuer_key_hash, serial, reported_at)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`, r...); err != nil {
			return err
		}
	}
	return tx.Send(`INSERT INTO pki_station (station, org, site, read_at, next_at, detail) VALUES ($1,$2,$3,$4,$4,'')
		ON CONFLICT (station) DO UPDATE SET org=excluded.org, site=excluded.site, read_at=excluded.read_at`, st.ID, st.Org, st.Site, db.Micros(tx.Now))
}

// readInstalled asks a station for its certificates. 1.6 lists those of one
// type at a time; what a station does not know of is left out.
func (s *Service) readInstalled(ctx context.Context, station string) ([]ocpp.CertificateHashDataChain, error) {
	out, err := s.askInstalled(ctx, station)
	if !fault.Is(err, fault.Unsupported) {
		return out, err
	}
	known := false
	for _, kind := range []ocpp.GetCertificateIdUseEnum{
		ocpp.GetCertificateIdUseEnumCSMSRootCertificate, ocpp.GetCertificateIdUseEnumManufacturerRootCertificate, ocpp.GetCertificateIdUseEnumV2GRootCertificate,
		ocpp.GetCertificateIdUseEnumMORootCertificate, ocpp.GetCertificateIdUseEnumV2GCertificateChain,
	} {
		more, oneErr := s.askInstalled(ctx, station, kind)
		var no *ocpp.CallError
		if oneErr != nil && !errors.As(oneErr, &no) && !fault.Is(oneErr, fault.Unsupported) {
			return nil, oneErr
		}
		if oneErr == nil {
			known = true
			out = append(out, more...)
		}
	}
	if !known {
		return nil, err
	}
	return out, nil
}

func (s *Service) askInstalled(ctx context.Context, station string, kinds ...ocpp.GetCertificateIdUseEnum) ([]ocpp.CertificateHashDataChain, error) {
	answer, err := s.d.Commander.Send(ctx, station, &ocpp.GetInstalledCertificateIdsRequest{CertificateType: kinds})
	if err != nil {
		return nil, err
	}
	res, ok := answer.(*ocpp.GetInstalledCertificateIdsResponse)
	if !ok || res.Status != ocpp.GetInstalledCertificateStatusEnumAccepted {
		return nil, nil // OCPP 2.0.1 M03.FR.02: there is none
	}
	return res.CertificateHashDataChain, nil
}

// wantedRoot is a root that a station shall have.
type wantedRoot struct {
	purpose string
	cert    *x509.Certificate
	print   string
}

// rootPlan is what to do about a station's roots.
type rootPlan struct {
	install []wantedRoot
	remove  []Installed
}

// planRoots compares what a station has with what it shall have and what was
// withdrawn. Roots that nobody withdrew stay: they may be the maker's.
func planRoots(has []Installed, want, withdrawn []wantedRoot) rootPlan {
	var p rootPlan
	there := func(w wantedRoot) (Installed, bool) {
		i := slices.IndexFunc(has, func(i Installed) bool {
			return i.Parent == "" && strings.EqualFold(i.Type, w.purpose) && names(i.Hash, w.cert)
		})
		if i < 0 {
			return Installed{}, false
		}
		return has[i], true
	}
	kept := map[string]int{} // wanted roots that are there already, by purpose
	for _, w := range want {
		if _, ok := there(w); ok {
			kept[w.purpose]++
		} else {
			p.install = append(p.install, w)
		}
	}
	for _, w := range withdrawn {
		if slices.ContainsFunc(want, func(x wantedRoot) bool { return x.purpose == w.purpose && x.print == w.print }) {
			continue
		}
		// The last root for the connection to us is left until another one is
		// there, else the station could not come back.
		if found, ok := there(w); ok && (w.purpose != purposeCSMS || kept[purposeCSMS] > 0) {
			p.remove = append(p.remove, found)
		}
	}
	return p
}

// rootsFor gives the roots that a station shall have, ours among them when own
// says so, and those withdrawn.
func (s *Service) rootsFor(ctx context.Context, st Station, own bool) (want, withdrawn []wantedRoot, err error) {
	t, err := s.trusted(ctx)
	if err != nil {
		return nil, nil, err
	}
	if own {
		for _, o := range t.own {
			if o.kind == kindRoot {
				want = append(want, wantedRoot{purposeCSMS, o.cert, fingerprint(o.cert)})
			}
		}
	}
	toStations := func(purpose string) bool { return purpose != PurposeStation }
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		roots, err := t.of(tx, st, toStations)
		if err != nil {
			return err
		}
		for _, r := range roots {
			w := wantedRoot{r.Purpose, r.cert, r.Fingerprint}
			if !slices.ContainsFunc(want, func(x wantedRoot) bool { return x.purpose == w.purpose && x.print == w.print }) {
				want = append(want, w)
			}
		}
		withdrawn, err = s.withdrawn(tx, st)
		return err
	})
	return want, withdrawn, err
}

func (s *Service) withdrawn(tx *db.Tx, st Station) ([]wantedRoot, error) {
	line, err := lineage(tx, st.Org)
	if err != nil {
		return nil, err
	}
	gone, err := db.Collect(tx, scanRoot, "SELECT "+rootColumns+" FROM pki_root WHERE removed_at IS NOT NULL ORDER BY removed_at, id")
	if err != nil {
		return nil, err
	}
	var out []wantedRoot
	for _, r := range gone {
		certs, err := ParseCertificates(r.PEM)
		if err == nil && inLineage(line, r.Org) && (r.Site == "" || r.Site == st.Site) && (r.Station == "" || r.Station == st.ID) && r.Purpose != PurposeStation {
			out = append(out, wantedRoot{r.Purpose, certs[0], r.Fingerprint})
		}
	}
	return out, nil
}

// What became of a root on a station.
const (
	rootInstalled   = "installed"
	rootRejected    = "rejected"
	rootFailed      = "failed"
	rootUnsupported = "unsupported"
)

// reconcile brings a station's roots about: read, install, delete, read back.
func (s *Service) reconcile(ctx context.Context, st Station) error {
	list, err := s.readInstalled(ctx, st.ID)
	if err != nil {
		return err
	}
	if err := s.d.DB.Update(ctx, func(tx *db.Tx) error { return saveInstalled(tx, st, list) }); err != nil {
		return err
	}
	want, withdrawn, err := s.rootsFor(ctx, st, s.d.InstallOwnRoot)
	if err != nil {
		return err
	}
	var has []Installed
	err = s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		has, err = installedOn(tx, st.ID)
		return err
	})
	if err != nil {
		return err
	}
	p := planRoots(has, want, withdrawn)
	if len(p.install)+len(p.remove) == 0 {
		return nil
	}
	if _, err := s.installRoots(ctx, st, p.install); err != nil {
		return err
	}
	for _, i := range p.remove {
		if _, err := s.delete1(ctx, st, i); err != nil {
			return err
		}
	}
	if list, err = s.readInstalled(ctx, st.ID); err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error { return saveInstalled(tx, st, list) })
}

// installRoots installs roots one after the other, notes what became of each
// and says of the refused ones why.
func (s *Service) installRoots(ctx context.Context, st Station, roots []wantedRoot) (refused string, err error) {
	for _, w := range roots {
		status, detail, err := s.install1(ctx, st.ID, w.purpose, encodePEM(w.cert))
		if err != nil {
			return "", err
		}
		if err := s.noteRoot(ctx, st, w, status, detail); err != nil {
			return "", err
		}
		if status != rootInstalled {
			refused = strings.TrimSpace("the station did not take the root " + w.cert.Subject.CommonName + " (" + status + "): " + detail)
		}
	}
	return refused, nil
}

// install1 installs one root; err only when the station was not reached.
func (s *Service) install1(ctx context.Context, station, purpose, text string) (status, detail string, err error) {
	if most, ok := s.variable(ctx, station, "SecurityCtrlr", "MaxCertificateChainSize"); ok {
		if n, err := strconv.Atoi(strings.TrimSpace(most)); err == nil && n > 0 && len(text) > n {
			return rootUnsupported, "the certificate has " + strconv.Itoa(len(text)) + " characters, the station takes " + most, nil
		}
	}
	answer, err := s.d.Commander.Send(ctx, station, &ocpp.InstallCertificateRequest{CertificateType: ocpp.InstallCertificateUseEnum(purpose), Certificate: text})
	var no *ocpp.CallError
	switch {
	case errors.As(err, &no):
		return rootFailed, messageOf(err), nil
	case fault.Is(err, fault.Unsupported), fault.Is(err, fault.Invalid):
		return rootUnsupported, messageOf(err), nil
	case err != nil:
		return "", "", err
	}
	res, _ := answer.(*ocpp.InstallCertificateResponse)
	if res == nil {
		return rootFailed, "the station's answer cannot be read", nil
	}
	if res.StatusInfo != nil {
		detail = strings.TrimSpace(res.StatusInfo.ReasonCode + " " + res.StatusInfo.AdditionalInfo)
	}
	switch res.Status {
	case ocpp.InstallCertificateStatusEnumAccepted:
		return rootInstalled, detail, nil // OCPP 2.0.1 M05.FR.02
	case ocpp.InstallCertificateStatusEnumRejected:
		return rootRejected, detail, nil // OCPP 2.0.1 M05.FR.06, M05.FR.07
	}
	return rootFailed, detail, nil
}

// plugAndCharge marks a deletion that concerns certificates for cars.
const plugAndCharge = `{"vendorId":"org.openchargealliance.iso15118pnc"}`

// delete1 deletes one certificate, named as the station named it (OCPP 2.0.1
// M04.FR.07: in the hash algorithm that the station reports).
func (s *Service) delete1(ctx context.Context, st Station, i Installed) (ocpp.DeleteCertificateStatusEnum, error) {
	req := &ocpp.DeleteCertificateRequest{CertificateHashData: i.Hash}
	if st.Protocol == string(ocpp.V16) && i.Type != purposeCSMS && i.Type != purposeManufacturer {
		req.CustomData = json.RawMessage(plugAndCharge) // 1.6 deletes those another way; the dialect reads it
	}
	answer, err := s.d.Commander.Send(ctx, st.ID, req)
	var no *ocpp.CallError
	if errors.As(err, &no) || fault.Is(err, fault.Unsupported) {
		s.d.Log.Warn("a root was not deleted from a station", "station", st.ID, "why", err)
		return ocpp.DeleteCertificateStatusEnumFailed, nil
	}
	if err != nil {
		return "", err
	}
	res, _ := answer.(*ocpp.DeleteCertificateResponse)
	if res == nil {
		return ocpp.DeleteCertificateStatusEnumFailed, nil
	}
	return res.Status, nil
}

// noteRoot keeps what became of a root; a refusal is told once.
func (s *Service) noteRoot(ctx context.Context, st Station, w wantedRoot, status, detail string) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		var before string
		err := tx.QueryRow("SELECT status FROM pki_root_state WHERE station = $1 AND fingerprint = $2 AND purpose = $3", st.ID, w.print, w.purpose).Scan(&before)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := tx.Send(`INSERT INTO pki_root_state (station, fingerprint, purpose, org, status, detail, tried_at) VALUES ($1,$2,$3,$4,$5,$6,$7)
			ON CONFLICT (station, fingerprint, purpose) DO UPDATE SET status=excluded.status, detail=excluded.detail, tried_at=excluded.tried_at`,
			st.ID, w.print, w.purpose, st.Org, status, clean(clip(detail, 500)), db.Micros(tx.Now)); err != nil {
			return err
		}
		if status == rootInstalled || status == before {
			return nil
		}
		return event.Record(tx, event.Fact{Org: st.Org, Site: st.Site, Station: st.ID, Subject: "certificates/" + st.ID, Kind: KindRootRefused},
			RootRefused{Purpose: w.purpose, Fingerprint: w.print, Status: status, Detail: clip(detail, 500)})
	})
}
