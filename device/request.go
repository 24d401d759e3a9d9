package device

import (
	"context"
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Request is something asked of a station that answers in parts later, over
// whatever connection. Parts that nobody here asked for (a command of people
// did) make a request of their own.
type Request struct {
	Station, Kind   string
	ID              int64
	Status          string
	Subject         string // what was asked for, for people
	Everything      bool   // no filter: what is not in it is not there
	AskedBy         string
	AskedAt, LastAt time.Time
	Parts, Last     int64 // parts that came; seqNo of the last, -1 until that came
}

// Kinds of requests.
const (
	AskReport     = "report"
	AskMonitoring = "monitoring"
	AskProfiles   = "charging_profiles"
	AskMessages   = "display_messages"
	AskCustomer   = "customer_information"
)

// Where a request stands.
const (
	Waiting  = "waiting"  // asked; some parts may have come
	Complete = "complete" // all parts are here
	Empty    = "empty"    // the station has nothing to tell
	Declined = "declined" // the station would not
	Stalled  = "stalled"  // parts stopped coming
	Shown    = "shown"    // customer information that was read, and is gone
)

const requestColumns = `station, kind, request, status, subject, everything, asked_by, asked_at, last_at, parts, last`

func scanRequest(row db.Scanner) (Request, error) {
	var r Request
	var asked, last int64
	err := row.Scan(&r.Station, &r.Kind, &r.ID, &r.Status, &r.Subject, &r.Everything, &r.AskedBy, &asked, &last, &r.Parts, &r.Last)
	r.AskedAt, r.LastAt = db.Time(asked), db.Time(last)
	return r, err
}

func saveRequest(tx *db.Tx, o owner, r Request) error {
	return tx.Send(`INSERT INTO device_request (`+requestColumns+`, org, site) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)
		ON CONFLICT (station, kind, request) DO UPDATE SET status=excluded.status, subject=excluded.subject, everything=excluded.everything, asked_by=excluded.asked_by,
		asked_at=excluded.asked_at, last_at=excluded.last_at, parts=excluded.parts, last=excluded.last`,
		o.station, r.Kind, r.ID, r.Status, clip(r.Subject, 500), r.Everything, r.AskedBy, db.Micros(r.AskedAt), db.Micros(r.LastAt), r.Parts, r.Last, o.org, o.site)
}

// answered tells from a response whether parts will come.
func answered(r ocpp.Response) string {
	status := ""
	switch a := r.(type) {
	case *ocpp.GetReportResponse:
		status = string(a.Status)
	case *ocpp.GetBaseReportResponse:
		status = string(a.Status)
	case *ocpp.GetMonitoringReportResponse:
		status = string(a.Status)
	case *ocpp.GetChargingProfilesResponse:
		if status = string(a.Status); status == "NoProfiles" {
			return Empty
		}
	case *ocpp.GetDisplayMessagesResponse:
		if status = string(a.Status); status == "Unknown" {
			return Empty
		}
	case *ocpp.CustomerInformationResponse:
		status = string(a.Status)
	}
	switch status {
	case "Accepted":
		return Waiting
	case "EmptyResultSet":
		return Empty
	}
	return Declined
}

// ask sends a request that is answered in parts. It is stored before it is
// sent, since parts may come before the answer.
func (s *Service) ask(ctx context.Context, st station.Station, r Request, message func(id int) ocpp.Request) (Request, error) {
	o := ownerOf(st)
	now := s.d.DB.Now()
	r.Station, r.ID, r.Status, r.AskedAt, r.LastAt, r.Last = o.station, reportID(now), Waiting, now, now, -1
	if err := s.d.DB.Update(ctx, func(tx *db.Tx) error { return saveRequest(tx, o, r) }); err != nil {
		return r, err
	}
	answer, err := s.d.Commander.Send(ctx, o.station, message(int(r.ID)))
	r.Status = Declined
	if err == nil {
		r.Status = answered(answer)
	}
	keep := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if r.Status == Waiting {
			return nil
		}
		err := tx.Send("UPDATE device_request SET status = $4 WHERE station = $1 AND kind = $2 AND request = $3 AND status = $5", r.Station, r.Kind, r.ID, r.Status, Waiting)
		if err == nil && r.Status == Empty && r.Everything {
			err = s.completed(tx, o, r, nil)
		}
		return err
	})
	if err != nil {
		return r, orRefused(err)
	}
	return r, keep
}

