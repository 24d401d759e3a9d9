package device

import (
	"context"
	"strconv"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Written is what became of one value.
type Written struct {
	Path      string
	Status    string // of the wish (Pending), or as the station answered
	Detail    string
	DesiredBy string // once: the rule that will set it back
}

// Write changes variables of one station: as a wish that is kept, or once.
// Values are checked against what the station said is possible.
func (s *Service) Write(ctx context.Context, id station.ID, items []Item, once bool) ([]Written, error) {
	c, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return nil, err
	}
	var st station.Station
	var wishes []Desired
	err = s.d.Stations.Visible(ctx, identity.DeviceWrite, id, func(tx *db.Tx, found station.Station) error {
		if st = found; len(items) == 0 {
			return fault.New(fault.Invalid, "device.variables", "There is nothing to change.").With("body.variables", "needs at least one entry", nil)
		}
		if err := checkItems(tx, st, items, once); err != nil {
			return err
		}
		wishes, err = desiredOf(tx, string(st.ID))
		return err
	})
	if err != nil {
		return nil, err
	}
	if once {
		return s.writeOnce(ctx, c, st, items, wishes)
	}
	var out []Written
	o := ownerOf(st)
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		out = nil
		changes := map[string]identity.Change{}
		for _, i := range items {
			v := i.named()
			d := Desired{Path: v.Path(), named: v, Rule: byOperator, Value: i.Value, Status: Pending, TriedAt: tx.Now, WishedBy: c.Name, WishedAt: tx.Now}
			if err := saveDesired(tx, o, d); err != nil {
				return err
			}
			changes[d.Path] = identity.Change{nil, i.Value}
			out = append(out, Written{Path: d.Path, Status: Pending})
		}
		if err := s.wantNow(tx, o); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(st.Org), Action: "device.variables_wished", Subject: string(st.ID), Changes: changes})
	})
	return out, err
}

// wantNow has one device compared at once.
func (s *Service) wantNow(tx *db.Tx, o owner) error {
	if err := setState(tx, o, "wanted_at = $3", db.Micros(tx.Now)); err != nil {
		return err
	}
	return s.enqueueSync(tx, o)
}

func checkItems(tx *db.Tx, st station.Station, items []Item, once bool) error {
	bad := fault.New(fault.Invalid, "device.variables", "These values cannot be set.")
	paths := make([]string, len(items))
	for i, item := range items {
		paths[i] = item.named().Path()
	}
	have, err := variablesAt(tx, string(st.ID), paths)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, item := range items {
		at := "body.variables[" + strconv.Itoa(i) + "]"
		v := item.named()
		if known, ok := have[paths[i]]; ok {
			v = known
		}
		shown := Variable{Name: v.Name, Value: item.Value}
		shown.mask()
		problem := item.problem()
		if once && problem != "" && secretName.MatchString(v.Name) && v.Name != "" {
			problem = "" // a secret may go out once; it is not kept
		}
		switch {
		case problem != "":
			bad.With(at, problem, paths[i])
		case seen[paths[i]]: // OCPP 2.0.1 B05.FR.13
			bad.With(at, "names a variable a second time", paths[i])
		default:
			if problem := v.Check(item.Value, st.Protocol); problem != "" {
				bad.With(at+".value", problem, shown.Value)
			}
		}
		seen[paths[i]] = true
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// writeOnce sets values now. What a wish wants otherwise comes back with the
// next comparison, and the result says so.
func (s *Service) writeOnce(ctx context.Context, c identity.Caller, st station.Station, items []Item, wishes []Desired) ([]Written, error) {
	req := &ocpp.SetVariablesRequest{}
	for _, i := range items {
		req.SetVariableData = append(req.SetVariableData, setData(i.named(), i.Value))
	}
	answer, err := s.d.Commander.Send(ctx, string(st.ID), req)
	if err != nil {
		return nil, orRefused(err)
	}
	r, ok := answer.(*ocpp.SetVariablesResponse)
	if !ok {
		return nil, fault.New(fault.Internal, "device.answer", "the station's answer cannot be read")
	}
	var out []Written
	for i, got := range r.SetVariableResult {
		w := Written{Path: of(got.Component, got.Variable, got.AttributeType).Path(), Status: string(got.AttributeStatus)}
		if len(r.SetVariableResult) == len(items) {
			w.Path = items[i].named().Path()
		}
		if got.AttributeStatusInfo != nil {
			w.Detail = got.AttributeStatusInfo.ReasonCode + " " + got.AttributeStatusInfo.AdditionalInfo
		}
		for _, d := range wishes {
			if d.Path == w.Path {
				w.DesiredBy = d.Rule
			}
		}
		out = append(out, w)
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if err := saveVariables(tx, ownerOf(st), "once "+c.Name, fromSet(req.SetVariableData, r.SetVariableResult)); err != nil {
			return err
		}
		changes := map[string]identity.Change{}
		for _, w := range out {
			changes[w.Path] = identity.Change{nil, w.Status}
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(st.Org), Action: "device.variables_set", Subject: string(st.ID), Changes: changes})
	})
	return out, err
}

// orRefused turns a station's error into ours: it is there, but will not.
func orRefused(err error) error {
	if refusal(err) && fault.Of(err) == nil {
		return fault.Wrap(fault.Conflict, err, "device.refused", "the station refused: %s", err)
	}
	return err
}

// Withdraw ends a wish of people for one variable: what ranks below it counts
// again. The station keeps the value until something else wants another.
func (s *Service) Withdraw(ctx context.Context, id station.ID, path string) error {
	return s.decide(ctx, id, "device.wish_withdrawn", map[string]identity.Change{"path": {path, nil}}, func(tx *db.Tx, o owner) error {
		n, err := tx.Exec("DELETE FROM device_desired WHERE station = $1 AND path = $2 AND rule = $3", o.station, path, byOperator)
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "device.no_wish", "nobody set %q at this station", clip(path, 200))
		}
		if err != nil {
			return err
		}
		return s.wantNow(tx, o)
	})
}

// Pause stops or resumes correcting a device; it is compared all the same.
func (s *Service) Pause(ctx context.Context, id station.ID, paused bool) error {
	c, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return err
	}
	return s.decide(ctx, id, "device.paused", map[string]identity.Change{"paused": {!paused, paused}}, func(tx *db.Tx, o owner) error {
		var at any
		by := ""
		if paused {
			at, by = db.Micros(tx.Now), c.Name
		}
		if err := setState(tx, o, "paused_at = CAST($3 AS BIGINT), paused_by = $4", at, by); err != nil {
			return err
		}
		return s.wantNow(tx, o)
	})
}

// Reconcile compares a device now, and tries again what it refused.
func (s *Service) Reconcile(ctx context.Context, id station.ID) error {
	return s.decide(ctx, id, "device.reconciled", nil, func(tx *db.Tx, o owner) error {
		if err := tx.Send("UPDATE device_desired SET status = $2 WHERE station = $1 AND status IN ($3, $4, $5)", o.station, Pending, Refused, Unverified, Reboot); err != nil {
			return err
		}
		return s.wantNow(tx, o)
	})
}

// decide runs a decision of people about one device, with its audit.
func (s *Service) decide(ctx context.Context, id station.ID, action string, changes map[string]identity.Change, do func(tx *db.Tx, o owner) error) error {
	var o owner
	err := s.d.Stations.Visible(ctx, identity.DeviceWrite, id, func(_ *db.Tx, st station.Station) error { o = ownerOf(st); return nil })
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if err := do(tx, o); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(o.org), Action: action, Subject: o.station, Changes: changes})
	})
}
