package station

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
)

// PortSpec is what is known of a port's hardware. Zero values are unknown.
type PortSpec struct {
	EVSE       int
	MaxPower   int64 // W
	Connectors []ConnectorSpec
}

// ConnectorSpec is what is known of a connector's hardware.
type ConnectorSpec struct {
	ID        int
	Type      string // as the station writes it or OCPI's
	Phases    int
	MaxPower  int64 // W
	Format    string
	PowerType string
}

// connectorType is what an OCPP ConnectorType is in OCPI 2.2.1 terms.
type connectorType struct{ ocpi, format, power string }

// connectorTypes maps ConnectorEnumStringType of OCPP 2.x (part 2, appendix)
// to OCPI's ConnectorType, ConnectorFormat and, for DC, PowerType.
var connectorTypes = map[string]connectorType{
	"cccs1": {"IEC_62196_T1_COMBO", "CABLE", "DC"}, "cccs2": {"IEC_62196_T2_COMBO", "CABLE", "DC"},
	"cchademo": {"CHADEMO", "CABLE", "DC"}, "cg105": {"CHADEMO", "CABLE", "DC"}, "cchaoji": {"CHAOJI", "CABLE", "DC"},
	"cgbt": {"GBT_DC", "CABLE", "DC"}, "cgbt-dc": {"GBT_DC", "CABLE", "DC"}, "cgbt-ac": {"GBT_AC", "CABLE", ""},
	"ctesla": {"TESLA_S", "CABLE", ""}, "cnacs": {"SAE_J3400", "CABLE", ""}, "cnacs-ccs1": {"SAE_J3400", "CABLE", "DC"},
	"ctype1": {"IEC_62196_T1", "CABLE", ""}, "ctype2": {"IEC_62196_T2", "CABLE", ""}, "cmcs": {"MCS", "CABLE", "DC"},
	"culmcs": {"MCS", "CABLE", "DC"}, "cultramcs": {"MCS", "CABLE", "DC"}, "pan": {"PANTOGRAPH_BOTTOM_UP", "CABLE", "DC"},
	"s309-1p-16a": {"IEC_60309_2_single_16", "SOCKET", ""}, "s309-1p-32a": {"IEC_60309_2_single_16", "SOCKET", ""},
	"s309-3p-16a": {"IEC_60309_2_three_16", "SOCKET", ""}, "s309-3p-32a": {"IEC_60309_2_three_32", "SOCKET", ""},
	"sbs1361": {"DOMESTIC_G", "SOCKET", ""}, "scee-7-7": {"DOMESTIC_F", "SOCKET", ""},
	"stype2": {"IEC_62196_T2", "SOCKET", ""}, "stype3": {"IEC_62196_T3C", "SOCKET", ""},
}

// normal gives the connector in OCPI terms, as far as they are known.
func (c ConnectorSpec) normal() ConnectorSpec {
	if t, ok := connectorTypes[strings.ToLower(c.Type)]; ok {
		c.Type = t.ocpi
		if c.Format == "" {
			c.Format = t.format
		}
		if c.PowerType == "" {
			c.PowerType = t.power
		}
	}
	if c.PowerType == "" && c.Type != "" {
		switch c.Phases {
		case 1:
			c.PowerType = "AC_1_PHASE"
		case 2:
			c.PowerType = "AC_2_PHASE"
		case 3:
			c.PowerType = "AC_3_PHASE"
		}
	}
	return c
}

// Describe takes what a station tells of its own ports: it adds those that
// are new and fills in their hardware, unless people described it. Ports the
// station does not mention stay; a missing line is no proof of absence.
func (s *Service) Describe(tx *db.Tx, station string, ports []PortSpec) error {
	_, err := s.alter(tx, ID(station), func(t *tree) error {
		for _, p := range ports {
			if p.EVSE < 1 || p.EVSE > maxEVSE {
				continue
			}
			known := t.find(p.EVSE) != nil
			e := t.evse(p.EVSE, tx.Now)
			if known && e.Edited {
				continue
			}
			describePort(e, p)
		}
		return nil
	})
	return err
}

func describePort(e *EVSE, p PortSpec) {
	if p.MaxPower > 0 {
		e.MaxPower = p.MaxPower
	}
	for _, spec := range p.Connectors {
		if spec.ID < 1 || spec.ID > maxEVSE {
			continue
		}
		spec = spec.normal()
		c := e.connector(spec.ID)
		for _, f := range []struct {
			dst *string
			v   string
		}{{&c.Type, spec.Type}, {&c.Format, spec.Format}, {&c.PowerType, spec.PowerType}} {
			if f.v != "" {
				*f.dst = short(f.v, 50)
			}
		}
		if spec.MaxPower > 0 {
			c.MaxPower = spec.MaxPower
		}
	}
}

// PortEdit is what people decide about a port. Nil leaves as is.
type PortEdit struct {
	Label      *string
	MaxPower   *int64
	Operative  *bool
	Connectors []ConnectorSpec // nil leaves; otherwise exactly these remain
	Removed    *bool           // takes the port out of lists; its history stays
}

// ChangePort edits a port, or adds one that the station has not told of yet.
func (s *Service) ChangePort(ctx context.Context, id ID, evse int, e PortEdit) (port EVSE, err error) {
	if evse < 1 || evse > maxEVSE {
		return port, fault.New(fault.Invalid, "station.evse", "an EVSE has a number between 1 and %d", maxEVSE).With("path.evse", "between 1 and 1000", evse)
	}
	_, err = s.edit(ctx, id, "station.port_changed", func(_ identity.Caller, tx *db.Tx, t *tree) error {
		p := t.evse(evse, tx.Now)
		if e.Label != nil {
			p.Label = strings.TrimSpace(*e.Label)
		}
		if e.MaxPower != nil {
			p.MaxPower, p.Edited = *e.MaxPower, true
		}
		if e.Operative != nil {
			p.Operative = *e.Operative
		}
		if e.Connectors != nil {
			p.Edited = true
			if err := replaceConnectors(tx, t, p, e.Connectors); err != nil {
				return err
			}
		}
		if e.Removed != nil && *e.Removed {
			p.RemovedAt = &tx.Now
		}
		t.facts = append(t.facts, fact{KindChanged, changedOf(&t.Station)})
		t.settle(tx.Now)
		port = *t.find(evse)
		return s.audit(ctx, tx, &t.Station, "station.port_changed", map[string]identity.Change{"evse": {nil, strconv.Itoa(evse)}})
	})
	return port, err
}

func replaceConnectors(tx *db.Tx, t *tree, p *EVSE, specs []ConnectorSpec) error {
	keep := map[int]bool{}
	for _, spec := range specs {
		keep[spec.ID] = true
	}
	for _, c := range p.Connectors {
		if keep[c.ID] {
			continue
		}
		if err := tx.Send("DELETE FROM connector WHERE station = $1 AND evse = $2 AND connector = $3", string(t.ID), p.EVSE, c.ID); err != nil {
			return err
		}
	}
	p.Connectors = slices.DeleteFunc(p.Connectors, func(c Connector) bool { return !keep[c.ID] })
	describePort(p, PortSpec{EVSE: p.EVSE, Connectors: specs})
	p.merge(tx.Now)
	return nil
}
