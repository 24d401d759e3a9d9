package device

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const variableColumns = `component, component_instance, evse, connector, variable, variable_instance, attribute, value, mutability, data_type, unit, min_limit, max_limit, values_list, monitorable, updated_at`

func scanVariable(row db.Scanner) (Variable, error) {
	var v Variable
	var at int64
	err := row.Scan(&v.Component, &v.ComponentInstance, &v.EVSE, &v.Connector, &v.Name, &v.Instance, &v.Attribute, &v.Value, &v.Mutability,
		&v.DataType, &v.Unit, &v.Min, &v.Max, &v.ValuesList, &v.Monitorable, &at)
	v.UpdatedAt = db.Time(at)
	return v, err
}

var variableCols = []db.Col{
	{Name: "station", Type: "text"}, {Name: "path", Type: "text"}, {Name: "org", Type: "text"}, {Name: "component", Type: "text"},
	{Name: "component_instance", Type: "text"}, {Name: "evse", Type: "bigint"}, {Name: "connector", Type: "bigint"}, {Name: "variable", Type: "text"},
	{Name: "variable_instance", Type: "text"}, {Name: "attribute", Type: "text"}, {Name: "value", Type: "text"}, {Name: "mutability", Type: "text"},
	{Name: "data_type", Type: "text"}, {Name: "unit", Type: "text"}, {Name: "min_limit", Type: "text"}, {Name: "max_limit", Type: "text"},
	{Name: "values_list", Type: "text"}, {Name: "monitorable", Type: "boolean"}, {Name: "updated_at", Type: "bigint"},
}

var historyCols = []db.Col{
	{Name: "station", Type: "text"}, {Name: "path", Type: "text"}, {Name: "at", Type: "bigint"}, {Name: "org", Type: "text"}, {Name: "value", Type: "text"}, {Name: "source", Type: "text"},
}

// owner is whom rows belong to.
type owner struct{ station, org, site string }

// variablesAt loads the variables with the given paths.
func variablesAt(tx *db.Tx, station string, paths []string) (map[string]Variable, error) {
	out := map[string]Variable{}
	const atOnce = 500
	for len(paths) > 0 {
		n := min(atOnce, len(paths))
		args := make([]any, 0, n+1)
		args = append(args, station)
		marks := make([]string, n)
		for i, p := range paths[:n] {
			args = append(args, p)
			marks[i] = fmt.Sprintf("$%d", i+2)
		}
		paths = paths[n:]
		found, err := db.Collect(tx, scanVariable, "SELECT "+variableColumns+" FROM device_variable WHERE station = $1 AND path IN ("+strings.Join(marks, ",")+")", args...)
		if err != nil {
			return nil, err
		}
		for _, v := range found {
			out[v.Path()] = v
		}
	}
	return out, nil
}

// saveVariables stores what a station told, with a row of history for each
// value that is new. Later entries of the same variable win.
func saveVariables(tx *db.Tx, o owner, source string, told []Variable) error {
	if len(told) == 0 {
		return nil
	}
	latest := map[string]Variable{}
	var paths []string
	for _, v := range told {
		p := v.Path()
		if _, ok := latest[p]; !ok {
			paths = append(paths, p)
		}
		latest[p] = v
	}
	old, err := variablesAt(tx, o.station, paths)
	if err != nil {
		return err
	}
	var rows, history [][]any
	now := db.Micros(tx.Now)
	for _, p := range paths {
		was, known := old[p]
		v := latest[p].merge(was)
		if known && v.same(was) {
			continue
		}
		rows = append(rows, []any{o.station, p, o.org, clip(v.Component, 200), clip(v.ComponentInstance, 200), v.EVSE, v.Connector, clip(v.Name, 200), clip(v.Instance, 200),
			v.Attribute, v.Value, v.Mutability, v.DataType, v.Unit, v.Min, v.Max, v.ValuesList, v.Monitorable, now})
		if !known || v.Value != was.Value {
			history = append(history, []any{o.station, p, now, o.org, v.Value, source})
		}
	}
	if err := db.InsertRows(tx, "device_variable", variableCols, rows, `ON CONFLICT (station, path) DO UPDATE SET value=excluded.value, mutability=excluded.mutability,
		data_type=excluded.data_type, unit=excluded.unit, min_limit=excluded.min_limit, max_limit=excluded.max_limit, values_list=excluded.values_list, monitorable=excluded.monitorable, updated_at=excluded.updated_at`); err != nil {
		return err
	}
	return db.InsertRows(tx, "device_variable_history", historyCols, history, "ON CONFLICT (station, path, at) DO UPDATE SET value=excluded.value, source=excluded.source")
}

