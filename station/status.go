package station

// State is what a port is doing, in the one vocabulary of the platform.
type State string

// The states of a port. A port is an EVSE: one car at a time.
const (
	NotActivated  State = "not_activated"  // created, not in service yet, or retired
	Available     State = "available"      // a driver may start
	Preparing     State = "preparing"      // plugged in or authorised, no energy yet
	Charging      State = "charging"       // energy flows
	SuspendedEV   State = "suspended_ev"   // the car takes nothing
	SuspendedEVSE State = "suspended_evse" // the station gives nothing
	Finishing     State = "finishing"      // the session is over, the car still occupies the bay
	Reserved      State = "reserved"       // a reservation keeps it
	Held          State = "held"           // the waitlist keeps it for the next driver
	Unavailable   State = "unavailable"    // taken out of service, by us or at the station
	Faulted       State = "faulted"        // the station reports a fault
	Unreachable   State = "unreachable"    // no socket, or silence for longer than it may last
)

// States lists every State, in the order of the lifecycle above.
func States() []State {
	return []State{NotActivated, Available, Preparing, Charging, SuspendedEV, SuspendedEVSE, Finishing, Reserved, Held, Unavailable, Faulted, Unreachable}
}

// OCPI is a value of the OCPI 2.2.1 Status enumeration (§8.4.22).
type OCPI string

const (
	OCPIAvailable   OCPI = "AVAILABLE"
	OCPIBlocked     OCPI = "BLOCKED"
	OCPICharging    OCPI = "CHARGING"
	OCPIInoperative OCPI = "INOPERATIVE"
	OCPIOutOfOrder  OCPI = "OUTOFORDER"
	OCPIPlanned     OCPI = "PLANNED"
	OCPIRemoved     OCPI = "REMOVED"
	OCPIReserved    OCPI = "RESERVED"
	OCPIUnknown     OCPI = "UNKNOWN"
)

// Uptime is how a regime counts a minute.
type Uptime string

const (
	Up         Uptime = "up"
	Down       Uptime = "down"
	NotCounted Uptime = "not_counted" // neither for nor against
)

// Values of the French dynamic data set (IRVE): condition and use of a point.
const (
	IRVEInService    = "en_service"
	IRVEOutOfService = "hors_service"
	IRVEUnknown      = "inconnu"
	IRVEFree         = "libre"
	IRVEOccupied     = "occupe"
	IRVEReserved     = "reserve"
)

// Life is where a station stands between delivery and removal.
type Life string

const (
	Inactive Life = "inactive" // created or seen, not activated
	Active   Life = "active"
	Retired  Life = "retired"
)

// Report is the last status that the station sent for a connector: the 1.6
// ChargePointStatus where it speaks 1.6, the coarser 2.x ConnectorStatus
// otherwise.
type Report string

const (
	ReportNone          Report = "" // nothing heard yet
	ReportAvailable     Report = "Available"
	ReportOccupied      Report = "Occupied" // 2.x only
	ReportPreparing     Report = "Preparing"
	ReportCharging      Report = "Charging"
	ReportSuspendedEV   Report = "SuspendedEV"
	ReportSuspendedEVSE Report = "SuspendedEVSE"
	ReportFinishing     Report = "Finishing"
	ReportReserved      Report = "Reserved"
	ReportUnavailable   Report = "Unavailable"
	ReportFaulted       Report = "Faulted"
)

// Use is what the open transaction on the EVSE says: the 2.x ChargingState,
// or what the session room derives of it for 1.6.
type Use string

const (
	UseNone          Use = "" // no transaction since the bay was last free
	UseIdle          Use = "Idle"
	UseConnected     Use = "EVConnected"
	UseCharging      Use = "Charging"
	UseSuspendedEV   Use = "SuspendedEV"
	UseSuspendedEVSE Use = "SuspendedEVSE"
	UseEnded         Use = "Ended" // the transaction is over, the bay not yet reported free
)

// Hold is a claim on a free port by a higher room.
type Hold string

const (
	HoldNone     Hold = ""
	HoldReserved Hold = "reserved"
	HoldHeld     Hold = "held"
)

// SuspectAfter is the number of failed starts in a row that make an
// available port suspect.
const SuspectAfter = 3

