package tariff

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/identity"
)

// Audience is whom a price is for.
type Audience string

// The audiences, the one that comes first on top.
const (
	AudienceOverride     Audience = "override"     // one token, promised in advance
	AudiencePartner      Audience = "partner"      // a contract with a company
	AudienceFleet        Audience = "fleet"        // vehicles of a fleet
	AudienceSubscription Audience = "subscription" // a plan that the driver has bought
	AudienceDriverGroup  Audience = "driver_group" // employees, residents, …; also an OCPP group token
	AudienceRoaming      Audience = "roaming"      // customers of other providers
	AudienceAdHoc        Audience = "ad_hoc"       // strangers who pay on the spot
	AudienceDefault      Audience = "default"      // everybody
)

// Audiences lists them in their order of precedence.
var Audiences = []Audience{AudienceOverride, AudiencePartner, AudienceFleet, AudienceSubscription, AudienceDriverGroup, AudienceRoaming, AudienceAdHoc, AudienceDefault}

func (a Audience) rank() int { return slices.Index(Audiences, a) }

// Membership puts somebody into an audience: a partner, a fleet, a plan or a
// driver group by its name.
type Membership struct {
	Audience Audience
	Ref      string
}

// Driver is all that a price may depend on about who charges. The zero Driver
// is a stranger without a contract: ad hoc.
type Driver struct {
	Token       string // match key; empty: none
	ID          string // account's driver
	Known       bool   // the token is one of ours
	Provider    string // "FR*ABC" of a roaming contract; empty: none
	Memberships []Membership
}

// belongs reports whether an entry for an audience is for this driver.
func (d Driver) belongs(a Audience, ref string) bool {
	switch a {
	case AudienceOverride:
		return d.Token != "" && ref == d.Token
	case AudienceDefault:
		return true
	case AudienceAdHoc:
		return !d.Known && d.Provider == ""
	case AudienceRoaming:
		return !d.Known && d.Provider != "" && (ref == "" || strings.EqualFold(ref, d.Provider))
	}
	return slices.ContainsFunc(d.Memberships, func(m Membership) bool {
		return m.Audience == a && (ref == "" || strings.EqualFold(ref, m.Ref))
	})
}

// Provider reads the provider out of a contract id (eMAID of ISO 15118 and
// DIN 91286: country, provider, instance), "FR*ABC"; empty when it is none.
func Provider(token string) string {
	s := strings.ToUpper(strings.NewReplacer("-", "", "*", "", " ", "").Replace(token))
	if len(s) < 12 || len(s) > 15 {
		return ""
	}
	for i, r := range s {
		letter, digit := r >= 'A' && r <= 'Z', r >= '0' && r <= '9'
		if i < 2 && !letter || !letter && !digit {
			return ""
		}
	}
	if len(s) >= 14 && s[5] != 'C' { // DIN 91286 has fewer; ISO 15118 marks a contract with C
		return ""
	}
	return s[:2] + "*" + s[2:5]
}

// Candidate is one price that somebody could have at a place: an entry of a
// tariff group, an assignment (the default of a group without a name), or an
// override.
type Candidate struct {
	Source    string // "group", "assignment", "override"
	ID        string // of the entry, assignment or override
	Group     string
	GroupName string
	Closed    bool // of the group
	Audience  Audience
	Ref       string
	Position  int
	Level     Level
	Depth     int // of nested organisations: the deeper the more specific
	From      time.Time
	To        *time.Time
	Tariff    ID
	TariffOrg identity.OrgID
	Version   VersionID
}

// compare orders by precedence: audience, then the more specific place, then
// position, then the newer, then the id, so that it never depends on chance.
func (c Candidate) compare(o Candidate) int {
	return cmp.Or(
		cmp.Compare(c.Audience.rank(), o.Audience.rank()),
		cmp.Compare(o.Level, c.Level), cmp.Compare(o.Depth, c.Depth),
		cmp.Compare(c.Position, o.Position),
		o.From.Compare(c.From),
		cmp.Compare(c.Group, o.Group), cmp.Compare(c.ID, o.ID))
}

// within reports whether c's place lies inside o's, not at it.
func (c Candidate) within(o Candidate) bool {
	return c.Level > o.Level || c.Level == o.Level && c.Depth > o.Depth
}

// Verdict says why a candidate was taken or passed.
type Verdict string

const (
	VerdictTaken      Verdict = "taken"
	VerdictNotForThem Verdict = "not_for_them"   // another audience
	VerdictNotInForce Verdict = "not_in_force"   // the tariff's own dates
	VerdictClosed     Verdict = "closed_group"   // a closed group nearer to the EVSE decides alone
	VerdictOutranked  Verdict = "outranked"      // another audience comes first
	VerdictFarther    Verdict = "less_specific"  // the same audience has a price nearer to the EVSE
	VerdictPosition   Verdict = "later_in_order" // the same audience and place: position, then age
	undecided         Verdict = ""
)

// Step is a candidate and what became of it.
type Step struct {
	Candidate
	Verdict Verdict
}

// Choose orders the candidates by precedence and says of each whether it is
// the price of the driver, or why not. inForce tells whether a candidate's
// tariff is in force by its own dates; it is asked only of those that could be
// taken. At most one is taken. A closed group that has a price for the driver
// rules out everything less specific but overrides.
func Choose(all []Candidate, d Driver, inForce func(Candidate) (bool, error)) ([]Step, error) {
	steps := make([]Step, len(all))
	for i, c := range all {
		steps[i] = Step{Candidate: c}
	}
	slices.SortFunc(steps, func(a, b Step) int { return a.compare(b.Candidate) })
	var closed *Candidate
	for i := range steps {
		c := steps[i].Candidate
		if !d.belongs(c.Audience, c.Ref) {
			steps[i].Verdict = VerdictNotForThem
		} else if c.Closed && (closed == nil || c.within(*closed)) {
			closed = &steps[i].Candidate
		}
	}
	taken := -1
	for i := range steps {
		s := &steps[i]
		switch {
		case s.Verdict != undecided:
		case closed != nil && s.Audience != AudienceOverride && closed.within(s.Candidate):
			s.Verdict = VerdictClosed
		case taken >= 0:
			s.Verdict = why(steps[taken].Candidate, s.Candidate)
		default:
			ok, err := inForce(s.Candidate)
			if err != nil {
				return nil, err
			}
			s.Verdict = VerdictNotInForce
			if ok {
				s.Verdict, taken = VerdictTaken, i
			}
		}
	}
	return steps, nil
}

// why tells what set the taken one apart from one that could have been taken.
func why(taken, c Candidate) Verdict {
	switch {
	case taken.Audience != c.Audience:
		return VerdictOutranked
	case taken.within(c):
		return VerdictFarther
	}
	return VerdictPosition
}

// Taken gives the step that was taken.
func Taken(steps []Step) (Step, bool) {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Verdict == VerdictTaken })
	if i < 0 {
		return Step{}, false
	}
	return steps[i], true
}
