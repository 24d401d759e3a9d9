package pki

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
)

type authorityRow struct {
	ID, Org, Slot, Kind string
	Algorithm           Algorithm
	Parent              string
	Subject, Serial     string
	Fingerprint, PEM    string
	Sealed              string
	NotBefore, NotAfter time.Time
	CRLNumber           int64
	Alerted             *time.Time
	Created             time.Time
}

// Signs reports whether it is the one that signs, or one that has handed over.
func (r authorityRow) Signs() bool { return r.Slot != r.ID }

const authorityColumns = "id, org, slot, kind, algorithm, parent, subject, serial, fingerprint, pem, sealed, not_before, not_after, crl_number, alerted_at, created_at"

func scanAuthority(row db.Scanner) (authorityRow, error) {
	var r authorityRow
	var before, after, created int64
	var alerted sql.NullInt64
	err := row.Scan(&r.ID, &r.Org, &r.Slot, &r.Kind, &r.Algorithm, &r.Parent, &r.Subject, &r.Serial, &r.Fingerprint, &r.PEM, &r.Sealed, &before, &after, &r.CRLNumber, &alerted, &created)
	r.NotBefore, r.NotAfter, r.Alerted, r.Created = db.Time(before), db.Time(after), db.TimePtr(alerted), db.Time(created)
	return r, err
}

func authorityIn(tx *db.Tx, slot string) (authorityRow, error) {
	return scanAuthority(tx.QueryRow("SELECT "+authorityColumns+" FROM pki_authority WHERE slot = $1", slot))
}

func authorityByID(tx *db.Tx, id string) (authorityRow, error) {
	return scanAuthority(tx.QueryRow("SELECT "+authorityColumns+" FROM pki_authority WHERE id = $1", id))
}

// authorities gives all that have not ended.
func authorities(tx *db.Tx) ([]authorityRow, error) {
	return db.Collect(tx, scanAuthority, "SELECT "+authorityColumns+" FROM pki_authority WHERE not_after > $1 ORDER BY created_at, id", db.Micros(tx.Now))
}

// insertAuthority takes the slot; 0 rows when another has it.
func insertAuthority(tx *db.Tx, r authorityRow) (int64, error) {
	return tx.Exec(`INSERT INTO pki_authority (`+authorityColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16) ON CONFLICT (slot) DO NOTHING`,
		r.ID, r.Org, r.Slot, r.Kind, string(r.Algorithm), r.Parent, r.Subject, r.Serial, r.Fingerprint, r.PEM, r.Sealed, db.Micros(r.NotBefore), db.Micros(r.NotAfter), r.CRLNumber, db.NullMicros(r.Alerted), db.Micros(r.Created))
}

// Certificate is one that was signed for a station.
type Certificate struct {
	ID, Org, Site, Station string
	Type                   string // a CertificateSigningUseEnum; empty: for both connections
	Authority              string // id of our authority; else the name of the external one
	Subject, Issuer        string
	Serial                 string // hexadecimal, as OCPP writes it
	Fingerprint            string // SHA-256 of the certificate
	KeyType                string
	Chain                  string // PEM: the certificate and those above, without the root
	Status                 string // see the constants below
	NotBefore, NotAfter    time.Time
	FirstUsed              *time.Time
	Revoked                *time.Time
	Reason                 int // of the revocation, RFC 5280 §5.3.1
	Alerted, Renewing      *time.Time
	Created                time.Time
}

// Where a certificate stands.
const (
	Signed    = "signed"    // not yet with the station
	Delivered = "delivered" // the station took it
	Active    = "active"    // the station connected with it
	Refused   = "refused"   // the station did not take it
	Revoked   = "revoked"
)

func certificateStatuses() []string { return []string{Signed, Delivered, Active, Refused, Revoked} }

const certificateColumns = "id, org, site, station, type, authority, subject, issuer, serial, fingerprint, key_type, chain, status, not_before, not_after, first_used_at, revoked_at, reason, alerted_at, renewing_at, created_at"

func scanCertificate(row db.Scanner) (Certificate, error) {
	var c Certificate
	var before, after, created int64
	var used, revoked, alerted, renewing sql.NullInt64
	err := row.Scan(&c.ID, &c.Org, &c.Site, &c.Station, &c.Type, &c.Authority, &c.Subject, &c.Issuer, &c.Serial, &c.Fingerprint, &c.KeyType, &c.Chain, &c.Status,
		&before, &after, &used, &revoked, &c.Reason, &alerted, &renewing, &created)
	c.NotBefore, c.NotAfter, c.Created = db.Time(before), db.Time(after), db.Time(created)
	c.FirstUsed, c.Revoked, c.Alerted, c.Renewing = db.TimePtr(used), db.TimePtr(revoked), db.TimePtr(alerted), db.TimePtr(renewing)
	return c, err
}

func insertCertificate(tx *db.Tx, c Certificate) error {
	return tx.Send(`INSERT INTO pki_certificate (`+certificateColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21)`,
		c.ID, c.Org, c.Site, c.Station, c.Type, c.Authority, c.Subject, c.Issuer, c.Serial, c.Fingerprint, c.KeyType, c.Chain, c.Status,
		db.Micros(c.NotBefore), db.Micros(c.NotAfter), db.NullMicros(c.FirstUsed), db.NullMicros(c.Revoked), c.Reason, db.NullMicros(c.Alerted), db.NullMicros(c.Renewing), db.Micros(c.Created))
}

