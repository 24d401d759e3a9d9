package v16

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/ocpptest"
)

// cabinet has a CCS and a CHAdeMO cable of which one charges at a time (EVSE
// 1: connectors 1 and 3), and an AC socket (EVSE 2: connector 2).
func cabinet(t *testing.T, places ...ocpp.Place) (*Dialect, ocpp.Peer) {
	t.Helper()
	if places == nil {
		places = []ocpp.Place{{EVSE: 1, Connector: 1}, {EVSE: 2, Connector: 1}, {EVSE: 1, Connector: 2}}
	}
	m, err := ocpp.NewConnectorMap(places)
	if err != nil {
		t.Fatal(err)
	}
	p := ocpp.Peer{Station: "CS-1", Version: ocpp.V16, Connectors: m}
	return New().For(p).(*Dialect), p
}

func tell(t *testing.T, d *Dialect, p ocpp.Peer, action, payload string) *ocpptest.Recorder {
	t.Helper()
	r := &ocpptest.Recorder{}
	if _, err := d.Handle(ocpp.WithReceived(context.Background(), ocpptest.Received), r, p, action, json.RawMessage(payload)); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFieldNote12StationTellsByConnector(t *testing.T) {
	t.Parallel()
	d, p := cabinet(t)
	for _, c := range []struct{ action, payload, want string }{
		{"StatusNotification", `{"connectorId":3,"status":"Preparing","errorCode":"NoError"}`, `"Connector16":3`},
		{"StatusNotification", `{"connectorId":3,"status":"Preparing","errorCode":"NoError"}`, `"connectorId":2,"connectorStatus":"Occupied","evseId":1`},
		{"StatusNotification", `{"connectorId":0,"status":"Available","errorCode":"NoError"}`, `"connectorId":0,"connectorStatus":"Available","evseId":0`},
		{"StatusNotification", `{"connectorId":4,"status":"Available","errorCode":"NoError"}`, `"connectorId":1,"connectorStatus":"Available","evseId":3`},
		{"StartTransaction", `{"connectorId":3,"idTag":"A","meterStart":1,"timestamp":"2026-01-31T12:00:00Z"}`, `"evse":{"connectorId":2,"id":1}`},
		{"MeterValues", `{"connectorId":2,"transactionId":7,"meterValue":[{"timestamp":"2026-01-31T12:00:00Z","sampledValue":[{"value":"1"}]}]}`, `"evse":{"connectorId":1,"id":2}`},
		{"MeterValues", `{"connectorId":3,"meterValue":[{"timestamp":"2026-01-31T12:00:00Z","sampledValue":[{"value":"1"}]}]}`, `"evseId":1`},
	} {
		b, _ := json.Marshal(tell(t, d, p, c.action, c.payload).Calls)
		if !strings.Contains(canonical(t, b), c.want) {
			t.Errorf("%s %s: no %s in\n%s", c.action, c.payload, c.want, b)
		}
	}
}

func canonical(t *testing.T, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

func number(n int) *int { return &n }

func TestFieldNote12CommandsNameConnectors(t *testing.T) {
	t.Parallel()
	d, p := cabinet(t)
	start := func(evse int) ocpp.Request {
		return &ocpp.RequestStartTransactionRequest{EVSEID: &evse, RemoteStartID: 1, IdToken: ocpp.IdToken{IdToken: "A"}}
	}
	said := func(req ocpp.Request) string {
		t.Helper()
		if parts := d.Split(req); len(parts) > 0 {
			var all []string
			for _, part := range parts {
				action, payload, err := d.Encode(part)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, action+string(payload))
			}
			return strings.Join(all, " ")
		}
		action, payload, err := d.Encode(req)
		if err != nil {
			return string(fault.KindOf(err).String())
		}
		return action + string(payload)
	}
	check := func(req ocpp.Request, want ...string) {
		t.Helper()
		got := said(req)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %s in %s", req.Action(), w, got)
			}
		}
	}
	check(start(2), `"connectorId":2`)
	check(start(1), `"connectorId":1`) // nothing known: the first
	tell(t, d, p, "StatusNotification", `{"connectorId":3,"status":"Preparing","errorCode":"NoError"}`)
	check(start(1), `"connectorId":3`) // the cable is in
	check(&ocpp.UnlockConnectorRequest{EVSEID: 1, ConnectorID: 2}, `"connectorId":3`)
	check(&ocpp.UnlockConnectorRequest{EVSEID: 2, ConnectorID: 2}, "invalid")
	check(&ocpp.ChangeAvailabilityRequest{EVSE: &ocpp.EVSE{ID: 1}, OperationalStatus: ocpp.OperationalStatusEnumInoperative},
		`ChangeAvailability{"connectorId":1`, `ChangeAvailability{"connectorId":3`)
	check(&ocpp.ChangeAvailabilityRequest{OperationalStatus: ocpp.OperationalStatusEnumOperative}, `"connectorId":0`)
	check(&ocpp.TriggerMessageRequest{EVSE: &ocpp.EVSE{ID: 1, ConnectorID: number(2)}, RequestedMessage: ocpp.MessageTriggerEnumStatusNotification}, `"connectorId":3`)
	check(&ocpp.ClearChargingProfileRequest{ChargingProfileCriteria: &ocpp.ClearChargingProfile{EVSEID: number(1)}}, `"connectorId":1`, `"connectorId":3`)
	check(&ocpp.ClearChargingProfileRequest{ChargingProfileCriteria: &ocpp.ClearChargingProfile{EVSEID: number(2)}}, `"connectorId":2`)
	check(&ocpp.ReserveNowRequest{ID: 1, EVSEID: number(1), IdToken: ocpp.IdToken{IdToken: "A"}, ExpiryDateTime: ocpp.AtTime(ocpptest.Received)}, `"connectorId":1`)
	check(&ocpp.GetCompositeScheduleRequest{EVSEID: 1, Duration: 60}, `"connectorId":3`)

	profile := readProfile(t, `{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"1001",
		"chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6}]}]}`)
	tell(t, d, p, "StartTransaction", `{"connectorId":1,"idTag":"A","meterStart":1,"timestamp":"2026-01-31T12:00:00Z"}`) // becomes 1001
	check(&ocpp.SetChargingProfileRequest{EVSEID: 1, ChargingProfile: profile}, `"connectorId":1`)
	profile.TransactionID, profile.ChargingProfilePurpose = "", ocpp.ChargingProfilePurposeEnumTxDefaultProfile
	check(&ocpp.SetChargingProfileRequest{EVSEID: 2, ChargingProfile: profile}, `"connectorId":2`)
	check(&ocpp.SetChargingProfileRequest{EVSEID: 1, ChargingProfile: profile}, "unsupported")

	d, _ = cabinet(t, ocpp.Place{EVSE: 1, Connector: 1}, ocpp.Place{EVSE: 1, Connector: 2})
	check(&ocpp.SetChargingProfileRequest{EVSEID: 1, ChargingProfile: profile}, `"connectorId":0`)
	if got := said(start(1)); strings.Contains(got, "connectorId") {
		t.Errorf("the only EVSE chooses its connector itself: %s", got)
	}
}

