// Package timezone tells the time zone of a place from its country and
// coordinates, for data that came without one.
package timezone

import (
	_ "embed"
	"math"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

//go:embed zones.txt
var table string

type reference struct {
	country, zone string
	lat, lon      float64
}

var references = sync.OnceValue(func() []reference {
	var out []reference
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] == "#" {
			continue
		}
		lat, _ := strconv.ParseFloat(f[1], 64)
		lon, _ := strconv.ParseFloat(f[2], 64)
		out = append(out, reference{country: f[0], zone: f[3], lat: lat, lon: lon})
	}
	return out
})

// Basis says how sure a zone is.
type Basis string

const (
	ByCountry     Basis = "country"     // the country has one zone
	ByCoordinates Basis = "coordinates" // the zone whose reference city is nearest, within the country if it is known
	Assumed       Basis = "assumed"     // the country has several; its first was taken
)

// Position is WGS 84 in degrees.
type Position struct{ Latitude, Longitude float64 }

// ParsePosition reads decimal degrees; the error is fault.Invalid.
func ParsePosition(latitude, longitude string) (Position, error) {
	lat, err1 := strconv.ParseFloat(latitude, 64)
	lon, err2 := strconv.ParseFloat(longitude, 64)
	if err1 != nil || err2 != nil || math.Abs(lat) > 90 || math.Abs(lon) > 180 {
		return Position{}, fault.New(fault.Invalid, "timezone.position", "%q, %q are no coordinates: latitude -90 to 90, longitude -180 to 180", latitude, longitude)
	}
	return Position{lat, lon}, nil
}

// Of gives the zone of a place. Country is ISO 3166, two or three letters, or
// empty; at may be nil. The error is fault.Invalid when neither says enough.
//
// Near a border of zones the nearest reference city can be the wrong one:
// callers show the basis and let people overrule it.
func Of(country string, at *Position) (zone string, basis Basis, err error) {
	code := country
	if region, err := language.ParseRegion(country); err == nil {
		code = region.String()
	}
	var candidates []reference
	for _, r := range references() {
		if country == "" || r.country == code {
			candidates = append(candidates, r)
		}
	}
	switch {
	case len(candidates) == 0:
		return "", "", fault.New(fault.Invalid, "timezone.country", "%q is not a country of ISO 3166, such as FR or FRA", country)
	case len(candidates) == 1:
		return candidates[0].zone, ByCountry, nil
	case at != nil:
		return nearest(candidates, *at), ByCoordinates, nil
	case country == "":
		return "", "", fault.New(fault.Invalid, "timezone.place", "a time zone needs a country or coordinates")
	}
	return candidates[0].zone, Assumed, nil
}

func nearest(candidates []reference, at Position) string {
	best, least := "", math.Inf(1)
	for _, r := range candidates {
		if d := distance(at, Position{r.lat, r.lon}); d < least {
			best, least = r.zone, d
		}
	}
	return best
}

// distance is the haversine of the angle between two places, which grows
// with it.
func distance(a, b Position) float64 {
	const rad = math.Pi / 180
	h := math.Pow(math.Sin((b.Latitude-a.Latitude)*rad/2), 2)
	return h + math.Cos(a.Latitude*rad)*math.Cos(b.Latitude*rad)*math.Pow(math.Sin((b.Longitude-a.Longitude)*rad/2), 2)
}
