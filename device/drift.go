package device

import (
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
)

// Facts about desired state. Subject is the station.
const (
	KindDrifted      = "device.drifted"       // Drifts: variables are no longer what they were
	KindDriftCleared = "device.drift_cleared" // everything is as wished again; no payload
)

// Drift is a variable that somebody else changed.
type Drift struct {
	Path      string `json:"path"`
	Wanted    string `json:"wanted"`
	Actual    string `json:"actual"`
	Rule      string `json:"rule"` // of the baseline, "operator" or "template/<id>"
	Corrected bool   `json:"corrected"`
}

// Drifts is the payload of KindDrifted.
type Drifts struct {
	Variables []Drift `json:"variables"`
}

const driftOpen = "open"

// noteDrift records new drift, and its end when nothing is left of it.
func (s *Service) noteDrift(tx *db.Tx, o owner, drifts []Drift) error {
	known, err := stateOf(tx, o.station)
	if err != nil {
		return err
	}
	var left int
	if err := tx.QueryRow("SELECT COUNT(*) FROM device_desired WHERE station = $1 AND drifted_at IS NOT NULL", o.station).Scan(&left); err != nil {
		return err
	}
	f := event.Fact{Org: o.org, Site: o.site, Station: o.station, Subject: "station/" + o.station}
	if len(drifts) > 0 {
		for i := range drifts {
			shown := Variable{Value: drifts[i].Actual, Name: nameIn(drifts[i].Path)}
			shown.mask()
			drifts[i].Actual = clip(shown.Value, maxValue)
		}
		f.Kind = KindDrifted
		if err := event.Record(tx, f, Drifts{drifts}); err != nil {
			return err
		}
		known.Drift = driftOpen
		if err := setState(tx, o, "drift = $3", driftOpen); err != nil {
			return err
		}
	}
	if known.Drift == driftOpen && left == 0 {
		f.Kind = KindDriftCleared
		if err := event.Record(tx, f, struct{}{}); err != nil {
			return err
		}
		return setState(tx, o, "drift = $3", "")
	}
	return nil
}

// nameIn gives the name of the variable in a path.
func nameIn(path string) string {
	_, rest, _ := strings.Cut(path, ":")
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "/")
	return rest
}

// compareSoon has a device compared when it told of a variable that is wished
// for and was met: somebody else may have changed it.
func compareSoon(tx *db.Tx, o owner, told []Variable) error {
	wishes, err := desiredOf(tx, o.station)
	if err != nil {
		return err
	}
	for _, v := range told {
		for _, d := range wishes {
			if d.Path == v.Path() && d.Status == Met && v.Value != d.Actual && !equalLists(v.Value, d.Actual) {
				return setState(tx, o, "wanted_at = $3, next_at = $3", db.Micros(tx.Now))
			}
		}
	}
	return nil
}
