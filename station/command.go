package station

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// CommandStatus is where a command stands.
type CommandStatus string

const (
	Queued   CommandStatus = "queued"
	Sent     CommandStatus = "sent"
	Agreed   CommandStatus = "accepted" // the station said yes
	Rejected CommandStatus = "rejected" // the station said no
	Failed   CommandStatus = "failed"   // it could not be sent, or the station answered with an error
	TimedOut CommandStatus = "timed_out"
)

// Command is a wish sent to a station, with what became of it.
type Command struct {
	ID         string
	Station    ID
	Org, Site  string
	Action     string
	Payload    json.RawMessage
	Raw        bool // the payload is in the station's own version
	Status     CommandStatus
	Response   json.RawMessage // what the station answered; nil if it did not
	Error      string
	CreatedAt  time.Time
	SentAt     *time.Time
	FinishedAt *time.Time
	VerifiedAt *time.Time // an event of the station showed that it happened
	Actor      string
	ActorName  string
	Reason     string

	deadline time.Time
}

// Ask is a command to run.
type Ask struct {
	Station ID
	Action  string // a neutral name, or with Raw the version's own
	Payload json.RawMessage
	Raw     bool
	Force   bool // send a raw message although the version's schema forbids it
	Reason  string
}

// Command runs a command: it is stored first, then sent. With wait it
// returns the finished command, else the queued one while it goes on. A
// station that is offline makes a failed command, not an error.
func (s *Service) Command(ctx context.Context, a Ask, wait bool) (Command, error) {
	caller, err := identity.Require(ctx, identity.StationCommand)
	if err != nil {
		return Command{}, err
	}
	if len(a.Payload) == 0 || string(a.Payload) == "null" {
		a.Payload = json.RawMessage("{}")
	}
	if a.Raw { // it can say anything, configuration and certificates included
		if _, err := identity.Require(ctx, identity.DeviceWrite); err != nil {
			return Command{}, err
		}
	}
	req, err := requestOf(&a)
	if err != nil {
		return Command{}, err
	}
	cmd, err := s.queue(ctx, caller, a, req)
	if err != nil {
		return Command{}, err
	}
	done := make(chan Command, 1)
	s.running.Add(1)
	// The wish does not end with the request that brought it.
	go func(ctx context.Context) {
		defer s.running.Done()
		done <- s.carryOut(ctx, cmd, req)
	}(context.WithoutCancel(ctx))
	if !wait {
		return cmd, nil
	}
	select {
	case finished := <-done:
		return finished, nil
	case <-ctx.Done(): // the caller left; the command goes on
		return cmd, nil
	}
}

// requestOf makes the message to send; the action gets its neutral name.
func requestOf(a *Ask) (ocpp.Request, error) {
	if a.Raw {
		if a.Action == "" || len(a.Action) > 50 {
			return nil, fault.New(fault.Invalid, "station.action", "name the action as the station's version spells it").With("body.action", "1 to 50 characters", a.Action)
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(a.Payload, &object); err != nil {
			return nil, payloadFault(a.Action, err)
		}
		return &ocpp.RawRequest{Name: a.Action, Payload: a.Payload}, nil
	}
	action, err := ParseAction(a.Action)
	if err != nil {
		return nil, err
	}
	a.Action = action
	return decodeRequest(action, a.Payload)
}

// queue stores the command with what the platform fills in.
func (s *Service) queue(ctx context.Context, caller identity.Caller, a Ask, req ocpp.Request) (cmd Command, err error) {
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		q, args := db.Build("SELECT id, org, site, protocol FROM charging_station WHERE life <> ? AND key = ?", string(Retired), a.Station.Key()).And(caller.Scope.Where("org")).SQL()
		cmd = Command{
			ID: id.New[string](tx.Now), Action: a.Action, Payload: a.Payload, Raw: a.Raw, Status: Queued, CreatedAt: tx.Now,
			Actor: caller.Actor(), ActorName: caller.Name, Reason: a.Reason, deadline: tx.Now.Add(s.timeout(a.Action)),
		}
		var protocol string
		if err := tx.QueryRow(q, args...).Scan(&cmd.Station, &cmd.Org, &cmd.Site, &protocol); err != nil {
			return orUnknown(err, a.Station)
		}
		if err := s.checkRaw(a, ocpp.Version(protocol)); err != nil {
			return err
		}
		if err := s.complete(tx, &cmd, req); err != nil {
			return err
		}
		if !a.Raw {
			if err := validate(a.Action, req); err != nil {
				return err
			}
		}
		if err := insertCommand(tx, cmd); err != nil {
			return err
		}
		st := Station{ID: cmd.Station, Org: cmd.Org}
		return s.audit(ctx, tx, &st, "station.command", map[string]identity.Change{"command": {nil, cmd.ID}, "action": {nil, cmd.Action}, "reason": {nil, cmd.Reason}})
	})
	return cmd, err
}

func (s *Service) timeout(action string) time.Duration {
	if t, ok := timeouts[action]; ok {
		return t
	}
	return s.d.CommandTimeout
}

