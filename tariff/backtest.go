package tariff

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Tally compares what sessions cost with what they would have cost.
type Tally struct {
	Sessions   int64       `json:"sessions"`
	Energy     unit.Energy `json:"energy_mwh"`
	Plugged    int64       `json:"plugged_seconds"`
	BeforeExcl money.Micro `json:"before_excl_micros"`
	AfterExcl  money.Micro `json:"after_excl_micros"`
	BeforeIncl money.Micro `json:"before_incl_micros"`
	AfterIncl  money.Micro `json:"after_incl_micros"`
	Dearer     int64       `json:"dearer"`
	Cheaper    int64       `json:"cheaper"`
	Same       int64       `json:"same"`
}

func (t *Tally) add(o Tally) {
	t.Sessions, t.Energy, t.Plugged = t.Sessions+o.Sessions, t.Energy+o.Energy, t.Plugged+o.Plugged
	t.BeforeExcl, t.AfterExcl = t.BeforeExcl+o.BeforeExcl, t.AfterExcl+o.AfterExcl
	t.BeforeIncl, t.AfterIncl = t.BeforeIncl+o.BeforeIncl, t.AfterIncl+o.AfterIncl
	t.Dearer, t.Cheaper, t.Same = t.Dearer+o.Dearer, t.Cheaper+o.Cheaper, t.Same+o.Same
}

// Past is a session as it was, to be priced again.
type Past struct {
	Site, Station   string
	Group, Audience string // that gave it its price
	Zone            string
	Currency        money.Currency
	Excl, Incl      money.Micro // as it was billed
	Rated           unit.Watts  // of the EVSE; 0: not known
	DriverGroups    string      // JSON list; empty: none
	Usage           string      // packed
}

// Bucket counts sessions by how much dearer they get, taxes included.
type Bucket struct {
	From     *money.Micro `json:"from_micros,omitempty"` // inclusive; absent: any less
	To       *money.Micro `json:"to_micros,omitempty"`   // exclusive; absent: any more
	Sessions int64        `json:"sessions"`
}

// bucketEdges in units of money, for currencies with decimals; sessions that
// stay the same are in Tally.Same and in no bucket.
var bucketEdges = [...]money.Micro{-50_000_000, -20_000_000, -10_000_000, -5_000_000, -2_000_000, -1_000_000, -500_000, 0,
	500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000}

// Replay is the outcome of pricing the past under a tariff. Replays of parts
// of the past add up to that of the whole.
type Replay struct {
	Total    Tally
	Sites    map[string]*Tally
	Groups   map[[2]string]*Tally // tariff group, audience
	Hours    [24]Tally            // local hour of the start
	Diff     [len(bucketEdges) + 1]int64
	Skipped  int64 // in another currency
	Unread   int64 // whose usage cannot be read
	currency money.Currency
}

func newReplay(c money.Currency) *Replay {
	return &Replay{Sites: map[string]*Tally{}, Groups: map[[2]string]*Tally{}, currency: c}
}

// merge adds a replay of another part.
func (r *Replay) merge(o *Replay) {
	r.Total.add(o.Total)
	for k, t := range o.Sites {
		tally(r.Sites, k).add(*t)
	}
	for k, t := range o.Groups {
		tally(r.Groups, k).add(*t)
	}
	for i := range r.Hours {
		r.Hours[i].add(o.Hours[i])
	}
	for i := range r.Diff {
		r.Diff[i] += o.Diff[i]
	}
	r.Skipped, r.Unread = r.Skipped+o.Skipped, r.Unread+o.Unread
}

func tally[K comparable](m map[K]*Tally, k K) *Tally {
	t, ok := m[k]
	if !ok {
		t = &Tally{}
		m[k] = t
	}
	return t
}

// replayer prices sessions under one tariff. It belongs to one goroutine.
type replayer struct {
	tariff Tariff
	out    *Replay
	unpack unpacker
	zones  map[string]*time.Location
	groups map[string][]string
}

func newReplayer(t Tariff) *replayer {
	return &replayer{tariff: t, out: newReplay(t.Currency), zones: map[string]*time.Location{}, groups: map[string][]string{"": nil}}
}

// context is what the price of a past session depends on besides its usage:
// who charged and where. What drivers had used of allowances and day caps is
// not known, since it would have been counted under this tariff.
func (r *replayer) context(p Past) (Context, error) {
	groups, ok := r.groups[p.DriverGroups]
	if !ok {
		if err := json.Unmarshal([]byte(p.DriverGroups), &groups); err != nil {
			return Context{}, err
		}
		r.groups[p.DriverGroups] = groups
	}
	return Context{Groups: groups, Rated: p.Rated}, nil
}

