package device

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
	"github.com/forecourt-ev/forecourt/station"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// box is the device at the other end: it keeps variables and has its own
// ideas of what it accepts.
type box struct {
	mu      sync.Mutex
	answer  func(req ocpp.Request) (ocpp.Response, error) // for messages of other tests
	values  map[string]string                             // "Component.Variable": only these exist
	refuses func(name, value string) ocpp.SetVariableStatusEnum
	report  ocpp.GenericDeviceModelStatusEnum // the answer to GetBaseReport; empty: an error
	asked   int64                             // the request id of the last report
	reads   int
	gets    int
	sets    []string
	gone    bool
	most    int // items of a GetVariables; 0: any number

	watching map[int]ocpp.SetMonitoringData // by id
	watched  int64                          // the request id of the last report of monitors or profiles
	requests []ocpp.Request                 // that monitoring answered
}

func (b *box) Send(_ context.Context, _ string, req ocpp.Request) (ocpp.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return nil, fault.New(fault.Unavailable, "gateway.offline", "not connected")
	}
	switch r := req.(type) {
	case *ocpp.GetBaseReportRequest:
		b.asked, b.reads = int64(r.RequestID), b.reads+1
		if b.report == "" {
			return nil, &ocpp.CallError{Code: ocpp.CodeNotImplemented}
		}
		return &ocpp.GetBaseReportResponse{Status: b.report}, nil
	case *ocpp.GetVariablesRequest:
		b.gets++
		if b.most > 0 && len(r.GetVariableData) > b.most {
			return nil, &ocpp.CallError{Code: ocpp.CodeOccurrenceConstraintViolation}
		}
		out := &ocpp.GetVariablesResponse{}
		for _, d := range r.GetVariableData {
			res := ocpp.GetVariableResult{Component: d.Component, Variable: d.Variable, AttributeType: d.AttributeType, AttributeStatus: ocpp.GetVariableStatusEnumUnknownVariable}
			if v, ok := b.values[d.Component.Name+"."+d.Variable.Name]; ok {
				res.AttributeStatus, res.AttributeValue = ocpp.GetVariableStatusEnumAccepted, v
			}
			out.GetVariableResult = append(out.GetVariableResult, res)
		}
		return out, nil
	case *ocpp.SetVariablesRequest:
		if len(r.SetVariableData) > 1 { // like the small ones in the field
			return nil, &ocpp.CallError{Code: ocpp.CodeOccurrenceConstraintViolation}
		}
		d := r.SetVariableData[0]
		name := d.Component.Name + "." + d.Variable.Name
		b.sets = append(b.sets, name+"="+d.AttributeValue)
		status := ocpp.SetVariableStatusEnumAccepted
		if _, ok := b.values[name]; !ok {
			status = ocpp.SetVariableStatusEnumUnknownVariable
		} else if b.refuses != nil {
			if s := b.refuses(name, d.AttributeValue); s != "" {
				status = s
			}
		}
		if status == ocpp.SetVariableStatusEnumAccepted {
			b.values[name] = d.AttributeValue
		}
		return &ocpp.SetVariablesResponse{SetVariableResult: []ocpp.SetVariableResult{{Component: d.Component, Variable: d.Variable, AttributeStatus: status}}}, nil
	}
	if answer := b.monitoring(req); answer != nil {
		return answer, nil
	}
	if b.answer != nil {
		return b.answer(req)
	}
	return nil, fault.New(fault.Unsupported, "test.action", "%s is not in this box", req.Action())
}

func (b *box) value(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.values[name]
}

type house struct {
	*Service
	t        *testing.T
	db       *db.DB
	clock    *schematest.Clock
	box      *box
	stations *station.Service
	files    *file.Store
	door     *httptest.Server
	jobs     *job.Runner
	facts    *event.Log
	org      identity.OrgID
	north    *webtest.Client
	south    *webtest.Client
	epoch    int64
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	schematest.EachAt(t, t0, func(t *testing.T, d *db.DB, clock *schematest.Clock) { fn(t, open(t, d, clock)) })
}

