package pki

import (
	"crypto/x509"
	"database/sql"
	"net/netip"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// SigningRequest is what a station asked to have signed, and how far that is.
type SigningRequest struct {
	ID, Org, Site, Station string
	Type                   string
	RequestID              *int64 // of OCPP 2.1
	CSR                    string // PEM, as it came
	Subject, KeyType       string
	Status                 string // see the constants below
	Detail                 string
	Certificate            string // its id, once signed
	Repeats                int64  // how often the station sent it again
	Received, Updated      time.Time
	open                   string
}

// Where a request stands.
const (
	Waiting    = "waiting"    // for a person to approve it
	Queued     = "queued"     // to be signed
	Delivering = "delivering" // signed, on its way to the station
	Done       = "done"
	Failed     = "failed"   // the authority or the station refused, or it was given up
	Rejected   = "rejected" // by a person
	Replaced   = "replaced" // the station sent another request
)

func requestStatuses() []string {
	return []string{Waiting, Queued, Delivering, Done, Failed, Rejected, Replaced}
}

// subjectRules are what the subject of a request is held against.
type subjectRules struct {
	names         []string // common names that mean the station
	nameKnown     bool     // false: the right name is not known, a person must look
	organisations []string // that may own the station
}

// checkRequest decides about a station's request. A fault says why it is
// refused; look tells that a person must decide.
func checkRequest(csr *x509.CertificateRequest, rules subjectRules) (name string, look bool, err error) {
	if err := csr.CheckSignature(); err != nil { // it holds the private key
		return "", false, fault.New(fault.Invalid, "pki.csr_signature", "the signature of the request does not fit its key: %v", err)
	}
	if err := checkKey(csr.PublicKey); err != nil {
		return "", false, err
	}
	// OCPP 2.0.1 A00.FR.509. An empty organisation is let pass: many stations
	// are delivered without one, and the certificate gets the right one.
	for _, o := range csr.Subject.Organization {
		if o = strings.TrimSpace(o); o != "" && !containsFold(rules.organisations, o) {
			return "", false, fault.New(fault.Invalid, "pki.csr_organisation", "the request names the organisation %q, the station belongs to %q", clip(o, 64), rules.organisations[len(rules.organisations)-1])
		}
	}
	name = strings.TrimSpace(csr.Subject.CommonName)
	switch {
	case name == "":
		return "", false, fault.New(fault.Invalid, "pki.csr_name", "the request has no common name; it must be the serial number or the id of the station")
	case looksLikeAddress(name):
		// OCPP 2.0.1 A00.FR.511
		return "", false, fault.New(fault.Invalid, "pki.csr_name", "the common name %q is a URL or an address; it must be the serial number or the id of the station", clip(name, 64))
	case containsFold(rules.names, name):
		return name, false, nil
	case !rules.nameKnown:
		return name, true, nil
	}
	return "", false, fault.New(fault.Invalid, "pki.csr_name", "the common name %q is not of this station; allowed: %s", clip(name, 64), strings.Join(rules.names, ", "))
}

func containsFold(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}

func looksLikeAddress(name string) bool {
	if strings.Contains(name, "://") {
		return true
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(name)
	return err == nil
}

// sameRequest reports whether two PEM texts ask for the same: the same key and
// subject. The signature may differ, it is random.
func sameRequest(a *x509.CertificateRequest, text string) bool {
	b, err := parseRequest(text)
	return err == nil && string(a.RawSubjectPublicKeyInfo) == string(b.RawSubjectPublicKeyInfo) && string(a.RawSubject) == string(b.RawSubject)
}

const requestColumns = "id, org, site, station, type, request_id, open, csr, subject, key_type, status, detail, certificate, repeats, received_at, updated_at"

func scanRequest(row db.Scanner) (SigningRequest, error) {
	var r SigningRequest
	var number sql.NullInt64
	var received, updated int64
	err := row.Scan(&r.ID, &r.Org, &r.Site, &r.Station, &r.Type, &number, &r.open, &r.CSR, &r.Subject, &r.KeyType, &r.Status, &r.Detail, &r.Certificate, &r.Repeats, &received, &updated)
	if number.Valid {
		r.RequestID = &number.Int64
	}
	r.Received, r.Updated = db.Time(received), db.Time(updated)
	return r, err
}

func openKey(station, kind string) string { return station + "\x1f" + kind }

func insertRequest(tx *db.Tx, r SigningRequest) error {
	var number any
	if r.RequestID != nil {
		number = *r.RequestID
	}
	return tx.Send(`INSERT INTO pki_request (`+requestColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)`,
		r.ID, r.Org, r.Site, r.Station, r.Type, number, r.open, r.CSR, r.Subject, r.KeyType, r.Status, clip(r.Detail, 1000), r.Certificate, r.Repeats, db.Micros(r.Received), db.Micros(r.Updated))
}

func requestByID(tx *db.Tx, id string) (SigningRequest, error) {
	return scanRequest(tx.QueryRow("SELECT "+requestColumns+" FROM pki_request WHERE id = $1", id))
}

func openRequest(tx *db.Tx, station, kind string) (SigningRequest, error) {
	return scanRequest(tx.QueryRow("SELECT "+requestColumns+" FROM pki_request WHERE open = $1", openKey(station, kind)))
}

// over reports whether a status is a last one.
func over(status string) bool {
	return status == Done || status == Failed || status == Rejected || status == Replaced
}

// move brings a request from one status to another; false when it is no
// longer where it was thought to be.
func move(tx *db.Tx, r SigningRequest, to, detail string) (bool, error) {
	open := r.open
	if over(to) {
		open = r.ID
	}
	n, err := tx.Exec("UPDATE pki_request SET status = $1, detail = $2, open = $3, updated_at = $4 WHERE id = $5 AND status = $6", to, clip(detail, 1000), open, db.Micros(tx.Now), r.ID, r.Status)
	return n > 0, err
}
