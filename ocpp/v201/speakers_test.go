package v201

import (
	"slices"
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// TestSpeakers: ocpp says which versions have a command; the catalogue knows.
func TestSpeakers(t *testing.T) {
	t.Parallel()
	for _, action := range ocpp.Commands() {
		if said, has := slices.Contains(ocpp.Speakers(action), ocpp.V201), Messages.Find(action) != nil; said != has {
			t.Errorf("%s: said %v, is %v", action, said, has)
		}
	}
}
