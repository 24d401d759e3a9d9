package timezone

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

func TestZoneOfAPlace(t *testing.T) {
	for _, c := range []struct {
		country string
		at      *Position
		zone    string
		basis   Basis
	}{
		{"FR", nil, "Europe/Paris", ByCountry},
		{"BEL", nil, "Europe/Brussels", ByCountry},
		{"DE", nil, "Europe/Berlin", ByCountry},
		{"DEU", &Position{48.14, 11.58}, "Europe/Berlin", ByCountry},
		{"US", &Position{37.77, -122.42}, "America/Los_Angeles", ByCoordinates},
		{"USA", &Position{40.71, -74.0}, "America/New_York", ByCoordinates},
		{"CA", nil, "America/St_Johns", Assumed},
		{"CA", &Position{45.5, -73.57}, "America/Toronto", ByCoordinates},
		{"", &Position{52.37, 4.9}, "Europe/Amsterdam", ByCoordinates},
	} {
		zone, basis, err := Of(c.country, c.at)
		if err != nil || zone != c.zone || basis != c.basis {
			t.Errorf("%s %v: %s by %s, %v; want %s by %s", c.country, c.at, zone, basis, err, c.zone, c.basis)
		}
	}
}

func TestNoPlaceIsRefused(t *testing.T) {
	if _, _, err := Of("", nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("nothing given: %v", err)
	}
	if _, _, err := Of("Atlantis", nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("no country: %v", err)
	}
	if _, err := ParsePosition("91", "0"); !fault.Is(err, fault.Invalid) {
		t.Errorf("latitude 91: %v", err)
	}
}

func TestEveryZoneOfTheTableExists(t *testing.T) {
	for _, r := range references() {
		if _, err := time.LoadLocation(r.zone); err != nil {
			t.Error(err)
		}
	}
}
