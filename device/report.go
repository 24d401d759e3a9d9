package device

import (
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// report stores one part of a report. Parts may come in any order, twice, and
// over several connections; what they say counts at once. The report is
// complete when all parts up to the one without tbc are there.
func (s *Service) report(tx *db.Tx, o owner, r *ocpp.NotifyReportRequest) error {
	var told []Variable
	for _, d := range r.ReportData {
		told = append(told, fromReport(d)...)
	}
	if err := saveVariables(tx, o, "NotifyReport", told); err != nil {
		return err
	}
	st, err := stateOf(tx, o.station)
	if err != nil {
		return err
	}
	if st.ReportID != int64(r.RequestID) || st.ReportID == 0 { // somebody else's report: its values count all the same
		_, _, _, err := part(tx, o, AskReport, int64(r.RequestID), &r.SeqNo, r.Tbc, len(told))
		return err
	}
	n, err := tx.Exec("INSERT INTO device_report_part (station, report_id, seq, org) VALUES ($1,$2,$3,$4) ON CONFLICT (station, report_id, seq) DO NOTHING",
		o.station, st.ReportID, r.SeqNo, o.org)
	if err != nil {
		return err
	}
	st.Parts += n
	st.ReportAt = &tx.Now // it still comes
	if r.Tbc == nil || !*r.Tbc {
		st.Last = int64(r.SeqNo)
	}
	if st.Last < 0 || st.Parts <= st.Last {
		return saveState(tx, o, st)
	}
	return s.complete(tx, o, st)
}

// complete ends a full read: the tree of ports follows the device model, and
// the baseline is next.
func (s *Service) complete(tx *db.Tx, o owner, st state) error {
	owned, err := s.d.Stations.Get(tx, o.station)
	if err != nil {
		return err
	}
	if err := tx.Send("DELETE FROM device_report_part WHERE station = $1", o.station); err != nil {
		return err
	}
	st.ReportID, st.ReportAt, st.Parts, st.Last, st.Failures = 0, nil, 0, -1, 0
	st.ReadOf, st.ReadAt = readOf(owned), &tx.Now
	if err := saveState(tx, o, st); err != nil {
		return err
	}
	hardware, err := db.Collect(tx, scanVariable, "SELECT "+variableColumns+` FROM device_variable WHERE station = $1
		AND (component IN ('EVSE', 'Connector') OR path = 'ocpp16:numberofconnectors') ORDER BY path`, o.station)
	if err != nil {
		return err
	}
	if err := s.d.Stations.Describe(tx, o.station, portsOf(hardware)); err != nil {
		return err
	}
	return s.enqueueSync(tx, o)
}

// maxPorts bounds the ports a station can claim with NumberOfConnectors.
const maxPorts = 100

// portsOf reads the ports off the device model: components EVSE and Connector
// of 2.x, NumberOfConnectors of 1.6.
func portsOf(hardware []Variable) []station.PortSpec {
	var ports []station.PortSpec
	port := func(n int) *station.PortSpec {
		for i := range ports {
			if ports[i].EVSE == n {
				return &ports[i]
			}
		}
		ports = append(ports, station.PortSpec{EVSE: n})
		return &ports[len(ports)-1]
	}
	for _, v := range hardware {
		switch {
		case strings.EqualFold(v.Name, "NumberOfConnectors"):
			n, err := strconv.Atoi(strings.TrimSpace(v.Value))
			for i := 1; err == nil && i <= min(n, maxPorts); i++ {
				port(i)
			}
		case v.EVSE < 1 || v.Attribute != actual:
		case v.Component == "EVSE" && v.Connector == 0:
			if p := port(v.EVSE); v.Name == "Power" {
				p.MaxPower = watts(v)
			}
		case v.Component == "Connector" && v.Connector > 0:
			describe(port(v.EVSE), v)
		}
	}
	return ports
}

func describe(p *station.PortSpec, v Variable) {
	i := 0
	for i < len(p.Connectors) && p.Connectors[i].ID != v.Connector {
		i++
	}
	if i == len(p.Connectors) {
		p.Connectors = append(p.Connectors, station.ConnectorSpec{ID: v.Connector})
	}
	c := &p.Connectors[i]
	switch v.Name {
	case "ConnectorType", "Type":
		c.Type = v.Value
	case "SupplyPhases":
		if n, err := strconv.Atoi(v.Value); err == nil {
			c.Phases = n
		}
	case "Power":
		c.MaxPower = watts(v)
	}
}

// watts reads the highest power a component can have: the upper limit of
// Power, in its unit.
func watts(v Variable) int64 {
	if v.Max == "" {
		return 0
	}
	d, err := unit.ParseDecimal(v.Max)
	if err != nil {
		return 0
	}
	power := 0
	if strings.EqualFold(v.Unit, "kW") {
		power = 3
	}
	w, ok := d.Scaled(power)
	if !ok || w < 0 {
		return 0
	}
	return w
}

// readOf names what a full read is good for: another device, firmware or
// version has another device model.
func readOf(st station.Station) string {
	return st.Incarnation + "|" + st.Vendor + "|" + st.Model + "|" + st.Firmware + "|" + st.Protocol
}
