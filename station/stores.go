package station

import (
	"github.com/forecourt-ev/forecourt/foundation/retain"
)

// Stores are what the room keeps for a limited time. Of each port the last
// status before the horizon stays: it tells the state at any instant after.
func (s *Service) Stores() []retain.Store {
	return []retain.Store{
		retain.Rows{Name: "status history", Group: "history", Table: "evse_status", At: "at",
			And: "EXISTS (SELECT 1 FROM evse_status l WHERE l.station = t.station AND l.evse = t.evse AND l.at > t.at AND l.at <= $1)"}.Store(s.d.DB),
		retain.Rows{Name: "commands", Group: "command", Table: "station_command", At: "created_at", And: "t.finished_at IS NOT NULL"}.Store(s.d.DB),
		{Name: "stations", Tables: []string{"charging_station", "evse", "connector", "port_plan", "station_incarnation", "station_deviation"}},
	}
}
