package main

import (
	"strings"
	"unicode"
)

// inlineTypes names the types that the 1.6 schemas define in place. A key is
// the property, or message.property where one property means several things.
var inlineTypes = map[string]string{
	"idTagInfo":                                   "IdTagInfo",
	"csChargingProfiles":                          "ChargingProfile",
	"chargingProfile":                             "ChargingProfile",
	"chargingSchedule":                            "ChargingSchedule",
	"chargingSchedulePeriod":                      "ChargingSchedulePeriod",
	"meterValue":                                  "MeterValue",
	"transactionData":                             "MeterValue",
	"sampledValue":                                "SampledValue",
	"configurationKey":                            "KeyValue",
	"localAuthorizationList":                      "AuthorizationData",
	"IdTagInfo.status":                            "AuthorizationStatusEnum",
	"BootNotificationResponse.status":             "RegistrationStatusEnum",
	"CancelReservationResponse.status":            "CancelReservationStatusEnum",
	"ChangeAvailabilityRequest.type":              "AvailabilityTypeEnum",
	"ChangeAvailabilityResponse.status":           "AvailabilityStatusEnum",
	"ChangeConfigurationResponse.status":          "ConfigurationStatusEnum",
	"ClearCacheResponse.status":                   "ClearCacheStatusEnum",
	"ClearChargingProfileResponse.status":         "ClearChargingProfileStatusEnum",
	"DataTransferResponse.status":                 "DataTransferStatusEnum",
	"DiagnosticsStatusNotificationRequest.status": "DiagnosticsStatusEnum",
	"FirmwareStatusNotificationRequest.status":    "FirmwareStatusEnum",
	"GetCompositeScheduleResponse.status":         "GetCompositeScheduleStatusEnum",
	"RemoteStartTransactionResponse.status":       "RemoteStartStopStatusEnum",
	"RemoteStopTransactionResponse.status":        "RemoteStartStopStatusEnum",
	"ReserveNowResponse.status":                   "ReservationStatusEnum",
	"ResetRequest.type":                           "ResetTypeEnum",
	"ResetResponse.status":                        "ResetStatusEnum",
	"SendLocalListRequest.updateType":             "UpdateTypeEnum",
	"SendLocalListResponse.status":                "UpdateStatusEnum",
	"SetChargingProfileResponse.status":           "ChargingProfileStatusEnum",
	"StatusNotificationRequest.errorCode":         "ChargePointErrorCodeEnum",
	"StatusNotificationRequest.status":            "ChargePointStatusEnum",
	"StopTransactionRequest.reason":               "ReasonEnum",
	"TriggerMessageRequest.requestedMessage":      "MessageTriggerEnum",
	"TriggerMessageResponse.status":               "TriggerMessageStatusEnum",
	"UnlockConnectorResponse.status":              "UnlockStatusEnum",
	"chargingProfilePurpose":                      "ChargingProfilePurposeEnum",
	"chargingProfileKind":                         "ChargingProfileKindEnum",
	"recurrencyKind":                              "RecurrencyKindEnum",
	"chargingRateUnit":                            "ChargingRateUnitEnum",
	"context":                                     "ReadingContextEnum",
	"format":                                      "ValueFormatEnum",
	"measurand":                                   "MeasurandEnum",
	"phase":                                       "PhaseEnum",
	"location":                                    "LocationEnum",
	"unit":                                        "UnitOfMeasureEnum",
}

// renamedTypes keeps apart the 1.6 security types whose names the core already
// uses for other values.
var renamedTypes = map[string]string{
	"1.6 MessageTriggerEnum": "ExtendedMessageTriggerEnum",
	"1.6 FirmwareStatusEnum": "SignedFirmwareStatusEnum",
}

// fieldName makes the Go name of a property: transactionId → TransactionID,
// evseId → EVSEID, limit_L2 → LimitL2. "idToken" stays IdToken, as its type.
func fieldName(name string) string {
	if name == "action" { // requests have a method of that name
		return "ActionName"
	}
	name = strings.ReplaceAll(name, "_", "")
	name = strings.ToUpper(name[:1]) + name[1:]
	if rest, ok := strings.CutPrefix(name, "Evse"); ok {
		name = "EVSE" + rest
	}
	for _, end := range []string{"Id", "Url", "Uri"} {
		if rest, ok := strings.CutSuffix(name, end); ok {
			return rest + strings.ToUpper(end)
		}
	}
	if rest, ok := strings.CutSuffix(name, "Ids"); ok {
		return rest + "IDs"
	}
	return name
}

// valueName makes the constant's suffix of an enumeration value:
// Energy.Active.Import.Register → EnergyActiveImportRegister, L1-N → L1N.
func valueName(value string) string {
	var b strings.Builder
	up := true
	for _, r := range value {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up = true
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
