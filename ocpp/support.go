package ocpp

import (
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// since21 are the messages that came with OCPP 2.1; 2.0.1 has all others.
var since21 = []string{
	"AFRRSignal", "AdjustPeriodicEventStream", "BatterySwap", "ChangeTransactionTariff", "ClearDERControl", "ClearTariffs",
	"ClosePeriodicEventStream", "GetCertificateChainStatus", "GetDERControl", "GetPeriodicEventStream", "GetTariffs",
	"NotifyAllowedEnergyTransfer", "NotifyDERAlarm", "NotifyDERStartStop", "NotifyPeriodicEventStream", "NotifyPriorityCharging",
	"NotifySettlement", "NotifyWebPaymentStarted", "OpenPeriodicEventStream", "PullDynamicScheduleUpdate", "ReportDERControl",
	"RequestBatterySwap", "SetDERControl", "SetDefaultTariff", "UpdateDynamicSchedule", "UsePriorityCharging", "VatNumberValidation",
}

// sayable16 are the requests of the platform that 1.6 can say, with its
// security extension, in its own words.
var sayable16 = []string{
	"CancelReservation", "CertificateSigned", "ChangeAvailability", "ClearCache", "ClearChargingProfile", "DataTransfer",
	"DeleteCertificate", "GetBaseReport", "GetCompositeSchedule", "GetInstalledCertificateIds", "GetLocalListVersion", "GetLog",
	"GetVariables", "InstallCertificate", "RequestStartTransaction", "RequestStopTransaction", "ReserveNow", "Reset", "SendLocalList",
	"SetChargingProfile", "SetVariables", "TriggerMessage", "UnlockConnector", "UpdateFirmware",
}

// Commands lists what a CSMS may ask of stations, in neutral terms: every
// message of OCPP 2.1 that stations do not send.
func Commands() []string {
	return slices.DeleteFunc(Messages.Actions(), func(a string) bool { return !ToStation(a) })
}

// ToStation reports whether a CSMS sends the 2.x action; DataTransfer goes
// both ways.
func ToStation(action string) bool {
	return Messages.Find(action) != nil && (!FromStation(action) || action == "DataTransfer")
}

// Speakers lists the versions in which a station understands a command of
// the platform, oldest first.
func Speakers(action string) []Version {
	var out []Version
	if !ToStation(action) {
		return nil
	}
	if slices.Contains(sayable16, action) {
		out = append(out, V16)
	}
	if !slices.Contains(since21, action) {
		out = append(out, V201)
	}
	return append(out, V21)
}

// Lacks is the error for a command that a version does not have. It says
// which do.
func Lacks(v Version, action string) error {
	others := ""
	for i, s := range Speakers(action) {
		if i > 0 {
			others += " and "
		}
		others += string(s)
	}
	if others == "" {
		return fault.New(fault.Unsupported, "ocpp.version", "OCPP %s has no %s", v, clip(action))
	}
	return fault.New(fault.Unsupported, "ocpp.version", "OCPP %s has no %s; it is in OCPP %s", v, action, others)
}
