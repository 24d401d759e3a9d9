package device

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// wish is a rule with what is known of its variable.
type wish struct {
	rule       Rule
	v          Variable
	candidates []string
	before     *Desired // where the same wish stood
}

// same tells whether before was about this wish too.
func (w wish) same() bool {
	return w.before != nil && w.before.Rule == w.rule.ID && (w.rule.ID != byOperator && !strings.HasPrefix(w.rule.ID, fromTemplate) || w.before.Value == w.candidates[0])
}

// found is what a station said about a variable.
type found struct{ value, status string }

// applyWishes compares every wish with what the station has, sets what
// differs and reads it back. Wishes that were met and are so no longer are
// drift; a paused station is only compared.
func (s *Service) applyWishes(ctx context.Context, st station.Station, known state) error {
	o := ownerOf(st)
	wishes, err := s.wishes(ctx, st)
	if err != nil {
		return err
	}
	have, err := s.readAll(ctx, st, wishes)
	if err != nil {
		return err
	}
	if err := s.keepRead(ctx, o, wishes, have); err != nil {
		return err
	}
	var drifts []Drift
	var done []fulfilled // and not yet stored
	paths := make([]string, 0, len(wishes))
	for _, w := range wishes {
		d, set, err := s.fulfil(ctx, st, w, have[w.v.Path()], known.PausedAt != nil)
		if err != nil {
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLate) // also when our time is up
			defer cancel()
			return errors.Join(err, s.storeFulfilled(late, o, done, nil))
		}
		if w.drifts(have[w.v.Path()]) && w.before.DriftedAt == nil {
			drifts = append(drifts, Drift{Path: d.Path, Wanted: w.before.Value, Actual: have[d.Path].value, Corrected: d.DriftedAt == nil, Rule: d.Rule})
		}
		paths = append(paths, d.Path)
		done = append(done, fulfilled{d, set, w.wishedAt()})
		if len(set) > 0 || slices.Contains([]string{Reboot, Unverified, Refused}, d.Status) { // the station was asked to change
			if err := s.storeFulfilled(ctx, o, done, nil); err != nil {
				return err
			}
			done = nil
		}
	}
	return s.storeFulfilled(ctx, o, done, func(tx *db.Tx) error {
		if err := dropDesired(tx, o.station, paths); err != nil {
			return err
		}
		return s.noteDrift(tx, o, drifts)
	})
}

// storeLate is the time to store what was done when the work was cut short.
const storeLate = 10 * time.Second

// fulfilled is how a wish ended, what was set for it and read back, and when
// somebody had last wished something there.
type fulfilled struct {
	Desired
	set      []Variable
	wishedAt time.Time
}

// wishedAt is when somebody wished this, as it was read; zero for nobody.
func (w wish) wishedAt() time.Time {
	if w.before == nil {
		return time.Time{}
	}
	return w.before.WishedAt
}

// overtaken holds when somebody wished something else there meanwhile, or
// withdrew this wish.
func (f fulfilled) overtaken(stored []Desired) bool {
	for _, d := range stored {
		if d.Path == f.Path {
			return d.WishedAt.After(f.wishedAt)
		}
	}
	return f.Rule == byOperator
}

// storeFulfilled stores how wishes ended, and what else belongs to it.
func (s *Service) storeFulfilled(ctx context.Context, o owner, done []fulfilled, and func(tx *db.Tx) error) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		stored, err := desiredOf(tx, o.station)
		if err != nil {
			return err
		}
		var all []Desired
		for _, f := range done {
			if err := saveVariables(tx, o, sourceOf(f.Desired), f.set); err != nil {
				return err
			}
			if !f.overtaken(stored) {
				all = append(all, f.Desired)
			}
		}
		if err := saveDesired(tx, o, all...); err != nil {
			return err
		}
		if and == nil {
			return nil
		}
		return and(tx)
	})
}

// sourceOf names who set a variable, for its history.
func sourceOf(d Desired) string {
	switch {
	case d.Rule == byOperator && d.WishedBy != "":
		return byOperator + " " + d.WishedBy
	case d.Rule == byOperator, strings.HasPrefix(d.Rule, fromTemplate):
		return d.Rule
	}
	return "baseline"
}

// keepRead stores what the station has before anything is changed.
func (s *Service) keepRead(ctx context.Context, o owner, wishes []wish, have map[string]found) error {
	var told []Variable
	for _, w := range wishes {
		if f := have[w.v.Path()]; f.status == "" {
			v := w.v
			v.Value = f.value
			v.mask()
			told = append(told, v)
		}
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error { return saveVariables(tx, o, "GetVariables", told) })
}

