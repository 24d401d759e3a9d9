package device

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// LogWish is a log that somebody wants of a station.
type LogWish struct {
	Station        station.ID
	Type           string // DiagnosticsLog, SecurityLog, DataCollectorLog
	Oldest, Latest *time.Time
	Retries        int
	RetryInterval  int  // seconds
	FTP            bool // upload to the external FTP server
	Login          bool // put a user and password into the address
	Replace        bool // a log that is being uploaded gives way
}

// GetLog asks a station for a log. It gives the log when the station has
// answered; the file comes later. A station that is offline or refuses makes a
// failed log, not an error. fault.Conflict while another log of it comes.
func (s *Service) GetLog(ctx context.Context, w LogWish) (Log, error) {
	caller, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return Log{}, err
	}
	var st station.Station
	if err := s.d.Stations.Visible(ctx, identity.DeviceWrite, w.Station, func(_ *db.Tx, found station.Station) error { st = found; return nil }); err != nil {
		return Log{}, err
	}
	l := Log{Org: st.Org, Site: st.Site, Station: string(st.ID), Type: w.Type, Oldest: w.Oldest, Latest: w.Latest, State: LogAsked, Actor: caller.Actor()}
	var location string
	err = s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		l.ID, l.CreatedAt, l.DeadlineAt, l.Request = id.New[string](tx.Now), tx.Now, tx.Now.Add(s.d.LogTimeout), reportID(tx.Now)
		if location, err = s.prepareLog(tx, &l, st, w); err != nil {
			return err
		}
		return s.keepLog(tx, l, l.State, "asked", "")
	})
	if err != nil {
		return l, err
	}
	answer, failure := s.d.Commander.Send(ctx, l.Station, logRequest(l, w, location))
	err = s.d.DB.Update(context.WithoutCancel(ctx), func(tx *db.Tx) (err error) {
		l, err = s.logAnswered(tx, l.ID, answer, failure)
		return err
	})
	return l, err
}

// prepareLog makes the place a log is uploaded to, and gives its address.
func (s *Service) prepareLog(tx *db.Tx, l *Log, st station.Station, w LogWish) (string, error) {
	open, found, err := findLog(tx, l.Station, nil)
	if err != nil {
		return "", err
	}
	if found && !open.State.Final() && !w.Replace {
		return "", fault.New(fault.Conflict, "device.log_running", "the station is uploading a log since %s; wait for it, or replace it", open.CreatedAt.Format(time.RFC3339))
	}
	name := fmt.Sprintf("%s-%s-%s", l.Station, strings.ToLower(strings.TrimSuffix(l.Type, "Log")), tx.Now.Format("20060102T150405Z"))
	if w.FTP {
		return s.ftpPlace(l, name)
	}
	keep := tx.Now.Add(s.d.KeepLogs)
	f, err := s.d.Files.Reserve(tx, file.Draft{Org: l.Org, Purpose: purposeLog, Subject: l.ID, Name: name + ".log", ExpiresAt: &keep})
	if err != nil {
		return "", err
	}
	l.File = f.ID
	return s.d.Files.Link(tx, file.Link{File: f.ID, Upload: true, ExpiresAt: tx.Now.Add(24 * time.Hour), Login: w.Login, Plain: st.Profile < 2})
}

const purposeLog = "log"

// ftpPlace gives the place of a log on the external FTP server.
func (s *Service) ftpPlace(l *Log, name string) (string, error) {
	if s.d.FTP == "" {
		return "", fault.New(fault.Unsupported, "device.no_ftp", "no FTP server is configured (--ftp-url), and the platform runs none; let the station upload by HTTP").With("body.via", "http", "ftp")
	}
	u, err := url.Parse(s.d.FTP)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "device.ftp", "the address of the FTP server cannot be read")
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/" + name
	location := u.String()
	u.User = nil
	l.Place = u.String()
	return location, nil
}

func logRequest(l Log, w LogWish, location string) *ocpp.GetLogRequest {
	req := &ocpp.GetLogRequest{LogType: ocpp.LogEnum(l.Type), RequestID: int(l.Request), Log: ocpp.LogParameters{RemoteLocation: location}}
	for to, from := range map[**ocpp.DateTime]*time.Time{&req.Log.OldestTimestamp: l.Oldest, &req.Log.LatestTimestamp: l.Latest} {
		if from != nil {
			at := ocpp.AtTime(*from)
			*to = &at
		}
	}
	if w.Retries > 0 {
		req.Retries = &w.Retries
	}
	if w.RetryInterval > 0 {
		req.RetryInterval = &w.RetryInterval
	}
	return req
}

