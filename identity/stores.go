package identity

import (
	"github.com/forecourt-ev/forecourt/foundation/retain"
)

// Stores are what the room keeps for a limited time.
func (s *Service) Stores() []retain.Store {
	return []retain.Store{retain.Rows{Name: "audit", Group: "audit", Table: "audit_entry", At: "at"}.Store(s.db)}
}