func certificateByID(tx *db.Tx, id string) (Certificate, error) {
	return scanCertificate(tx.QueryRow("SELECT "+certificateColumns+" FROM pki_certificate WHERE id = $1", id))
}

func certificateByFingerprint(tx *db.Tx, print string) (Certificate, error) {
	return scanCertificate(tx.QueryRow("SELECT "+certificateColumns+" FROM pki_certificate WHERE fingerprint = $1", print))
}

func certificatesOf(tx *db.Tx, station string) ([]Certificate, error) {
	return db.Collect(tx, scanCertificate, "SELECT "+certificateColumns+" FROM pki_certificate WHERE station = $1 ORDER BY created_at, id", station)
}

// setStatus moves a certificate on from one of the statuses it may have.
func setStatus(tx *db.Tx, id, to string, from ...string) (bool, error) {
	q := db.Build("UPDATE pki_certificate SET status = ? WHERE id = ? AND status IN (", to, id)
	for i, f := range from {
		if i > 0 {
			q.Add(",")
		}
		q.Add("?", f)
	}
	text, args := q.Add(")").SQL()
	n, err := tx.Exec(text, args...)
	return n > 0, err
}

// Root is a trust root.
type Root struct {
	ID, Org, Site, Station string
	Purpose                string // an InstallCertificateUseEnum, or StationRoot
	Subject, Issuer        string
	Serial, Fingerprint    string
	PEM                    string
	NotBefore, NotAfter    time.Time
	Alerted, Removed       *time.Time
	Created                time.Time
}

const rootColumns = "id, org, site, station, purpose, subject, issuer, serial, fingerprint, pem, not_before, not_after, alerted_at, removed_at, created_at"

func scanRoot(row db.Scanner) (Root, error) {
	var r Root
	var before, after, created int64
	var alerted, removed sql.NullInt64
	err := row.Scan(&r.ID, &r.Org, &r.Site, &r.Station, &r.Purpose, &r.Subject, &r.Issuer, &r.Serial, &r.Fingerprint, &r.PEM, &before, &after, &alerted, &removed, &created)
	r.NotBefore, r.NotAfter, r.Created, r.Alerted, r.Removed = db.Time(before), db.Time(after), db.Time(created), db.TimePtr(alerted), db.TimePtr(removed)
	return r, err
}

func insertRoot(tx *db.Tx, r Root) error {
	return tx.Send(`INSERT INTO pki_root (`+rootColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)`,
		r.ID, r.Org, r.Site, r.Station, r.Purpose, r.Subject, r.Issuer, r.Serial, r.Fingerprint, r.PEM, db.Micros(r.NotBefore), db.Micros(r.NotAfter), db.NullMicros(r.Alerted), db.NullMicros(r.Removed), db.Micros(r.Created))
}

func rootByID(tx *db.Tx, id string) (Root, error) {
	return scanRoot(tx.QueryRow("SELECT "+rootColumns+" FROM pki_root WHERE id = $1", id))
}

// allRoots gives the roots in use that have not ended, of all organisations.
func allRoots(tx *db.Tx) ([]Root, error) {
	return db.Collect(tx, scanRoot, "SELECT "+rootColumns+" FROM pki_root WHERE removed_at IS NULL AND not_after > $1 ORDER BY created_at, id", db.Micros(tx.Now))
}

// lineage gives an organisation and those above it, from the top.
func lineage(tx *db.Tx, org string) ([]identity.Organisation, error) {
	own, err := identity.Lookup(tx, identity.OrgID(org))
	if err != nil {
		return nil, err
	}
	var out []identity.Organisation
	for _, id := range strings.Split(strings.Trim(own.Path, "/"), "/") {
		if id == org {
			continue
		}
		above, err := identity.Lookup(tx, identity.OrgID(id))
		if err != nil {
			return nil, err
		}
		out = append(out, above)
	}
	return append(out, own), nil
}

func inLineage(line []identity.Organisation, org string) bool {
	return slices.ContainsFunc(line, func(o identity.Organisation) bool { return string(o.ID) == org })
}
