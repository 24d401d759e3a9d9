package device

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

type listInput struct {
	web.ListInput
	ID string `path:"id"`
}

type idInput struct {
	ID string `path:"id"`
}

type variableBody struct {
	Component         string    `json:"component"`
	ComponentInstance string    `json:"component_instance,omitempty"`
	EVSE              int       `json:"evse,omitempty"`
	Connector         int       `json:"connector,omitempty"`
	Variable          string    `json:"variable"`
	VariableInstance  string    `json:"variable_instance,omitempty"`
	Attribute         string    `json:"attribute"`
	Value             string    `json:"value" doc:"Secrets are masked"`
	Mutability        string    `json:"mutability,omitempty"`
	DataType          string    `json:"data_type,omitempty"`
	Unit              string    `json:"unit,omitempty"`
	Min               string    `json:"min,omitempty"`
	Max               string    `json:"max,omitempty"`
	ValuesList        string    `json:"values_list,omitempty"`
	Monitorable       bool      `json:"monitorable,omitempty"`
	Meaning           string    `json:"meaning,omitempty" doc:"What the standard means by it"`
	Key               string    `json:"key,omitempty" doc:"The key of OCPP 1.6 that means the same"`
	Required          []string  `json:"required_in,omitempty" doc:"Versions of OCPP that require it where the component exists"`
	UpdatedAt         time.Time `json:"updated_at"`
}

type pastBody struct {
	Path   string    `json:"path" doc:"component[/instance][@evse[.connector]]:variable[/instance][#attribute], in lower case"`
	Value  string    `json:"value"`
	Source string    `json:"source" doc:"NotifyReport, NotifyEvent, baseline, or the command that read or set it"`
	At     time.Time `json:"at"`
}

type bootBody struct {
	At       time.Time `json:"at"`
	Vendor   string    `json:"vendor"`
	Model    string    `json:"model"`
	Serial   string    `json:"serial_number,omitempty"`
	Firmware string    `json:"firmware_version,omitempty"`
	ICCID    string    `json:"iccid,omitempty"`
	IMSI     string    `json:"imsi,omitempty"`
	Meter    string    `json:"meter,omitempty"`
	Reason   string    `json:"reason"`
	Status   string    `json:"status" doc:"How it was answered: Accepted, Pending or Rejected"`
	Protocol string    `json:"protocol"`
	Address  string    `json:"remote_addr,omitempty"`
}

type securityBody struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	TechInfo   string    `json:"tech_info,omitempty"`
	At         time.Time `json:"at" doc:"By the station's clock"`
	ReceivedAt time.Time `json:"received_at"`
}

type noticeBody struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Kind    string          `json:"kind"`
	Payload json.RawMessage `json:"payload"`
}

type desiredBody struct {
	Path       string     `json:"path"`
	Rule       string     `json:"rule" doc:"A rule of the baseline, operator for what somebody set, template/<id>"`
	Value      string     `json:"value"`
	Status     string     `json:"status" enum:"pending,met,reboot_required,rejected,unsupported,read_only,unverified,drifted"`
	Detail     string     `json:"detail,omitempty"`
	Actual     string     `json:"actual"`
	DriftedAt  *time.Time `json:"drifted_at,omitempty"`
	WishedBy   string     `json:"wished_by,omitempty"`
	TriedAt    time.Time  `json:"tried_at"`
	VerifiedAt *time.Time `json:"verified_at,omitempty"`
}

type deviceBody struct {
	ReadAt          *time.Time    `json:"read_at,omitempty" doc:"When the device model was last read in full"`
	Reading         bool          `json:"reading" doc:"It is being read now"`
	ReportParts     int64         `json:"report_parts" doc:"Parts of the running report that have come"`
	ReportAt        *time.Time    `json:"report_at,omitempty" doc:"When the last of them came"`
	Failures        int64         `json:"read_failures" doc:"Reads in a row that did not come to their end"`
	PausedAt        *time.Time    `json:"paused_at,omitempty" doc:"Since then it is compared, not corrected"`
	PausedBy        string        `json:"paused_by,omitempty"`
	Drifted         bool          `json:"drifted"`
	MonitoringBase  string        `json:"monitoring_base,omitempty" doc:"As it was last set"`
	MonitoringLevel *int64        `json:"monitoring_level,omitempty" doc:"As it was last set"`
	SyncedAt        *time.Time    `json:"synced_at,omitempty" doc:"When it was last compared with what it should be"`
	FirmwareStatus  string        `json:"firmware_status,omitempty"`
	FirmwareRequest *int64        `json:"firmware_request_id,omitempty"`
	FirmwareAt      *time.Time    `json:"firmware_status_at,omitempty"`
	LogStatus       string        `json:"log_status,omitempty"`
	LogRequest      *int64        `json:"log_request_id,omitempty"`
	LogAt           *time.Time    `json:"log_status_at,omitempty"`
	Desired         []desiredBody `json:"desired" nullable:"false"`
}

type deviceOutput struct{ Body deviceBody }

func op(method, path, permission, summary string) web.Op {
	return web.Op{Method: method, Path: path, Room: "device", Permission: permission, Summary: summary, Tags: []string{"devices"}}
}

