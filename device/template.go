package device

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Template is what every station of a kind is to have.
type Template struct {
	ID, Org, Site, Name, Notes string
	Vendor, Model, Firmware    string   // patterns with * and ?, without case; empty: any
	Versions                   []string // of OCPP; empty: any
	Priority                   int
	Enabled                    bool
	Variables                  []Item
	Monitors                   []MonitorItem
	CreatedAt, ChangedAt       time.Time
	CreatedBy, ChangedBy       string

	depth int // of its organisation below the root
}

// Item is a desired variable: named by component and variable, or by a key of
// OCPP 1.6.
type Item struct {
	Component         string `json:"component,omitempty"`
	ComponentInstance string `json:"component_instance,omitempty"`
	EVSE              int    `json:"evse,omitempty" minimum:"0"`
	Connector         int    `json:"connector,omitempty" minimum:"0"`
	Variable          string `json:"variable,omitempty"`
	VariableInstance  string `json:"variable_instance,omitempty"`
	Every             string `json:"every,omitempty" enum:"evse,connector" doc:"In the place of evse and connector: this variable of every EVSE, or of every connector, that a station has. What names one by its number counts before it."`
	Attribute         string `json:"attribute,omitempty" enum:"Actual,Target,MinSet,MaxSet" doc:"Actual when left out"`
	Key               string `json:"key,omitempty" doc:"A key of OCPP 1.6, in the place of component and variable"`
	Value             string `json:"value" maxLength:"2500"`
}

// named gives the variable of an item.
func (i Item) named() Variable {
	if i.Key != "" {
		return OfKey(i.Key)
	}
	v := Variable{Component: i.Component, ComponentInstance: i.ComponentInstance, EVSE: i.EVSE, Connector: i.Connector, Name: i.Variable, Instance: i.VariableInstance, Attribute: i.Attribute}
	if v.Attribute == "" {
		v.Attribute = actual
	}
	if strings.EqualFold(v.Component, component16) && v.Attribute == actual { // its key may have a variable of its own
		return OfKey(v.Name)
	}
	return v
}

func itemOf(v Variable) Item {
	i := Item{Component: v.Component, ComponentInstance: v.ComponentInstance, EVSE: v.EVSE, Connector: v.Connector, Variable: v.Name, VariableInstance: v.Instance, Value: v.Value}
	if v.Attribute != actual {
		i.Attribute = v.Attribute
	}
	return i
}

// MonitorItem is a desired monitor (OCPP 2.x N04).
type MonitorItem struct {
	Component         string `json:"component"`
	ComponentInstance string `json:"component_instance,omitempty"`
	EVSE              int    `json:"evse,omitempty" minimum:"0"`
	Connector         int    `json:"connector,omitempty" minimum:"0"`
	Variable          string `json:"variable"`
	VariableInstance  string `json:"variable_instance,omitempty"`
	Every             string `json:"every,omitempty" enum:"evse,connector" doc:"In the place of evse and connector: at every EVSE, or every connector, that a station has"`
	Type              string `json:"type" enum:"UpperThreshold,LowerThreshold,Delta,Periodic,PeriodicClockAligned,TargetDelta,TargetDeltaRelative"`
	Value             Number `json:"value" doc:"A threshold or difference in the variable's unit; seconds of a periodic monitor"`
	Severity          int    `json:"severity" minimum:"0" maximum:"9" doc:"0 danger … 9 debug"`
	InTransaction     bool   `json:"in_transaction,omitempty" doc:"Watch only while a transaction runs"`
}

func (m MonitorItem) named() Variable {
	return Variable{Component: m.Component, ComponentInstance: m.ComponentInstance, EVSE: m.EVSE, Connector: m.Connector, Name: m.Variable, Instance: m.VariableInstance, Attribute: actual}
}

// key is what makes two monitors the same: a station holds one per variable,
// type and severity (OCPP 2.0.1 N04.FR.10).
func (m MonitorItem) key() string {
	return m.named().Path() + "|" + m.Type + "|" + strconv.Itoa(m.Severity)
}

