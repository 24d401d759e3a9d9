package device

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

const imageColumns = "id, org, vendor, model, version, file, url, size, sha256, certificate, signature, verified, notes, created_at, actor"

func scanImage(row db.Scanner) (Image, error) {
	var i Image
	var at int64
	err := row.Scan(&i.ID, &i.Org, &i.Vendor, &i.Model, &i.Version, &i.File, &i.URL, &i.Size, &i.SHA256, &i.Certificate, &i.Signature, &i.Verified, &i.Notes, &at, &i.Actor)
	i.CreatedAt = db.Time(at)
	return i, err
}

// imageOf finds an image within a scope.
func imageOf(tx *db.Tx, image string, scope db.Cond) (Image, error) {
	q, args := db.Build("SELECT "+imageColumns+" FROM device_firmware_image WHERE id = ?", image).And(scope).SQL()
	i, err := scanImage(tx.QueryRow(q, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "device.no_image", "there is no firmware image %q", clip(image, 60))
	}
	return i, err
}

func saveImage(tx *db.Tx, i Image) error {
	return tx.Send("INSERT INTO device_firmware_image ("+imageColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)
		ON CONFLICT (id) DO UPDATE SET file=excluded.file, size=excluded.size, sha256=excluded.sha256, verified=excluded.verified`,
		i.ID, i.Org, i.Vendor, i.Model, i.Version, i.File, i.URL, i.Size, i.SHA256, i.Certificate, i.Signature, i.Verified, i.Notes, db.Micros(i.CreatedAt), i.Actor)
}

// Campaign is an update of one or many stations.
type Campaign struct {
	ID, Org, Image string
	Policy         Policy
	State          string // running, paused, finished, cancelled
	Detail         string
	CreatedAt      time.Time
	FinishedAt     *time.Time
	Actor          string
}

// States of a campaign.
const (
	running   = "running"
	paused    = "paused"
	finished  = "finished"
	cancelled = "cancelled"
)

const campaignColumns = "id, org, image, policy, state, detail, created_at, finished_at, actor"

func scanCampaign(row db.Scanner) (Campaign, error) {
	var c Campaign
	var policy string
	var at int64
	var end sql.NullInt64
	if err := row.Scan(&c.ID, &c.Org, &c.Image, &policy, &c.State, &c.Detail, &at, &end, &c.Actor); err != nil {
		return c, err
	}
	c.CreatedAt, c.FinishedAt = db.Time(at), db.TimePtr(end)
	return c, json.Unmarshal([]byte(policy), &c.Policy)
}

func campaignOf(tx *db.Tx, update string, scope db.Cond) (Campaign, error) {
	q, args := db.Build("SELECT "+campaignColumns+" FROM device_firmware_update WHERE id = ?", update).And(scope).SQL()
	c, err := scanCampaign(tx.QueryRow(q, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "device.no_update", "there is no firmware update %q", clip(update, 60))
	}
	return c, err
}

func insertCampaign(tx *db.Tx, c Campaign) error {
	policy, err := json.Marshal(c.Policy)
	if err != nil {
		return err
	}
	return tx.Send("INSERT INTO device_firmware_update ("+campaignColumns+") VALUES ($1,$2,$3,$4,$5,'',$6,NULL,$7)", c.ID, c.Org, c.Image, string(policy), c.State, db.Micros(c.CreatedAt), c.Actor)
}

// setCampaign changes the state of a campaign that is in one of from.
func setCampaign(tx *db.Tx, update, state, detail string, from ...string) (bool, error) {
	var end any
	if state == finished || state == cancelled {
		end = db.Micros(tx.Now)
	}
	q := db.Build("UPDATE device_firmware_update SET state = ?, detail = ?, finished_at = ? WHERE id = ?", state, detail, end, update)
	marks, args := "", []any{}
	for _, f := range from {
		marks += ",?"
		args = append(args, f)
	}
	text, all := q.Add("AND state IN ("+marks[1:]+")", args...).SQL()
	n, err := tx.Exec(text, all...)
	return n == 1, err
}

const taskColumns = "id, update_id, position, station, org, site, state, status, reason, from_version, to_version, request_id, attempts, created_at, next_at, sent_at, deadline_at, finished_at"

func scanTask(row db.Scanner) (Task, error) {
	var t Task
	var created, next int64
	var sent, deadline, end sql.NullInt64
	err := row.Scan(&t.ID, &t.Update, &t.Position, &t.Station, &t.Org, &t.Site, &t.State, &t.Status, &t.Reason, &t.From, &t.To, &t.Request, &t.Attempts, &created, &next, &sent, &deadline, &end)
	t.CreatedAt, t.NextAt, t.SentAt, t.DeadlineAt, t.FinishedAt = db.Time(created), db.Time(next), db.TimePtr(sent), db.TimePtr(deadline), db.TimePtr(end)
	return t, err
}

func taskOf(tx *db.Tx, task string) (Task, error) {
	return scanTask(tx.QueryRow("SELECT "+taskColumns+" FROM device_firmware_task WHERE id = $1", task))
}

func saveTask(tx *db.Tx, t Task) error {
	return tx.Send("INSERT INTO device_firmware_task ("+taskColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18)
		ON CONFLICT (id) DO UPDATE SET state=excluded.state, status=excluded.status, reason=excluded.reason, from_version=excluded.from_version, request_id=excluded.request_id,
		attempts=excluded.attempts, next_at=excluded.next_at, sent_at=excluded.sent_at, deadline_at=excluded.deadline_at, finished_at=excluded.finished_at`,
		t.ID, t.Update, t.Position, t.Station, t.Org, t.Site, string(t.State), t.Status, clip(t.Reason, 500), clip(t.From, 200), t.To, t.Request, t.Attempts,
		db.Micros(t.CreatedAt), db.Micros(t.NextAt), db.NullMicros(t.SentAt), db.NullMicros(t.DeadlineAt), db.NullMicros(t.FinishedAt))
}

