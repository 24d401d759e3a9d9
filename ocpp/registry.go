package ocpp

import "slices"

// Entry is one message of a version.
type Entry struct {
	Action      string
	NewRequest  func() Request  // a pointer to an empty request
	NewResponse func() Response // nil for a SEND, which is not answered
	Request     *Shape
	Response    *Shape // nil for a SEND
}

// Catalogue is every message of a version.
type Catalogue struct {
	byAction map[string]*Entry
	actions  []string
}

// NewCatalogue makes a catalogue; for generated code.
func NewCatalogue(entries []Entry) *Catalogue {
	c := &Catalogue{byAction: make(map[string]*Entry, len(entries))}
	for i := range entries {
		c.byAction[entries[i].Action] = &entries[i]
		c.actions = append(c.actions, entries[i].Action)
	}
	return c
}

// Actions lists the messages, sorted.
func (c *Catalogue) Actions() []string { return slices.Clone(c.actions) }

// Find gives a message by its action; nil when the version has none.
func (c *Catalogue) Find(action string) *Entry { return c.byAction[action] }

// NewRequest gives a pointer to a new neutral request; nil for an unknown action.
func NewRequest(action string) Request {
	if e := Messages.Find(action); e != nil {
		return e.NewRequest()
	}
	return nil
}

// NewResponse gives a pointer to a new neutral response; nil for an unknown
// action and for one that is not answered (NotifyPeriodicEventStream).
func NewResponse(action string) Response {
	if e := Messages.Find(action); e != nil && e.NewResponse != nil {
		return e.NewResponse()
	}
	return nil
}
