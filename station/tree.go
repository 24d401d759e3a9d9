package station

import (
	"slices"
	"sort"
	"time"
)

// tree is a station with its ports while a transaction changes it. Methods
// change it in memory only; settle works out what follows, save writes it.
type tree struct {
	Station
	EVSEs []EVSE // ascending

	before  Station
	was     []EVSE
	history []Change
	quiet   bool  // the change is a gap in the connection: facts wait until it lasts
	plans   []int // ports that appeared at an active station
	facts   []fact
}

func newTree(s Station, evses []EVSE) *tree {
	t := &tree{Station: s, EVSEs: evses, before: s, was: make([]EVSE, len(evses))}
	for i, e := range evses {
		t.was[i] = e
		t.was[i].Connectors = slices.Clone(e.Connectors)
	}
	return t
}

// evse finds a port, or adds it: stations tell of their ports by using them.
func (t *tree) evse(n int, now time.Time) *EVSE {
	i := sort.Search(len(t.EVSEs), func(i int) bool { return t.EVSEs[i].EVSE >= n })
	if i == len(t.EVSEs) || t.EVSEs[i].EVSE != n {
		t.EVSEs = slices.Insert(t.EVSEs, i, EVSE{EVSE: n, Operative: true, ReportAt: now, Since: now})
		if t.Life == Active {
			t.plans = append(t.plans, n)
		}
	}
	e := &t.EVSEs[i]
	e.RemovedAt = nil
	return e
}

// find gives a port that exists; nil otherwise.
func (t *tree) find(n int) *EVSE {
	for i := range t.EVSEs {
		if t.EVSEs[i].EVSE == n {
			return &t.EVSEs[i]
		}
	}
	return nil
}

func (e *EVSE) connector(n int) *Connector {
	i := sort.Search(len(e.Connectors), func(i int) bool { return e.Connectors[i].ID >= n })
	if i == len(e.Connectors) || e.Connectors[i].ID != n {
		e.Connectors = slices.Insert(e.Connectors, i, Connector{ID: n})
	}
	return &e.Connectors[i]
}

// report is a status as a station told it.
type report struct {
	evse, connector           int
	report                    Report
	at                        time.Time // receipt: status is never queued offline, and clocks are wrong
	errorCode, vendor, detail string
}

// maxEVSE bounds how many ports a message can create. The largest cabinets
// have a few dozen.
const maxEVSE = 1000

// apply takes a status into the tree.
func (t *tree) apply(r report) {
	if r.evse <= 0 || r.evse > maxEVSE || r.connector > maxEVSE || r.connector < 0 {
		if r.evse == 0 { // connector 0 is the station itself (field note 13)
			t.Report = wholeStation(r.report)
		}
		return
	}
	e := t.evse(r.evse, r.at)
	if r.connector == 0 { // the EVSE as a whole
		if len(e.Connectors) == 0 {
			e.connector(1)
		}
		for i := range e.Connectors {
			e.Connectors[i].take(r)
		}
	} else {
		e.connector(r.connector).take(r)
	}
	e.merge(r.at)
}

// take keeps the instant of the last change: stations repeat themselves, and
// a repetition costs no write.
func (c *Connector) take(r report) {
	if c.Report == r.report && c.Error == r.errorCode && c.VendorCode == r.vendor && c.Info == r.detail {
		return
	}
	c.Report, c.Error, c.VendorCode, c.Info, c.ReportedAt = r.report, r.errorCode, r.vendor, r.detail, r.at
}

// merge works out the report of the EVSE. A bay that is free again forgets
// the ended transaction.
func (e *EVSE) merge(now time.Time) {
	reports := make([]Report, len(e.Connectors))
	for i, c := range e.Connectors {
		reports[i] = c.Report
	}
	if r := Merge(reports); r != e.Report {
		e.Report, e.ReportAt = r, now
	}
	if !e.Report.busy() && e.Use == UseEnded {
		e.Use = UseNone
	}
}

// wholeStation keeps of a station's own status what bears on its ports:
// some report Charging or Preparing for connector 0.
func wholeStation(r Report) Report {
	switch r {
	case ReportUnavailable, ReportFaulted:
		return r
	}
	return ReportAvailable
}

// siblingSlack is how far apart the busy port and its blocked sibling may be
// reported.
const siblingSlack = 10 * time.Second

