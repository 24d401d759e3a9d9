// Package fault is the one error type of Forecourt.
//
// Every error that leaves a room has a Kind. An edge (HTTP, OCPP, OCPI) has
// exactly one table from Kind to its own codes, so a rule never knows which
// protocol asked. Errors without a Kind are Internal: their text is logged
// and never shown to the other side.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of thing went wrong, in terms every edge can map.
type Kind uint8

const (
	Internal        Kind = iota // a bug or a broken machine; details are for the log only
	Invalid                     // the input is wrong; Fields say what and what is allowed
	NotFound                    // no such thing, or not visible to the caller
	Conflict                    // the state of the thing forbids it
	Forbidden                   // known caller without the permission
	Unauthenticated             // unknown caller
	Unavailable                 // try again later: station offline, database busy
	Unsupported                 // the station, the version or the plan cannot do it
)

var names = [...]string{"internal", "invalid", "not_found", "conflict", "forbidden", "unauthenticated", "unavailable", "unsupported"}

// String gives the stable lower-case name of the kind.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Field points at one wrong part of the input.
type Field struct {
	Location string // where: "body.site", "query.sort", "row 3 column password"
	Message  string // what is wrong and what is allowed
	Value    any    // what was given; never a secret
}

// Error is an error with a kind, a stable code for machines and a message
// for people. Messages are plain English sentences without secrets.
type Error struct {
	Kind    Kind
	Code    string // "station.unknown": stable, lower case, room first
	Message string
	Fields  []Field
	Err     error // the cause, for the log
}

// New makes an error of the given kind.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap keeps err as the cause of a new error of the given kind.
func Wrap(kind Kind, err error, code, format string, args ...any) *Error {
	e := New(kind, code, format, args...)
	e.Err = err
	return e
}

// With adds a field and returns the same error, for chaining.
func (e *Error) With(location, message string, value any) *Error {
	e.Fields = append(e.Fields, Field{Location: location, Message: message, Value: value})
	return e
}

func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	for _, f := range e.Fields {
		s += fmt.Sprintf(" [%s: %s]", f.Location, f.Message)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Of finds the *Error in err's chain; nil if there is none.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// KindOf gives the kind of err; Internal when it has none.
func KindOf(err error) Kind {
	if e := Of(err); e != nil {
		return e.Kind
	}
	return Internal
}

// Is reports whether err has the given kind.
func Is(err error, kind Kind) bool {
	return err != nil && Of(err) != nil && KindOf(err) == kind
}
