package pki

import (
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// Purposes of trust roots, beside those of OCPP (InstallCertificateUseEnum).
const (
	// PurposeStation marks a root, or an authority below one, that signs
	// certificates of stations. It stays here: stations are not given it.
	PurposeStation = "StationRoot"
)

const (
	stationType = string(ocpp.CertificateSigningUseEnumChargingStationCertificate)
	v2gType     = string(ocpp.CertificateSigningUseEnumV2GCertificate)
	v2g20Type   = string(ocpp.CertificateSigningUseEnumV2G20Certificate)

	purposeCSMS         = string(ocpp.InstallCertificateUseEnumCSMSRootCertificate)
	purposeManufacturer = string(ocpp.InstallCertificateUseEnumManufacturerRootCertificate)
	purposeV2G          = string(ocpp.InstallCertificateUseEnumV2GRootCertificate)
	purposeMO           = string(ocpp.InstallCertificateUseEnumMORootCertificate)
	purposeOEM          = string(ocpp.InstallCertificateUseEnumOEMRootCertificate)
)

// Purposes lists what a trust root may be for.
func Purposes() []string {
	return []string{purposeCSMS, purposeManufacturer, purposeV2G, purposeMO, purposeOEM, PurposeStation}
}

// signsStations reports whether certificates of stations may be signed by a
// root. The manufacturer's counts: a new station connects with the
// certificate it was made with (OCPP 2.0.1 A00.FR.406).
func signsStations(purpose string) bool {
	return purpose == PurposeStation || purpose == purposeManufacturer
}

// signsContracts reports whether contract certificates of cars lead to a root.
func signsContracts(purpose string) bool { return purpose == purposeMO || purpose == purposeV2G }

// isV2GOnly reports whether a type of certificate is for cars only. The empty
// type is for both connections.
func isV2GOnly(t string) bool { return t == v2gType || t == v2g20Type }

// sameType reports whether a certificate type replaces another.
func sameType(a, b string) bool {
	plain := func(t string) string {
		if t == "" {
			return stationType
		}
		return t
	}
	return plain(a) == plain(b)
}

// typeOf reads a certificate type as stations write it.
func typeOf(t ocpp.CertificateSigningUseEnum) (string, bool) {
	if t == "" {
		return "", true
	}
	for _, known := range []string{stationType, v2gType, v2g20Type} {
		if strings.EqualFold(known, string(t)) {
			return known, true
		}
	}
	return "", false
}
