package device

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

//go:embed standard/standard.csv
var standardText string

//go:embed standard/meanings.txt
var meaningsText string

//go:embed standard/keys16.csv
var keysText string

// Standard is what the standards say of a variable: OCPP 2.0.1 part 2
// appendix 1.4, OCPP 2.1 part 2 appendix 2.0, and the keys of OCPP 1.6 §9 and
// its security extension. Component "*" holds for any component, an instance
// in angle brackets for any instance.
type Standard struct {
	Component, Name, Instance string
	Type                      ocpp.DataEnum // empty: not fixed
	Unit                      string
	Meaning                   string
	Key                       string // the 1.6 key that means the same; empty: none

	required map[string]bool // by OCPP version; a version that lacks it is missing
	readOnly bool            // by the text of 1.6
}

// In tells whether the version has the variable.
func (s Standard) In(version string) bool { _, ok := s.required[version]; return ok }

// Required tells whether a station of the version that has the component must
// have the variable.
func (s Standard) Required(version string) bool { return s.required[version] }

var standard, keyPath = readStandard()

// readStandard parses the tables of standard/: they are part of the program, and
// tested.
func readStandard() (map[string]Standard, map[string]Variable) {
	meanings := map[string]string{}
	for line := range strings.Lines(meaningsText) {
		if name, meaning, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			meanings[name] = meaning
		}
	}
	all := map[string]Standard{}
	for line := range strings.Lines(standardText) {
		f := strings.Split(strings.TrimSpace(line), ";")
		s := Standard{Component: f[0], Name: f[1], Instance: f[2], Type: ocpp.DataEnum(f[3]), Unit: f[4], Meaning: meanings[f[1]], required: map[string]bool{}}
		for i, version := range []string{"2.0.1", "2.1"} {
			if mark := f[5][i]; mark != '-' {
				s.required[version] = mark == 'R'
			}
		}
		all[standardPath(s.Component, s.Name, s.Instance)] = s
	}
	paths := map[string]Variable{}
	for line := range strings.Lines(keysText) {
		f := strings.Split(strings.TrimSpace(line), ";")
		v := Variable{Component: component16, Name: f[0], Attribute: actual}
		if component, rest, ok := strings.Cut(f[5], ":"); ok {
			v.Component = component
			v.Name, v.Instance, _ = strings.Cut(rest, "/")
		}
		paths[strings.ToLower(f[0])] = v
		p := standardPath(v.Component, v.Name, v.Instance)
		s, ok := all[p]
		if !ok {
			s = Standard{Component: v.Component, Name: v.Name, Instance: v.Instance, Type: ocpp.DataEnum(f[1]), Unit: f[2], Meaning: meanings[v.Name], required: map[string]bool{}}
		}
		s.Key, s.readOnly = f[0], f[3] == "r"
		s.required["1.6"] = f[4] == "R"
		all[p] = s
	}
	return all, paths
}

// component16 holds the keys of 1.6 that have no variable in 2.x.
const component16 = "OCPP16"

func standardPath(component, name, instance string) string {
	if strings.HasPrefix(instance, "<") {
		instance = "*"
	}
	return strings.ToLower(component + ":" + name + "/" + instance)
}

// StandardOf finds what the standards say of a variable: of its own component
// and instance, of any instance, or of any component.
func StandardOf(v Variable) (Standard, bool) {
	for _, p := range []string{
		standardPath(v.Component, v.Name, v.Instance), standardPath(v.Component, v.Name, "*"), standardPath(v.Component, v.Name, ""),
		standardPath("*", v.Name, v.Instance), standardPath("*", v.Name, ""),
	} {
		if s, ok := standard[p]; ok {
			return s, true
		}
	}
	return Standard{}, false
}

// OfKey gives the variable behind a key of OCPP 1.6, in any spelling of case.
func OfKey(key string) Variable {
	if v, ok := keyPath[strings.ToLower(strings.TrimSpace(key))]; ok {
		return v
	}
	return Variable{Component: component16, Name: strings.TrimSpace(key), Attribute: actual}
}

// always are the components that every station of 2.x has.
var always = []string{"AlignedDataCtrlr", "AuthCtrlr", "ChargingStation", "ClockCtrlr", "Connector", "DeviceDataCtrlr", "EVSE", "OCPPCommCtrlr", "SampledDataCtrlr", "SecurityCtrlr", "TxCtrlr"}

// Missing gives the required variables of the version that a device does not
// have, of the components it has, in order.
func Missing(version string, have []Variable) []Standard {
	components, names := map[string]bool{}, map[string]bool{}
	for _, v := range have {
		components[strings.ToLower(v.Component)] = true
		names[standardPath(v.Component, v.Name, v.Instance)] = true
		names[standardPath(v.Component, v.Name, "*")] = true
	}
	for _, c := range always {
		components[strings.ToLower(c)] = true
	}
	var out []Standard
	for p, s := range standard {
		if s.Required(version) && !names[p] && (version == "1.6" || components[strings.ToLower(s.Component)]) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Standard) int {
		return strings.Compare(a.Component+":"+a.Name+"/"+a.Instance, b.Component+":"+b.Name+"/"+b.Instance)
	})
	return out
}
