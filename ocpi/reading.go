package ocpi

import "encoding/json"

// Version tells which OCPI a CDR is written in, by what only that version
// has: 2.1.1 calls the end stop_date_time and has a location; 2.3.0 prices
// before taxes.
func (c CDR) Version() string {
	_, stop := c.Extra["stop_date_time"]
	_, location := c.Extra["location"]
	switch {
	case stop || location || c.TotalCost != nil && c.TotalCost.plain:
		return "2.1.1"
	case c.TotalCost != nil && c.TotalCost.BeforeTaxes != nil:
		return "2.3.0"
	}
	for _, t := range c.Tariffs {
		if t.TaxIncluded != "" {
			return "2.3.0"
		}
	}
	return "2.2.1"
}

// End is when the session ended, whatever version wrote it; nil when the CDR
// does not say.
func (c CDR) End() *DateTime {
	if c.EndDateTime != nil {
		return c.EndDateTime
	}
	var d DateTime
	if raw, ok := c.Extra["stop_date_time"]; ok && json.Unmarshal(raw, &d) == nil && !d.IsZero() {
		return &d
	}
	return nil
}

// Place is where a CDR says it was; empty fields are not said.
type Place struct {
	Country, TimeZone, Latitude, Longitude string
}

// Place reads cdr_location, or the location of 2.1.1. A time_zone is a field
// of Location objects, which some put into CDRs too.
func (c CDR) Place() Place {
	var p Place
	if l := c.CdrLocation; l != nil {
		p = Place{Country: l.Country, Latitude: l.Coordinates.Latitude, Longitude: l.Coordinates.Longitude}
		p.TimeZone = textOf(l.Extra["time_zone"])
	}
	if raw, ok := c.Extra["location"]; ok {
		var l struct {
			Country     string      `json:"country"`
			TimeZone    string      `json:"time_zone"`
			Coordinates GeoLocation `json:"coordinates"`
		}
		if json.Unmarshal(raw, &l) == nil {
			p = Place{l.Country, l.TimeZone, l.Coordinates.Latitude, l.Coordinates.Longitude}
		}
	}
	if zone := textOf(c.Extra["time_zone"]); zone != "" {
		p.TimeZone = zone
	}
	if p.Country == NotAvailable {
		p.Country = ""
	}
	if p.Country == "" {
		p.Country = c.CountryCode
	}
	return p
}

func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
