package ocpi

import (
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// DateTime is an instant as OCPI writes it: RFC 3339 in UTC. A missing zone
// means UTC; other offsets, which the text forbids but partners send, are
// converted. Written with "Z" and, only when there are any, up to six decimals
// of a second. OCPI 2.2.1 types, DateTime.
type DateTime struct{ time.Time }

// At wraps an instant.
func At(t time.Time) DateTime { return DateTime{t.UTC()} }

// MarshalJSON writes "2015-06-29T20:39:09Z".
func (d DateTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(d.UTC().Format("2006-01-02T15:04:05.999999Z07:00"))
}

// UnmarshalJSON reads an instant with or without a zone; null leaves zero.
func (d *DateTime) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fault.New(fault.Invalid, "ocpi.datetime", `%s is not an instant such as "2015-06-29T20:39:09Z"`, clip(b))
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			d.Time = t.UTC()
			return nil
		}
	}
	return fault.New(fault.Invalid, "ocpi.datetime", "%q is not an instant such as 2015-06-29T20:39:09Z", clip([]byte(s)))
}

func clip(b []byte) string {
	if len(b) > 60 {
		return string(b[:60]) + "…"
	}
	return string(b)
}
