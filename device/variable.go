package device

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// Variable is one attribute of a variable of the device model.
type Variable struct {
	Component, ComponentInstance string
	EVSE, Connector              int // 0: of the station, of the EVSE
	Name, Instance               string
	Attribute                    string // Actual, Target, MinSet, MaxSet
	Value                        string // masked when it is a secret
	Mutability                   string // ReadOnly, WriteOnly, ReadWrite; empty unknown
	DataType                     string
	Unit                         string
	Min, Max                     string // limits as decimals; empty unknown
	ValuesList                   string // allowed members, comma-separated
	Monitorable                  bool   // the station says that it can be monitored
	UpdatedAt                    time.Time
}

const actual = "Actual"

// Path names a variable within its station: names of components and
// variables are compared without case (OCPP 2.0.1 part 2 §2.1.2).
func (v Variable) Path() string {
	var b strings.Builder
	part := func(sep, s string) {
		if s != "" {
			b.WriteString(sep)
			b.WriteString(s)
		}
	}
	b.WriteString(v.Component)
	part("/", v.ComponentInstance)
	if v.EVSE != 0 {
		part("@", strconv.Itoa(v.EVSE))
	}
	if v.Connector != 0 {
		part(".", strconv.Itoa(v.Connector))
	}
	part(":", v.Name)
	part("/", v.Instance)
	if v.Attribute != actual {
		part("#", v.Attribute)
	}
	return strings.ToLower(b.String())
}

// secretName finds variables whose value is a secret by their name: some
// 1.6 stations return passwords in clear.
var secretName = regexp.MustCompile(`(?i)passw|secret|passphrase|authorizationkey|privatekey|pincode|^pin$|apikey|token$|psk$|pwd`)

// masked stands in for a secret.
const masked = "••••••"

func (v *Variable) mask() {
	if v.Value != "" && secretName.MatchString(v.Name) {
		v.Value = masked
	}
}

func of(c ocpp.Component, variable ocpp.Variable, attribute ocpp.AttributeEnum) Variable {
	v := Variable{Component: c.Name, ComponentInstance: c.Instance, Name: variable.Name, Instance: variable.Instance, Attribute: string(attribute)}
	if v.Attribute == "" {
		v.Attribute = actual
	}
	if c.EVSE != nil {
		v.EVSE = c.EVSE.ID
		if c.EVSE.ConnectorID != nil {
			v.Connector = *c.EVSE.ConnectorID
		}
	}
	return v
}

// names gives the component and variable as OCPP writes them.
func (v Variable) names() (ocpp.Component, ocpp.Variable) {
	c := ocpp.Component{Name: v.Component, Instance: v.ComponentInstance}
	if v.EVSE != 0 {
		c.EVSE = &ocpp.EVSE{ID: v.EVSE}
		if v.Connector != 0 {
			n := v.Connector
			c.EVSE.ConnectorID = &n
		}
	}
	return c, ocpp.Variable{Name: v.Name, Instance: v.Instance}
}

// fromReport reads one entry of a NotifyReport: a variable per attribute.
func fromReport(d ocpp.ReportData) []Variable {
	var out []Variable
	for _, a := range d.VariableAttribute {
		v := of(d.Component, d.Variable, a.Type)
		v.Value, v.Mutability = a.Value, string(a.Mutability)
		if ch := d.VariableCharacteristics; ch != nil {
			v.DataType, v.Unit, v.ValuesList, v.Monitorable = string(ch.DataType), ch.Unit, ch.ValuesList, ch.SupportsMonitoring
			if ch.MinLimit != nil {
				v.Min = ch.MinLimit.String()
			}
			if ch.MaxLimit != nil {
				v.Max = ch.MaxLimit.String()
			}
		}
		v.mask()
		out = append(out, v)
	}
	return out
}

// fromGet reads the answered items of a GetVariables.
func fromGet(results []ocpp.GetVariableResult) []Variable {
	var out []Variable
	for _, r := range results {
		if r.AttributeStatus != ocpp.GetVariableStatusEnumAccepted {
			continue
		}
		v := of(r.Component, r.Variable, r.AttributeType)
		v.Value = r.AttributeValue
		v.mask()
		out = append(out, v)
	}
	return out
}

// fromSet reads what a SetVariables changed: the items that were accepted.
// A value that needs a reboot is not the actual one yet.
func fromSet(req []ocpp.SetVariableData, results []ocpp.SetVariableResult) []Variable {
	var out []Variable
	for _, r := range results {
		if r.AttributeStatus != ocpp.SetVariableStatusEnumAccepted {
			continue
		}
		v := of(r.Component, r.Variable, r.AttributeType)
		for _, d := range req {
			if of(d.Component, d.Variable, d.AttributeType).Path() == v.Path() {
				v.Value = d.AttributeValue
				v.mask()
				out = append(out, v)
			}
		}
	}
	return out
}

// merge keeps of an earlier report what a later message does not tell.
func (v Variable) merge(old Variable) Variable {
	keep := func(dst *string, was string) {
		if *dst == "" {
			*dst = was
		}
	}
	keep(&v.Mutability, old.Mutability)
	keep(&v.DataType, old.DataType)
	keep(&v.Unit, old.Unit)
	keep(&v.Min, old.Min)
	keep(&v.Max, old.Max)
	keep(&v.ValuesList, old.ValuesList)
	v.Monitorable = v.Monitorable || old.Monitorable
	return v
}

// same tells whether nothing but the time differs.
func (v Variable) same(o Variable) bool {
	v.UpdatedAt = o.UpdatedAt
	return v == o
}