// wishes gathers what the device is to have: what people set at it, templates,
// and for everything else the baseline.
func (s *Service) wishes(ctx context.Context, st station.Station) ([]wish, error) {
	var out []wish
	err := s.d.DB.View(ctx, func(tx *db.Tx) error {
		before, err := desiredOf(tx, string(st.ID))
		if err != nil {
			return err
		}
		templates, err := templatesFor(tx, st)
		if err != nil {
			return err
		}
		if templates, err = s.expanded(tx, st, templates); err != nil {
			return err
		}
		rules, _ := layer(rulesFor(s.rules, kind{Version: st.Protocol, Vendor: st.Vendor, Model: st.Model}), templates, before)
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
				w.v = v
			}
			w.candidates = r.fitting(w.v.ValuesList)
			for _, d := range before {
				if d.Path == paths[i] {
					w.before = &d
				}
			}
			out = append(out, w)
		}
		return nil
	})
	return out, err
}

// readAll asks for the variables of all wishes in as few messages as the
// station takes.
func (s *Service) readAll(ctx context.Context, st station.Station, wishes []wish) (map[string]found, error) {
	out := map[string]found{}
	if len(wishes) == 0 {
		return out, nil
	}
	req := &ocpp.GetVariablesRequest{}
	for _, w := range wishes {
		req.GetVariableData = append(req.GetVariableData, getData(w.v))
		out[w.v.Path()] = found{status: Refused}
	}
	answer, err := s.d.Commander.Send(ctx, string(st.ID), req)
	if refusal(err) {
		for p := range out {
			out[p] = found{status: unsupportedOr(err, Refused)}
		}
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if r, ok := answer.(*ocpp.GetVariablesResponse); ok {
		for i, got := range r.GetVariableResult {
			v := of(got.Component, got.Variable, got.AttributeType)
			if i < len(wishes) && len(r.GetVariableResult) == len(wishes) {
				v = wishes[i].v // some stations respell the names they were asked for
			}
			out[v.Path()] = foundOf(got)
		}
	}
	return out, nil
}

// satisfied tells whether the station has what is wished; the value that
// counts is the one it took in the place of the first.
func (w wish) satisfied(f found) (want string, ok bool) {
	want = w.candidates[0]
	if w.same() && (w.before.Status == Met || w.before.Status == Reboot || w.before.Status == Drifted) {
		want = w.before.Value
	}
	return want, f.status == "" && w.rule.satisfied(f.value, want)
}

// drifts holds for a wish that was met, and is so no longer.
func (w wish) drifts(f found) bool {
	if !w.same() || f.status != "" || w.before.Status != Met && w.before.DriftedAt == nil {
		return false
	}
	_, ok := w.satisfied(f)
	return !ok
}

// triesAgain is how long a refused wish rests before it is tried again.
const triesAgain = 24 * time.Hour

// rests holds for a wish that the station refused, or took for its next boot,
// and which is not worth repeating yet.
func (w wish) rests(st station.Station, now time.Time) bool {
	if !w.same() || st.BootedAt != nil && st.BootedAt.After(w.before.TriedAt) {
		return false
	}
	switch w.before.Status {
	case Reboot:
		return true
	case Refused, Unverified:
		return now.Sub(w.before.TriedAt) < triesAgain
	}
	return false
}

// fulfil brings one wish about. It gives how it ended and the value that was
// set and read back; an error only when the station went away.
func (s *Service) fulfil(ctx context.Context, st station.Station, w wish, f found, paused bool) (Desired, []Variable, error) {
	now := s.d.DB.Now()
	want, ok := w.satisfied(f)
	d := Desired{Path: w.v.Path(), named: w.v, Rule: w.rule.ID, Value: want, Actual: f.value, TriedAt: now}
	if w.before != nil && w.before.Rule == w.rule.ID {
		d.WishedBy, d.WishedAt = w.before.WishedBy, w.before.WishedAt
	}
	if f.status == "" {
		w.v.Value = f.value
	}
	switch {
	case ok:
		d.Status, d.VerifiedAt = Met, &now
		return d, nil, nil
	case f.status == Unsupported:
		d.Status = Unsupported
		return d, nil, nil
	case w.v.Mutability == string(ocpp.MutabilityEnumReadOnly):
		d.Status, d.Detail = FixedValue, "has "+w.v.Value
		return d, nil, nil
	case paused:
		d.Status, d.DriftedAt = Pending, nil
		if w.drifts(f) {
			d.Status, d.DriftedAt = Drifted, w.since(now)
		}
		return d, nil, nil
	case w.rests(st, now):
		d.Status, d.Detail, d.TriedAt, d.Value, d.DriftedAt = w.before.Status, w.before.Detail, w.before.TriedAt, w.before.Value, w.before.DriftedAt
		return d, nil, nil
	}
	drifted := w.drifts(f)
	d, learned, err := s.try(ctx, st, w, d)
	if drifted && d.Status != Met && d.Status != Reboot {
		d.DriftedAt = w.since(now)
	}
	return d, learned, err
}

func (w wish) since(now time.Time) *time.Time {
	if w.before.DriftedAt != nil {
		return w.before.DriftedAt
	}
	return &now
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
			w.v.Value, d.Actual = value, value
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
