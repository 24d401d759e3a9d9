package device

import (
	"database/sql"
	"encoding/json"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const upgradeColumns = `station, org, site, kind, target, origin, step, reason, attempts, nonce, slot, priority, options, epoch, actor, created_at, step_at, next_at, deadline_at, finished_at`

func scanUpgrade(row db.Scanner) (Upgrade, error) {
	var u Upgrade
	var options string
	var created, step, next, deadline int64
	var finished sql.NullInt64
	err := row.Scan(&u.Station, &u.Org, &u.Site, &u.Kind, &u.Target, &u.Origin, &u.Step, &u.Reason, &u.Attempts, &u.Nonce, &u.Slot, &u.Priority, &options, &u.Epoch, &u.Actor,
		&created, &step, &next, &deadline, &finished)
	if err != nil {
		return u, err
	}
	u.CreatedAt, u.StepAt, u.NextAt, u.Deadline, u.FinishedAt = db.Time(created), db.Time(step), db.Time(next), db.Time(deadline), db.TimePtr(finished)
	return u, json.Unmarshal([]byte(options), &u.Options)
}

// upgradeOf loads the last upgrade of a station; ok is false without one.
func upgradeOf(tx *db.Tx, station string) (u Upgrade, ok bool, err error) {
	u, err = scanUpgrade(tx.QueryRow("SELECT "+upgradeColumns+" FROM device_upgrade WHERE station = $1", station))
	if fault.Is(err, fault.NotFound) {
		return u, false, nil
	}
	return u, err == nil, err
}

func (u Upgrade) values() ([]any, error) {
	options, err := json.Marshal(u.Options)
	if err != nil {
		return nil, err
	}
	return []any{u.Station, u.Org, u.Site, string(u.Kind), u.Target, u.Origin, string(u.Step), clip(u.Reason, 500), u.Attempts, u.Nonce, u.Slot, u.Priority, string(options), u.Epoch, u.Actor,
		db.Micros(u.CreatedAt), db.Micros(u.StepAt), db.Micros(u.NextAt), db.Micros(u.Deadline), db.NullMicros(u.FinishedAt)}, nil
}

// insertUpgrade begins an upgrade; false when another one is under way.
func insertUpgrade(tx *db.Tx, u Upgrade) (bool, error) {
	values, err := u.values()
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`INSERT INTO device_upgrade (`+upgradeColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20)
		ON CONFLICT (station) DO UPDATE SET org=excluded.org, site=excluded.site, kind=excluded.kind, target=excluded.target, origin=excluded.origin, step=excluded.step, reason=excluded.reason,
		attempts=excluded.attempts, nonce=excluded.nonce, slot=excluded.slot, priority=excluded.priority, options=excluded.options, epoch=excluded.epoch, actor=excluded.actor,
		created_at=excluded.created_at, step_at=excluded.step_at, next_at=excluded.next_at, deadline_at=excluded.deadline_at, finished_at=excluded.finished_at
		WHERE device_upgrade.finished_at IS NOT NULL`, values...)
	return n > 0, err
}

// saveUpgrade stores how far an upgrade got, unless it was cancelled or
// replaced meanwhile; then ok is false.
func saveUpgrade(tx *db.Tx, u Upgrade) (ok bool, err error) {
	options, err := json.Marshal(u.Options)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`UPDATE device_upgrade SET step=$3, reason=$4, attempts=$5, nonce=$6, slot=$7, priority=$8, options=$9, epoch=$10, step_at=$11, next_at=$12, deadline_at=$13, finished_at=$14
		WHERE station = $1 AND created_at = $2 AND finished_at IS NULL`,
		u.Station, db.Micros(u.CreatedAt), string(u.Step), clip(u.Reason, 500), u.Attempts, u.Nonce, u.Slot, u.Priority, string(options), u.Epoch,
		db.Micros(u.StepAt), db.Micros(u.NextAt), db.Micros(u.Deadline), db.NullMicros(u.FinishedAt))
	if err != nil || n == 0 || u.FinishedAt == nil {
		return n > 0, err
	}
	return true, recordUpgrade(tx, u)
}

// KindUpgrade is a fact: an upgrade came to its end. Its payload is
// UpgradeEnded.
const KindUpgrade = "device.security_upgrade"

// UpgradeEnded tells how an upgrade ended.
type UpgradeEnded struct {
	Kind   UpgradeKind `json:"kind"`
	From   int         `json:"from"`
	Target int         `json:"target"`
	Result Step        `json:"result"` // done, failed or cancelled
	Reason string      `json:"reason,omitempty"`
}

func recordUpgrade(tx *db.Tx, u Upgrade) error {
	return event.Record(tx, event.Fact{Org: u.Org, Site: u.Site, Station: u.Station, Subject: "station/" + u.Station, Kind: KindUpgrade},
		UpgradeEnded{Kind: u.Kind, From: u.Origin, Target: u.Target, Result: u.Step, Reason: u.Reason})
}

var upgradeSpec = db.ListSpec{
	Base:    "SELECT " + upgradeColumns + " FROM device_upgrade WHERE 1=1",
	Default: "-created_at",
	Key:     "station",
	Fields: []db.Field{
		{Name: "station_id", Column: "station", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "site", Column: "site", Kind: db.Text, Sort: true, Filter: true},
		{Name: "kind", Column: "kind", Kind: db.Enum, Allowed: []string{string(ToProfile), string(ToPassword)}, Sort: true, Filter: true},
		{Name: "target", Column: "target", Kind: db.Int, Sort: true, Filter: true},
		{Name: "step", Column: "step", Kind: db.Enum, Allowed: allSteps, Sort: true, Filter: true},
		{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}
