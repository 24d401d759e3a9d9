package device

import (
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/station"
)

// What an item that names no EVSE itself stands for.
const (
	everyEVSE      = "evse"
	everyConnector = "connector"
)

// port is an EVSE of a station with the ids of its connectors.
type port struct {
	evse       int
	connectors []int
}

// expand gives the template as it is for a station with these ports: an item
// for every EVSE or connector becomes one for each. What the template says of
// one of them by its number comes first, whatever the order it is written in:
// the particular counts before the general.
func (t Template) expand(ports []port) Template {
	var items, general []Item
	for _, i := range t.Variables {
		if i.Every == "" {
			items = append(items, i)
			continue
		}
		onEach(i.Every, ports, func(evse, connector int) {
			one := i
			one.Every, one.EVSE, one.Connector = "", evse, connector
			general = append(general, one)
		})
	}
	for _, i := range general {
		if !slices.ContainsFunc(items, func(o Item) bool { return o.named().Path() == i.named().Path() }) {
			items = append(items, i)
		}
	}
	var monitors, rest []MonitorItem
	for _, m := range t.Monitors {
		if m.Every == "" {
			monitors = append(monitors, m)
			continue
		}
		onEach(m.Every, ports, func(evse, connector int) {
			one := m
			one.Every, one.EVSE, one.Connector = "", evse, connector
			rest = append(rest, one)
		})
	}
	t.Variables, t.Monitors = items, append(monitors, rest...) // monitorsOf takes the first of a kind
	return t
}

func onEach(every string, ports []port, do func(evse, connector int)) {
	for _, p := range ports {
		if every == everyEVSE {
			do(p.evse, 0)
			continue
		}
		for _, c := range p.connectors {
			do(p.evse, c)
		}
	}
}

// expanded gives templates as they are for a station, by the EVSEs and
// connectors that it has now.
func (s *Service) expanded(tx *db.Tx, st station.Station, templates []Template) ([]Template, error) {
	general := func(t Template) bool {
		return slices.ContainsFunc(t.Variables, func(i Item) bool { return i.Every != "" }) || slices.ContainsFunc(t.Monitors, func(m MonitorItem) bool { return m.Every != "" })
	}
	if !slices.ContainsFunc(templates, general) {
		return templates, nil
	}
	evses, err := s.d.Stations.EVSEs(tx, string(st.ID))
	if err != nil {
		return nil, err
	}
	var ports []port
	for _, e := range evses {
		p := port{evse: e.EVSE}
		for _, c := range e.Connectors {
			p.connectors = append(p.connectors, c.ID)
		}
		ports = append(ports, p)
	}
	out := make([]Template, len(templates))
	for i, t := range templates {
		out[i] = t.expand(ports)
	}
	return out, nil
}

// everyProblem says what is wrong with a wildcard.
func everyProblem(every string, evse, connector int) string {
	switch {
	case every == "":
		return ""
	case every != everyEVSE && every != everyConnector:
		return "stands for every evse or every connector"
	case evse != 0 || connector != 0:
		return "names an EVSE or stands for every one, not both"
	}
	return ""
}
