package device

import (
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// What an update does with a station where somebody charges.
const (
	ChargingWait  = "wait"  // until nobody charges
	ChargingSkip  = "skip"  // leave the station out
	ChargingForce = "force" // go on: the charge may be interrupted
)

// Policy says how stations are updated. Zero values mean the defaults.
type Policy struct {
	WhenCharging  string     `json:"when_charging,omitempty"`
	NotBefore     *time.Time `json:"not_before,omitempty"`
	NotAfter      *time.Time `json:"not_after,omitempty"`      // stations not asked by then are skipped
	InstallAt     *time.Time `json:"install_at,omitempty"`     // download now, install then
	From          string     `json:"from,omitempty"`           // "22:00": only within these hours, at the station's place
	To            string     `json:"to,omitempty"`             // "05:00"
	Retries       int        `json:"retries,omitempty"`        // of the station's download
	RetryInterval int        `json:"retry_interval,omitempty"` // seconds
	StallAfter    int        `json:"stall_after,omitempty"`    // seconds without news; 2 h
	Parallel      int        `json:"parallel,omitempty"`       // stations at once; 50
	Canary        int        `json:"canary_percent,omitempty"` // so many go first, the others when all of these are done
	StopAt        int        `json:"stop_percent,omitempty"`   // pauses when more of the finished ones failed; 0: never
	OnlySigned    bool       `json:"only_signed,omitempty"`    // never fall back to an unsigned update
	Reinstall     bool       `json:"reinstall,omitempty"`      // also stations that have the version already
	Login         bool       `json:"login,omitempty"`          // the address holds a user and password
}

const (
	stallAfter = 2 * time.Hour
	atOnce     = 50
	// enough is how many stations must have ended before a failure rate says
	// something, unless all canaries have.
	enough = 5
)

func (p Policy) stall() time.Duration {
	if p.StallAfter <= 0 {
		return stallAfter
	}
	return time.Duration(p.StallAfter) * time.Second
}

// clockTime reads "22:30" as minutes of the day; -1 when it is none.
func clockTime(s string) int {
	at, err := time.Parse("15:04", s)
	if err != nil {
		return -1
	}
	return at.Hour()*60 + at.Minute()
}

// opensAt gives when the daily hours hold next: now, when they do.
func (p Policy) opensAt(now time.Time, zone *time.Location) time.Time {
	from, to := clockTime(p.From), clockTime(p.To)
	if from < 0 || to < 0 || from == to {
		return now
	}
	local := now.In(zone)
	minute := local.Hour()*60 + local.Minute()
	in := minute >= from && minute < to
	if from > to { // over midnight
		in = minute >= from || minute < to
	}
	if in {
		return now
	}
	opens := time.Date(local.Year(), local.Month(), local.Day(), from/60, from%60, 0, 0, zone)
	if !opens.After(now) {
		opens = opens.AddDate(0, 0, 1)
	}
	return opens.UTC()
}

// Counts are the tasks of an update by what matters to its course.
type Counts struct {
	Total, Waiting, Open, Good, Failed, Left int64 // Left: skipped and cancelled
	CanariesOpen                             int64 // canaries that are not done
}

// Done tells whether every station came to an end.
func (c Counts) Done() bool { return c.Waiting == 0 && c.Open == 0 }

// canaries is how many stations of so many go first.
func (p Policy) canaries(total int64) int64 {
	if p.Canary <= 0 || p.Canary >= 100 {
		return 0
	}
	return max(1, (total*int64(p.Canary)+99)/100)
}

// gate decides how an update goes on: below which position stations may begin
// and how many more, or why it pauses.
func (p Policy) gate(c Counts) (below, more int64, pause string) {
	ended, first := c.Good+c.Failed, p.canaries(c.Total)
	canariesDone := first > 0 && c.CanariesOpen == 0
	if p.StopAt > 0 && ended > 0 && (ended >= enough || canariesDone || c.Done()) && c.Failed*100 > ended*int64(p.StopAt) {
		return 0, 0, fmt.Sprintf("%d of %d stations failed, more than %d %%", c.Failed, ended, p.StopAt)
	}
	parallel := int64(p.Parallel)
	if parallel <= 0 {
		parallel = atOnce
	}
	below = c.Total
	if first > 0 && !canariesDone {
		below = first
	}
	return below, max(0, parallel-c.Open), ""
}

// situation is what decides whether a station can be asked now.
type situation struct {
	Online, Active bool
	Charging       bool
	Busy           bool // another update of it is open
	Version        string
	Protocol       string
	Vendor, Model  string
	Zone           *time.Location
	Now            time.Time
}

// verdict on a station whose turn it is. Wait and Skip exclude each other;
// neither: ask it.
type verdict struct {
	Wait time.Time // look again then; zero: do not wait
	Skip string
	Why  string
}

const (
	offlineAgain  = 10 * time.Minute // its boot wakes the task before
	chargingAgain = 2 * time.Minute
	busyAgain     = 5 * time.Minute
)

// judge decides whether a station is asked now.
func (p Policy) judge(i Image, to string, s situation) verdict {
	switch opens := p.opensAt(s.Now, s.Zone); {
	case p.NotAfter != nil && !s.Now.Before(*p.NotAfter):
		return verdict{Skip: "the time of this update was over before the station could be asked"}
	case !s.Active:
		return verdict{Skip: "the station is not active"}
	case s.Vendor != "" && !i.Fits(s.Vendor, s.Model):
		return verdict{Skip: fmt.Sprintf("the image is for %s %s, the station is a %s %s", or(i.Vendor, "any vendor"), or(i.Model, "any model"), s.Vendor, s.Model)}
	case !p.Reinstall && sameVersion(s.Version, to):
		return verdict{Skip: "the station has this version already"}
	case p.NotBefore != nil && s.Now.Before(*p.NotBefore):
		return verdict{Wait: *p.NotBefore, Why: "waits for the start of the update"}
	case opens.After(s.Now):
		return verdict{Wait: opens, Why: "waits for the hours of the update"}
	case !s.Online:
		return verdict{Wait: s.Now.Add(offlineAgain), Why: "the station is offline"}
	case s.Busy:
		return verdict{Wait: s.Now.Add(busyAgain), Why: "another firmware update of the station is open"}
	case s.Charging && p.WhenCharging == ChargingSkip:
		return verdict{Skip: "somebody charges"}
	case s.Charging && p.WhenCharging != ChargingForce:
		return verdict{Wait: s.Now.Add(chargingAgain), Why: "somebody charges"}
	case p.delayed(i, s):
		return verdict{Wait: *p.InstallAt, Why: "this station installs as soon as it is asked"}
	}
	return verdict{}
}

// delayed: unsigned firmware of 1.6 has no time of installation, so that the
// station is asked when it may install (OCPP 1.6 §6.61).
func (p Policy) delayed(i Image, s situation) bool {
	return s.Protocol == string(ocpp.V16) && !i.Signed() && p.InstallAt != nil && s.Now.Before(*p.InstallAt)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