// Port is all that the status of an EVSE depends on.
type Port struct {
	Life         Life
	Reachable    bool   // socket open and frames within the limit of Silence
	Operative    bool   // our own wish: false after "take out of service"
	Station      Report // of the station as a whole: 1.6 connector 0; none, Available, Unavailable or Faulted
	Report       Report // of the EVSE: Merge over its connectors
	Use          Use
	Hold         Hold
	SiblingBusy  bool // another port that shares the hardware is in use, and this one became Unavailable with it
	FailedStarts int  // in a row, no success between
}

// Status is what every reader of a port is told.
type Status struct {
	State   State
	OCPI    OCPI
	UK      Uptime // The Public Charge Point Regulations 2023 (SI 2023/1168), regulation 7
	NEVI    Uptime // 23 CFR 680.116(b)
	IRVE    string // etat_pdc
	IRVEUse string // occupation_pdc
	InUse   bool   // a car, a cable or a transaction occupies it, whatever State says
	Suspect bool   // shown as available, but the last starts failed
}

// rule is one line of the status table: the first whose conditions all hold
// decides. A nil condition always holds.
type rule struct {
	why  string
	when func(p Port) bool
	give func(p Port) (State, OCPI)
}

func gives(s State, o OCPI) func(Port) (State, OCPI) {
	return func(Port) (State, OCPI) { return s, o }
}

// table is the status model. Order matters and is the explanation: life
// before connection, connection before hardware, hardware before cars, cars
// before claims, claims before "available".
var table = []rule{
	{"retired", func(p Port) bool { return p.Life == Retired }, gives(NotActivated, OCPIRemoved)},
	{"not activated", func(p Port) bool { return p.Life != Active }, gives(NotActivated, OCPIPlanned)},
	{"no connection", func(p Port) bool { return !p.Reachable }, gives(Unreachable, OCPIUnknown)},
	{"fault of the port or of the station", func(p Port) bool { return p.Report == ReportFaulted || p.Station == ReportFaulted }, gives(Faulted, OCPIOutOfOrder)},
	{"1.6 tells the charging state itself", func(p Port) bool { return fineReports[p.Report] != "" && !overtaken(p) },
		func(p Port) (State, OCPI) { s := fineReports[p.Report]; return s, busyOCPI(s) }},
	{"a transaction is open", func(p Port) bool { return openUses[p.Use] != "" },
		func(p Port) (State, OCPI) { s := openUses[p.Use]; return s, busyOCPI(s) }},
	{"the transaction ended, the car is still there", func(p Port) bool { return p.Use == UseEnded && p.Report == ReportOccupied }, gives(Finishing, OCPIBlocked)},
	{"plugged in, no transaction", func(p Port) bool { return p.Report == ReportOccupied }, gives(Preparing, OCPICharging)},
	// Field note 13: the neighbour's car, not an outage.
	{"its sibling is in use", func(p Port) bool {
		return p.Operative && p.SiblingBusy && p.Report == ReportUnavailable && p.Station != ReportUnavailable
	}, gives(Unavailable, OCPIBlocked)},
	{"taken out of service", func(p Port) bool {
		return !p.Operative || p.Station == ReportUnavailable || p.Report == ReportUnavailable
	}, gives(Unavailable, OCPIInoperative)},
	// Connected, and not a word about this port: never offer it to a driver.
	{"nothing reported yet", func(p Port) bool { return p.Report == ReportNone }, gives(Unavailable, OCPIUnknown)},
	{"held for the next of the waitlist", func(p Port) bool { return p.Hold == HoldHeld }, gives(Held, OCPIReserved)},
	{"reserved, by us or at the station", func(p Port) bool { return p.Hold == HoldReserved || p.Report == ReportReserved }, gives(Reserved, OCPIReserved)},
	{"free", func(p Port) bool { return p.Report == ReportAvailable }, gives(Available, OCPIAvailable)},
	{"not understood", nil, gives(Unavailable, OCPIUnknown)},
}

// fineReports are the 1.6 statuses that say more than "occupied".
var fineReports = map[Report]State{
	ReportPreparing: Preparing, ReportCharging: Charging, ReportSuspendedEV: SuspendedEV,
	ReportSuspendedEVSE: SuspendedEVSE, ReportFinishing: Finishing,
}

// openUses are the charging states of a transaction that has not ended.
// Authorised and waiting for the cable (Idle) is preparing too.
var openUses = map[Use]State{
	UseIdle: Preparing, UseConnected: Preparing, UseCharging: Charging,
	UseSuspendedEV: SuspendedEV, UseSuspendedEVSE: SuspendedEVSE,
}

