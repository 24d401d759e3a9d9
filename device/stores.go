package device

import (
	"context"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/retain"
)

// Stores are what the room keeps for a limited time. Of each variable the
// last change before the horizon stays: it tells the value at any instant
// after.
func (s *Service) Stores() []retain.Store {
	return []retain.Store{
		retain.Rows{Name: "variable history", Group: "history", Table: "device_variable_history", At: "at",
			And: "EXISTS (SELECT 1 FROM device_variable_history l WHERE l.station = t.station AND l.path = t.path AND l.at > t.at AND l.at <= $1)"}.Store(s.d.DB),
		retain.Rows{Name: "boots", Group: "history", Table: "device_boot", At: "at"}.Store(s.d.DB),
		retain.Rows{Name: "notices", Group: "message", Table: "device_notice", At: "at"}.Store(s.d.DB),
		retain.Rows{Name: "monitoring events", Group: "message", Table: "device_event", At: "received_at"}.Store(s.d.DB),
		retain.Rows{Name: "values of streams", Group: "sample", Table: "device_stream_value", At: "received_at"}.Store(s.d.DB),
		retain.Rows{Name: "DER events", Group: "history", Table: "device_der_event", At: "received_at"}.Store(s.d.DB),
		retain.Rows{Name: "battery swaps", Group: "history", Table: "device_battery_swap", At: "received_at"}.Store(s.d.DB),
		retain.Rows{Name: "security events", Group: "audit", Table: "device_security_event", At: "received_at"}.Store(s.d.DB),
		retain.Rows{Name: "reports asked of stations", Group: "history", Table: "device_request", At: "last_at"}.Store(s.d.DB),
		retain.Rows{Name: "steps of updates and logs", Group: "history", Table: "device_step", At: "at"}.Store(s.d.DB),
		{Name: "device model", Tables: []string{"device_variable", "device_desired", "device_state", "device_report_part", "device_template", "device_monitor", "device_charging_profile", "device_charging_limit", "device_stream", "device_der_control"}},
	}
}

// forget deletes the parts of answers that nobody read in time: what a
// station told of a customer is personal data, and what stalled is useless.
func (s *Service) forget(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return tx.Send(`DELETE FROM device_request_part WHERE (station, kind, request) IN (SELECT station, kind, request FROM device_request WHERE last_at < $1)
			OR NOT EXISTS (SELECT 1 FROM device_request r WHERE r.station = device_request_part.station AND r.kind = device_request_part.kind AND r.request = device_request_part.request)`,
			db.Micros(tx.Now.Add(-s.d.KeepAnswers)))
	})
}
