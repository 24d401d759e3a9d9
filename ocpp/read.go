package ocpp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Read conforms a message to its shape and decodes it. The problems are what
// was tolerated; the error, a *CallError, is for what cannot be decoded.
func Read(shape *Shape, payload json.RawMessage, into any) ([]Problem, error) {
	good, problems, err := Conform(shape, payload)
	if err != nil {
		return problems, err
	}
	if err := json.Unmarshal(good, into); err != nil {
		return problems, &CallError{Code: CodeTypeConstraintViolation, Description: clip(err.Error())}
	}
	return problems, nil
}

// Require gives the *CallError for the first of the fields that is missing,
// or there but of no use; nil when all are there. Paths are those of Problem.
func Require(problems []Problem, paths ...string) error {
	for _, path := range paths {
		code := ""
		for _, p := range problems {
			missing := p.Path == path || strings.HasPrefix(path, p.Path+".") && p.Path != ""
			switch {
			case missing && p.Rule == "required" && code == "":
				code = CodeOccurrenceConstraintViolation
			case missing && p.Rule == "type" && hasRule(problems, p.Path, "required"):
				code = CodeTypeConstraintViolation
			}
		}
		if code != "" {
			return &CallError{Code: code, Description: path + " is missing"}
		}
	}
	return nil
}

func hasRule(problems []Problem, path, rule string) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Path == path && p.Rule == rule })
}

// Report tells the platform what a message deviated in: each kind of problem
// once per field, however many items of a list show it.
func Report(ctx context.Context, csms CSMS, p Peer, action string, problems []Problem) {
	seen := map[string]int{}
	var order []Deviation
	for _, problem := range problems {
		key := problem.Rule + " " + withoutIndex(problem.Path)
		if seen[key]++; seen[key] == 1 {
			order = append(order, Deviation{Code: problem.Rule, Action: action, Detail: problem.String()})
		}
	}
	const most = 10
	if len(order) > most {
		more := len(order) - most + 1
		order = append(order[:most-1], Deviation{Code: "many", Action: action, Detail: fmt.Sprintf("and %d more", more)})
	}
	for _, d := range order {
		csms.Deviation(ctx, p, d)
	}
}

func withoutIndex(path string) string {
	var b strings.Builder
	inside := false
	for _, r := range path {
		switch {
		case r == '[':
			inside = true
		case r == ']':
			inside = false
		case !inside:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Write validates and encodes what we send. Nothing that the schema forbids
// leaves the platform: the error is fault.Invalid with the places.
func Write(m any) (json.RawMessage, error) {
	v, ok := m.(Validator)
	if !ok {
		return nil, fault.New(fault.Internal, "ocpp.type", "%T is no OCPP message", m)
	}
	if problems := v.Validate(); len(problems) > 0 {
		return nil, Invalid(fault.Invalid, "ocpp.invalid", problems)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "ocpp.encode", "the message cannot be written as JSON")
	}
	return b, nil
}

// Invalid makes a fault of problems.
func Invalid(kind fault.Kind, code string, problems []Problem) error {
	e := fault.New(kind, code, "the OCPP message is not valid: %s", problems[0])
	for _, p := range problems {
		_ = e.With("body.payload."+p.Path, p.Message, nil)
	}
	return e
}
