package device

import (
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
		retain.Rows{Name: "notices", Group: "history", Table: "device_notice", At: "at"}.Store(s.d.DB),
		retain.Rows{Name: "monitoring events", Group: "history", Table: "device_event", At: "received_at"}.Store(s.d.DB),
		retain.Rows{Name: "security events", Group: "audit", Table: "device_security_event", At: "received_at"}.Store(s.d.DB),
		{Name: "device model", Tables: []string{"device_variable", "device_desired", "device_state", "device_report_part"}},
	}
}
