package device

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

const jobSync = "device.sync"

type syncJob struct{ Station string }

// maxReadFailures is how often a full read is tried before the baseline goes
// on without it.
const maxReadFailures = 3

// quietFor is how long a device that was just compared is left alone: some
// stations boot again and again without having restarted.
const quietFor = 2 * time.Minute

// retryIn is when a device that could not be reconciled is looked at again.
const retryIn = 15 * time.Minute

// sync reads a device where that is due, and brings its baseline about. A
// station that goes away in between is left as it is: the next boot or the
// reconciling job starts again from what is stored.
func (s *Service) sync(ctx context.Context, j job.Job) error {
	var p syncJob
	if err := j.Decode(&p); err != nil {
		return err
	}
	var st station.Station
	var known state
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		if st, err = s.d.Stations.Get(tx, p.Station); err == nil {
			known, err = stateOf(tx, p.Station)
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !st.Connected || st.Life != station.Active || st.Quarantined != nil {
		return s.later(ctx, st, s.d.DB.Now().Add(retryIn), false)
	}
	now := s.d.DB.Now()
	if known.ReadOf == readOf(st) && known.SyncedAt != nil && now.Sub(*known.SyncedAt) < quietFor {
		return nil
	}
	if known.ReadOf != readOf(st) && known.Failures < maxReadFailures {
		if known.ReportID != 0 && known.ReportAt != nil && now.Sub(*known.ReportAt) < s.d.ReportTimeout {
			return nil // it is coming; its end enqueues the next sync
		}
		waiting, err := s.startRead(ctx, st, known)
		if waiting || err != nil {
			return gone(err)
		}
	}
	if err := s.applyBaseline(ctx, st); err != nil {
		if gone(err) == nil {
			return s.later(ctx, st, s.d.DB.Now().Add(retryIn), false)
		}
		return err
	}
	return s.later(ctx, st, s.d.DB.Now().Add(station.Jitter(string(st.ID), s.d.ReconcileEvery)), true)
}

// gone forgives a station that went away or is too slow.
func gone(err error) error {
	if fault.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// startRead asks for the full inventory; waiting tells that parts will come.
func (s *Service) startRead(ctx context.Context, st station.Station, known state) (waiting bool, err error) {
	o := ownerOf(st)
	if known.ReportID != 0 { // asked before, and it never came to its end
		known.Failures++
	}
	known.ReportID = reportID(s.d.DB.Now())
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		fresh, err := stateOf(tx, o.station)
		if err != nil {
			return err
		}
		fresh.Failures, fresh.ReportID, fresh.ReportAt, fresh.Parts, fresh.Last = known.Failures, known.ReportID, &tx.Now, 0, -1
		fresh.NextAt = tx.Now.Add(s.d.ReportTimeout + time.Minute)
		return saveState(tx, o, fresh)
	})
	if err != nil || known.Failures >= maxReadFailures {
		return false, err
	}
	answer, err := s.d.Commander.Send(ctx, o.station, &ocpp.GetBaseReportRequest{RequestID: int(known.ReportID), ReportBase: ocpp.ReportBaseEnumFullInventory})
	var refused *ocpp.CallError
	switch {
	case errors.As(err, &refused), fault.Is(err, fault.Unsupported):
		return false, s.noReport(ctx, st, o)
	case err != nil:
		return false, err
	}
	if r, ok := answer.(*ocpp.GetBaseReportResponse); ok && r.Status != ocpp.GenericDeviceModelStatusEnumAccepted {
		return false, s.noReport(ctx, st, o)
	}
	return true, nil
}

// noReport takes note that this device gives no inventory; it is not asked
// again until it changes.
func (s *Service) noReport(ctx context.Context, st station.Station, o owner) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		fresh, err := stateOf(tx, o.station)
		if err != nil {
			return err
		}
		fresh.ReportID, fresh.ReportAt, fresh.ReadOf = 0, nil, readOf(st)
		return saveState(tx, o, fresh)
	})
}

// reportID makes a request id that no report of late had: a positive int32.
func reportID(now time.Time) int64 { return now.UnixMilli()%2_000_000_000 + 1 }

// later notes when the device is to be looked at again.
func (s *Service) later(ctx context.Context, st station.Station, at time.Time, synced bool) error {
	o := ownerOf(st)
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		fresh, err := stateOf(tx, o.station)
		if err != nil {
			return err
		}
		if fresh.NextAt = at; synced {
			fresh.SyncedAt = &tx.Now
		}
		return saveState(tx, o, fresh)
	})
}

// reconcile enqueues a sync for devices that are due.
func (s *Service) reconcile(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		due, err := db.Collect(tx, func(row db.Scanner) (o owner, err error) {
			err = row.Scan(&o.station, &o.org)
			return o, err
		}, "SELECT station, org FROM device_state WHERE next_at < $1 ORDER BY next_at LIMIT 500", db.Micros(tx.Now))
		if err != nil {
			return err
		}
		for _, o := range due {
			if _, err := tx.Exec("UPDATE device_state SET next_at = $2 WHERE station = $1", o.station, db.Micros(tx.Now.Add(retryIn))); err != nil {
				return err
			}
			if err := s.enqueueSync(tx, o, tx.Now); err != nil {
				return err
			}
		}
		return nil
	})
}

// wish is a rule with what is known of its variable.
type wish struct {
	rule       Rule
	v          Variable
	known      bool // the variable is in the device model
	candidates []string
	chosen     string // what the station took before
}

