package rpc

import "strings"

// known keeps one copy of the names of the messages that stations send all
// day: reading one of them costs no allocation. A name that is missing here
// only costs that.
var known = func() map[string]string {
	m := map[string]string{}
	for _, a := range []string{
		"Authorize", "BootNotification", "DataTransfer", "FirmwareStatusNotification", "Heartbeat", "LogStatusNotification",
		"MeterValues", "NotifyChargingLimit", "NotifyEvent", "NotifyMonitoringReport", "NotifyPeriodicEventStream", "NotifyReport",
		"ReportChargingProfiles", "SecurityEventNotification", "StartTransaction", "StatusNotification", "StopTransaction",
		"TransactionEvent", "DiagnosticsStatusNotification", "SignCertificate", "SignedFirmwareStatusNotification",
	} {
		m[a] = a
	}
	return m
}()

// folded finds them in another case.
var folded = func() map[string]string {
	m := make(map[string]string, len(known))
	for a := range known {
		m[strings.ToLower(a)] = a
	}
	return m
}()
