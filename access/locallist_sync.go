package access

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

const (
	jobList  = "access.local-list"
	jobCache = "access.clear-cache"
)

// listWork is the payload of both jobs.
type listWork struct {
	Station string `json:"station"`
	Full    bool   `json:"full,omitempty"`
}

const (
	listReview = 24 * time.Hour // how often a list is compared without a reason
	listRetry  = time.Hour      // after a refusal, times the refusals in a row
	maxVersion = math.MaxInt32
)

func (s *Service) lists() bool {
	return s.d.Stations != nil && s.d.Commander != nil && !s.d.Config.NoLists
}

func (s *Service) listJob(ctx context.Context, j job.Job) error {
	var w listWork
	if err := j.Decode(&w); err != nil {
		return err
	}
	return s.syncList(ctx, w.Station, w.Full)
}

// update is one synchronisation of one station.
type update struct {
	List
	limits   Limits
	off      bool
	have     []held
	want     []ocpp.AuthorizationData
	reported int64
}

// syncList brings the list of a station up to date. A station that is away is
// left for its next connection.
func (s *Service) syncList(ctx context.Context, id string, full bool) error {
	u, ready, err := s.prepareList(ctx, id)
	if err != nil || !ready {
		return err
	}
	answer, err := s.d.Commander.Send(ctx, id, &ocpp.GetLocalListVersionRequest{})
	if refused(err) {
		return s.finishList(ctx, u, ListUnsupported, "GetLocalListVersion: "+err.Error())
	}
	if err != nil {
		return away(err)
	}
	v, ok := answer.(*ocpp.GetLocalListVersionResponse)
	if !ok || v.VersionNumber < 0 {
		return s.finishList(ctx, u, ListUnsupported, "the station says that it keeps no list")
	}
	u.reported = int64(v.VersionNumber)
	if err := s.planList(ctx, u); err != nil {
		return err
	}
	whole := full || !u.Known || u.reported != u.Version || u.reported == 0 && len(u.want) > 0
	if !whole {
		status, detail, err := s.sendList(ctx, u, ocpp.UpdateEnumDifferential, difference(u.have, u.want))
		if err != nil || status == ListSynced || status == ListUnsupported {
			return s.ended(ctx, u, status, detail, err)
		}
		u.Result = detail // D01.FR.03: then the whole list
	}
	status, detail, err := s.sendList(ctx, u, ocpp.UpdateEnumFull, u.want)
	return s.ended(ctx, u, status, detail, err)
}

func refused(err error) bool {
	var c *ocpp.CallError
	return errors.As(err, &c) || fault.Is(err, fault.Unsupported)
}

// away forgives a station that cannot be reached: its next boot begins anew,
// and so does its next connection if the list is dirty.
func away(err error) error {
	if fault.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// prepareList reads what is known of the station; ready is false when there
// is nothing to do now, and why is stored. A station that is ready is stored
// as pending once it has told that it keeps a list.
func (s *Service) prepareList(ctx context.Context, id string) (u *update, ready bool, err error) {
	known := false
	err = s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		u, known, ready, err = s.lookAtList(tx, id)
		return err
	})
	if err != nil || ready || !known {
		return u, ready, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		if u, known, ready, err = s.lookAtList(tx, id); err != nil || ready || !known {
			return err
		}
		return putList(tx, u.List)
	})
	return u, ready, err
}

// lookAtList reads a station, whether there is such a one, and whether its
// list can be brought up to date now.
func (s *Service) lookAtList(tx *db.Tx, id string) (u *update, known, ready bool, err error) {
	u = &update{}
	st, err := s.d.Stations.Get(tx, id)
	if fault.Is(err, fault.NotFound) {
		return u, false, false, nil
	}
	if err != nil {
		return nil, false, false, err
	}
	if u.List, err = listOf(tx, id); err != nil && !fault.Is(err, fault.NotFound) {
		return nil, false, false, err
	}
	u.Station, u.Org, u.Site, u.TriedAt = string(st.ID), st.Org, st.Site, &tx.Now
	if u.limits, u.off, err = s.limitsOf(tx, st); err != nil {
		return nil, false, false, err
	}
	switch {
	case st.Life != station.Active || st.Quarantined != nil || !st.Connected:
		u.Dirty, u.NextAt = true, tx.Now.Add(listRetry)
		if u.Status == "" {
			u.Status = ListUnknown
		}
	case u.off:
		u.Status, u.Result, u.NextAt = ListOff, "LocalAuthListCtrlr.Enabled is false", tx.Now.Add(listReview)
	default:
		u.Status, u.NextAt, ready = ListPending, tx.Now.Add(listReview), true
	}
	return u, true, ready, nil
}

// limitsOf gives what the station states: LocalAuthListCtrlr.Entries (its
// limit in 2.x, its value in 1.6), ItemsPerMessage and BytesPerMessage
// (D01.FR.11, D01.FR.12), and whether the list is in use (D01.FR.13).
func (s *Service) limitsOf(tx *db.Tx, st station.Station) (l Limits, off bool, err error) {
	v16 := st.Protocol == string(ocpp.V16)
	if v16 {
		l.MaxToken = idTag16
	}
	if s.d.Variable == nil {
		return l, false, nil
	}
	read := func(variable string, of func(value, most string) string) (n int) {
		if err != nil {
			return 0
		}
		var value, most string
		if value, most, err = s.d.Variable(tx, string(st.ID), "LocalAuthListCtrlr", variable); err == nil {
			n, _ = strconv.Atoi(of(value, most)) // not a number: not stated
		}
		return n
	}
	asValue := func(value, _ string) string { return value }
	l.Entries = read("Entries", func(value, most string) string {
		if v16 && most == "" {
			return value
		}
		return most
	})
	l.Items, l.Bytes = read("ItemsPerMessage", asValue), read("BytesPerMessage", asValue)
	read("Enabled", func(value, _ string) string { off = value == "false"; return "" })
	return l, off, err
}