const openStates = "('sending','requested','downloading','downloaded','installing','installed')"

// openTask finds the update that a station works on, or the one with the
// request id, also when it ended.
func openTask(tx *db.Tx, station string, request *int64) (Task, bool, error) {
	q := db.Build("SELECT "+taskColumns+" FROM device_firmware_task WHERE station = ?", station)
	if request != nil && *request != 0 {
		q.Add("AND request_id = ?", *request)
	} else {
		q.Add("AND state IN " + openStates)
	}
	text, args := q.Add("ORDER BY sent_at DESC, id DESC LIMIT 1").SQL()
	t, err := scanTask(tx.QueryRow(text, args...))
	if fault.Is(err, fault.NotFound) {
		return t, false, nil
	}
	return t, err == nil, err
}

// latestTask finds the update that a station was last asked for.
func latestTask(tx *db.Tx, station string) (Task, bool, error) {
	t, err := scanTask(tx.QueryRow("SELECT "+taskColumns+" FROM device_firmware_task WHERE station = $1 AND sent_at IS NOT NULL ORDER BY sent_at DESC, id DESC LIMIT 1", station))
	if fault.Is(err, fault.NotFound) {
		return t, false, nil
	}
	return t, err == nil, err
}

func countsOf(tx *db.Tx, update string, p Policy) (c Counts, err error) {
	type row struct {
		state TaskState
		n     int64
	}
	rows, err := db.Collect(tx, func(s db.Scanner) (r row, err error) { err = s.Scan(&r.state, &r.n); return r, err },
		"SELECT state, COUNT(*) FROM device_firmware_task WHERE update_id = $1 GROUP BY state", update)
	for _, r := range rows {
		c.Total += r.n
		switch {
		case r.state == TaskWaiting:
			c.Waiting += r.n
		case r.state.Open():
			c.Open += r.n
		case r.state.Good():
			c.Good += r.n
		case r.state == TaskFailed:
			c.Failed += r.n
		default:
			c.Left += r.n
		}
	}
	if err == nil {
		err = tx.QueryRow("SELECT COUNT(*) FROM device_firmware_task WHERE update_id = $1 AND position < $2 AND state IN ('waiting','sending','requested','downloading','downloaded','installing','installed')",
			update, p.canaries(c.Total)).Scan(&c.CanariesOpen)
	}
	return c, err
}

// step adds to the story of a task, publication or log.
func step(tx *db.Tx, subject, org, status, detail string) error {
	return tx.Send("INSERT INTO device_step (id, subject, org, at, status, detail) VALUES ($1,$2,$3,$4,$5,$6)", id.New[string](tx.Now), subject, org, db.Micros(tx.Now), status, clip(detail, 500))
}

type stepBody struct {
	At     time.Time `json:"at"`
	Status string    `json:"status" doc:"As the station told it, or in lower case what the platform did"`
	Detail string    `json:"detail,omitempty"`
}

func stepsOf(tx *db.Tx, subject string) ([]stepBody, error) {
	return db.Collect(tx, func(row db.Scanner) (b stepBody, err error) {
		var at int64
		err = row.Scan(&at, &b.Status, &b.Detail)
		b.At = db.Time(at)
		return b, err
	}, "SELECT at, status, detail FROM device_step WHERE subject = $1 ORDER BY at, id LIMIT 500", subject)
}

// KindFirmwareTask is a fact; its payload is FirmwareTask. It tells that the
// update of a station came to an end.
const KindFirmwareTask = "device.firmware_update_finished"

// FirmwareTask is how the update of a station ended.
type FirmwareTask struct {
	Task   string    `json:"task"`
	Update string    `json:"update"`
	State  TaskState `json:"state"`
	From   string    `json:"from_version,omitempty"`
	To     string    `json:"to_version"`
	Reason string    `json:"reason,omitempty"`
}

// keepTask stores a task after a step, and tells when it came to an end.
func keepTask(tx *db.Tx, t Task, was TaskState, status, detail string) error {
	if err := saveTask(tx, t); err != nil {
		return err
	}
	if err := step(tx, t.ID, t.Org, status, detail); err != nil {
		return err
	}
	if !t.State.Final() || t.State == was {
		return nil
	}
	return event.Record(tx, event.Fact{Org: t.Org, Site: t.Site, Station: t.Station, Subject: "station/" + t.Station, Kind: KindFirmwareTask},
		FirmwareTask{Task: t.ID, Update: t.Update, State: t.State, From: t.From, To: t.To, Reason: t.Reason})
}

func (s *Service) setPolicy(tx *db.Tx, c Campaign) error {
	policy, err := json.Marshal(c.Policy)
	if err != nil {
		return err
	}
	return tx.Send("UPDATE device_firmware_update SET policy = $2 WHERE id = $1", c.ID, string(policy))
}

// cancelTasks ends what has not begun; stations that were asked go on, since
// OCPP has no way to call them back.
func (s *Service) cancelTasks(tx *db.Tx, update string) error {
	waiting, err := db.Collect(tx, scanTask, "SELECT "+taskColumns+" FROM device_firmware_task WHERE update_id = $1 AND state = 'waiting'", update)
	for _, t := range waiting {
		if err != nil {
			return err
		}
		was := t.State
		t.finish(TaskCancelled, "the update was cancelled", tx.Now)
		err = keepTask(tx, t, was, "cancelled", "")
	}
	return err
}