// list registers a list of what belongs to one station.
func list[T, B any](s *Service, a *web.API, path, summary string, spec db.ListSpec, scan func(db.Scanner) (T, error), body func(T) B) {
	o := op(http.MethodGet, "/charging-stations/{id}"+path, identity.DeviceRead, summary)
	o.List = &spec
	web.Handle(a, o, func(ctx context.Context, in *listInput) (*web.ListOutput[B], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		var rows []T
		var next string
		err = s.d.Stations.Visible(ctx, identity.DeviceRead, station.ID(in.ID), func(tx *db.Tx, st station.Station) error {
			rows, next, err = db.List(tx, spec, []db.Cond{{Text: "station = ?", Args: []any{string(st.ID)}}}, req, scan)
			return err
		})
		if err != nil {
			return nil, err
		}
		items := make([]B, len(rows))
		for i, r := range rows {
			items[i] = body(r)
		}
		return web.NewList(items, next), nil
	})
}

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	s.upgradeRoutes(a)
	list(s, a, "/variables", "List the variables of a device", variableSpec, scanVariable, variableBodyOf)
	list(s, a, "/variables/history", "List the values that variables had", historySpec, scanPast, func(p pastBody) pastBody { return p })
	list(s, a, "/boots", "List the boots of a station", bootSpec, scanBoot, func(b bootBody) bootBody { return b })
	list(s, a, "/security-events", "List the security events of a station", securitySpec, scanSecurity, func(b securityBody) securityBody { return b })
	list(s, a, "/notices", "List what a station told without being asked", noticeSpec, scanNotice, func(b noticeBody) noticeBody { return b })
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/device", identity.DeviceRead, "Read how the device stands"), s.getDevice)
	refresh := op(http.MethodPost, "/charging-stations/{id}/variables/refresh", identity.DeviceWrite, "Read the device model again, in the background")
	refresh.Status = http.StatusAccepted
	web.Handle(a, refresh, s.postRefresh)
	s.desiredRoutes(a)
	s.templateRoutes(a)
	s.monitorRoutes(a)
	s.profileRoutes(a)
	s.imageRoutes(a)
	s.updateRoutes(a)
	s.logRoutes(a)
	s.bundleRoutes(a)
	s.displayRoutes(a)
	s.publicationRoutes(a)
	s.gridRoutes(a)
}

// gridRoutes are the lists of what only stations of OCPP 2.1 tell.
func (s *Service) gridRoutes(a *web.API) {
	list(s, a, "/event-streams", "List the streams of values that a station opened", streamSpec, scanStream, func(x Stream) Stream { return x })
	list(s, a, "/event-stream-values", "List the values that streamed", streamValueSpec, scanStreamValue, func(x StreamValue) StreamValue { return x })
	list(s, a, "/der-events", "List a station's alarms of the grid, and starts and stops of DER controls", derEventSpec, scanDEREvent, func(x DEREvent) DEREvent { return x })
	list(s, a, "/der-controls", "List the DER controls that a station has", derControlSpec, scanDERControl, func(x DERControl) DERControl { return x })
	list(s, a, "/battery-swaps", "List the batteries that went in and out of a station", swapSpec, scanSwap, func(x BatterySwap) BatterySwap { return x })
	everywhere(s, a, "/der-events", "List alarms of the grid, and starts and stops of DER controls, over all stations", derEventSpec, scanDEREvent, func(x DEREvent) DEREvent { return x })
	everywhere(s, a, "/battery-swaps", "List the batteries that went in and out, over all stations", swapSpec, scanSwap, func(x BatterySwap) BatterySwap { return x })
}

func (s *Service) getDevice(ctx context.Context, in *idInput) (*deviceOutput, error) {
	out := &deviceOutput{}
	err := s.d.Stations.Visible(ctx, identity.DeviceRead, station.ID(in.ID), func(tx *db.Tx, st station.Station) error {
		known, err := stateOf(tx, string(st.ID))
		if err != nil {
			return err
		}
		wishes, err := desiredOf(tx, string(st.ID))
		if err != nil {
			return err
		}
		out.Body = deviceBody{
			ReadAt: utc(known.ReadAt), Reading: known.ReportID != 0, SyncedAt: utc(known.SyncedAt), FirmwareStatus: known.FirmwareStatus, FirmwareRequest: known.FirmwareRequest,
			FirmwareAt: utc(known.FirmwareAt), LogStatus: known.LogStatus, LogRequest: known.LogRequest, LogAt: utc(known.LogAt), Desired: []desiredBody{},
			ReportParts: known.Parts, ReportAt: utc(known.ReportAt), Failures: known.Failures, PausedAt: utc(known.PausedAt), PausedBy: known.PausedBy, Drifted: known.Drift == driftOpen,
			MonitoringBase: known.MonitoringBase,
		}
		if known.MonitoringLevel >= 0 {
			out.Body.MonitoringLevel = &known.MonitoringLevel
		}
		for _, d := range wishes {
			out.Body.Desired = append(out.Body.Desired, desiredBody{Path: d.Path, Rule: d.Rule, Value: d.Value, Status: d.Status, Detail: d.Detail, Actual: d.Actual, DriftedAt: utc(d.DriftedAt), WishedBy: d.WishedBy, TriedAt: d.TriedAt.UTC(), VerifiedAt: utc(d.VerifiedAt)})
		}
		return nil
	})
	return out, err
}

// postRefresh forgets that the device was read, and enqueues a sync.
func (s *Service) postRefresh(ctx context.Context, in *idInput) (*deviceOutput, error) {
	var found station.Station
	err := s.d.Stations.Visible(ctx, identity.DeviceWrite, station.ID(in.ID), func(_ *db.Tx, st station.Station) error { found = st; return nil })
	if err != nil {
		return nil, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		known, err := stateOf(tx, string(found.ID))
		if err != nil {
			return err
		}
		known.ReadOf, known.Failures, known.ReportID, known.ReportAt = "", 0, 0, nil
		if err := saveState(tx, ownerOf(found), known); err != nil {
			return err
		}
		return s.enqueueSync(tx, ownerOf(found))
	})
	if err != nil {
		return nil, err
	}
	return s.getDevice(ctx, in)
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
