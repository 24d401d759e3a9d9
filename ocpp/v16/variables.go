package v16

import (
	"encoding/json"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// actual reports whether the attribute is the one that 1.6 keys have.
func actual(a ocpp.AttributeEnum) bool { return a == "" || a == ocpp.AttributeEnumActual }

func encodeSetVariables(r *ocpp.SetVariablesRequest) (ocpp.Request, error) {
	if len(r.SetVariableData) != 1 {
		return nil, unsupported("OCPP 1.6 sets one variable per message, not %d", len(r.SetVariableData))
	}
	d := r.SetVariableData[0]
	k, ok := key(d.Component, d.Variable)
	if !ok || !actual(d.AttributeType) {
		return nil, unsupported("OCPP 1.6 has no configuration key for %s", describe(d.Component, d.Variable, d.AttributeType))
	}
	return &ChangeConfigurationRequest{Key: k, Value: toValue(k, d.AttributeValue)}, nil
}

func describe(c ocpp.Component, v ocpp.Variable, a ocpp.AttributeEnum) string {
	s := c.Name + "." + v.Name
	if v.Instance != "" {
		s += "(" + v.Instance + ")"
	}
	if !actual(a) {
		s += " " + string(a)
	}
	return s
}

var setStatus = map[ConfigurationStatusEnum]ocpp.SetVariableStatusEnum{
	ConfigurationStatusEnumAccepted:       ocpp.SetVariableStatusEnumAccepted,
	ConfigurationStatusEnumRejected:       ocpp.SetVariableStatusEnumRejected,
	ConfigurationStatusEnumRebootRequired: ocpp.SetVariableStatusEnumRebootRequired,
	ConfigurationStatusEnumNotSupported:   ocpp.SetVariableStatusEnumUnknownVariable,
}

func decodeSetVariables(r *ocpp.SetVariablesRequest, s *ChangeConfigurationResponse) ocpp.Response {
	d := r.SetVariableData[0]
	status, ok := setStatus[s.Status]
	if !ok {
		status = ocpp.SetVariableStatusEnumRejected
	}
	return &ocpp.SetVariablesResponse{SetVariableResult: []ocpp.SetVariableResult{{
		AttributeType: d.AttributeType, AttributeStatus: status, Component: d.Component, Variable: d.Variable,
	}}}
}

func encodeGetVariables(r *ocpp.GetVariablesRequest) (ocpp.Request, error) {
	out := &GetConfigurationRequest{}
	for _, d := range r.GetVariableData {
		if k, ok := key(d.Component, d.Variable); ok && actual(d.AttributeType) {
			out.Key = append(out.Key, k)
		}
	}
	if len(out.Key) == 0 { // an empty list would ask for every key
		d := r.GetVariableData[0]
		return nil, unsupported("OCPP 1.6 has no configuration key for %s", describe(d.Component, d.Variable, d.AttributeType))
	}
	return out, nil
}

func decodeGetVariables(r *ocpp.GetVariablesRequest, s *GetConfigurationResponse) ocpp.Response {
	found := map[string]KeyValue{}
	for _, kv := range s.ConfigurationKey {
		found[strings.ToLower(kv.Key)] = kv
	}
	out := &ocpp.GetVariablesResponse{}
	for _, d := range r.GetVariableData {
		res := ocpp.GetVariableResult{AttributeType: d.AttributeType, Component: d.Component, Variable: d.Variable}
		k, known := key(d.Component, d.Variable)
		kv, ok := found[strings.ToLower(k)]
		switch {
		case !known && d.Component.Name != KeyComponent && !knownComponent(d.Component.Name):
			res.AttributeStatus = ocpp.GetVariableStatusEnumUnknownComponent
		case known && !actual(d.AttributeType):
			res.AttributeStatus = ocpp.GetVariableStatusEnumNotSupportedAttributeType
		case !known || !ok:
			res.AttributeStatus = ocpp.GetVariableStatusEnumUnknownVariable
		default:
			res.AttributeStatus = ocpp.GetVariableStatusEnumAccepted
			res.AttributeValue = fromValue(k, kv.Value)
		}
		out.GetVariableResult = append(out.GetVariableResult, res)
	}
	return out
}

func knownComponent(name string) bool {
	for _, v := range keys {
		if strings.EqualFold(v.component, name) {
			return true
		}
	}
	return false
}

func encodeGetBaseReport(r *ocpp.GetBaseReportRequest) (ocpp.Request, error) {
	if r.ReportBase == ocpp.ReportBaseEnumSummaryInventory {
		return nil, unsupported("OCPP 1.6 reports its configuration only, not a summary")
	}
	return &GetConfigurationRequest{}, nil
}

func decodeGetBaseReport(_ *ocpp.GetBaseReportRequest, s *GetConfigurationResponse) ocpp.Response {
	if len(s.ConfigurationKey) == 0 {
		return &ocpp.GetBaseReportResponse{Status: ocpp.GenericDeviceModelStatusEnumEmptyResultSet}
	}
	return &ocpp.GetBaseReportResponse{Status: ocpp.GenericDeviceModelStatusEnumAccepted}
}

// Follow gives what a 2.x station would send of its own accord after it has
// answered req: for GetBaseReport one NotifyReport with every key of the
// configuration. GeneratedAt is zero: the caller knows when the answer came.
func (d *Dialect) Follow(req ocpp.Request, payload json.RawMessage) ([]ocpp.Request, error) {
	r, ok := req.(*ocpp.GetBaseReportRequest)
	if !ok {
		return nil, nil
	}
	var s GetConfigurationResponse
	if err := ocpp.ReadReply("GetConfiguration", Messages.Find("GetConfiguration").Response, payload, &s); err != nil {
		return nil, err
	}
	report := &ocpp.NotifyReportRequest{RequestID: r.RequestID}
	for _, kv := range s.ConfigurationKey {
		if kv.Key != "" {
			report.ReportData = append(report.ReportData, reportData(kv))
		}
	}
	if report.ReportData == nil {
		return nil, nil
	}
	return []ocpp.Request{report}, nil
}

func reportData(kv KeyValue) ocpp.ReportData {
	c, v, data := variable(kv.Key)
	a := ocpp.VariableAttribute{
		Type:       ocpp.AttributeEnumActual,
		Value:      fromValue(kv.Key, kv.Value),
		Mutability: ocpp.MutabilityEnumReadWrite,
	}
	if kv.Readonly {
		a.Mutability = ocpp.MutabilityEnumReadOnly
	}
	return ocpp.ReportData{
		Component: c, Variable: v, VariableAttribute: []ocpp.VariableAttribute{a},
		VariableCharacteristics: &ocpp.VariableCharacteristics{DataType: data},
	}
}

// GetLog is of the Security Whitepaper; stations without it answer
// NotImplemented, and are asked for diagnostics instead (Dialect.Otherwise).
func encodeGetLog(r *ocpp.GetLogRequest) (ocpp.Request, error) {
	if r.LogType != ocpp.LogEnumDiagnosticsLog && r.LogType != ocpp.LogEnumSecurityLog {
		return nil, unsupported("OCPP 1.6 has no log %s", r.LogType)
	}
	return &GetLogRequest{
		LogType: LogEnum(r.LogType), RequestID: r.RequestID, Retries: r.Retries, RetryInterval: r.RetryInterval,
		Log: LogParameters{RemoteLocation: r.Log.RemoteLocation, OldestTimestamp: r.Log.OldestTimestamp, LatestTimestamp: r.Log.LatestTimestamp},
	}, nil
}

func decodeGetLog(_ *ocpp.GetLogRequest, s *GetLogResponse) ocpp.Response {
	return &ocpp.GetLogResponse{Status: ocpp.LogStatusEnum(s.Status), Filename: s.Filename}
}

// A signed firmware goes as SignedUpdateFirmware, which answers with a status;
// an unsigned one as UpdateFirmware, which answers nothing.
func encodeUpdateFirmware(r *ocpp.UpdateFirmwareRequest) (ocpp.Request, error) {
	f := r.Firmware
	if f.Signature == "" && f.SigningCertificate == "" {
		if f.InstallDateTime != nil {
			return nil, unsupported("OCPP 1.6 has no time of installation for unsigned firmware")
		}
		return &UpdateFirmwareRequest{Location: f.Location, RetrieveDate: f.RetrieveDateTime, Retries: r.Retries, RetryInterval: r.RetryInterval}, nil
	}
	if f.Signature == "" || f.SigningCertificate == "" {
		return nil, fault.New(fault.Invalid, "ocpp.firmware", "signed firmware needs both a signature and its certificate")
	}
	return &SignedUpdateFirmwareRequest{
		RequestID: r.RequestID, Retries: r.Retries, RetryInterval: r.RetryInterval,
		Firmware: Firmware{
			Location: f.Location, RetrieveDateTime: f.RetrieveDateTime, InstallDateTime: f.InstallDateTime,
			SigningCertificate: f.SigningCertificate, Signature: f.Signature,
		},
	}, nil
}

func decodeUpdateFirmware(_ *ocpp.UpdateFirmwareRequest, s ocpp.Response) ocpp.Response {
	if s, ok := s.(*SignedUpdateFirmwareResponse); ok {
		return &ocpp.UpdateFirmwareResponse{Status: ocpp.UpdateFirmwareStatusEnum(s.Status)}
	}
	return &ocpp.UpdateFirmwareResponse{Status: ocpp.UpdateFirmwareStatusEnumAccepted}
}
