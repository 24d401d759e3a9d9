package device

import (
	"github.com/forecourt-ev/forecourt/foundation/db"
)

func text(name, column string) db.Field {
	return db.Field{Name: name, Column: column, Kind: db.Text, Sort: true, Filter: true}
}

func instant(name, column string) db.Field {
	return db.Field{Name: name, Column: column, Kind: db.Instant, Sort: true, Filter: true}
}

var variableSpec = db.ListSpec{
	Base: "SELECT " + variableColumns + " FROM device_variable WHERE", Default: "component,evse,connector,variable", Key: "path",
	Fields: []db.Field{
		text("component", "component"), text("component_instance", "component_instance"), text("variable", "variable"), text("variable_instance", "variable_instance"),
		{Name: "evse", Column: "evse", Kind: db.Int, Sort: true, Filter: true}, {Name: "connector", Column: "connector", Kind: db.Int, Sort: true, Filter: true},
		text("attribute", "attribute"), text("value", "value"), text("mutability", "mutability"), text("data_type", "data_type"), instant("updated_at", "updated_at"),
	},
}

func variableBodyOf(v Variable) variableBody {
	v = v.typed()
	b := variableBody{
		Component: v.Component, ComponentInstance: v.ComponentInstance, EVSE: v.EVSE, Connector: v.Connector, Variable: v.Name, VariableInstance: v.Instance,
		Attribute: v.Attribute, Value: v.Value, Mutability: v.Mutability, DataType: v.DataType, Unit: v.Unit, Min: v.Min, Max: v.Max, ValuesList: v.ValuesList, UpdatedAt: v.UpdatedAt.UTC(), Monitorable: v.Monitorable,
	}
	if s, ok := StandardOf(v); ok {
		b.Meaning, b.Key = s.Meaning, s.Key
		for _, version := range []string{"1.6", "2.0.1", "2.1"} {
			if s.Required(version) {
				b.Required = append(b.Required, version)
			}
		}
	}
	return b
}

var historySpec = db.ListSpec{
	Base: "SELECT path, value, source, at FROM device_variable_history WHERE", Default: "-at", Key: "path",
	Fields: []db.Field{
		{Name: "path", Column: "path", Kind: db.Text, Filter: true}, {Name: "source", Column: "source", Kind: db.Text, Filter: true},
		{Name: "value", Column: "value", Kind: db.Text, Filter: true}, instant("at", "at"),
	},
}

func scanPast(row db.Scanner) (pastBody, error) {
	var p pastBody
	var at int64
	err := row.Scan(&p.Path, &p.Value, &p.Source, &at)
	p.At = db.Time(at).UTC()
	return p, err
}

var bootSpec = db.ListSpec{
	Base:    "SELECT at, vendor, model, serial, firmware, iccid, imsi, meter, reason, status, protocol, address FROM device_boot WHERE",
	Default: "-at", Key: "at",
	Fields: []db.Field{
		instant("at", "at"), text("vendor", "vendor"), text("model", "model"), text("serial_number", "serial"), text("firmware_version", "firmware"),
		text("reason", "reason"), text("status", "status"), text("protocol", "protocol"), text("remote_addr", "address"),
	},
}

func scanBoot(row db.Scanner) (bootBody, error) {
	var b bootBody
	var at int64
	err := row.Scan(&at, &b.Vendor, &b.Model, &b.Serial, &b.Firmware, &b.ICCID, &b.IMSI, &b.Meter, &b.Reason, &b.Status, &b.Protocol, &b.Address)
	b.At = db.Time(at).UTC()
	return b, err
}

var securitySpec = db.ListSpec{
	Base: "SELECT id, type, tech_info, at, received_at FROM device_security_event WHERE", Default: "-received_at", Key: "id",
	Fields: []db.Field{text("id", "id"), text("type", "type"), text("tech_info", "tech_info"), instant("at", "at"), instant("received_at", "received_at")},
}

func scanSecurity(row db.Scanner) (securityBody, error) {
	var b securityBody
	var at, received int64
	err := row.Scan(&b.ID, &b.Type, &b.TechInfo, &at, &received)
	b.At, b.ReceivedAt = db.Time(at).UTC(), db.Time(received).UTC()
	return b, err
}

var noticeSpec = db.ListSpec{
	Base: "SELECT id, kind, payload, at FROM device_notice WHERE", Default: "-at", Key: "id",
	Fields: []db.Field{text("id", "id"), text("kind", "kind"), {Name: "payload", Column: "payload", Kind: db.Text, Filter: true}, instant("at", "at")},
}

func scanNotice(row db.Scanner) (noticeBody, error) {
	var b noticeBody
	var at int64
	var payload string
	err := row.Scan(&b.ID, &b.Kind, &payload, &at)
	b.Payload, b.At = []byte(payload), db.Time(at).UTC()
	return b, err
}
