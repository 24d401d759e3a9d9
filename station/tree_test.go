package station

import (
	"testing"
	"time"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func live() *tree {
	return newTree(Station{ID: "CS-1", Life: Active, Connected: true, Operative: true}, nil)
}

func (t *tree) tell(evse, connector int, r Report, seconds int) {
	at := t0.Add(time.Duration(seconds) * time.Second)
	t.apply(report{evse: evse, connector: connector, report: r, at: at})
	t.settle(at)
}

func (t *tree) want(tb testing.TB, states ...State) {
	tb.Helper()
	if len(states) != len(t.EVSEs) {
		tb.Fatalf("%d ports, want %d", len(t.EVSEs), len(states))
	}
	for i, s := range states {
		if t.EVSEs[i].Status.State != s {
			tb.Errorf("port %d is %s, want %s", t.EVSEs[i].EVSE, t.EVSEs[i].Status.State, s)
		}
	}
}

// Field note 13: connector 0 is the station itself; a 1.6 sibling port that
// becomes Unavailable with its neighbour's session is blocked, not broken.
func TestFieldNote13ConnectorZeroAndSiblingPorts(t *testing.T) {
	t.Parallel()
	cs := live()
	cs.tell(0, 0, ReportAvailable, 0)
	if len(cs.EVSEs) != 0 {
		t.Fatal("connector 0 became a port")
	}
	cs.tell(1, 1, ReportAvailable, 1)
	cs.tell(2, 1, ReportAvailable, 1)
	cs.want(t, Available, Available)

	cs.tell(0, 0, ReportCharging, 2) // some stations say so of themselves
	cs.want(t, Available, Available)
	cs.tell(0, 0, ReportUnavailable, 3)
	cs.want(t, Unavailable, Unavailable)
	cs.tell(0, 0, ReportAvailable, 4)

	cs.tell(1, 1, ReportPreparing, 60)
	cs.tell(2, 1, ReportUnavailable, 61)
	cs.want(t, Preparing, Unavailable)
	if s := cs.EVSEs[1].Status; s.OCPI != OCPIBlocked || s.NEVI != Up {
		t.Errorf("sibling: %+v", s)
	}
	cs.tell(1, 1, ReportAvailable, 600)
	if s := cs.EVSEs[1].Status; s.OCPI != OCPIInoperative {
		t.Errorf("still Unavailable after the neighbour left: %+v", s)
	}
	cs.tell(2, 1, ReportAvailable, 601)
	cs.want(t, Available, Available)

	// Unavailable long before the neighbour came: its own trouble.
	cs.tell(2, 1, ReportUnavailable, 700)
	cs.tell(1, 1, ReportCharging, 900)
	if s := cs.EVSEs[1].Status; s.OCPI != OCPIInoperative || s.NEVI != Down {
		t.Errorf("unavailable on its own: %+v", s)
	}
}

func TestHistoryOnlyOnChange(t *testing.T) {
	t.Parallel()
	cs := live()
	for i, r := range []Report{ReportAvailable, ReportAvailable, ReportPreparing, ReportPreparing, ReportCharging, ReportFinishing, ReportAvailable} {
		cs.tell(1, 1, r, i)
	}
	var got []State
	for _, c := range cs.history {
		got = append(got, c.State)
	}
	want := []State{Available, Preparing, Charging, Finishing, Available}
	if len(got) != len(want) {
		t.Fatalf("history %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("history %v, want %v", got, want)
		}
	}
}

func TestSuspectAfterThreeFailedStarts(t *testing.T) {
	t.Parallel()
	cs := live()
	attempt := func(second int, states ...Use) {
		cs.tell(1, 1, ReportOccupied, second)
		for _, u := range states {
			cs.EVSEs[0].take(Usage{State: u, Session: "s"})
			cs.settle(t0)
		}
		cs.tell(1, 1, ReportAvailable, second+5)
	}
	cs.tell(1, 1, ReportAvailable, 0)
	for i := range 3 {
		if cs.Suspect {
			t.Fatalf("suspect after %d failed starts", i)
		}
		attempt(100*i, UseConnected, UseEnded)
	}
	if !cs.Suspect || cs.EVSEs[0].Status.State != Available || cs.EVSEs[0].Session != "" {
		t.Fatalf("not suspect after three failed starts: %+v", cs.EVSEs[0])
	}
	attempt(1000, UseConnected, UseCharging, UseSuspendedEV, UseEnded)
	if cs.Suspect {
		t.Fatal("still suspect after a good session")
	}
}

// A 2.x port stays "finishing" between the end of the transaction and the
// free bay, and tells an ended session from a plugged-in car.
func TestFinishingUntilTheBayIsFree(t *testing.T) {
	t.Parallel()
	cs := live()
	cs.tell(1, 1, ReportOccupied, 0)
	cs.want(t, Preparing)
	cs.EVSEs[0].take(Usage{State: UseCharging, Session: "s", Power: 11000})
	cs.settle(t0)
	cs.want(t, Charging)
	cs.EVSEs[0].take(Usage{State: UseEnded, Session: "s"})
	cs.settle(t0)
	cs.want(t, Finishing)
	cs.tell(1, 1, ReportAvailable, 60)
	cs.want(t, Available)
	cs.tell(1, 1, ReportOccupied, 90)
	cs.want(t, Preparing)
}

func TestReportsOutOfRangeChangeNothing(t *testing.T) {
	t.Parallel()
	cs := live()
	for _, r := range []report{{evse: -1, connector: 1}, {evse: 1, connector: -1}, {evse: maxEVSE + 1, connector: 1}} {
		r.report, r.at = ReportAvailable, t0
		cs.apply(r)
	}
	if len(cs.EVSEs) != 0 {
		t.Fatalf("%d ports", len(cs.EVSEs))
	}
}
