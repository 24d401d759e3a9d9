//go:build conformance

package v21

import (
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/ocpptest"
)

func TestConformanceSchemas(t *testing.T) {
	ocpptest.Conformance(t, ocpp.Messages, "Request", []string{"2.1"}, []string{"2.1"})
}

// TestConformanceSends: everything we send, asked or answered, is what the
// official schemas allow.
func TestConformanceSends(t *testing.T) {
	ocpptest.Sends{Dialect: New(), Catalogue: ocpp.Messages, Suffix: "Request", Dirs: []string{"2.1"}}.Run(t)
}

// TestConformanceProfiles sends the profiles of the shared data.
func TestConformanceProfiles(t *testing.T) {
	s := ocpptest.Sends{Dialect: New(), Suffix: "Request", Dirs: []string{"2.1"}}
	said, unsupported, invalid := s.SendsProfiles(t)
	t.Logf("%d said, %d not valid", said, invalid)
	if said < 50 || unsupported != 0 {
		t.Errorf("%d said, %d not in OCPP 2.1", said, unsupported)
	}
}