// applyBaseline compares every wish with what the station has, sets what
// differs and reads it back.
func (s *Service) applyBaseline(ctx context.Context, st station.Station) error {
	o := ownerOf(st)
	wishes, err := s.wishes(ctx, st)
	if err != nil {
		return err
	}
	for _, w := range wishes {
		d, learned, err := s.fulfil(ctx, st, w)
		if err != nil {
			return err
		}
		err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
			if err := saveVariables(tx, o, "baseline", learned); err != nil {
				return err
			}
			return saveDesired(tx, o, d)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wishes gathers what the device is to have: what people set by commands, and
// for everything else the baseline.
func (s *Service) wishes(ctx context.Context, st station.Station) ([]wish, error) {
	var out []wish
	err := s.d.DB.View(ctx, func(tx *db.Tx) error {
		before, err := desiredOf(tx, string(st.ID))
		if err != nil {
			return err
		}
		rules := withOperators(rulesFor(s.rules, kind{Version: st.Protocol, Vendor: st.Vendor, Model: st.Model}), before)
		paths := make([]string, len(rules))
		for i, r := range rules {
			paths[i] = r.target().Path()
		}
		have, err := variablesAt(tx, string(st.ID), paths)
		if err != nil {
			return err
		}
		out = nil
		for i, r := range rules {
			w := wish{rule: r, v: r.target()}
			if v, ok := have[paths[i]]; ok {
				w.v, w.known = v, true
			}
			w.candidates = r.fitting(w.v.ValuesList)
			for _, d := range before {
				if d.Path == paths[i] && d.Rule == r.ID && (d.Status == Met || d.Status == Reboot) {
					w.chosen = d.Value
				}
			}
			out = append(out, w)
		}
		return nil
	})
	return out, err
}

// withOperators puts the wishes of people in the place of the rules for the
// same variable.
func withOperators(rules []Rule, before []Desired) []Rule {
	var out []Rule
	theirs := map[string]bool{}
	for _, d := range before {
		if d.Rule != byOperator {
			continue
		}
		theirs[d.Path] = true
		out = append(out, Rule{ID: byOperator, Component: d.named.Component, Variable: d.named.Name, Instance: d.named.Instance,
			componentInstance: d.named.ComponentInstance, evse: d.named.EVSE, connector: d.named.Connector, Candidates: []string{d.Value}})
	}
	for _, r := range rules {
		if !theirs[r.target().Path()] {
			out = append(out, r)
		}
	}
	return out
}

// fulfil brings one wish about. It gives how it ended and the values that
// were learned on the way; an error only when the station went away.
func (s *Service) fulfil(ctx context.Context, st station.Station, w wish) (Desired, []Variable, error) {
	d := Desired{Path: w.v.Path(), named: w.v, Rule: w.rule.ID, Value: w.candidates[0], TriedAt: s.d.DB.Now()}
	now := d.TriedAt
	value, status, err := s.read(ctx, st, w.v)
	if err != nil {
		return d, nil, err
	}
	if status == "" {
		w.v.Value, w.known = value, true
		want := w.candidates[0]
		if w.chosen != "" {
			want = w.chosen
		}
		if w.rule.satisfied(value, want) {
			d.Value, d.Status, d.VerifiedAt = want, Met, &now
			return d, []Variable{w.v}, nil
		}
	}
	switch {
	case status == Unsupported:
		d.Status = Unsupported
		return d, nil, nil
	case w.v.Mutability == string(ocpp.MutabilityEnumReadOnly):
		d.Status, d.Detail = FixedValue, "has "+w.v.Value
		return d, []Variable{w.v}, nil
	}
	return s.try(ctx, st, w, d)
}

// toTry gives the values to set, best first. A list that must contain
// something keeps what it has.
func (w wish) toTry() []string {
	if !w.rule.Contains || w.v.Value == "" {
		return w.candidates
	}
	var out []string
	for _, c := range w.candidates {
		joined := members(w.v.Value)
		for _, m := range members(c) {
			if !containsList(w.v.Value, m) {
				joined = append(joined, m)
			}
		}
		out = append(out, strings.Join(joined, ","))
	}
	return append(out, w.candidates...)
}

// try sets the candidates one after the other until one is taken.
func (s *Service) try(ctx context.Context, st station.Station, w wish, d Desired) (Desired, []Variable, error) {
	d.Status = Refused
	for _, candidate := range w.toTry() {
		took, detail, err := s.set(ctx, st, w.v, candidate)
		if err != nil {
			return d, nil, err
		}
		d.Detail = detail
		switch took {
		case ocpp.SetVariableStatusEnumAccepted, ocpp.SetVariableStatusEnumRebootRequired:
			d.Value, d.Status = candidate, Reboot
			if took == ocpp.SetVariableStatusEnumRebootRequired {
				return d, nil, nil
			}
			value, status, err := s.read(ctx, st, w.v)
			if err != nil {
				return d, nil, err
			}
			w.v.Value = value
			now := s.d.DB.Now()
			if status == "" && w.rule.satisfied(value, candidate) {
				d.Status, d.VerifiedAt, d.Detail = Met, &now, ""
				return d, []Variable{w.v}, nil
			}
			d.Status, d.Detail = Unverified, "took "+strconv.Quote(candidate)+", then said "+strconv.Quote(value)
		case ocpp.SetVariableStatusEnumUnknownComponent, ocpp.SetVariableStatusEnumUnknownVariable, ocpp.SetVariableStatusEnumNotSupportedAttributeType:
			d.Status = Unsupported
			return d, nil, nil
		}
	}
	return d, nil, nil
}
