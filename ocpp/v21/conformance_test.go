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