// logAnswered takes the station's answer. The file, or a status, may have
// overtaken it.
func (s *Service) logAnswered(tx *db.Tx, log string, answer ocpp.Response, failure error) (Log, error) {
	l, err := logOf(tx, log, db.Cond{})
	if err != nil {
		return l, err
	}
	was := l.State
	if failure != nil {
		if was == LogAsked {
			l.finish(LogFailed, reasonOf(failure), tx.Now)
		}
		return l, s.keepLog(tx, l, was, "no answer", reasonOf(failure))
	}
	r, ok := answer.(*ocpp.GetLogResponse)
	if !ok {
		r = &ocpp.GetLogResponse{Status: ocpp.LogStatusEnumRejected}
	}
	l.Told = r.Filename
	if was == LogAsked {
		l.State = LogRequested
		if r.Status == ocpp.LogStatusEnumRejected {
			l.finish(LogFailed, strings.TrimSuffix("the station refused: it has no such log: "+infoText(r.StatusInfo), ": "), tx.Now) // OCPP 2.0.1 N01.FR.05
		}
	}
	if err := s.keepLog(tx, l, was, string(r.Status), infoText(r.StatusInfo)); err != nil {
		return l, err
	}
	return l, s.cancelOlder(tx, l, r.Status)
}

// cancelOlder ends requests that gave way to a newer one (OCPP 2.0.1
// N01.FR.12): a station uploads one log at a time.
func (s *Service) cancelOlder(tx *db.Tx, l Log, status ocpp.LogStatusEnum) error {
	if status == ocpp.LogStatusEnumRejected {
		return nil
	}
	older, err := db.Collect(tx, scanLog, "SELECT "+logColumns+" FROM device_log WHERE station = $1 AND finished_at IS NULL AND id <> $2 AND created_at <= $3", l.Station, l.ID, db.Micros(l.CreatedAt))
	for _, o := range older {
		if err != nil {
			return err
		}
		was := o.State
		o.finish(LogCancelled, "a newer request took its place", tx.Now)
		err = s.keepLog(tx, o, was, "cancelled", "")
	}
	return err
}

// hearsLog brings a status of a station to its log.
func (s *Service) hearsLog(tx *db.Tx, o owner, r *ocpp.LogStatusNotificationRequest) error {
	l, found, err := findLog(tx, o.station, wide(r.RequestID))
	if err != nil || !found {
		return err
	}
	was, detail := l.State, infoText(r.StatusInfo)
	more := detail
	if more != "" {
		more = ": " + more
	}
	if !l.hears(r.Status, more, tx.Now, s.d.LogTimeout) {
		return nil
	}
	return s.keepLog(tx, l, was, string(r.Status), detail)
}

// logArrived takes a log file that came, in the transaction that stored it. It
// counts whatever the station says about it, before or after.
func (s *Service) logArrived(tx *db.Tx, f file.File) error {
	l, err := logOf(tx, f.Subject, db.Cond{})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	was := l.State
	l.arrives(tx.Now)
	return s.keepLog(tx, l, was, "arrived", fmt.Sprintf("%s, %s", f.Name, file.Bytes(f.Size)))
}

// stalledLogs ends logs that nothing was heard of, with what came of them.
func (s *Service) stalledLogs(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		late, err := db.Collect(tx, scanLog, "SELECT "+logColumns+" FROM device_log WHERE finished_at IS NULL AND deadline_at < $1 ORDER BY deadline_at LIMIT 200", db.Micros(tx.Now))
		for _, l := range late {
			if err != nil {
				return err
			}
			var got file.File
			if l.File != "" {
				if got, _, err = s.d.Files.Salvage(tx, l.File); err != nil {
					return err
				}
			}
			was := l.State
			l.stalls(got.Size, tx.Now)
			if got.Size == 0 && l.File != "" {
				if err := s.d.Files.Revoke(tx, l.File); err != nil {
					return err
				}
			}
			err = s.keepLog(tx, l, was, "stalled", l.Reason)
		}
		return err
	})
}
