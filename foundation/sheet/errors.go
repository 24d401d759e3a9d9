package sheet

import (
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const maxListed = 100 // more are counted, not listed

// Errors gathers what is wrong in all rows.
type Errors struct {
	code   string
	fields []fault.Field
	count  int
}

// NewErrors gathers errors under a code.
func NewErrors(code string) *Errors { return &Errors{code: code} }

// Add notes a wrong cell: what is wrong and what is allowed.
func (e *Errors) Add(at, message, value string) {
	f := fault.New(fault.Invalid, e.code, "").With(at, message, value)
	e.add(f.Fields[0])
}

func (e *Errors) add(f fault.Field) {
	if e.count++; len(e.fields) < maxListed {
		e.fields = append(e.fields, f)
	}
}

// Take keeps an error that names a cell, and gives back any other.
func (e *Errors) Take(err error) error {
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Invalid && f.Kind != fault.Conflict || len(f.Fields) == 0 {
		return err
	}
	for _, field := range f.Fields {
		e.add(field)
	}
	return nil
}

// TakeAt is Take for an error about one cell that does not know its place.
func (e *Errors) TakeAt(at string, err error) error {
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Invalid && f.Kind != fault.Conflict && f.Kind != fault.NotFound {
		return err
	}
	var value any
	if len(f.Fields) > 0 {
		value = f.Fields[0].Value
	}
	e.add(fault.New(f.Kind, e.code, "").With(at, f.Message, value).Fields[0])
	return nil
}

// Any tells whether something is wrong.
func (e *Errors) Any() bool { return e.count > 0 }

// Err is nil when nothing is wrong; else fault.Invalid with the first hundred
// wrong cells.
func (e *Errors) Err() error {
	if e.count == 0 {
		return nil
	}
	bad := fault.New(fault.Invalid, e.code, "nothing was imported: %d values are wrong", e.count)
	if e.count == 1 {
		bad.Message = "nothing was imported: " + e.fields[0].Location + ": " + e.fields[0].Message
	}
	bad.Fields = e.fields
	return bad
}