// carryOut sends a queued command and stores its end.
func (s *Service) carryOut(ctx context.Context, cmd Command, req ocpp.Request) Command {
	now := s.now()
	cmd.Status, cmd.SentAt = Sent, &now
	if err := s.d.DB.Update(ctx, func(tx *db.Tx) error { return updateCommand(tx, cmd) }); err != nil {
		s.d.Log.Error("a command was not sent, since its state could not be stored", "station", cmd.Station, "command", cmd.ID, "error", err)
		return cmd // the sweep ends it
	}
	send, cancel := context.WithTimeout(ctx, s.timeout(cmd.Action))
	answer, err := s.d.Commander.Send(send, string(cmd.Station), req)
	cancel()
	cmd.settle(answer, err)
	finished := s.now()
	cmd.FinishedAt = &finished
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if err := s.learn(tx, cmd); err != nil {
			return err
		}
		return s.end(tx, cmd)
	})
	if err != nil {
		s.d.Log.Error("the end of a command could not be stored", "station", cmd.Station, "command", cmd.ID, "status", cmd.Status, "error", err)
	}
	return cmd
}

// settle decides the final state from what came back.
func (c *Command) settle(answer ocpp.Response, err error) {
	var refused *ocpp.CallError
	switch {
	case err == nil:
		if c.Response, err = json.Marshal(answer); err != nil {
			c.Status, c.Error = Failed, "the station's answer cannot be shown"
			return
		}
		c.Status = Rejected
		if Accepted(c.Response) {
			c.Status = Agreed
		}
	case errors.As(err, &refused):
		c.Status, c.Error = Failed, "the station answered with the error "+refused.Code
		if refused.Description != "" {
			c.Error += ": " + refused.Description
		}
	case errors.Is(err, context.DeadlineExceeded), fault.Of(err) != nil && fault.Of(err).Code == "ocpp.timeout":
		c.Status, c.Error = TimedOut, "the station did not answer in time"
	case fault.Of(err) != nil && !fault.Is(err, fault.Internal):
		c.Status, c.Error = Failed, fault.Of(err).Message
	default:
		c.Status, c.Error = Failed, "the command could not be sent"
	}
}

// CommandFinished is the payload of KindCommandFinished.
type CommandFinished struct {
	ID     string        `json:"id"`
	Action string        `json:"action"`
	Status CommandStatus `json:"status"`
	Error  string        `json:"error,omitempty"`
	Actor  string        `json:"actor"`
}

func (s *Service) end(tx *db.Tx, c Command) error {
	if err := updateCommand(tx, c); err != nil {
		return err
	}
	st := Station{ID: c.Station, Org: c.Org, Site: c.Site}
	return record(tx, &st, KindCommandFinished, CommandFinished{ID: c.ID, Action: c.Action, Status: c.Status, Error: c.Error, Actor: c.Actor})
}

// learn takes from the answer what the station model needs: a refused start
// counts as a failed one.
func (s *Service) learn(tx *db.Tx, c Command) error {
	if c.Action != "RequestStartTransaction" || c.Status != Rejected || c.Raw {
		return nil
	}
	var p struct {
		EVSE int `json:"evseId"`
	}
	if json.Unmarshal(c.Payload, &p) != nil || p.EVSE == 0 {
		return nil
	}
	return s.StartFailed(tx, string(c.Station), p.EVSE)
}

// graceAfterDeadline is how long the node that sent a command may take to
// store its end before another one ends it.
const graceAfterDeadline = time.Minute

// abandonCommands ends commands whose node stopped before they were done.
func (s *Service) abandonCommands(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		open, err := db.Collect(tx, scanCommand, "SELECT "+commandColumns+" FROM station_command WHERE finished_at IS NULL AND deadline_at < $1 ORDER BY deadline_at LIMIT 500",
			db.Micros(tx.Now.Add(-graceAfterDeadline)))
		if err != nil {
			return err
		}
		for _, c := range open {
			c.Error = "the platform stopped before the command was sent"
			if c.Status == Sent {
				c.Error = "the platform stopped before the station's answer arrived; whether the station acted is not known"
			}
			c.Status, c.FinishedAt = Failed, &tx.Now
			if err := s.end(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// verifyIn is how long after a command an event can prove it.
const verifyIn = 15 * time.Minute

// verifyCommands is verifyCommand for many stations, of which few have any.
func (s *Service) verifyCommands(tx *db.Tx, trees []*tree, action string) error {
	ids := make([]string, len(trees))
	for i, t := range trees {
		ids[i] = string(t.ID)
	}
	text, args := db.Build("SELECT DISTINCT station FROM station_command WHERE created_at > ?", db.Micros(tx.Now.Add(-verifyIn))).And(db.In("station", ids...)).
		Add("AND action = ? AND status = ? AND verified_at IS NULL", action, string(Agreed)).SQL()
	found, err := db.Collect(tx, scanID, text, args...)
	for _, id := range found {
		if err == nil {
			err = s.verifyCommand(tx, id, action)
		}
	}
	return err
}

// verifyCommand marks the latest accepted command of an action as proven by
// an event of the station.
func (s *Service) verifyCommand(tx *db.Tx, station ID, action string) error {
	return tx.Send(`UPDATE station_command SET verified_at = $3 WHERE id = (SELECT id FROM station_command
		WHERE station = $1 AND created_at > $4 AND action = $2 AND status = $5 AND verified_at IS NULL ORDER BY created_at DESC LIMIT 1)`,
		string(station), action, db.Micros(tx.Now), db.Micros(tx.Now.Add(-verifyIn)), string(Agreed))
}