// planList decides what the station is to have. What changes from here on
// makes the list dirty again. Until the end what the station has is unknown.
func (s *Service) planList(ctx context.Context, u *update) error {
	u.Dirty = false
	if err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		row := u.List
		row.Known = false
		return putList(tx, row)
	}); err != nil {
		return err
	}
	// Apart from the mark, and after it: to choose among a million tokens takes
	// seconds, for which SQLite's one writer must not wait.
	return s.d.DB.View(ctx, func(tx *db.Tx) error {
		tokens, all, err := chargersAt(tx, u.Org, u.limits)
		if err != nil {
			return err
		}
		u.want, _ = fit(tokens, u.limits)
		u.LeftOut = int64(all - len(u.want))
		u.have, err = entriesOf(tx, u.Station)
		return err
	})
}

// sendList sends one list in as many messages as it takes.
func (s *Service) sendList(ctx context.Context, u *update, kind ocpp.UpdateEnum, list []ocpp.AuthorizationData) (ListStatus, string, error) {
	next := max(u.reported, u.Version) + 1
	if next > maxVersion/2 {
		kind, list, next = ocpp.UpdateEnumFull, u.want, 1
	}
	for _, r := range messages(kind, list, u.limits, next) {
		answer, err := s.d.Commander.Send(ctx, u.Station, r)
		if refused(err) {
			return ListFailed, "SendLocalList: " + err.Error(), nil
		}
		if err != nil {
			return ListPending, err.Error(), err
		}
		got, ok := answer.(*ocpp.SendLocalListResponse)
		if !ok {
			return ListFailed, "the station's answer was not understood", nil
		}
		if got.Status != ocpp.SendLocalListStatusEnumAccepted {
			detail := string(r.UpdateType) + " update: " + string(got.Status)
			if i := got.StatusInfo; i != nil {
				detail += " " + i.ReasonCode
				if i.ReasonCode == "NotSupported" {
					return ListUnsupported, detail, nil
				}
			}
			return ListFailed, detail, nil
		}
		u.Version, u.reported = int64(r.VersionNumber), int64(r.VersionNumber)
	}
	return ListSynced, "Accepted", nil
}

func (s *Service) ended(ctx context.Context, u *update, status ListStatus, detail string, err error) error {
	if err == nil {
		return s.finishList(ctx, u, status, detail)
	}
	if e := s.finishList(ctx, u, ListPending, detail); e != nil {
		return e
	}
	return away(err)
}

// finishList stores how it ended.
func (s *Service) finishList(ctx context.Context, u *update, status ListStatus, detail string) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		now, err := listOf(tx, u.Station)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		l := u.List
		l.Status, l.Result, l.Dirty, l.Known = status, detail, now.Dirty, status == ListSynced
		switch status {
		case ListSynced:
			l.Failures, l.Entries, l.SyncedAt = 0, int64(len(u.want)), &tx.Now
			l.NextAt = tx.Now.Add(station.Jitter(u.Station, listReview))
			if err := putEntries(tx, l, u.have, u.want); err != nil {
				return err
			}
		case ListUnsupported:
			l.Version, l.Entries, l.Dirty = 0, 0, false
			if err := dropEntries(tx, u.Station); err != nil {
				return err
			}
		case ListFailed:
			l.Failures++
			l.NextAt = tx.Now.Add(time.Duration(min(l.Failures, 24)) * listRetry)
			s.d.Log.Warn("a local list was refused", "station", u.Station, "result", detail)
		case ListPending: // the station went away
			l.Dirty, l.NextAt = true, tx.Now.Add(5*time.Minute)
		}
		return putList(tx, l)
	})
}

// reviewLists looks at lists that are due.
func (s *Service) reviewLists(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		due, err := dueLists(tx, 500)
		if err != nil {
			return err
		}
		for _, l := range due {
			if l.NextAt = tx.Now.Add(listReview); l.Status == ListOff {
				l.Status = ListUnknown
			}
			if err := putList(tx, l); err != nil {
				return err
			}
			if err := listInTurn(tx, l.Station, l.Org, tx.Now); err != nil {
				return err
			}
		}
		return nil
	})
}

// wantList has a list brought up to date at once.
func wantList(tx *db.Tx, id, org string) error { return job.Enqueue(tx, listJobOf(id, org)) }

// listInTurn has a list brought up to date when there is time for it: it is
// for the hour when the network is gone, and thousands of stations that came
// back are not to be asked at the cost of those who charge.
func listInTurn(tx *db.Tx, id, org string, at time.Time) error {
	j := listJobOf(id, org)
	j.RunAt, j.Background = at, true
	return job.Enqueue(tx, j)
}

func listJobOf(id, org string) job.Job {
	return job.Job{Kind: jobList, Key: id, Org: org, Payload: listWork{Station: id}}
}

func (s *Service) cacheJob(ctx context.Context, j job.Job) error {
	var w listWork
	if err := j.Decode(&w); err != nil {
		return err
	}
	_, err := s.clearCache(ctx, w.Station)
	if refused(err) {
		return nil // it keeps no cache
	}
	return err
}

func (s *Service) clearCache(ctx context.Context, id string) (*ocpp.ClearCacheResponse, error) {
	answer, err := s.d.Commander.Send(ctx, id, &ocpp.ClearCacheRequest{})
	if err != nil {
		return nil, err
	}
	r, ok := answer.(*ocpp.ClearCacheResponse)
	if !ok {
		return nil, fault.New(fault.Internal, "access.answer", "the station's answer was not understood")
	}
	return r, nil
}
