package device

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

//go:embed baseline.json
var baselineText []byte

// Rule is a line of the baseline: a variable and the values it may have, best
// first. Vendor and Model are regular expressions; empty matches all.
type Rule struct {
	ID         string   `json:"id"`
	Replaces   string   `json:"replaces"` // the rule that does not apply where this one does
	Versions   []string `json:"versions"`
	Vendor     string   `json:"vendor"`
	Model      string   `json:"model"`
	Component  string   `json:"component"`
	Variable   string   `json:"variable"`
	Instance   string   `json:"instance"`
	Candidates []string `json:"candidates"`
	Contains   bool     `json:"contains"` // a list with these and more is good too
	Least      int64    `json:"least"`    // a number in [Least, Most] is good too
	Most       int64    `json:"most"`
	Why        string   `json:"why"`
	Source     string   `json:"source"`

	vendor, model     *regexp.Regexp
	componentInstance string
	evse, connector   int
	attribute         string // empty: Actual
}

var baseline = mustParseBaseline(baselineText)

func mustParseBaseline(text []byte) []Rule {
	rules, err := ParseBaseline(text)
	if err != nil {
		panic(err) // the file is part of the program, and tested
	}
	return rules
}

// ParseBaseline reads rules as JSON.
func ParseBaseline(text []byte) ([]Rule, error) {
	var rules []Rule
	if err := json.Unmarshal(text, &rules); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "device.baseline", "the baseline is not a list of rules")
	}
	for i := range rules {
		r := &rules[i]
		var err error
		if r.vendor, err = regexp.Compile(r.Vendor); err == nil {
			r.model, err = regexp.Compile(r.Model)
		}
		if err != nil || r.ID == "" || r.Component == "" || r.Variable == "" || len(r.Candidates) == 0 {
			return nil, fault.Wrap(fault.Invalid, err, "device.baseline", "rule %d (%s) is incomplete", i+1, r.ID)
		}
	}
	return rules, nil
}

// kind is what rules are chosen by.
type kind struct{ Version, Vendor, Model string }

func (r *Rule) applies(d kind) bool {
	return (len(r.Versions) == 0 || slices.Contains(r.Versions, d.Version)) && r.vendor.MatchString(d.Vendor) && r.model.MatchString(d.Model)
}

// rulesFor gives the rules of a device; a rule for its model takes the place
// of the general one.
func rulesFor(rules []Rule, d kind) []Rule {
	replaced := map[string]bool{}
	for i := range rules {
		if rules[i].Replaces != "" && rules[i].applies(d) {
			replaced[rules[i].Replaces] = true
		}
	}
	var out []Rule
	for i := range rules {
		if rules[i].applies(d) && !replaced[rules[i].ID] {
			out = append(out, rules[i])
		}
	}
	return out
}

func (r *Rule) target() Variable {
	if r.attribute == "" {
		r.attribute = actual
	}
	return Variable{Component: r.Component, ComponentInstance: r.componentInstance, EVSE: r.evse, Connector: r.connector, Name: r.Variable, Instance: r.Instance, Attribute: r.attribute}
}

// satisfied tells whether a value is as good as the one wanted.
func (r *Rule) satisfied(value, want string) bool {
	if equalLists(value, want) {
		return true
	}
	if r.Contains {
		return containsList(value, want)
	}
	if r.Most > 0 {
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		return err == nil && n >= r.Least && n <= r.Most
	}
	return false
}

// fitting gives the candidates that the station's own list of allowed
// members leaves, each once, best first. Without a list all fit.
func (r *Rule) fitting(valuesList string) []string {
	if valuesList == "" {
		return r.Candidates
	}
	allowed := members(valuesList)
	var out []string
	for _, c := range r.Candidates {
		var kept []string
		for _, m := range members(c) {
			if slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, m) }) {
				kept = append(kept, m)
			}
		}
		if text := strings.Join(kept, ","); text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	if len(out) == 0 {
		return r.Candidates // a list we cannot read proves nothing
	}
	return out
}

func members(list string) []string {
	var out []string
	for m := range strings.SplitSeq(list, ",") {
		if m = strings.TrimSpace(m); m != "" {
			out = append(out, m)
		}
	}
	return out
}

func containsList(list, want string) bool {
	have := members(list)
	for _, m := range members(want) {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, m) }) {
			return false
		}
	}
	return true
}

// equalLists compares without regard to order, blanks and case: stations
// sort and respell what they were given.
func equalLists(a, b string) bool {
	return len(members(a)) == len(members(b)) && containsList(a, b) && containsList(b, a)
}