// overtaken holds when the report is older than what the transaction tells:
// many 1.6 stations send Preparing and then nothing until Finishing.
func overtaken(p Port) bool {
	s, open := openUses[p.Use]
	return p.Report == ReportPreparing && open && s != Preparing
}

// busyOCPI follows OCPI: CHARGING is "in use", BLOCKED a car in the way.
func busyOCPI(s State) OCPI {
	if s == Finishing {
		return OCPIBlocked
	}
	return OCPICharging
}

// StatusOf gives the one status of a port. It is total: every combination of
// inputs has an answer, and the same one always.
func StatusOf(p Port) Status {
	s, o := decide(p)
	r := regimes[o]
	st := Status{State: s, OCPI: o, UK: r.uk, NEVI: r.nevi, IRVE: r.irve, IRVEUse: r.use}
	_, fine := fineReports[p.Report]
	st.InUse = p.Life == Active && (openUses[p.Use] != "" || fine || p.Report == ReportOccupied)
	st.Suspect = s == Available && p.FailedStarts >= SuspectAfter
	return st
}

func decide(p Port) (State, OCPI) {
	for _, r := range table {
		if r.when == nil || r.when(p) {
			return r.give(p)
		}
	}
	panic("station: the status table has no last line")
}

type regime struct {
	uk, nevi  Uptime
	irve, use string
}

// regimes reads the public duties off the OCPI value, as the UK regulation
// does itself: unknown and blocked are "ineligible for measurement" there,
// while NEVI asks for hardware and software online.
var regimes = map[OCPI]regime{
	OCPIAvailable:   {Up, Up, IRVEInService, IRVEFree},
	OCPICharging:    {Up, Up, IRVEInService, IRVEOccupied},
	OCPIReserved:    {Up, Up, IRVEInService, IRVEReserved},
	OCPIBlocked:     {NotCounted, Up, IRVEInService, IRVEOccupied},
	OCPIInoperative: {Down, Down, IRVEOutOfService, IRVEUnknown},
	OCPIOutOfOrder:  {Down, Down, IRVEOutOfService, IRVEUnknown},
	OCPIUnknown:     {NotCounted, Down, IRVEUnknown, IRVEUnknown},
	OCPIPlanned:     {NotCounted, NotCounted, IRVEUnknown, IRVEUnknown},
	OCPIRemoved:     {NotCounted, NotCounted, IRVEUnknown, IRVEUnknown},
}

// mergeOrder ranks the reports of the connectors of one EVSE: who is busy
// speaks for the EVSE, then who is free; a fault speaks only when no other
// connector can serve a driver (field note 13).
var mergeOrder = []Report{
	ReportCharging, ReportSuspendedEVSE, ReportSuspendedEV, ReportOccupied, ReportPreparing, ReportFinishing,
	ReportReserved, ReportAvailable, ReportFaulted, ReportUnavailable,
}

// Merge gives the report of an EVSE from those of its connectors.
func Merge(connectors []Report) Report {
	for _, want := range mergeOrder {
		for _, r := range connectors {
			if r == want {
				return r
			}
		}
	}
	return ReportNone
}

// ParseReport reads a status as stations write it; ok is false for a value
// that is in neither version's enumeration.
func ParseReport(s string) (r Report, ok bool) {
	switch r = Report(s); r {
	case ReportAvailable, ReportOccupied, ReportPreparing, ReportCharging, ReportSuspendedEV, ReportSuspendedEVSE,
		ReportFinishing, ReportReserved, ReportUnavailable, ReportFaulted:
		return r, true
	}
	return ReportNone, false
}

// busy reports whether a car occupies the port according to the station.
func (r Report) busy() bool {
	_, fine := fineReports[r]
	return fine || r == ReportOccupied
}

// summaryOrder ranks port states for the one word a list shows per station:
// what needs a hand first, then what happens, then what is possible.
var summaryOrder = []State{
	NotActivated, Unreachable, Faulted, Charging, SuspendedEVSE, SuspendedEV, Preparing, Finishing,
	Available, Reserved, Held, Unavailable,
}

// Summary gives the status of a station from those of its ports. A station
// without ports is judged as one port that reported nothing.
func Summary(whole Port, ports []State) State {
	whole.Report = ReportNone
	if len(ports) == 0 {
		return StatusOf(whole).State
	}
	for _, want := range summaryOrder {
		for _, s := range ports {
			if s == want {
				return s
			}
		}
	}
	return Unavailable
}