// price prices one session again.
func (r *replayer) price(p Past) {
	if p.Currency != r.tariff.Currency && p.Currency != "" {
		r.out.Skipped++
		return
	}
	u, err := r.unpack.unpack(p.Usage)
	if err != nil {
		r.out.Unread++
		return
	}
	zone, ok := r.zones[p.Zone]
	if !ok {
		if zone, err = time.LoadLocation(p.Zone); err != nil {
			zone = time.UTC
		}
		r.zones[p.Zone] = zone
	}
	around, err := r.context(p)
	if err != nil {
		r.out.Unread++
		return
	}
	c := Price(r.tariff, u, zone, around)
	t := Tally{Sessions: 1, Plugged: int64(max(u.End.Sub(u.Start), 0) / time.Second), BeforeExcl: p.Excl, BeforeIncl: p.Incl, AfterExcl: c.Excl.Micros, AfterIncl: c.Incl.Micros, Energy: c.Energy}
	switch diff := t.AfterIncl - t.BeforeIncl; {
	case diff == 0:
		t.Same = 1
	case diff > 0:
		t.Dearer = 1
		r.out.Diff[r.bucket(diff)]++
	default:
		t.Cheaper = 1
		r.out.Diff[r.bucket(diff)]++
	}
	r.out.Total.add(t)
	tally(r.out.Sites, p.Site).add(t)
	tally(r.out.Groups, [2]string{p.Group, p.Audience}).add(t)
	r.out.Hours[u.Start.In(zone).Hour()].add(t)
}

// edge is a boundary in the replay's currency: a currency without decimals
// counts in hundreds.
func edge(i int, c money.Currency) money.Micro {
	if c.Digits() == 0 {
		return bucketEdges[i] * 100
	}
	return bucketEdges[i]
}

func (r *replayer) bucket(diff money.Micro) int {
	i := 0
	for i < len(bucketEdges) && diff >= edge(i, r.tariff.Currency) {
		i++
	}
	return i
}

// Histogram gives the differences by bucket.
func (r *Replay) Histogram() []Bucket {
	out := make([]Bucket, len(r.Diff))
	for i, n := range r.Diff {
		out[i].Sessions = n
		if i > 0 {
			v := edge(i-1, r.currency)
			out[i].From = &v
		}
		if i < len(bucketEdges) {
			v := edge(i, r.currency)
			out[i].To = &v
		}
	}
	return out
}

// Report is a replay as it is kept and shown.
type Report struct {
	Currency  money.Currency `json:"currency"`
	Total     Tally          `json:"total"`
	Sites     []SiteTally    `json:"sites" nullable:"false"`
	Groups    []GroupTally   `json:"groups" nullable:"false"`
	Hours     []HourTally    `json:"hours" nullable:"false" doc:"By the local hour of the start"`
	Histogram []Bucket       `json:"histogram" nullable:"false" doc:"How much dearer sessions get, taxes included; those that stay the same are left out"`
	Skipped   int64          `json:"skipped" doc:"Sessions in another currency"`
	Unread    int64          `json:"unreadable"`
}

// SiteTally is the tally of a site.
type SiteTally struct {
	Site string `json:"site"`
	Tally
}

// GroupTally is the tally of those who had their price from a tariff group
// (empty: an assignment, or none) as one audience.
type GroupTally struct {
	Group    string `json:"group,omitempty"`
	Audience string `json:"audience,omitempty"`
	Tally
}

// HourTally is the tally of the sessions that began in an hour of the day.
type HourTally struct {
	Hour int `json:"hour"`
	Tally
}

// Report lists the parts, the dearest first.
func (r *Replay) Report() Report {
	out := Report{Currency: r.currency, Total: r.Total, Sites: []SiteTally{}, Groups: []GroupTally{}, Hours: []HourTally{}, Histogram: r.Histogram(), Skipped: r.Skipped, Unread: r.Unread}
	for k, t := range r.Sites {
		out.Sites = append(out.Sites, SiteTally{k, *t})
	}
	slices.SortFunc(out.Sites, func(a, b SiteTally) int {
		return cmp.Or(cmp.Compare(b.AfterExcl, a.AfterExcl), cmp.Compare(a.Site, b.Site))
	})
	for k, t := range r.Groups {
		out.Groups = append(out.Groups, GroupTally{k[0], k[1], *t})
	}
	slices.SortFunc(out.Groups, func(a, b GroupTally) int {
		return cmp.Or(cmp.Compare(b.AfterExcl, a.AfterExcl), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Audience, b.Audience))
	})
	for h, t := range r.Hours {
		out.Hours = append(out.Hours, HourTally{h, t})
	}
	return out
}
