package device

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

type logBody struct {
	ID         string     `json:"id"`
	Station    string     `json:"station"`
	Type       string     `json:"type"`
	Oldest     *time.Time `json:"oldest,omitempty"`
	Latest     *time.Time `json:"latest,omitempty"`
	State      string     `json:"state" enum:"asked,requested,uploading,uploaded,partial,failed,cancelled"`
	Status     string     `json:"status,omitempty" doc:"The last one the station told"`
	Reason     string     `json:"reason,omitempty"`
	ToldName   string     `json:"told_name,omitempty" doc:"The file name the station announced"`
	Place      string     `json:"place,omitempty" doc:"Where the external server keeps it"`
	Name       string     `json:"name,omitempty" doc:"Of the file that came; only when one log is read"`
	Size       int64      `json:"size,omitempty" doc:"Bytes; only when one log is read"`
	SHA256     string     `json:"sha256,omitempty"`
	Request    int64      `json:"request_id"`
	CreatedAt  time.Time  `json:"created_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Actor      string     `json:"actor"`
	Steps      []stepBody `json:"steps,omitempty" nullable:"false" doc:"Only when one log is read"`
}

func logBodyOf(l Log) logBody {
	return logBody{ID: l.ID, Station: l.Station, Type: l.Type, Oldest: l.Oldest, Latest: l.Latest, State: string(l.State), Status: l.Status, Reason: l.Reason, ToldName: l.Told, Place: l.Place,
		Request: l.Request, CreatedAt: l.CreatedAt, FinishedAt: l.FinishedAt, Actor: l.Actor}
}

type logInput struct {
	ID   string `path:"id"`
	Body struct {
		Type          string     `json:"type,omitempty" enum:"DiagnosticsLog,SecurityLog,DataCollectorLog" default:"DiagnosticsLog"`
		Oldest        *time.Time `json:"oldest,omitempty"`
		Latest        *time.Time `json:"latest,omitempty"`
		Retries       int        `json:"retries,omitempty" minimum:"0" maximum:"10"`
		RetryInterval int        `json:"retry_interval,omitempty" minimum:"0" maximum:"86400" doc:"Seconds"`
		Via           string     `json:"via,omitempty" enum:"http,ftp" default:"http" doc:"ftp: to the external server of --ftp-url"`
		Login         bool       `json:"login,omitempty" doc:"Put a user and password into the address, for stations that want them"`
		Replace       bool       `json:"replace,omitempty" doc:"Another log that the station uploads gives way"`
	}
}

type logOutput struct{ Body logBody }

var logSpec = db.ListSpec{
	Base: "SELECT " + logColumns + " FROM device_log WHERE", Default: "-created_at", Key: "id",
	Fields: []db.Field{text("station", "station"), text("type", "type"), {Name: "state", Column: "state", Kind: db.Enum, Allowed: logStates, Sort: true, Filter: true}, instant("created_at", "created_at")},
}

func (s *Service) logRoutes(a *web.API) {
	post := made(op(http.MethodPost, "/charging-stations/{id}/logs", identity.DeviceWrite, "Ask a station for a log"))
	post.Description = "Answers when the station has; the file comes later. A station that is offline or refuses makes a failed log."
	web.Handle(a, post, s.postLog)
	list(s, a, "/logs", "List the logs of a station", logSpec, scanLog, logBodyOf)
	ofOrgs(s, a, "/logs", identity.DeviceRead, "List the logs of all stations", logSpec, scanLog, logBodyOf)
	web.Handle(a, op(http.MethodGet, "/logs/{id}", identity.DeviceRead, "Read how a log stands, step by step"), s.getLog)
	web.Handle(a, op(http.MethodDelete, "/logs/{id}", identity.DeviceWrite, "Delete a log and its file"), s.deleteLog)
	get := op(http.MethodGet, "/logs/{id}/content", identity.DeviceRead, "Download a log")
	get.Produces = "application/octet-stream"
	a.Raw(get, s.raw(a, s.getLogContent))
}

func (s *Service) postLog(ctx context.Context, in *logInput) (*logOutput, error) {
	b := in.Body
	if b.Oldest != nil && b.Latest != nil && b.Latest.Before(*b.Oldest) {
		return nil, fault.New(fault.Invalid, "device.range", "latest is before oldest").With("body.latest", "not before oldest", b.Latest)
	}
	l, err := s.GetLog(ctx, LogWish{Station: station.ID(in.ID), Type: b.Type, Oldest: b.Oldest, Latest: b.Latest, Retries: b.Retries, RetryInterval: b.RetryInterval,
		FTP: b.Via == "ftp", Login: b.Login, Replace: b.Replace})
	return &logOutput{logBodyOf(l)}, err
}

func (s *Service) readLog(ctx context.Context, permission identity.Permission, log string) (l Log, f file.File, steps []stepBody, err error) {
	caller, err := identity.Require(ctx, permission)
	if err != nil {
		return l, f, nil, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if l, err = logOf(tx, log, caller.Scope.Where("org")); err != nil {
			return err
		}
		if l.File != "" {
			if f, err = s.d.Files.Get(tx, l.File); err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		steps, err = stepsOf(tx, l.ID)
		return err
	})
	return l, f, steps, err
}

func (s *Service) getLog(ctx context.Context, in *idInput) (*logOutput, error) {
	l, f, steps, err := s.readLog(ctx, identity.DeviceRead, in.ID)
	out := &logOutput{logBodyOf(l)}
	if out.Body.Steps = steps; f.CompletedAt != nil {
		out.Body.Name, out.Body.Size, out.Body.SHA256 = f.Name, f.Size, f.SHA256
	}
	return out, err
}

func (s *Service) getLogContent(w http.ResponseWriter, r *http.Request) error {
	l, f, _, err := s.readLog(r.Context(), identity.DeviceRead, r.PathValue("id"))
	if err != nil {
		return err
	}
	if f.CompletedAt == nil {
		return fault.New(fault.NotFound, "device.no_content", "no file of this log is here; it is %s", l.State)
	}
	return s.serveFile(w, r, f.ID)
}

func (s *Service) deleteLog(ctx context.Context, in *idInput) (*struct{}, error) {
	l, _, _, err := s.readLog(ctx, identity.DeviceWrite, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if l.File != "" {
			if err := s.d.Files.Delete(tx, l.File); err != nil {
				return err
			}
		}
		err := tx.Send("DELETE FROM device_log WHERE id = $1", l.ID)
		if err == nil {
			err = tx.Send("DELETE FROM device_step WHERE subject = $1", l.ID)
		}
		return err
	})
}