// markSiblings finds ports that became Unavailable together with, or after,
// another port of the station becoming busy: shared power electronics.
func (t *tree) markSiblings() {
	for i := range t.EVSEs {
		e := &t.EVSEs[i]
		e.Sibling = false
		if e.Report != ReportUnavailable {
			continue
		}
		for j := range t.EVSEs {
			o := &t.EVSEs[j]
			if i != j && (o.Report.busy() || openUses[o.Use] != "") && !e.ReportAt.Before(o.ReportAt.Add(-siblingSlack)) {
				e.Sibling = true
			}
		}
	}
}

func (t *tree) port(e *EVSE) Port {
	return Port{
		Life: t.Life, Reachable: t.online(), Operative: t.Operative && e.Operative, Station: t.Report,
		Report: e.Report, Use: e.Use, Hold: e.Hold, SiblingBusy: e.Sibling, FailedStarts: e.Failed,
	}
}

// settle gives every port its status and the station its summary at now.
func (t *tree) settle(now time.Time) {
	t.markSiblings()
	var states []State
	t.InUse, t.Suspect = false, false
	for i := range t.EVSEs {
		e := &t.EVSEs[i]
		if e.RemovedAt != nil {
			continue
		}
		s := StatusOf(t.port(e))
		if s.State != e.Status.State {
			e.Since = now
		}
		if s != e.Status {
			t.history = append(t.history, e.change(s, now, t.quiet))
		}
		states = append(states, s.State)
		t.InUse, t.Suspect = t.InUse || s.InUse, t.Suspect || s.Suspect
	}
	whole := Port{Life: t.Life, Reachable: t.online(), Operative: t.Operative, Station: t.Report}
	if s := Summary(whole, states); s != t.Status {
		t.Status, t.StatusSince = s, now
	}
}

// change gives the port a status and the entry for its history. Entries of
// one port have distinct, growing instants even if clocks do not.
func (e *EVSE) change(s Status, now time.Time, quiet bool) Change {
	at := now
	if !at.After(e.ChangedAt) {
		at = e.ChangedAt.Add(time.Microsecond)
	}
	c := Change{EVSE: e.EVSE, At: at, State: s.State, OCPI: s.OCPI, InUse: s.InUse, Suspect: s.Suspect, Session: e.Session, Error: e.errorCode(), from: e.Status.State, quiet: quiet}
	e.Status, e.ChangedAt = s, at
	return c
}

func (e *EVSE) errorCode() string {
	for _, c := range e.Connectors {
		if c.Error != "" && (c.Report == ReportFaulted || len(e.Connectors) == 1) {
			return c.Error
		}
	}
	return ""
}

// tells reports whether one of the kinds of facts became true.
func (t *tree) tells(kinds ...string) bool {
	return slices.ContainsFunc(t.facts, func(f fact) bool { return slices.Contains(kinds, f.kind) })
}

// fact is what else the change made true.
type fact struct {
	kind    string
	payload any
}

// old gives the port as it was loaded; ok is false for a new one.
func (t *tree) old(n int) (EVSE, bool) {
	for _, e := range t.was {
		if e.EVSE == n {
			return e, true
		}
	}
	return EVSE{}, false
}

// take takes what a transaction tells of a port.
func (e *EVSE) take(u Usage) {
	over := openUses[u.State] == ""
	if over && e.Session != "" && e.Session != u.Session {
		return
	}
	was := e.Use
	e.Use, e.Session, e.Power = u.State, u.Session, u.Power
	e.Energised = e.Energised || u.Energised || u.State == UseCharging || u.State == UseSuspendedEV || u.State == UseSuspendedEVSE
	if e.Energised {
		e.Failed = 0
	}
	if !over {
		return
	}
	if openUses[was] != "" && !e.Energised {
		e.Failed++
	}
	e.Energised, e.Session, e.Power = false, "", 0
	if !e.Report.busy() { // never plugged in, or already away
		e.Use = UseNone
	}
}

// Usage is what the session room tells of the transaction on a port.
type Usage struct {
	State     Use
	Session   string
	Power     int64 // W
	Energised bool  // energy flowed in this session, whatever State says now
	Connector int   // of 1.6, counted over the station: it says which EVSE that is today; 0 unknown
}
