package tariff

import (
	_ "embed"
	"encoding/json"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

//go:embed wizard.json
var wizardFile []byte

// Goal is what a host wants from its prices.
type Goal string

const (
	GoalCostRecovery Goal = "cost_recovery"
	GoalTurnover     Goal = "turnover" // free the bays for the next
	GoalAmenity      Goal = "amenity"  // a service to guests
	GoalProfit       Goal = "profit"
)

// Goals lists them.
var Goals = []Goal{GoalCostRecovery, GoalTurnover, GoalAmenity, GoalProfit}

// benchmark is a typical site of a sector.
type benchmark struct {
	Markup   int64 `json:"markup_percent"`
	Sessions int64 `json:"sessions_per_port_and_day_tenths"`
	Energy   int64 `json:"energy_wh"`
	Charging int64 `json:"charging_minutes"`
	Stay     int64 `json:"stay_minutes"`
	Hours    []int `json:"start_hours"`
}

// assumptions is wizard.json.
type assumptions struct {
	Source  string               `json:"source"`
	Sectors map[string]benchmark `json:"sectors"`
	Peak    struct {
		From  string `json:"from"`
		To    string `json:"to"`
		Plus  int64  `json:"plus_percent"`
		Minus int64  `json:"minus_percent"`
	} `json:"peak"`
	IdleKWh   int64 `json:"idle_per_hour_in_kwh"` // the idle fee of an hour is the cost of so many kWh
	LateTimes int64 `json:"late_times"`           // who stays too long pays so many times the price
}

var assumed = func() (a assumptions) {
	if err := json.Unmarshal(wizardFile, &a); err != nil {
		panic("tariff: wizard.json: " + err.Error())
	}
	return a
}()

// Sectors lists the kinds of sites that the wizard knows.
func Sectors() []string {
	var out []string
	for name := range assumed.Sectors {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Answers are what the wizard asks.
type Answers struct {
	Sector   string
	Goal     Goal
	Cost     unit.Decimal // of electricity, per kWh before VAT
	Ports    int64
	Stay     int64 // minutes, typical; 0: the sector's
	VAT      *unit.Decimal
	Currency money.Currency
}

// Suggestion is a model with its parameters, and why.
type Suggestion struct {
	Model      Model
	Parameters Parameters
	Reason     string
	Tariff     ocpi.Tariff
}

// Suggest gives models that serve the goal, the best first; more than will be
// shown, since the law may forbid some.
func Suggest(a Answers) ([]Suggestion, error) {
	w := wizard{a: a, b: assumed.Sectors[a.Sector]}
	if a.Stay > 0 {
		w.b.Stay, w.b.Charging = a.Stay, min(w.b.Charging, a.Stay)
	}
	var out []Suggestion
	for _, make := range w.recipes() {
		s := make()
		s.Parameters.VAT = a.VAT
		var err error
		if s.Tariff, err = Template(s.Model, s.Parameters); err != nil {
			return nil, err
		}
		s.Tariff.Currency = string(a.Currency)
		out = append(out, s)
	}
	return out, nil
}

type wizard struct {
	a Answers
	b benchmark
}

// recipes are the candidates for a goal in order of preference.
func (w wizard) recipes() []func() Suggestion {
	switch w.a.Goal {
	case GoalTurnover:
		return []func() Suggestion{w.kwhIdle, w.stay, w.combined, w.utility}
	case GoalAmenity:
		return []func() Suggestion{w.freeStay, w.free, w.atCost}
	case GoalProfit:
		return []func() Suggestion{w.kwhIdle, w.timeOfDay, w.combined, w.utility}
	}
	return []func() Suggestion{w.utility, w.timeOfDay, w.combined, w.atCost}
}

// percent gives a part of the cost, rounded to the currency's coin.
func (w wizard) percent(of int64) unit.Decimal { return w.amount(of, 100) }

// amount gives cost × n ÷ of, rounded to the currency's coin, but never to nothing.
func (w wizard) amount(n, of int64) unit.Decimal {
	c, _ := w.a.Cost.Scaled(6)
	digits := w.a.Currency.Digits()
	coins, _ := unit.DecimalOf(scaleBy(c, n, of), -6).Scaled(digits)
	if coins == 0 && c > 0 && n > 0 {
		coins = 1
	}
	return unit.DecimalOf(coins, -digits)
}

func pointer(d unit.Decimal) *unit.Decimal { return &d }

func (w wizard) utility() Suggestion {
	margin := unit.DecimalOf(10, 0)
	if w.a.Goal == GoalProfit || w.a.Goal == GoalTurnover {
		margin = unit.DecimalOf(w.b.Markup, 0)
	}
	return Suggestion{Model: ModelUtilityCost, Parameters: Parameters{Cost: &w.a.Cost, Margin: &margin}, Reason: "The cost of electricity and a margin: simple, and it follows when the cost changes."}
}

func (w wizard) atCost() Suggestion {
	return Suggestion{Model: ModelPerKWh, Parameters: Parameters{PerKWh: pointer(w.percent(100))}, Reason: "Electricity at cost: fair to everybody and nothing is given away."}
}

func (w wizard) free() Suggestion {
	return Suggestion{Model: ModelFree, Reason: "A gift to guests; the electricity is your cost of attracting them."}
}

func (w wizard) kwhIdle() Suggestion {
	return Suggestion{Model: ModelPerKWh, Parameters: Parameters{PerKWh: pointer(w.percent(100 + w.b.Markup)), IdlePerHour: pointer(w.amount(assumed.IdleKWh, 1))},
		Reason: "A price per kWh as drivers know it; who stays after the charge pays for the bay."}
}

func (w wizard) timeOfDay() Suggestion {
	markup := 100 + w.b.Markup
	if w.a.Goal == GoalCostRecovery {
		markup = 110
	}
	peak := assumed.Peak
	return Suggestion{Model: ModelTimeOfDay, Parameters: Parameters{PerKWh: pointer(w.amount(markup*(100-peak.Minus), 10_000)),
		Windows: []PriceWindow{{From: peak.From, To: peak.To, PerKWh: w.amount(markup*(100+peak.Plus), 10_000)}}},
		Reason: "Dearer in the evening peak, cheaper otherwise: moves charging to hours when electricity costs less."}
}

func (w wizard) combined() Suggestion {
	return Suggestion{Model: ModelCombined, Parameters: Parameters{PerKWh: pointer(w.percent(100)), PerHour: pointer(w.hourly(w.b.Markup))},
		Reason: "Electricity at cost and the bay by the hour: each pays for what they use."}
}

// hourly is what an hour costs when the time brings in a share of the cost of
// a typical session's energy.
func (w wizard) hourly(percent int64) unit.Decimal {
	return w.amount(percent*w.b.Energy*60, 100*1000*max(w.b.Stay, 1))
}

func (w wizard) stay() Suggestion {
	return Suggestion{Model: ModelLengthOfStay, Parameters: Parameters{Steps: []StayStep{{w.b.Stay, w.hourly(100 + w.b.Markup)}, {0, w.hourly((100 + w.b.Markup) * assumed.LateTimes)}}},
		Reason: "A price by the hour that rises once a visit gets longer than usual: bays turn over."}
}

func (w wizard) freeStay() Suggestion {
	return Suggestion{Model: ModelLengthOfStay, Parameters: Parameters{Steps: []StayStep{{w.b.Stay, unit.Decimal{}}, {0, w.hourly(100 * assumed.LateTimes)}}},
		Reason: "Free for the time of a usual visit; only who stays longer pays."}
}

// Outcome is what 30 days would bring.
type Outcome struct {
	Source      string      `json:"source" enum:"own_sessions,benchmark"`
	Note        string      `json:"note,omitempty"`
	Days        int64       `json:"days"`
	Sessions    int64       `json:"sessions"`
	EnergyWh    int64       `json:"energy_wh"`
	Revenue     string      `json:"revenue" doc:"Before taxes"`
	Electricity string      `json:"electricity_cost"`
	Margin      string      `json:"margin" doc:"Revenue less electricity"`
	Before      string      `json:"revenue_before,omitempty" doc:"What the same sessions brought in"`
	Dearer      int64       `json:"dearer,omitempty"`
	Cheaper     int64       `json:"cheaper,omitempty"`
	Same        int64       `json:"same,omitempty"`
	Occupancy   int64       `json:"occupancy_percent" doc:"Of the ports' time; prices may change it, which is not foretold"`
	revenue     money.Micro // for tests and order
}

const backtestDays = 30

// outcome reads a tally.
func (a Answers) outcome(t Tally, source, note string) Outcome {
	cost, _ := a.Cost.Scaled(6)
	electricity := money.Micro(scaleBy(int64(t.Energy), cost, 1_000_000))
	show := func(m money.Micro) string {
		return money.Amount{Micros: m, Currency: a.Currency}.Round(money.HalfUp).Decimal()
	}
	o := Outcome{Source: source, Note: note, Days: backtestDays, Sessions: t.Sessions, EnergyWh: t.Energy.WattHours(), Revenue: show(t.AfterExcl),
		Electricity: show(electricity), Margin: show(t.AfterExcl - electricity), revenue: t.AfterExcl}
	if a.Ports > 0 {
		o.Occupancy = min(100, t.Plugged*100/(a.Ports*backtestDays*24*3600))
	}
	if source == "own_sessions" {
		o.Before, o.Dearer, o.Cheaper, o.Same = show(t.BeforeExcl), t.Dearer, t.Cheaper, t.Same
	}
	return o
}

// Estimate prices a benchmark month of the sector under a tariff.
func (a Answers) Estimate(t Tariff, zone *time.Location, from time.Time) Outcome {
	b := assumed.Sectors[a.Sector]
	if a.Stay > 0 {
		b.Stay, b.Charging = a.Stay, min(b.Charging, a.Stay)
	}
	var sum Tally
	y, m, d := from.In(zone).Date()
	n := a.Ports * backtestDays * b.Sessions / 10
	for i := range n {
		hour := b.Hours[int(i)%len(b.Hours)]
		start := time.Date(y, m, d-backtestDays+int(i)%backtestDays, hour, 0, 0, 0, zone)
		full := start.Add(time.Duration(b.Charging) * time.Minute)
		u := Quote{Start: start, Energy: unit.Energy(b.Energy) * unit.WattHour, Charging: full.Sub(start), Parking: time.Duration(b.Stay-b.Charging) * time.Minute}.Usage()
		c := Price(t, u, zone, Context{})
		sum.add(Tally{Sessions: 1, Energy: c.Energy, Plugged: int64(u.End.Sub(u.Start) / time.Second), AfterExcl: c.Excl.Micros, AfterIncl: c.Incl.Micros})
	}
	return a.outcome(sum, "benchmark", assumed.Source)
}
