package station

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
)

const commandColumns = `id, station, org, site, action, payload, raw, status, response, error, created_at, sent_at, finished_at, verified_at, deadline_at, actor, actor_name, reason`

var commandSpec = db.ListSpec{
	Base:    "SELECT " + commandColumns + " FROM station_command WHERE 1=1",
	Default: "-created_at",
	Key:     "id",
	Fields: []db.Field{
		{Name: "id", Column: "id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "station_id", Column: "station", Kind: db.Text, Sort: true, Filter: true},
		{Name: "action", Column: "action", Kind: db.Text, Sort: true, Filter: true},
		{Name: "raw", Column: "raw", Kind: db.Bool, Filter: true},
		{Name: "status", Column: "status", Kind: db.Enum, Allowed: []string{string(Queued), string(Sent), string(Agreed), string(Rejected), string(Failed), string(TimedOut)}, Sort: true, Filter: true},
		{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "finished_at", Column: "finished_at", Kind: db.Instant, Filter: true, Sort: true, Nullable: true},
		{Name: "actor", Column: "actor", Kind: db.Text, Sort: true, Filter: true},
	},
}

func scanCommand(row db.Scanner) (Command, error) {
	var c Command
	var payload, response string
	var created, deadline int64
	var sent, finished, verified sql.NullInt64
	err := row.Scan(&c.ID, &c.Station, &c.Org, &c.Site, &c.Action, &payload, &c.Raw, &c.Status, &response, &c.Error, &created, &sent, &finished, &verified,
		&deadline, &c.Actor, &c.ActorName, &c.Reason)
	c.Payload = json.RawMessage(payload)
	if response != "" {
		c.Response = json.RawMessage(response)
	}
	c.CreatedAt, c.deadline = db.Time(created), db.Time(deadline)
	c.SentAt, c.FinishedAt, c.VerifiedAt = db.TimePtr(sent), db.TimePtr(finished), db.TimePtr(verified)
	return c, err
}

func insertCommand(tx *db.Tx, c Command) error {
	return tx.Send("INSERT INTO station_command ("+commandColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18)",
		c.ID, string(c.Station), c.Org, c.Site, c.Action, string(c.Payload), c.Raw, string(c.Status), string(c.Response), c.Error, db.Micros(c.CreatedAt),
		db.NullMicros(c.SentAt), db.NullMicros(c.FinishedAt), db.NullMicros(c.VerifiedAt), db.Micros(c.deadline), c.Actor, c.ActorName, c.Reason)
}

func updateCommand(tx *db.Tx, c Command) error {
	return tx.Send("UPDATE station_command SET status=$2, response=$3, error=$4, sent_at=$5, finished_at=$6 WHERE id = $1 AND finished_at IS NULL",
		c.ID, string(c.Status), string(c.Response), c.Error, db.NullMicros(c.SentAt), db.NullMicros(c.FinishedAt))
}

// CommandOf finds a command for another room: no permission is checked.
func (s *Service) CommandOf(tx *db.Tx, command string) (Command, error) {
	c, err := scanCommand(tx.QueryRow("SELECT "+commandColumns+" FROM station_command WHERE id = $1", command))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "station.command_unknown", "there is no command %q", command)
	}
	return c, err
}

// ReadCommand finds a command that the caller may see.
func (s *Service) ReadCommand(ctx context.Context, command string) (c Command, err error) {
	caller, err := identity.Require(ctx, identity.StationRead)
	if err != nil {
		return c, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		q, args := db.Build("SELECT "+commandColumns+" FROM station_command WHERE id = ?", command).And(caller.Scope.Where("org")).SQL()
		if c, err = scanCommand(tx.QueryRow(q, args...)); fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "station.command_unknown", "there is no command %q", command)
		}
		return err
	})
	return c, err
}

// Commands lists the commands of a station, or of all when station is empty.
func (s *Service) Commands(ctx context.Context, station ID, req db.ListRequest) (list []Command, next string, err error) {
	caller, err := identity.Require(ctx, identity.StationRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		where := []db.Cond{caller.Scope.Where("org")}
		if station != "" {
			st, err := s.Get(tx, string(station))
			if err != nil {
				return err
			}
			where = append(where, db.Cond{Text: "station = ?", Args: []any{string(st.ID)}})
			if err := visible(tx, caller, station); err != nil {
				return err
			}
		}
		list, next, err = db.List(tx, commandSpec, where, req, scanCommand)
		return err
	})
	return list, next, err
}
