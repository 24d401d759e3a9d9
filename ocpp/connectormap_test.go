package ocpp

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestConnectorMapRefuses(t *testing.T) {
	t.Parallel()
	for name, places := range map[string][]Place{
		"EVSE 0":         {{0, 1}},
		"connector 0":    {{1, 0}},
		"twice":          {{1, 1}, {1, 1}},
		"gap of EVSEs":   {{1, 1}, {3, 1}},
		"gap inside":     {{1, 1}, {1, 3}},
		"too large":      {{101, 1}},
		"no EVSE 1":      {{2, 1}},
		"connector only": {{1, 2}},
	} {
		if _, err := NewConnectorMap(places); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestConnectorMapDefault(t *testing.T) {
	t.Parallel()
	m, err := NewConnectorMap([]Place{{1, 1}, {2, 1}})
	if err != nil || !m.Default() || !m.Equal(ConnectorMap{}) {
		t.Errorf("%v %v", m, err)
	}
	if p := m.Of(7); p != (Place{7, 1}) {
		t.Errorf("connector 7 is %v", p)
	}
	if p := m.Of(0); p != (Place{}) {
		t.Errorf("connector 0 is %v", p)
	}
}

// TestConnectorMapIsABijection over every connector and EVSE, also behind the
// end of the map, and survives being stored.
func TestConnectorMapIsABijection(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var places []Place
		for evse, n := range rapid.SliceOfN(rapid.IntRange(1, 3), 1, 6).Draw(t, "connectors of each EVSE") {
			for c := range n {
				places = append(places, Place{evse + 1, c + 1})
			}
		}
		places = rapid.Permutation(places).Draw(t, "order")
		m, err := NewConnectorMap(places)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var back ConnectorMap
		if err := json.Unmarshal(b, &back); err != nil || !back.Equal(m) {
			t.Fatalf("stored as %s, read as %v: %v", b, back, err)
		}
		seen := map[Place]bool{}
		for n := 1; n <= len(places)+3; n++ {
			p := m.Of(n)
			if seen[p] {
				t.Fatalf("%v is two connectors", p)
			}
			seen[p] = true
			all := m.Connectors(p.EVSE)
			if p.Connector > len(all) || all[p.Connector-1] != n {
				t.Fatalf("connector %d is %v, whose connectors are %v", n, p, all)
			}
		}
	})
}
