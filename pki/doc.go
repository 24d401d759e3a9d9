// Package pki keeps the certificates of a network: an authority of its own
// (a root and an issuing authority, for ECDSA and for RSA keys), the
// certificates of stations (OCPP 2.0.1 A02, A03; the 1.6 security extension),
// the trust roots that stations shall have (M03–M05), revocation, and the
// answers to what stations ask about Plug & Charge contracts (M01, M06, M07,
// C07).
//
// # From a request to a certificate
//
// A SignCertificate is checked (signature, key, organisation, name) and
// stored before it is answered Accepted. A job has it signed by an
// [Authority] — our own or an external one over EST (RFC 7030) — and hands
// the chain to the station, again and again while the station is away. There
// is one open request per station and type: the same one repeated changes
// nothing, another one takes its place.
//
// A new certificate is "delivered" until the station connects with it; only
// then it is "active" and the one before is revoked (field note: renew with
// overlap). The same holds for authorities: one that is about to end hands
// over to a new one and is trusted until its end.
//
// # Trust roots
//
// Roots belong to an organisation (and those below it), a site or a station.
// What a station shall have is compared with what it reports, after each boot
// and by a job. A root that was withdrawn is deleted from stations that have
// it, never before another of its kind is there.
//
// Private keys of authorities are sealed (AES-256-GCM) under a key derived
// from the secret of the installation. Keys of stations never reach us.
//
// Tables owned: pki_authority, pki_request, pki_certificate, pki_root,
// pki_station, pki_installed, pki_root_state. Facts recorded: see facts.go.
// Consumed: station.boot, station.retired.
package pki