func clip(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// state is what is known of a device as a whole.
type state struct {
	ReadOf          string // what the last full read was of: device, firmware, version
	ReadAt          *time.Time
	ReportID        int64 // of the read that runs; 0: none
	ReportAt        *time.Time
	Parts           int64 // parts of it that came
	Last            int64 // seqNo of its last part; -1 until that came
	Failures        int64 // reads in a row that did not complete
	SyncedAt        *time.Time
	NextAt          time.Time
	FirmwareStatus  string
	FirmwareRequest *int64
	FirmwareAt      *time.Time
	LogStatus       string
	LogRequest      *int64
	LogAt           *time.Time
	WantedAt        *time.Time // when a wish for it last changed
	PausedAt        *time.Time // since then it is compared, not corrected
	PausedBy        string
	Drift           string // driftOpen: a fact said that it drifted
	MonitoringBase  string // as it was last set; empty: never
	MonitoringLevel int64  // -1: never set
}

// wishedSince holds when a wish changed after the last comparison.
func (s state) wishedSince() bool {
	return s.WantedAt != nil && (s.SyncedAt == nil || !s.WantedAt.Before(*s.SyncedAt))
}

const stateColumns = `read_of, read_at, report_id, report_at, report_parts, report_last, read_failures, synced_at, next_at, firmware_status, firmware_request, firmware_at, log_status, log_request, log_at,
	wanted_at, paused_at, paused_by, drift, monitoring_base, monitoring_level`

func scanState(row db.Scanner) (state, error) {
	var s state
	var read, report, synced, firmware, fwRequest, log, logRequest, wanted, paused sql.NullInt64
	var next int64
	err := row.Scan(&s.ReadOf, &read, &s.ReportID, &report, &s.Parts, &s.Last, &s.Failures, &synced, &next, &s.FirmwareStatus, &fwRequest, &firmware, &s.LogStatus, &logRequest, &log,
		&wanted, &paused, &s.PausedBy, &s.Drift, &s.MonitoringBase, &s.MonitoringLevel)
	s.WantedAt, s.PausedAt = db.TimePtr(wanted), db.TimePtr(paused)
	s.ReadAt, s.ReportAt, s.SyncedAt, s.NextAt = db.TimePtr(read), db.TimePtr(report), db.TimePtr(synced), db.Time(next)
	s.FirmwareAt, s.LogAt, s.FirmwareRequest, s.LogRequest = db.TimePtr(firmware), db.TimePtr(log), number(fwRequest), number(logRequest)
	return s, err
}

func number(n sql.NullInt64) *int64 {
	if !n.Valid {
		return nil
	}
	return &n.Int64
}

// stateOf loads the state of a device; the zero state when there is none.
func stateOf(tx *db.Tx, station string) (state, error) {
	s, err := scanState(tx.QueryRow("SELECT "+stateColumns+" FROM device_state WHERE station = $1", station))
	if fault.Is(err, fault.NotFound) {
		return state{Last: -1, MonitoringLevel: -1}, nil
	}
	return s, err
}

// saveState stores what reads, reports and the station's states changed. What
// people decide (wanted_at, paused_at, drift, monitoring) has its own updates,
// so that neither overwrites the other.
func saveState(tx *db.Tx, o owner, s state) error {
	return tx.Send(`INSERT INTO device_state (station, org, `+stateColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23)
		ON CONFLICT (station) DO UPDATE SET org=excluded.org, read_of=excluded.read_of, read_at=excluded.read_at, report_id=excluded.report_id, report_at=excluded.report_at,
		report_parts=excluded.report_parts, report_last=excluded.report_last, read_failures=excluded.read_failures, synced_at=excluded.synced_at, next_at=excluded.next_at,
		firmware_status=excluded.firmware_status, firmware_request=excluded.firmware_request, firmware_at=excluded.firmware_at,
		log_status=excluded.log_status, log_request=excluded.log_request, log_at=excluded.log_at`,
		o.station, o.org, s.ReadOf, db.NullMicros(s.ReadAt), s.ReportID, db.NullMicros(s.ReportAt), s.Parts, s.Last, s.Failures, db.NullMicros(s.SyncedAt), db.Micros(s.NextAt),
		s.FirmwareStatus, orNull(s.FirmwareRequest), db.NullMicros(s.FirmwareAt), s.LogStatus, orNull(s.LogRequest), db.NullMicros(s.LogAt),
		db.NullMicros(s.WantedAt), db.NullMicros(s.PausedAt), s.PausedBy, s.Drift, s.MonitoringBase, s.MonitoringLevel)
}

// setState changes columns that saveState leaves alone; set is fixed text with
// its arguments from $3 on. The row is made when there is none.
func setState(tx *db.Tx, o owner, set string, args ...any) error {
	st, err := stateOf(tx, o.station)
	if err == nil {
		err = saveState(tx, o, st)
	}
	if err != nil {
		return err
	}
	return tx.Send("UPDATE device_state SET "+set+" WHERE station = $1 AND org = $2", append([]any{o.station, o.org}, args...)...)
}

func orNull(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

// forgetDevice drops what was known of the device that stood there before.
// The history of its variables stays, and so does what people wished: the new
// device gets it.
func forgetDevice(tx *db.Tx, station string) error {
	for _, what := range []string{"device_variable", "device_report_part", "device_state", "device_monitor", "device_request", "device_request_part", "device_charging_profile", "device_charging_limit", "device_stream", "device_der_control"} {
		if err := tx.Send("DELETE FROM "+what+" WHERE station = $1", station); err != nil {
			return err
		}
	}
	if err := tx.Send("DELETE FROM device_desired WHERE station = $1 AND rule <> $2", station, byOperator); err != nil {
		return err
	}
	return tx.Send("UPDATE device_desired SET status = $2, actual = '', drifted_at = NULL, verified_at = NULL WHERE station = $1", station, Pending)
}

// byOperator stands for the rule of a value that somebody set by a command.
const byOperator = "operator"
