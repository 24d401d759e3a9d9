package device

import (
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Value gives what is known of a variable of a station, for rooms that keep to
// the limits that stations state. false: the station has not told.
func (s *Service) Value(tx *db.Tx, station, component, variable, instance string) (Variable, bool, error) {
	v := of(ocpp.Component{Name: component}, ocpp.Variable{Name: variable, Instance: instance}, "")
	found, err := variablesAt(tx, station, []string{v.Path()})
	got, ok := found[v.Path()]
	return got, ok, err
}
