package v16

import (
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp/ocpptest"
)

func TestTranscripts(t *testing.T) { ocpptest.Transcripts(t, New()) }

func FuzzHandle(f *testing.F) { ocpptest.FuzzHandle(f, New(), Messages) }

func TestJSONSchemas(t *testing.T) { ocpptest.JSONSchemas(t, Language) }
