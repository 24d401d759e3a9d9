package ocpp

import (
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// DateTime is an instant as OCPP writes it. Reading is lenient: a missing
// zone is UTC. Writing is RFC 3339 with milliseconds in UTC, the most precise
// form that OCPP 2.x allows.
type DateTime struct{ time.Time }

// AtTime makes the DateTime of t.
func AtTime(t time.Time) DateTime { return DateTime{t.UTC()} }

const wire = "2006-01-02T15:04:05.000Z"

// layouts are what stations write, besides RFC 3339. A fraction of a second is
// accepted by all of them.
var layouts = []string{
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02",
	"20060102T150405Z07:00",
	"20060102T150405",
}

// ParseDateTime reads an instant; strict tells that it was written as RFC 3339
// with a zone.
func ParseDateTime(s string) (t DateTime, strict bool, err error) {
	if p, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return AtTime(p), strings.IndexByte(s, ',') < 0, nil
	}
	text := strings.ToUpper(strings.TrimSpace(s))
	text = strings.Replace(text, " UTC", "Z", 1)
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	text = strings.ReplaceAll(text, " ", "")
	if p, ok := sinceEpoch(text); ok {
		return AtTime(p), false, nil
	}
	text = strings.ReplaceAll(text, "/", "-")
	for _, layout := range append([]string{time.RFC3339Nano}, layouts...) {
		if p, err := time.Parse(layout, text); err == nil {
			return AtTime(p), false, nil
		}
	}
	return DateTime{}, false, fault.New(fault.Invalid, "ocpp.datetime", "%q is not a time such as 2026-01-31T12:00:00Z", clip(s))
}

// sinceEpoch reads seconds or milliseconds since 1970, of this century.
func sinceEpoch(text string) (time.Time, bool) {
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case err != nil || n <= 0:
		return time.Time{}, false
	case len(whole) == 10:
		return time.Unix(n, 0), true
	case len(whole) == 13:
		return time.UnixMilli(n), true
	}
	return time.Time{}, false
}

// MarshalJSON writes RFC 3339 with milliseconds, UTC.
func (d DateTime) MarshalJSON() ([]byte, error) {
	return d.UTC().AppendFormat(make([]byte, 0, len(wire)+2), `"`+wire+`"`), nil
}

// UnmarshalJSON reads what ParseDateTime reads. Anything else leaves the zero
// instant and is no error: Conform reports it.
func (d *DateTime) UnmarshalJSON(b []byte) error {
	*d = DateTime{}
	s, err := strconv.Unquote(string(b))
	if err != nil {
		return nil
	}
	*d, _, _ = ParseDateTime(s)
	return nil
}

// Pointer gives a pointer to d, nil for the zero instant.
func (d DateTime) Pointer() *DateTime {
	if d.IsZero() {
		return nil
	}
	return &d
}
