package station

import "testing"

// The acceptance statement of A2: every status of both versions × admin
// state × hold, written out. Columns: in service with no hold, reserved,
// held; out of service with no hold, reserved, held.
func TestStatusByReportAdminAndHold(t *testing.T) {
	t.Parallel()
	same := func(s State) [6]State { return [6]State{s, s, s, s, s, s} }
	free := [6]State{Available, Reserved, Held, Unavailable, Unavailable, Unavailable}
	want := map[Report][6]State{
		ReportNone:          same(Unavailable),
		ReportAvailable:     free,
		ReportReserved:      {Reserved, Reserved, Held, Unavailable, Unavailable, Unavailable},
		ReportOccupied:      same(Preparing),
		ReportPreparing:     same(Preparing),
		ReportCharging:      same(Charging),
		ReportSuspendedEV:   same(SuspendedEV),
		ReportSuspendedEVSE: same(SuspendedEVSE),
		ReportFinishing:     same(Finishing),
		ReportUnavailable:   same(Unavailable),
		ReportFaulted:       same(Faulted),
	}
	if len(want) != len(allReports) {
		t.Fatalf("%d reports in the table, %d exist", len(want), len(allReports))
	}
	for report, row := range want {
		for i, expect := range row {
			p := Port{Life: Active, Reachable: true, Operative: i < 3, Report: report, Hold: allHolds[i%3]}
			if got := StatusOf(p).State; got != expect {
				t.Errorf("%q operative=%v hold=%q: %s, want %s", report, p.Operative, p.Hold, got, expect)
			}
		}
	}
}

var (
	allReports = []Report{
		ReportNone, ReportAvailable, ReportOccupied, ReportPreparing, ReportCharging, ReportSuspendedEV,
		ReportSuspendedEVSE, ReportFinishing, ReportReserved, ReportUnavailable, ReportFaulted,
	}
	allUses  = []Use{UseNone, UseIdle, UseConnected, UseCharging, UseSuspendedEV, UseSuspendedEVSE, UseEnded}
	allHolds = []Hold{HoldNone, HoldReserved, HoldHeld}
)

func everyPort(f func(p Port)) {
	yesNo := []bool{false, true}
	for _, life := range []Life{Inactive, Active, Retired} {
		for _, reach := range yesNo {
			for _, op := range yesNo {
				for _, whole := range []Report{ReportNone, ReportAvailable, ReportUnavailable, ReportFaulted} {
					for _, report := range allReports {
						for _, use := range allUses {
							for _, hold := range allHolds {
								for _, sib := range yesNo {
									for _, failed := range []int{0, SuspectAfter - 1, SuspectAfter} {
										f(Port{life, reach, op, whole, report, use, hold, sib, failed})
									}
								}
							}
						}
					}
				}
			}
		}
	}
}

// expected is the model told a second time, as a story instead of a table.
func expected(p Port) (State, OCPI) {
	if p.Life == Retired {
		return NotActivated, OCPIRemoved
	}
	if p.Life == Inactive {
		return NotActivated, OCPIPlanned
	}
	if !p.Reachable {
		return Unreachable, OCPIUnknown
	}
	if p.Report == ReportFaulted || p.Station == ReportFaulted {
		return Faulted, OCPIOutOfOrder
	}
	switch p.Report {
	case ReportCharging, ReportFinishing, ReportSuspendedEV, ReportSuspendedEVSE, ReportPreparing:
		s := map[Report]State{
			ReportCharging: Charging, ReportFinishing: Finishing, ReportSuspendedEV: SuspendedEV,
			ReportSuspendedEVSE: SuspendedEVSE, ReportPreparing: Preparing,
		}[p.Report]
		if p.Report == ReportPreparing {
			switch p.Use {
			case UseCharging:
				s = Charging
			case UseSuspendedEV:
				s = SuspendedEV
			case UseSuspendedEVSE:
				s = SuspendedEVSE
			}
		}
		if s == Finishing {
			return s, OCPIBlocked
		}
		return s, OCPICharging
	}
	switch p.Use {
	case UseCharging:
		return Charging, OCPICharging
	case UseSuspendedEV:
		return SuspendedEV, OCPICharging
	case UseSuspendedEVSE:
		return SuspendedEVSE, OCPICharging
	case UseIdle, UseConnected:
		return Preparing, OCPICharging
	}
	if p.Report == ReportOccupied {
		if p.Use == UseEnded {
			return Finishing, OCPIBlocked
		}
		return Preparing, OCPICharging
	}
	if !p.Operative || p.Station == ReportUnavailable {
		return Unavailable, OCPIInoperative
	}
	if p.Report == ReportUnavailable {
		if p.SiblingBusy {
			return Unavailable, OCPIBlocked
		}
		return Unavailable, OCPIInoperative
	}
	if p.Report == ReportNone {
		return Unavailable, OCPIUnknown
	}
	if p.Hold == HoldHeld {
		return Held, OCPIReserved
	}
	if p.Hold == HoldReserved || p.Report == ReportReserved {
		return Reserved, OCPIReserved
	}
	return Available, OCPIAvailable
}

