package station

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

type actionBody struct {
	Action   string         `json:"action" doc:"As OCPP 2.1 calls it"`
	Versions []ocpp.Version `json:"versions" nullable:"false" doc:"Of the stations that understand it; to 1.6 it goes in the words of 1.6"`
}

type rawBody struct {
	Version ocpp.Version `json:"version"`
	Actions []string     `json:"actions" nullable:"false" doc:"What may be sent raw to stations of this version"`
}

type actionsOutput struct {
	Body struct {
		Items []actionBody `json:"items" nullable:"false"`
		Raw   []rawBody    `json:"raw" nullable:"false"`
	}
}

type actionInput struct {
	Action  string `path:"action" maxLength:"50"`
	Version string `query:"version" enum:"1.6,2.0.1,2.1" doc:"The version's own message, for a raw command; default: the action in neutral terms"`
}

type actionOutput struct {
	Body struct {
		Action   string         `json:"action"`
		Versions []ocpp.Version `json:"versions" nullable:"false"`
		Schema   map[string]any `json:"schema" doc:"JSON Schema (2020-12) of the payload"`
		Example  map[string]any `json:"example" doc:"A payload that the schema allows"`
	}
}

func (s *Service) actionRoutes(a *web.API) {
	const tag = "commands"
	list := op(http.MethodGet, "/ocpp/actions", identity.StationRead, "List what stations can be asked", tag)
	list.Description = "Each action in neutral terms with the versions that have it, and for raw commands the messages of each version."
	web.Handle(a, list, s.listActions)
	one := op(http.MethodGet, "/ocpp/actions/{action}", identity.StationRead, "Read what an action needs", tag)
	one.Description = "The JSON Schema of its payload, from which a form can be drawn and a payload checked, and an example."
	web.Handle(a, one, s.readAction)
}

func (s *Service) listActions(context.Context, *struct{}) (*actionsOutput, error) {
	out := &actionsOutput{}
	for _, action := range actions {
		out.Body.Items = append(out.Body.Items, actionBody{Action: action, Versions: ocpp.Speakers(action)})
	}
	out.Body.Raw = []rawBody{}
	for _, l := range s.d.Languages {
		out.Body.Raw = append(out.Body.Raw, rawBody{Version: l.Version, Actions: l.Commands()})
	}
	return out, nil
}

func (s *Service) readAction(_ context.Context, in *actionInput) (*actionOutput, error) {
	out := &actionOutput{}
	b := &out.Body
	messages := ocpp.Messages
	if in.Version == "" {
		action, err := ParseAction(in.Action)
		if err != nil {
			return nil, fault.New(fault.NotFound, "station.action", "%q is not an action that stations can be asked for; GET /ocpp/actions lists them", clipped(in.Action))
		}
		b.Action, b.Versions = action, ocpp.Speakers(action)
	} else {
		l := s.language(ocpp.Version(in.Version))
		if l == nil || !l.ToStation(in.Action) {
			return nil, fault.New(fault.NotFound, "station.action", "OCPP %s has no %q for stations; GET /ocpp/actions lists what it has", in.Version, clipped(in.Action))
		}
		messages = l.Messages
		b.Action, b.Versions = in.Action, []ocpp.Version{l.Version}
	}
	shape := messages.Find(b.Action).Request
	b.Schema, b.Example = shape.JSONSchema(b.Action), shape.Example()
	if text, ok := examples[b.Action]; ok && in.Version == "" {
		b.Example = map[string]any{}
		if err := json.Unmarshal([]byte(text), &b.Example); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "station.example", "the example of %s cannot be read", b.Action)
		}
	}
	return out, nil
}

func (s *Service) language(v ocpp.Version) *ocpp.Language {
	i := slices.IndexFunc(s.d.Languages, func(l ocpp.Language) bool { return l.Version == v })
	if i < 0 {
		return nil
	}
	return &s.d.Languages[i]
}

// checkRaw refuses a raw message that the station's version does not have or
// that its schema forbids, unless it is forced. Nothing is known of a station
// that never connected.
func (s *Service) checkRaw(a Ask, v ocpp.Version) error {
	l := s.language(v)
	if !a.Raw || a.Force || l == nil {
		return nil
	}
	err := l.Check(a.Action, a.Payload)
	if f := fault.Of(err); f != nil {
		f.Message = strings.TrimSuffix(f.Message, ".") + ". With \"force\": true it is sent all the same."
	}
	return err
}

// examples are payloads that say more than the required fields alone.
var examples = map[string]string{
	"ChangeAvailability":         `{"evse":{"id":1},"operationalStatus":"Inoperative"}`,
	"ClearChargingProfile":       `{"chargingProfileCriteria":{"evseId":1,"chargingProfilePurpose":"TxDefaultProfile"}}`,
	"CostUpdated":                `{"totalCost":4.2,"transactionId":"T-1001"}`,
	"CustomerInformation":        `{"requestId":1,"report":true,"clear":false,"idToken":{"idToken":"04A1B2C3","type":"ISO14443"}}`,
	"GetBaseReport":              `{"requestId":1,"reportBase":"FullInventory"}`,
	"GetChargingProfiles":        `{"requestId":1,"evseId":1,"chargingProfile":{"chargingProfilePurpose":"TxProfile"}}`,
	"GetInstalledCertificateIds": `{"certificateType":["CSMSRootCertificate"]}`,
	"GetVariables":               `{"getVariableData":[{"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}}]}`,
	"InstallCertificate":         `{"certificateType":"CSMSRootCertificate","certificate":"-----BEGIN CERTIFICATE-----…"}`,
	"RequestStartTransaction":    `{"remoteStartId":1,"evseId":1,"idToken":{"idToken":"04A1B2C3","type":"ISO14443"}}`,
	"ReserveNow":                 `{"id":1,"evseId":1,"expiryDateTime":"2030-01-31T12:00:00Z","idToken":{"idToken":"04A1B2C3","type":"ISO14443"}}`,
	"SendLocalList":              `{"versionNumber":1,"updateType":"Full","localAuthorizationList":[{"idToken":{"idToken":"04A1B2C3","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}]}`,
	"SetChargingProfile": `{"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute",
		"chargingSchedule":[{"id":1,"chargingRateUnit":"A","startSchedule":"2030-01-31T12:00:00Z","chargingSchedulePeriod":[{"startPeriod":0,"limit":16},{"startPeriod":3600,"limit":8}]}]}}`,
	"SetVariables":          `{"setVariableData":[{"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"},"attributeValue":"300"}]}`,
	"TriggerMessage":        `{"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}`,
	"SetVariableMonitoring": `{"setMonitoringData":[{"component":{"name":"EVSE","evse":{"id":1}},"variable":{"name":"Power"},"type":"UpperThreshold","value":11000,"severity":5}]}`,
	"SetDisplayMessage":     `{"message":{"id":1,"priority":"NormalCycle","message":{"format":"UTF8","language":"en","content":"Please move your car when it is full."}}}`,
}
