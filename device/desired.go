package device

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Desired is what the platform wants a variable to be.
type Desired struct {
	Station, Org string // set in lists over stations
	Path         string
	named        Variable // its names
	Rule         string   // of the baseline; byOperator; "template/…"
	Value        string   // wanted, or taken by the station in its place
	Status       string   // see the constants below
	Detail       string
	Actual       string // what the station last said it has; masked when secret
	TriedAt      time.Time
	VerifiedAt   *time.Time
	DriftedAt    *time.Time // since when it is no longer what it was
	WishedBy     string     // who wished it, when people did
	WishedAt     time.Time
}

// Where a wish stands.
const (
	Pending     = "pending" // not looked at yet
	Met         = "met"
	Reboot      = "reboot_required" // taken, true after the next boot
	Refused     = "rejected"        // every candidate was refused
	Unsupported = "unsupported"     // the station has no such variable
	FixedValue  = "read_only"       // the station cannot change it
	Unverified  = "unverified"      // taken, but reading it back gave something else
	Drifted     = "drifted"         // it was met, now it is not, and correcting is paused
)

const desiredColumns = `station, org, path, component, component_instance, evse, connector, variable, variable_instance, attribute, rule, value, status, detail, actual, tried_at, verified_at, drifted_at, wished_by, wished_at`

func scanDesired(row db.Scanner) (Desired, error) {
	var d Desired
	var tried, wished int64
	var verified, drifted sql.NullInt64
	n := &d.named
	err := row.Scan(&d.Station, &d.Org, &d.Path, &n.Component, &n.ComponentInstance, &n.EVSE, &n.Connector, &n.Name, &n.Instance, &n.Attribute, &d.Rule, &d.Value, &d.Status, &d.Detail,
		&d.Actual, &tried, &verified, &drifted, &d.WishedBy, &wished)
	d.TriedAt, d.VerifiedAt, d.DriftedAt, d.WishedAt = db.Time(tried), db.TimePtr(verified), db.TimePtr(drifted), db.Time(wished)
	return d, err
}

func desiredOf(tx *db.Tx, station string) ([]Desired, error) {
	return db.Collect(tx, scanDesired, "SELECT "+desiredColumns+" FROM device_desired WHERE station = $1 ORDER BY path", station)
}

func saveDesired(tx *db.Tx, o owner, all ...Desired) error {
	rows := make([][]any, len(all))
	for i, d := range all {
		n := d.named
		shown := Variable{Name: n.Name, Value: d.Actual}
		shown.mask()
		rows[i] = []any{o.station, o.org, d.Path, n.Component, n.ComponentInstance, n.EVSE, n.Connector, n.Name, n.Instance, n.Attribute, d.Rule, d.Value, d.Status,
			clip(d.Detail, 500), clip(shown.Value, maxValue), db.Micros(d.TriedAt), db.NullMicros(d.VerifiedAt), db.NullMicros(d.DriftedAt), d.WishedBy, db.Micros(d.WishedAt)}
	}
	return db.InsertRows(tx, "device_desired", desiredCols, rows, `ON CONFLICT (station, path) DO UPDATE SET rule=excluded.rule, value=excluded.value, status=excluded.status,
		detail=excluded.detail, actual=excluded.actual, tried_at=excluded.tried_at, verified_at=excluded.verified_at, drifted_at=excluded.drifted_at, wished_by=excluded.wished_by,
		wished_at=excluded.wished_at`)
}

var desiredCols = desiredTypes()

// desiredTypes are the columns of desiredColumns with their types.
func desiredTypes() []db.Col {
	var out []db.Col
	for name := range strings.SplitSeq(desiredColumns, ", ") {
		c := db.Col{Name: name, Type: "text"}
		if name == "evse" || name == "connector" || strings.HasSuffix(name, "_at") {
			c.Type = "bigint"
		}
		out = append(out, c)
	}
	return out
}

// dropDesired removes what nobody wishes any more; paths are those wished.
func dropDesired(tx *db.Tx, station string, paths []string) error {
	have, err := desiredOf(tx, station)
	if err != nil {
		return err
	}
	for _, d := range have {
		if d.Rule == byOperator || isMonitor(d.Path) || slices.Contains(paths, d.Path) {
			continue
		}
		if err := tx.Send("DELETE FROM device_desired WHERE station = $1 AND path = $2 AND rule = $3", station, d.Path, d.Rule); err != nil {
			return err
		}
	}
	return nil
}

// wanted notes that the wishes for devices changed, and has them compared
// soon.
func wanted(tx *db.Tx, stations []string) error {
	for _, st := range stations {
		if err := tx.Send("UPDATE device_state SET wanted_at = $2, next_at = $2 WHERE station = $1", st, db.Micros(tx.Now)); err != nil {
			return err
		}
	}
	return nil
}
