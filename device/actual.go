package device

import "github.com/forecourt-ev/forecourt/foundation/db"

// Value gives the actual value that a station told for a variable of the
// station as a whole, for another room: no permission is checked. Names may
// be in any case.
func (s *Service) Value(tx *db.Tx, station, component, variable string) (string, bool, error) {
	path := Variable{Component: component, Name: variable, Attribute: actual}.Path()
	found, err := variablesAt(tx, station, []string{path})
	v, ok := found[path]
	return v.Value, ok, err
}
