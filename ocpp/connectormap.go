package ocpp

import (
	"encoding/json"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Place is a connector in neutral terms.
type Place struct {
	EVSE      int `json:"evse_id"`
	Connector int `json:"connector_id"`
}

// ConnectorMap says which connector of which EVSE each connector of a 1.6
// station is. 1.6 has no EVSE: a cabinet with a CCS and a CHAdeMO cable of
// which one charges at a time is one EVSE with two connectors, one that
// charges two cars at once has two EVSEs (field note 12). The zero value
// makes connector n the first connector of EVSE n. A map does not change.
type ConnectorMap struct{ places []Place }

// maxPlaces bounds a map; the largest cabinets have a few dozen connectors.
const maxPlaces = 100

// NewConnectorMap makes a map of the places of connectors 1, 2, 3 … in that
// order. Places must be unique, from 1 up, and EVSEs and the connectors of
// each numbered without gaps, as in OCPP 2.x (OCPP 2.0.1 part 1 §7).
func NewConnectorMap(places []Place) (ConnectorMap, error) {
	bad := func(i int, why string) (ConnectorMap, error) {
		return ConnectorMap{}, fault.New(fault.Invalid, "ocpp.connector_map", "connector %d: %s", i+1, why)
	}
	if len(places) > maxPlaces {
		return bad(maxPlaces, "a map has at most 100 connectors")
	}
	taken, most := map[Place]bool{}, 0
	for i, p := range places {
		switch {
		case p.EVSE < 1 || p.Connector < 1:
			return bad(i, "EVSEs and their connectors are numbered from 1")
		case p.EVSE > maxPlaces || p.Connector > maxPlaces:
			return bad(i, "an EVSE or connector number is at most 100")
		case taken[p]:
			return bad(i, "another connector has this place already")
		}
		taken[p], most = true, max(most, p.EVSE)
	}
	for i, p := range places {
		if p.Connector > 1 && !taken[Place{p.EVSE, p.Connector - 1}] {
			return bad(i, "the connectors of an EVSE are numbered 1, 2, 3 …; one is missing below")
		}
	}
	for evse := 1; evse <= most; evse++ {
		if !taken[Place{evse, 1}] {
			return ConnectorMap{}, fault.New(fault.Invalid, "ocpp.connector_map", "EVSEs are numbered 1, 2, 3 …; EVSE %d has no connector", evse)
		}
	}
	out := ConnectorMap{places: append([]Place(nil), places...)}
	for i, p := range places {
		if p != (Place{i + 1, 1}) {
			return out, nil
		}
	}
	return ConnectorMap{}, nil // says nothing that is not so without it
}

// Default reports whether connector n is EVSE n throughout.
func (m ConnectorMap) Default() bool { return len(m.places) == 0 }

// Equal reports whether two maps say the same.
func (m ConnectorMap) Equal(o ConnectorMap) bool {
	if len(m.places) != len(o.places) {
		return false
	}
	for i := range m.places {
		if m.places[i] != o.places[i] {
			return false
		}
	}
	return true
}

// Places gives the places of connectors 1, 2, 3 …; none for the default.
func (m ConnectorMap) Places() []Place { return append([]Place(nil), m.places...) }

func (m ConnectorMap) evses() int {
	most := 0
	for _, p := range m.places {
		most = max(most, p.EVSE)
	}
	return most
}

// Of gives the place of a connector. Connector 0 is the station, place {0 0};
// one behind the end of the map is an EVSE of its own behind the last.
func (m ConnectorMap) Of(connector int) Place {
	switch n := len(m.places); {
	case connector <= 0:
		return Place{}
	case connector <= n:
		return m.places[connector-1]
	default:
		return Place{EVSE: m.evses() + connector - n, Connector: 1}
	}
}

// Connectors gives the 1.6 numbers of the connectors of an EVSE, in the order
// of their neutral numbers: none for EVSE 0, which is the station.
func (m ConnectorMap) Connectors(evse int) []int {
	if evse <= 0 {
		return nil
	}
	if last := m.evses(); evse > last {
		return []int{len(m.places) + evse - last}
	}
	var out []int
	for c := 1; ; c++ {
		n := m.number(Place{evse, c})
		if n == 0 {
			return out
		}
		out = append(out, n)
	}
}

func (m ConnectorMap) number(p Place) int {
	for i := range m.places {
		if m.places[i] == p {
			return i + 1
		}
	}
	return 0
}

// MarshalJSON writes the places, so that a map can be kept as text.
func (m ConnectorMap) MarshalJSON() ([]byte, error) {
	if m.places == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(m.places)
}

// UnmarshalJSON reads and checks the places.
func (m *ConnectorMap) UnmarshalJSON(b []byte) error {
	var places []Place
	if err := json.Unmarshal(b, &places); err != nil {
		return err
	}
	out, err := NewConnectorMap(places)
	*m = out
	return err
}