// glob matches a pattern with * and ? against a text, without case; an empty
// pattern matches everything.
func glob(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	p, s := []rune(strings.ToLower(pattern)), []rune(strings.ToLower(text))
	i, j, star, mark := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// applies tells whether the template is for this station; the organisation is
// the caller's to check.
func (t Template) applies(st station.Station) bool {
	return t.Enabled && (t.Site == "" || t.Site == st.Site) && (len(t.Versions) == 0 || slices.Contains(t.Versions, st.Protocol)) &&
		glob(t.Vendor, st.Vendor) && glob(t.Model, st.Model) && glob(t.Firmware, st.Firmware)
}

// before orders templates: the higher priority first, then the more specific
// one: a site before an organisation, firmware before model before vendor
// before version, a deeper organisation, and at last the younger.
func (t Template) before(o Template) int {
	b := func(t Template) []int {
		set := func(s string) int {
			switch {
			case s == "" || strings.Trim(s, "*") == "":
				return 0
			case strings.ContainsAny(s, "*?"):
				return 1
			}
			return 2
		}
		versions := 0
		if len(t.Versions) > 0 {
			versions = 1
		}
		return []int{t.Priority, set(t.Site), set(t.Firmware), set(t.Model), set(t.Vendor), versions, t.depth}
	}
	if c := slices.Compare(b(o), b(t)); c != 0 {
		return c
	}
	return cmp.Or(o.CreatedAt.Compare(t.CreatedAt), strings.Compare(t.ID, o.ID))
}

const fromTemplate = "template/"

func (t Template) rule() string { return fromTemplate + t.ID }

// check refuses what cannot be meant.
func (t Template) check() error {
	bad := fault.New(fault.Invalid, "device.template", "the template cannot be used")
	if strings.TrimSpace(t.Name) == "" {
		bad.With("body.name", "is required", t.Name)
	}
	for i, v := range t.Versions {
		if !slices.Contains([]string{"1.6", "2.0.1", "2.1"}, v) {
			bad.With("body.versions["+strconv.Itoa(i)+"]", "must be 1.6, 2.0.1 or 2.1", v)
		}
	}
	seen := map[string]bool{}
	for i, item := range t.Variables {
		at := "body.variables[" + strconv.Itoa(i) + "]"
		if problem := item.problem(); problem != "" {
			bad.With(at, problem, item.Component+item.Key)
			continue
		}
		v := item.named()
		if p := v.Path(); seen[item.Every+"|"+p] {
			bad.With(at, "names a variable a second time", p)
		} else {
			seen[item.Every+"|"+p] = true
		}
		version := "2.1"
		if item.Key != "" {
			version = "1.6"
		}
		if problem := v.Check(item.Value, version); problem != "" {
			bad.With(at+".value", problem, item.Value)
		}
	}
	for i, m := range t.Monitors {
		at := "body.monitors[" + strconv.Itoa(i) + "]"
		if problem := m.problem(); problem != "" {
			bad.With(at, problem, m.Value.String())
		}
		if k := "monitor|" + m.Every + "|" + m.key(); seen[k] {
			bad.With(at, "is there a second time: a variable has one monitor per type and severity", m.Variable)
		} else {
			seen[k] = true
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func (i Item) problem() string {
	switch {
	case i.Key != "" && (i.Component != "" || i.Variable != ""):
		return "names a key or a component with its variable, not both"
	case i.Key == "" && (i.Component == "" || i.Variable == ""):
		return "needs a component and a variable, or a key of OCPP 1.6"
	case i.Connector > 0 && i.EVSE == 0:
		return "names a connector without its EVSE"
	case i.Key != "" && i.Every != "":
		return "names a key of OCPP 1.6, of which a station has one"
	case everyProblem(i.Every, i.EVSE, i.Connector) != "":
		return everyProblem(i.Every, i.EVSE, i.Connector)
	case secretName.MatchString(i.named().Name):
		return "is a secret, which is not kept as desired state; set it once on each station"
	}
	return ""
}

// problem refuses monitors that no station may take.
func (m MonitorItem) problem() string {
	switch {
	case m.Component == "" || m.Variable == "":
		return "needs a component and a variable"
	case everyProblem(m.Every, m.EVSE, m.Connector) != "":
		return everyProblem(m.Every, m.EVSE, m.Connector)
	case !ocpp.MonitorEnum(m.Type).Valid():
		return "has no such type"
	case unit.Decimal(m.Value).Sign() < 0 && m.Type == string(ocpp.MonitorEnumDelta): // OCPP 2.0.1 N04.FR.14
		return "a difference cannot be negative"
	case unit.Decimal(m.Value).Sign() <= 0 && strings.HasPrefix(m.Type, "Periodic"):
		return "a period is more than 0 seconds"
	}
	return ""
}

// Overruled is a template whose wish for a variable does not count.
type Overruled struct {
	Path, Rule, Value string // what was wished
	By                string // the rule that counts
}

// layer puts what is wished for a station together, the first that names a
// variable wins: what people set at this station, templates in their order,
// the baseline.
func layer(base []Rule, templates []Template, people []Desired) (rules []Rule, overruled []Overruled) {
	taken := map[string]Rule{}
	take := func(r Rule) {
		p := r.target().Path()
		by, lost := taken[p]
		if !lost {
			taken[p] = r
			rules = append(rules, r)
			return
		}
		if strings.HasPrefix(r.ID, fromTemplate) && r.Candidates[0] != by.Candidates[0] {
			overruled = append(overruled, Overruled{Path: p, Rule: r.ID, Value: r.Candidates[0], By: by.ID})
		}
	}
	for _, d := range people {
		if d.Rule == byOperator {
			take(ruleOf(byOperator, d.named, d.Value))
		}
	}
	for _, t := range templates {
		for _, i := range t.Variables {
			take(ruleOf(t.rule(), i.named(), i.Value))
		}
	}
	for _, r := range base {
		take(r)
	}
	return rules, overruled
}

// ruleOf makes a rule that leaves no choice.
func ruleOf(id string, v Variable, value string) Rule {
	return Rule{ID: id, Component: v.Component, Variable: v.Name, Instance: v.Instance, componentInstance: v.ComponentInstance,
		evse: v.EVSE, connector: v.Connector, attribute: v.Attribute, Candidates: []string{value}}
}

// monitorsOf gives the monitors wished for by templates in their order, each
// once, with the template.
func monitorsOf(templates []Template) []wantedMonitor {
	var out []wantedMonitor
	seen := map[string]bool{}
	for _, t := range templates {
		for _, m := range t.Monitors {
			if !seen[m.key()] {
				seen[m.key()] = true
				out = append(out, wantedMonitor{m, t.ID})
			}
		}
	}
	return out
}

type wantedMonitor struct {
	MonitorItem
	template string
}

func decodeList[T any](text string) ([]T, error) {
	var out []T
	if text == "" {
		return nil, nil
	}
	err := json.Unmarshal([]byte(text), &out)
	return out, err
}
