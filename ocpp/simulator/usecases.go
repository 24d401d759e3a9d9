package simulator

import (
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// more2 answers the commands of 2.x that need a little more of a station:
// reservations, lists, profiles, certificates.
var more2 = map[string]answer2{
	"ReserveNow":                 into(voice2.onReserve),
	"CancelReservation":          into(voice2.onCancelReservation),
	"SendLocalList":              into(voice2.onSendList),
	"GetChargingProfiles":        into(voice2.onGetProfiles),
	"GetTransactionStatus":       into(voice2.onTransactionStatus),
	"InstallCertificate":         into(voice2.onInstall),
	"DeleteCertificate":          into(voice2.onDelete),
	"CertificateSigned":          into(voice2.onSigned),
	"GetInstalledCertificateIds": into(voice2.onInstalled),
	"CostUpdated": into(func(voice2, *machine, *ocpp.CostUpdatedRequest, time.Time) any {
		return fields{} // shown, if there is a display
	}),
}

// more16 is the same for 1.6.
var more16 = map[string]func(m *machine, q request16, now time.Time) any{
	"ReserveNow":        reserve16,
	"CancelReservation": cancelReservation16,
	"SendLocalList":     sendList16,
	"InstallCertificate": func(m *machine, q request16, _ time.Time) any {
		return fields{"status": m.install(q.CertificateType, q.Certificate)}
	},
	"DeleteCertificate":          func(m *machine, q request16, _ time.Time) any { return fields{"status": m.remove(q.Hash)} },
	"CertificateSigned":          func(m *machine, q request16, _ time.Time) any { return fields{"status": m.signed(q.Chain)} },
	"GetInstalledCertificateIds": installed16,
	"ExtendedTriggerMessage": func(m *machine, q request16, now time.Time) any {
		return status16(m.trigger(q.RequestedMessage, q.connector(), now), "Accepted", "NotImplemented")
	},
}
