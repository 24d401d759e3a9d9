package ocpp

import (
	"encoding/json"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Language is the vocabulary of one version, for those who speak it raw.
type Language struct {
	Version   Version
	Messages  *Catalogue
	ToStation func(action string) bool // whether a CSMS sends the message
}

// Commands lists what a CSMS sends in this version, sorted.
func (l Language) Commands() []string {
	return slices.DeleteFunc(l.Messages.Actions(), func(a string) bool { return !l.ToStation(a) })
}

// Check says whether a raw request is one that stations of this version must
// understand: fault.Invalid with every breach of the schema otherwise.
func (l Language) Check(action string, payload json.RawMessage) error {
	e := l.Messages.Find(action)
	switch {
	case e == nil:
		return fault.New(fault.Invalid, "ocpp.raw_action", "OCPP %s has no message %s", l.Version, clip(action)).With("body.action", "a message of OCPP "+string(l.Version), clip(action))
	case !l.ToStation(action):
		return fault.New(fault.Invalid, "ocpp.raw_action", "in OCPP %s stations send %s, they do not get it", l.Version, action).With("body.action", "a message for stations", action)
	}
	_, problems, err := Conform(e.Request, payload)
	if err != nil {
		return fault.New(fault.Invalid, "ocpp.raw_payload", "the payload must be a JSON object")
	}
	if len(problems) == 0 {
		return nil
	}
	return Invalid(fault.Invalid, "ocpp.raw_payload", problems)
}
