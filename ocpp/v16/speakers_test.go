package v16

import (
	"slices"
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// TestSpeakers: ocpp says which versions have a command; the table of
// commands knows.
func TestSpeakers(t *testing.T) {
	t.Parallel()
	for _, action := range ocpp.Commands() {
		_, has := commands[action]
		if said := slices.Contains(ocpp.Speakers(action), ocpp.V16); said != has {
			t.Errorf("%s: said %v, is %v", action, said, has)
		}
	}
	if got := ocpp.Speakers("BootNotification"); got != nil {
		t.Errorf("stations send BootNotification, yet it is a command of %v", got)
	}
}
