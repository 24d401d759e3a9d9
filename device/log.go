package device

import (
	"database/sql"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// LogState is where a log that a station was asked for stands.
type LogState string

const (
	LogAsked     LogState = "asked"     // the station has not answered
	LogRequested LogState = "requested" // it agreed
	LogUploading LogState = "uploading"
	LogUploaded  LogState = "uploaded" // it is here, or at the external server
	LogPartial   LogState = "partial"  // it never ended; what came is here
	LogFailed    LogState = "failed"
	LogCancelled LogState = "cancelled" // a newer request took its place
)

var logStates = []string{string(LogAsked), string(LogRequested), string(LogUploading), string(LogUploaded), string(LogPartial), string(LogFailed), string(LogCancelled)}

// Final tells whether nothing more is expected.
func (s LogState) Final() bool {
	return s != LogAsked && s != LogRequested && s != LogUploading
}

// Log is a log file that a station was asked for.
type Log struct {
	ID, Org, Site, Station string
	Type                   string // DiagnosticsLog, SecurityLog, DataCollectorLog
	Oldest, Latest         *time.Time
	Request                int64
	State                  LogState
	Status                 string // the last one the station told, as OCPP 2.x writes it
	Reason                 string
	Told                   string // the file name in the station's answer; what comes may have another
	Place                  string // the external server, without password; empty: File
	File                   string
	CreatedAt, DeadlineAt  time.Time
	FinishedAt             *time.Time
	Actor                  string
}

var logFailures = map[ocpp.UploadLogStatusEnum]string{
	ocpp.UploadLogStatusEnumBadMessage:            "the station found the request faulty",
	ocpp.UploadLogStatusEnumNotSupportedOperation: "the station cannot do such an upload",
	ocpp.UploadLogStatusEnumPermissionDenied:      "the station was not let in where it uploads to",
	ocpp.UploadLogStatusEnumUploadFailure:         "the station could not upload the log",
}

// comeTime is how long a file may take to arrive after a station said that it
// uploaded it.
const comeTime = 2 * time.Minute

// hears takes a status of the station. arrived tells that the file is here. It
// reports whether the log changed.
//
// A failure is not the end while the station may try again (OCPP 2.0.1
// N01.FR.10), and no status undoes a file that came.
func (l *Log) hears(status ocpp.UploadLogStatusEnum, detail string, now time.Time, patience time.Duration) bool {
	if status == ocpp.UploadLogStatusEnumIdle || l.State == LogCancelled {
		return false
	}
	l.Status = string(status)
	if l.State == LogUploaded {
		return true
	}
	switch why, failed := logFailures[status]; {
	case failed:
		l.finish(LogFailed, why+detail, now)
	case status == ocpp.UploadLogStatusEnumAcceptedCanceled: // OCPP 2.0.1 N01.FR.20
		l.finish(LogCancelled, "a newer request took its place", now)
	case status == ocpp.UploadLogStatusEnumUploading:
		l.State, l.Reason, l.FinishedAt, l.DeadlineAt = LogUploading, "", nil, now.Add(patience)
	case status == ocpp.UploadLogStatusEnumUploaded && l.Place != "":
		l.finish(LogUploaded, "", now)
	case status == ocpp.UploadLogStatusEnumUploaded: // it has not come, else the state were another
		l.State, l.Reason, l.FinishedAt, l.DeadlineAt = LogUploading, "", nil, now.Add(comeTime)
	default:
		return false
	}
	return true
}

// arrives takes note that the file is here.
func (l *Log) arrives(now time.Time) { l.finish(LogUploaded, "", now) }

func (l *Log) finish(s LogState, reason string, now time.Time) {
	l.State, l.Reason, l.FinishedAt = s, reason, &now
}

// stalls ends a log that nothing was heard of; got is what came of it.
func (l *Log) stalls(got int64, now time.Time) {
	switch {
	case got > 0:
		l.finish(LogPartial, "the upload did not end in time; what came is kept", now)
	case l.Status == string(ocpp.UploadLogStatusEnumUploaded):
		l.finish(LogFailed, "the station says that it uploaded the log, but nothing came", now)
	default:
		l.finish(LogFailed, "timed out: nothing came", now)
	}
}

const logColumns = "id, org, site, station, type, oldest_at, latest_at, request_id, state, status, reason, told_name, place, file, created_at, deadline_at, finished_at, actor"

func scanLog(row db.Scanner) (Log, error) {
	var l Log
	var created, deadline int64
	var oldest, latest, end sql.NullInt64
	err := row.Scan(&l.ID, &l.Org, &l.Site, &l.Station, &l.Type, &oldest, &latest, &l.Request, &l.State, &l.Status, &l.Reason, &l.Told, &l.Place, &l.File, &created, &deadline, &end, &l.Actor)
	l.Oldest, l.Latest, l.CreatedAt, l.DeadlineAt, l.FinishedAt = db.TimePtr(oldest), db.TimePtr(latest), db.Time(created), db.Time(deadline), db.TimePtr(end)
	return l, err
}

func saveLog(tx *db.Tx, l Log) error {
	return tx.Send("INSERT INTO device_log ("+logColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18)
		ON CONFLICT (id) DO UPDATE SET state=excluded.state, status=excluded.status, reason=excluded.reason, told_name=excluded.told_name, file=excluded.file,
		deadline_at=excluded.deadline_at, finished_at=excluded.finished_at`,
		l.ID, l.Org, l.Site, l.Station, l.Type, db.NullMicros(l.Oldest), db.NullMicros(l.Latest), l.Request, string(l.State), l.Status, clip(l.Reason, 500), clip(l.Told, 255), l.Place, l.File,
		db.Micros(l.CreatedAt), db.Micros(l.DeadlineAt), db.NullMicros(l.FinishedAt), l.Actor)
}

// findLog finds a log of a station: by its request, else the one that runs,
// else the last one.
func findLog(tx *db.Tx, station string, request *int64) (Log, bool, error) {
	q := db.Build("SELECT "+logColumns+" FROM device_log WHERE station = ?", station)
	if request != nil && *request != 0 {
		q.Add("AND request_id = ?", *request)
	}
	text, args := q.Add("ORDER BY CASE WHEN finished_at IS NULL THEN 0 ELSE 1 END, created_at DESC, id DESC LIMIT 1").SQL()
	l, err := scanLog(tx.QueryRow(text, args...))
	if fault.Is(err, fault.NotFound) {
		return l, false, nil
	}
	return l, err == nil, err
}

func logOf(tx *db.Tx, log string, scope db.Cond) (Log, error) {
	q, args := db.Build("SELECT "+logColumns+" FROM device_log WHERE id = ?", log).And(scope).SQL()
	l, err := scanLog(tx.QueryRow(q, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "device.no_log", "there is no log %q", clip(log, 60))
	}
	return l, err
}

// KindLog is a fact; its payload is LogEnded. It tells that a log came, or did
// not.
const KindLog = "device.log_finished"

// LogEnded is how a request for a log ended.
type LogEnded struct {
	Log    string   `json:"log"`
	Type   string   `json:"type"`
	State  LogState `json:"state"`
	Reason string   `json:"reason,omitempty"`
}

// keepLog stores a log after a step, and tells when it came to an end. Links
// end with it, unless the station may still try again.
func (s *Service) keepLog(tx *db.Tx, l Log, was LogState, status, detail string) error {
	if err := saveLog(tx, l); err != nil {
		return err
	}
	if err := step(tx, l.ID, l.Org, status, detail); err != nil {
		return err
	}
	if !l.State.Final() || l.State == was {
		return nil
	}
	if l.File != "" && l.State != LogFailed {
		if err := s.d.Files.Revoke(tx, l.File); err != nil {
			return err
		}
	}
	return event.Record(tx, event.Fact{Org: l.Org, Site: l.Site, Station: l.Station, Subject: "station/" + l.Station, Kind: KindLog},
		LogEnded{Log: l.ID, Type: l.Type, State: l.State, Reason: l.Reason})
}
