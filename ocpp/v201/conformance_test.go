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
