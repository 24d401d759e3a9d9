//go:build conformance

package v201

import (
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp/ocpptest"
)

func TestConformanceSchemas(t *testing.T) {
	ocpptest.Conformance(t, Messages, "Request", []string{"2.0.1"}, []string{"2.0.1"})
}
