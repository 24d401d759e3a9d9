//go:build conformance

package v201

import (
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp/ocpptest"
)

func TestConformanceSchemas(t *testing.T) {
	ocpptest.Conformance(t, Messages, "Request", []string{"2.0.1"}, []string{"2.0.1"})
}

// TestConformanceSends: everything we send, asked or answered, is what the
// official schemas allow.
func TestConformanceSends(t *testing.T) {
	ocpptest.Sends{Dialect: New(), Catalogue: Messages, Suffix: "Request", Dirs: []string{"2.0.1"}}.Run(t)
}

// TestConformanceProfiles sends the profiles of the shared data.
func TestConformanceProfiles(t *testing.T) {
	s := ocpptest.Sends{Dialect: New(), Suffix: "Request", Dirs: []string{"2.0.1"}}
	said, unsupported, invalid := s.SendsProfiles(t)
	t.Logf("%d said, %d not in OCPP 2.0.1, %d not valid", said, unsupported, invalid)
	if said < 30 || unsupported == 0 {
		t.Errorf("%d said, %d not in OCPP 2.0.1", said, unsupported)
	}
}