// Every combination of inputs, against the second telling and the duties.
func TestStatusOfEveryCombination(t *testing.T) {
	t.Parallel()
	n := 0
	known := map[State]bool{}
	for _, s := range States() {
		known[s] = true
	}
	everyPort(func(p Port) {
		n++
		got := StatusOf(p)
		state, ocpi := expected(p)
		if got.State != state || got.OCPI != ocpi {
			t.Fatalf("%+v: %s/%s, want %s/%s", p, got.State, got.OCPI, state, ocpi)
		}
		if !known[got.State] {
			t.Fatalf("%+v: state %q is not in the vocabulary", p, got.State)
		}
		checkRegimes(t, p, got)
	})
	if n != 3*2*2*4*11*7*3*2*3 {
		t.Fatalf("visited %d combinations", n)
	}
}

func checkRegimes(t *testing.T, p Port, s Status) {
	t.Helper()
	if _, ok := regimes[s.OCPI]; !ok || s.UK == "" || s.NEVI == "" || s.IRVE == "" || s.IRVEUse == "" {
		t.Fatalf("%+v: no duty values for %q", p, s.OCPI)
	}
	// Regulation 7(3) and (4) by their words.
	working := s.OCPI == OCPIAvailable || s.OCPI == OCPICharging || s.OCPI == OCPIReserved
	broken := s.OCPI == OCPIInoperative || s.OCPI == OCPIOutOfOrder
	if working != (s.UK == Up) || broken != (s.UK == Down) {
		t.Fatalf("%+v: %s is %s for the UK", p, s.OCPI, s.UK)
	}
	switch s.State {
	case Unreachable, Faulted:
		if s.NEVI != Down {
			t.Fatalf("%+v: %s must be down for NEVI", p, s.State)
		}
	case Available, Charging, Preparing, Finishing, SuspendedEV, SuspendedEVSE, Reserved, Held:
		if s.NEVI != Up || s.IRVE != IRVEInService {
			t.Fatalf("%+v: %s must be up", p, s.State)
		}
	}
	if s.Suspect && s.State != Available || s.State == Available && s.Suspect != (p.FailedStarts >= SuspectAfter) {
		t.Fatalf("%+v: suspect=%v", p, s.Suspect)
	}
	if s.State == Available && s.InUse || s.State == Charging && !s.InUse || p.Life != Active && s.InUse {
		t.Fatalf("%+v: in use=%v in %s", p, s.InUse, s.State)
	}
}

// Field note 13: connectors of one EVSE speak with one voice, and a sibling
// that is Unavailable because its EVSE is busy is not an outage.
func TestFieldNote13SiblingOfABusyEVSEIsNoOutage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		connectors []Report
		want       Report
	}{
		{[]Report{ReportUnavailable, ReportCharging}, ReportCharging},
		{[]Report{ReportOccupied, ReportUnavailable}, ReportOccupied},
		{[]Report{ReportUnavailable, ReportSuspendedEV, ReportUnavailable}, ReportSuspendedEV},
		{[]Report{ReportFaulted, ReportAvailable}, ReportAvailable},
		{[]Report{ReportFaulted, ReportUnavailable}, ReportFaulted},
		{[]Report{ReportUnavailable, ReportUnavailable}, ReportUnavailable},
		{[]Report{ReportNone, ReportAvailable}, ReportAvailable},
		{nil, ReportNone},
	} {
		if got := Merge(c.connectors); got != c.want {
			t.Errorf("Merge(%v) = %q, want %q", c.connectors, got, c.want)
		}
	}
	p := Port{Life: Active, Reachable: true, Operative: true, Report: ReportUnavailable, SiblingBusy: true}
	if s := StatusOf(p); s.OCPI != OCPIBlocked || s.NEVI != Up || s.UK == Down || outageCause(s) != "" {
		t.Errorf("busy sibling: %+v", s)
	}
	p.SiblingBusy = false
	if s := StatusOf(p); s.OCPI != OCPIInoperative || s.NEVI != Down {
		t.Errorf("unavailable on its own: %+v", s)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	on := Port{Life: Active, Reachable: true, Operative: true}
	for _, c := range []struct {
		whole Port
		ports []State
		want  State
	}{
		{on, []State{Available, Charging}, Charging},
		{on, []State{Available, Faulted}, Faulted},
		{on, []State{Unavailable, Available}, Available},
		{on, []State{Unavailable, Unavailable}, Unavailable},
		{on, nil, Unavailable},
		{Port{Life: Active}, nil, Unreachable},
		{Port{Life: Inactive, Reachable: true}, nil, NotActivated},
		{Port{Life: Active, Reachable: true, Operative: true, Station: ReportFaulted}, nil, Faulted},
	} {
		if got := Summary(c.whole, c.ports); got != c.want {
			t.Errorf("Summary(%+v, %v) = %s, want %s", c.whole, c.ports, got, c.want)
		}
	}
}
