package pki

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
)

// Kinds of the facts this room records. Their subject is the station's
// certificates, or the authority or root.
const (
	KindRequestReceived     = "pki.certificate_requested" // Requested
	KindRequestFailed       = "pki.request_failed"        // Requested, with Detail
	KindCertificateSigned   = "pki.certificate_signed"    // Issued
	KindCertificateActive   = "pki.certificate_active"    // Issued: the station connected with it
	KindCertificateRevoked  = "pki.certificate_revoked"   // Issued
	KindCertificateExpiring = "pki.certificate_expiring"  // Expiring: not renewed in time
	KindAuthorityCreated    = "pki.authority_created"     // AuthorityCreated
	KindRootAdded           = "pki.root_added"            // RootChanged
	KindRootRemoved         = "pki.root_removed"          // RootChanged
	KindRootRefused         = "pki.root_refused"          // RootRefused
)

// Kinds of facts of the station room that this one consumes.
const (
	stationBoot    = "station.boot"
	stationRetired = "station.retired"
)

// Requested tells of a station's request for a certificate.
type Requested struct {
	ID     string `json:"id"`
	Type   string `json:"type,omitempty"`
	Status string `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// Issued tells of a certificate.
type Issued struct {
	ID       string    `json:"id"`
	Type     string    `json:"type,omitempty"`
	Serial   string    `json:"serial_number"`
	NotAfter time.Time `json:"not_after"`
	Reason   string    `json:"reason,omitempty"`
}

// Expiring tells that something ends soon and was not renewed. Kind is
// certificate, root or authority.
type Expiring struct {
	ID       string    `json:"id"`
	What     string    `json:"what"`
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"not_after"`
}

// AuthorityCreated tells of a new authority of the installation.
type AuthorityCreated struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Algorithm Algorithm `json:"algorithm"`
	Subject   string    `json:"subject"`
	NotAfter  time.Time `json:"not_after"`
}

// RootChanged tells of a trust root.
type RootChanged struct {
	ID       string    `json:"id"`
	Purpose  string    `json:"purpose"`
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"not_after"`
}

// RootRefused tells that a station did not take a root.
type RootRefused struct {
	Purpose     string `json:"purpose"`
	Fingerprint string `json:"fingerprint"`
	Status      string `json:"status"`
	Detail      string `json:"detail,omitempty"`
}

func recordAuthority(tx *db.Tx, r authorityRow, kind string) error {
	return event.Record(tx, event.Fact{Org: r.Org, Subject: "authority/" + r.ID, Kind: kind},
		AuthorityCreated{ID: r.ID, Kind: r.Kind, Algorithm: r.Algorithm, Subject: r.Subject, NotAfter: r.NotAfter})
}

func recordCertificate(tx *db.Tx, c Certificate, kind, reason string) error {
	return event.Record(tx, event.Fact{Org: c.Org, Site: c.Site, Station: c.Station, Subject: "certificates/" + c.Station, Kind: kind},
		Issued{ID: c.ID, Type: c.Type, Serial: c.Serial, NotAfter: c.NotAfter, Reason: reason})
}

func recordRequest(tx *db.Tx, r SigningRequest, kind string) error {
	return event.Record(tx, event.Fact{Org: r.Org, Site: r.Site, Station: r.Station, Subject: "certificates/" + r.Station, Kind: kind},
		Requested{ID: r.ID, Type: r.Type, Status: r.Status, Detail: r.Detail})
}

func recordRoot(tx *db.Tx, r Root, kind string) error {
	return event.Record(tx, event.Fact{Org: r.Org, Site: r.Site, Station: r.Station, Subject: "root/" + r.ID, Kind: kind},
		RootChanged{ID: r.ID, Purpose: r.Purpose, Subject: r.Subject, NotAfter: r.NotAfter})
}