func open(t *testing.T, d *db.DB, clock *schematest.Clock) *house {
	t.Helper()
	h := &house{t: t, db: d, clock: clock, box: newBox()}
	people := identity.New(identity.Deps{DB: d})
	first, _, err := people.Bootstrap(t.Context())
	h.must(err)
	h.stations, err = station.New(station.Deps{DB: d, Commander: h.box, Secret: []byte("the secret of the test installation")})
	h.must(err)
	h.files = file.New(file.Deps{DB: d, URL: func(bool) string { return h.door.URL }})
	h.door = httptest.NewServer(h.files)
	t.Cleanup(h.door.Close)
	h.Service = New(Deps{DB: d, Stations: h.stations, Commander: h.box, Files: h.files})
	api := web.New(web.Config{DB: d, Guard: people.Guard})
	h.Routes(api)
	h.stations.Routes(api)
	h.jobs = job.New(d, nil, "test", nil)
	h.Jobs(h.jobs)
	h.facts = event.New(d, nil, "test", nil)
	h.facts.Consume(h.Consumers()...)
	anyone := webtest.New(t, api.Handler())
	client := func(name string) (*webtest.Client, identity.OrgID) {
		system := identity.System(context.Background(), "")
		o, err := people.CreateOrganisation(system, identity.Organisation{Name: name, Parent: first.Organisation})
		h.must(err)
		_, key, err := people.CreateKey(system, identity.APIKey{Name: "test", Role: "admin", Org: o.ID})
		h.must(err)
		return anyone.Bearer(key), o.ID
	}
	h.north, h.org = client("North")
	h.south, _ = client("South")
	_, _, err = h.stations.Create(h.ctx(), station.Draft{ID: "CS-1", Profile: 1})
	h.must(err)
	return h
}

func newBox() *box {
	return &box{report: ocpp.GenericDeviceModelStatusEnumAccepted, values: map[string]string{
		"SampledDataCtrlr.TxUpdatedMeasurands": "Current.Import", "SampledDataCtrlr.TxUpdatedInterval": "0",
		"SampledDataCtrlr.TxStartedMeasurands": "", "SampledDataCtrlr.TxEndedMeasurands": "Voltage",
		"AlignedDataCtrlr.Measurands": "", "AlignedDataCtrlr.Interval": "0", "OCPPCommCtrlr.WebSocketPingInterval": "0",
	}}
}

func (h *house) ctx() context.Context { return identity.System(h.t.Context(), h.org) }

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// connect opens a connection of the version.
func (h *house) connect(v ocpp.Version) ocpp.Peer {
	h.t.Helper()
	h.epoch++
	p := ocpp.Peer{Org: string(h.org), Station: "CS-1", Version: v, Epoch: h.epoch, ConnectedAt: h.clock.Now()}
	h.must(h.stations.Connected(h.t.Context(), p))
	return p
}

func (h *house) boot(p ocpp.Peer, serial string) *ocpp.BootNotificationResponse {
	h.t.Helper()
	r, err := h.BootNotification(h.t.Context(), p, &ocpp.BootNotificationRequest{
		Reason:          ocpp.BootReasonEnumPowerUp,
		ChargingStation: ocpp.ChargingStation{VendorName: "Acme", Model: "One", SerialNumber: serial, FirmwareVersion: "1.0", Modem: &ocpp.Modem{Iccid: "89"}},
	})
	h.must(err)
	return r
}

// settle runs what is due: jobs, then consumers, some seconds later.
func (h *house) settle() {
	h.t.Helper()
	h.clock.Advance(15 * time.Second)
	for range 10 {
		n, err := h.jobs.RunDue(h.t.Context())
		h.must(err)
		h.must(h.facts.CatchUp(h.t.Context()))
		if n == 0 {
			return
		}
	}
}

// reports sends one part of the report that the platform asked for.
func (h *house) reports(p ocpp.Peer, id int64, seq int, more bool, entries ...ocpp.ReportData) {
	h.t.Helper()
	h.must(h.Notification(h.t.Context(), p, &ocpp.NotifyReportRequest{RequestID: int(id), SeqNo: seq, Tbc: &more, ReportData: entries}))
}

// entry is "Component[@evse[.connector]].Variable" with a value.
func entry(component string, evse, connector int, variable, value string) ocpp.ReportData {
	c := ocpp.Component{Name: component}
	if evse > 0 {
		c.EVSE = &ocpp.EVSE{ID: evse}
		if connector > 0 {
			c.EVSE.ConnectorID = &connector
		}
	}
	return ocpp.ReportData{Component: c, Variable: ocpp.Variable{Name: variable}, VariableAttribute: []ocpp.VariableAttribute{{Value: value, Mutability: ocpp.MutabilityEnumReadWrite}}}
}

func (h *house) desired() map[string]Desired {
	h.t.Helper()
	out := map[string]Desired{}
	h.must(h.db.View(h.t.Context(), func(tx *db.Tx) error {
		list, err := desiredOf(tx, "CS-1")
		for _, d := range list {
			out[d.named.Component+"."+d.named.Name] = d
		}
		return err
	}))
	return out
}

func (h *house) variable(path string) string {
	h.t.Helper()
	var v map[string]Variable
	h.must(h.db.View(h.t.Context(), func(tx *db.Tx) (err error) {
		v, err = variablesAt(tx, "CS-1", []string{strings.ToLower(path)})
		return err
	}))
	return v[strings.ToLower(path)].Value
}