// part takes one part of a request: seq is nil where the message has no
// number. When it is the last that was missing, all payloads are given in
// order, and done.
func part(tx *db.Tx, o owner, kind string, id int64, seq *int, more *bool, payload any) (r Request, done bool, parts []string, err error) {
	text, err := json.Marshal(payload)
	if err != nil {
		return r, false, nil, err
	}
	r, err = touchRequest(tx, o, kind, id)
	if err != nil {
		return r, false, nil, err
	}
	n := r.Parts
	if seq != nil {
		n = int64(*seq)
	}
	if r.Status == Complete || r.Status == Shown {
		if n > 0 && seq != nil {
			return r, false, nil, nil // its answer got lost, and it came again
		}
		r.Parts, r.Last, n = 0, -1, 0 // the id is used anew
	}
	r.Status = Waiting
	fresh, err := tx.Exec("INSERT INTO device_request_part (station, kind, request, seq, org, payload) VALUES ($1,$2,$3,$4,$5,$6) ON CONFLICT (station, kind, request, seq) DO NOTHING",
		o.station, kind, id, n, o.org, string(text))
	if err != nil {
		return r, false, nil, err
	}
	r.Parts += fresh
	r.LastAt = tx.Now
	if more == nil || !*more {
		r.Last = n
	}
	if done = r.Last >= 0 && r.Parts > r.Last; done {
		r.Status = Complete
		parts, err = partsOf(tx, r)
	}
	if err == nil && done && kind != AskCustomer {
		err = dropParts(tx, r)
	}
	if err == nil {
		err = saveRequest(tx, o, r)
	}
	return r, done, parts, err
}

// touchRequest serialises the parts of one request.
func touchRequest(tx *db.Tx, o owner, kind string, id int64) (Request, error) {
	return scanRequest(tx.QueryRow(`INSERT INTO device_request (`+requestColumns+`, org, site) VALUES ($1,$2,$3,$4,'',$5,'',$6,$6,0,-1,$7,$8)
		ON CONFLICT (station, kind, request) DO UPDATE SET last_at = excluded.last_at RETURNING `+requestColumns,
		o.station, kind, id, Waiting, false, db.Micros(tx.Now), o.org, o.site))
}

func partsOf(tx *db.Tx, r Request) ([]string, error) {
	return db.Collect(tx, func(row db.Scanner) (text string, err error) { return text, row.Scan(&text) },
		"SELECT payload FROM device_request_part WHERE station = $1 AND kind = $2 AND request = $3 ORDER BY seq", r.Station, r.Kind, r.ID)
}

func dropParts(tx *db.Tx, r Request) error {
	return tx.Send("DELETE FROM device_request_part WHERE station = $1 AND kind = $2 AND request = $3", r.Station, r.Kind, r.ID)
}

// assembled takes a message that is a part of a request. It tells whether the
// message was one.
func (s *Service) assembled(tx *db.Tx, o owner, req ocpp.Request) (bool, error) {
	var done bool
	var parts []string
	var r Request
	var err error
	switch m := req.(type) {
	case *ocpp.NotifyMonitoringReportRequest:
		r, done, parts, err = part(tx, o, AskMonitoring, int64(m.RequestID), &m.SeqNo, m.Tbc, m.Monitor)
	case *ocpp.ReportChargingProfilesRequest:
		r, done, parts, err = part(tx, o, AskProfiles, int64(m.RequestID), nil, m.Tbc, m)
	case *ocpp.NotifyDisplayMessagesRequest:
		r, done, parts, err = part(tx, o, AskMessages, int64(m.RequestID), nil, m.Tbc, m.MessageInfo)
	case *ocpp.NotifyCustomerInformationRequest:
		_, _, _, err = part(tx, o, AskCustomer, int64(m.RequestID), &m.SeqNo, m.Tbc, m.Data)
	default:
		return false, nil
	}
	if err == nil && done {
		err = s.completed(tx, o, r, parts)
	}
	return true, err
}

// completed hands a whole answer to where it belongs.
func (s *Service) completed(tx *db.Tx, o owner, r Request, parts []string) error {
	switch r.Kind {
	case AskMonitoring:
		all, err := flatten[ocpp.MonitoringData](parts)
		if err != nil {
			return err
		}
		return reportedMonitors(tx, o, r, all)
	case AskProfiles:
		return reportedProfiles(tx, o, r, parts)
	case AskMessages:
		all, err := flatten[ocpp.MessageInfo](parts)
		if err != nil || s.displayed == nil {
			return err
		}
		return s.displayed(tx, o, r, all)
	}
	return nil
}

// flatten joins parts that are lists.
func flatten[T any](parts []string) ([]T, error) {
	var out []T
	for _, p := range parts {
		list, err := decodeList[T](p)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// stall ends requests whose parts stopped coming.
func (s *Service) stall(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return tx.Send("UPDATE device_request SET status = $1 WHERE status = $2 AND last_at < $3", Stalled, Waiting, db.Micros(tx.Now.Add(-s.d.ReportTimeout)))
	})
}

// requestOf loads a request of a station; fault.NotFound without one.
func requestOf(tx *db.Tx, station, kind string, id int64) (Request, error) {
	r, err := scanRequest(tx.QueryRow("SELECT "+requestColumns+" FROM device_request WHERE station = $1 AND kind = $2 AND request = $3", station, kind, id))
	if fault.Is(err, fault.NotFound) {
		return r, fault.New(fault.NotFound, "device.request_unknown", "the station was not asked with the request id %d", id)
	}
	return r, err
}