func readProfile(t *testing.T, text string) ocpp.ChargingProfile {
	t.Helper()
	var p ocpp.ChargingProfile
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFieldNote12AnswersOfConnectorsAreOne(t *testing.T) {
	t.Parallel()
	d, _ := cabinet(t)
	avail := func(s ocpp.ChangeAvailabilityStatusEnum) ocpp.Response {
		return &ocpp.ChangeAvailabilityResponse{Status: s}
	}
	for _, c := range []struct {
		parts []ocpp.Response
		want  ocpp.ChangeAvailabilityStatusEnum
	}{
		{[]ocpp.Response{avail("Accepted"), avail("Scheduled")}, "Scheduled"},
		{[]ocpp.Response{avail("Scheduled"), avail("Accepted")}, "Scheduled"},
		{[]ocpp.Response{avail("Rejected"), avail("Scheduled")}, "Rejected"},
		{[]ocpp.Response{avail("Scheduled"), avail("Rejected")}, "Rejected"},
		{[]ocpp.Response{avail("Accepted"), avail("Accepted")}, "Accepted"},
	} {
		if got := d.Join(c.parts).(*ocpp.ChangeAvailabilityResponse).Status; got != c.want {
			t.Errorf("%v: %s, want %s", c.parts, got, c.want)
		}
	}
	clear := func(s ocpp.ClearChargingProfileStatusEnum) ocpp.Response {
		return &ocpp.ClearChargingProfileResponse{Status: s}
	}
	if got := d.Join([]ocpp.Response{clear("Unknown"), clear("Accepted")}).(*ocpp.ClearChargingProfileResponse).Status; got != "Accepted" {
		t.Errorf("cleared at one connector: %s", got)
	}
}

func TestInstalledCertificatesOfAllTypes(t *testing.T) {
	t.Parallel()
	d := New()
	parts := d.Split(&ocpp.GetInstalledCertificateIdsRequest{})
	if len(parts) != 2 {
		t.Fatalf("%d parts, want one for each type of 1.6", len(parts))
	}
	var answers []ocpp.Response
	for i, reply := range []string{`{"status":"NotFound"}`,
		`{"status":"Accepted","certificateHashData":[{"hashAlgorithm":"SHA256","issuerNameHash":"a","issuerKeyHash":"b","serialNumber":"1"}]}`} {
		if _, _, err := d.Encode(parts[i]); err != nil {
			t.Fatal(err)
		}
		resp, err := d.Decode(parts[i], json.RawMessage(reply))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, resp)
	}
	got := d.Join(answers).(*ocpp.GetInstalledCertificateIdsResponse)
	if got.Status != ocpp.GetInstalledCertificateStatusEnumAccepted || len(got.CertificateHashDataChain) != 1 ||
		got.CertificateHashDataChain[0].CertificateType != ocpp.GetCertificateIdUseEnumManufacturerRootCertificate {
		t.Errorf("%+v", got)
	}
}
