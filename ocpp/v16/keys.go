package v16

import (
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// KeyComponent holds the configuration keys that have no variable in 2.x.
const KeyComponent = "OCPP16"

// variableOf is the 2.x variable that means the same as a 1.6 key.
type variableOf struct {
	component, variable, instance string
	data                          ocpp.DataEnum
}

const (
	isBool   = ocpp.DataEnumBoolean
	isInt    = ocpp.DataEnumInteger
	isString = ocpp.DataEnumString
	isList   = ocpp.DataEnumMemberList
)

// keys maps the standard keys of OCPP 1.6 §9 and of the Security Whitepaper.
// Left out, and so in component OCPP16, are those that 2.x measures or writes
// otherwise: lengths of lists, phase rotation, AuthorizationKey (hexadecimal).
var keys = map[string]variableOf{
	"AllowOfflineTxForUnknownId":              {"AuthCtrlr", "OfflineTxForUnknownIdEnabled", "", isBool},
	"AuthorizeRemoteTxRequests":               {"AuthCtrlr", "AuthorizeRemoteStart", "", isBool},
	"LocalAuthorizeOffline":                   {"AuthCtrlr", "LocalAuthorizeOffline", "", isBool},
	"LocalPreAuthorize":                       {"AuthCtrlr", "LocalPreAuthorize", "", isBool},
	"AuthorizationCacheEnabled":               {"AuthCacheCtrlr", "Enabled", "", isBool},
	"ClockAlignedDataInterval":                {"AlignedDataCtrlr", "Interval", "", isInt},
	"MeterValuesAlignedData":                  {"AlignedDataCtrlr", "Measurands", "", isList},
	"StopTxnAlignedData":                      {"AlignedDataCtrlr", "TxEndedMeasurands", "", isList},
	"MeterValueSampleInterval":                {"SampledDataCtrlr", "TxUpdatedInterval", "", isInt},
	"MeterValuesSampledData":                  {"SampledDataCtrlr", "TxUpdatedMeasurands", "", isList},
	"StopTxnSampledData":                      {"SampledDataCtrlr", "TxEndedMeasurands", "", isList},
	"ConnectionTimeOut":                       {"TxCtrlr", "EVConnectionTimeOut", "", isInt},
	"MaxEnergyOnInvalidId":                    {"TxCtrlr", "MaxEnergyOnInvalidId", "", isInt},
	"StopTransactionOnEVSideDisconnect":       {"TxCtrlr", "StopTxOnEVSideDisconnect", "", isBool},
	"StopTransactionOnInvalidId":              {"TxCtrlr", "StopTxOnInvalidId", "", isBool},
	"HeartbeatInterval":                       {"OCPPCommCtrlr", "HeartbeatInterval", "", isInt},
	"ResetRetries":                            {"OCPPCommCtrlr", "ResetRetries", "", isInt},
	"TransactionMessageAttempts":              {"OCPPCommCtrlr", "MessageAttempts", "TransactionEvent", isInt},
	"TransactionMessageRetryInterval":         {"OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent", isInt},
	"UnlockConnectorOnEVSideDisconnect":       {"OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "", isBool},
	"WebSocketPingInterval":                   {"OCPPCommCtrlr", "WebSocketPingInterval", "", isInt},
	"SupportedFileTransferProtocols":          {"OCPPCommCtrlr", "FileTransferProtocols", "", isList},
	"GetConfigurationMaxKeys":                 {"DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", isInt},
	"LocalAuthListEnabled":                    {"LocalAuthListCtrlr", "Enabled", "", isBool},
	"LocalAuthListMaxLength":                  {"LocalAuthListCtrlr", "Entries", "", isInt},
	"SendLocalListMaxLength":                  {"LocalAuthListCtrlr", "ItemsPerMessage", "", isInt},
	"ReserveConnectorZeroSupported":           {"ReservationCtrlr", "NonEvseSpecific", "", isBool},
	"ChargeProfileMaxStackLevel":              {"SmartChargingCtrlr", "ProfileStackLevel", "", isInt},
	"ChargingScheduleAllowedChargingRateUnit": {"SmartChargingCtrlr", "RateUnit", "", isList},
	"ChargingScheduleMaxPeriods":              {"SmartChargingCtrlr", "PeriodsPerSchedule", "", isInt},
	"ConnectorSwitch3to1PhaseSupported":       {"SmartChargingCtrlr", "Phases3to1", "", isBool},
	"MaxChargingProfilesInstalled":            {"SmartChargingCtrlr", "Entries", "ChargingProfiles", isInt},
	"AdditionalRootCertificateCheck":          {"SecurityCtrlr", "AdditionalRootCertificateCheck", "", isBool},
	"CertificateSignedMaxChainSize":           {"SecurityCtrlr", "MaxCertificateChainSize", "", isInt},
	"CertificateStoreMaxLength":               {"SecurityCtrlr", "CertificateEntries", "", isInt},
	"CpoName":                                 {"SecurityCtrlr", "OrganizationName", "", isString},
	"SecurityProfile":                         {"SecurityCtrlr", "SecurityProfile", "", isInt},
}

// keyOf is keys the other way round, in lower case: 2.x names of components
// and variables are compared without regard to case.
var keyOf = func() map[variableOf]string {
	m := make(map[variableOf]string, len(keys))
	for key, v := range keys {
		m[variableOf{component: strings.ToLower(v.component), variable: strings.ToLower(v.variable), instance: strings.ToLower(v.instance)}] = key
	}
	return m
}()

// variable gives the component and variable of a key. Keys of the table are
// found in any case, and then KeyOf gives their standard spelling.
func variable(key string) (ocpp.Component, ocpp.Variable, ocpp.DataEnum) {
	if v, ok := keys[fold(key, keys)]; ok {
		return ocpp.Component{Name: v.component}, ocpp.Variable{Name: v.variable, Instance: v.instance}, v.data
	}
	return ocpp.Component{Name: KeyComponent}, ocpp.Variable{Name: key}, isString
}

// key gives the 1.6 key of a variable; false when 1.6 has none. A component
// of a single EVSE has none: 1.6 configures the station as a whole.
func key(c ocpp.Component, v ocpp.Variable) (string, bool) {
	if c.Instance != "" || c.EVSE != nil && c.EVSE.ID != 0 {
		return "", false
	}
	if c.Name == KeyComponent && v.Instance == "" {
		return v.Name, v.Name != ""
	}
	k, ok := keyOf[variableOf{component: strings.ToLower(c.Name), variable: strings.ToLower(v.Name), instance: strings.ToLower(v.Instance)}]
	return k, ok
}

// rateUnits are the words of ChargingScheduleAllowedChargingRateUnit.
var rateUnits = map[string]string{"Current": "A", "Power": "W"}

// fromValue gives the value of a key as 2.x writes it: booleans in lower
// case, rate units as A and W, lists without blanks.
func fromValue(key, value string) string {
	v, ok := keys[fold(key, keys)]
	if !ok {
		return value
	}
	value = strings.TrimSpace(value)
	switch {
	case v.variable == "RateUnit":
		return mapList(value, func(s string) string {
			if u, ok := rateUnits[fold(s, rateUnits)]; ok {
				return u
			}
			return s
		})
	case v.data == isBool && (strings.EqualFold(value, "true") || strings.EqualFold(value, "false")):
		return strings.ToLower(value)
	case v.data == isList:
		return mapList(value, func(s string) string { return s })
	}
	return value
}

// toValue is fromValue the other way round.
func toValue(key, value string) string {
	if keys[key].variable != "RateUnit" {
		return value
	}
	return mapList(value, func(s string) string {
		for word, u := range rateUnits {
			if u == s {
				return word
			}
		}
		return s
	})
}

func mapList(list string, f func(string) string) string {
	if list == "" {
		return ""
	}
	items := strings.Split(list, ",")
	for i := range items {
		items[i] = f(strings.TrimSpace(items[i]))
	}
	return strings.Join(items, ",")
}
