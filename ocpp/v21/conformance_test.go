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
