package rpc

// known keeps one copy of the names of the messages that stations send all
// day: reading one of them costs no allocation. A name that is missing here
// only costs that.
var known = func() map[string]string {
	m := map[string]string{}
	for _, a := range []string{
		"Authorize", "BootNotification", "DataTransfer", "FirmwareStatusNotification", "Heartbeat", "LogStatusNotification",
		"MeterValues", "NotifyChargingLimit", "NotifyEvent", "NotifyMonitoringReport", "NotifyPeriodicEventStream", "NotifyReport",
		"ReportChargingProfiles", "SecurityEventNotification", "StartTransaction", "StatusNotification", "StopTransaction",
		"TransactionEvent",
	} {
		m[a] = a
	}
	return m
}()
