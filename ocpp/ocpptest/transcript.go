package ocpptest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

var update = flag.Bool("update", false, "write what the transcripts say into their files")

// Dialect is what is tested: the shape of gateway.Dialect.
type Dialect interface {
	Version() ocpp.Version
	Subprotocol() string
	Handle(ctx context.Context, csms ocpp.CSMS, p ocpp.Peer, action string, payload json.RawMessage) (json.RawMessage, error)
	Encode(req ocpp.Request) (string, json.RawMessage, error)
	Decode(req ocpp.Request, reply json.RawMessage) (ocpp.Response, error)
}

// Step is one exchange. Inputs of a message of a station are In, its payload
// Payload, and what the platform answers; of a command, Command, Payload and
// Reply. The rest is what must come of it.
type Step struct {
	About string `json:"about,omitempty"`

	In      string                     `json:"in,omitempty"`      // action of a message of the station
	Command string                     `json:"command,omitempty"` // action of a neutral request
	Payload json.RawMessage            `json:"payload"`
	Answers map[string]json.RawMessage `json:"answers,omitempty"`
	Fails   string                     `json:"fails,omitempty"` // kind of the fault that the platform answers with
	Reply   json.RawMessage            `json:"reply,omitempty"` // of the station to the command

	Calls      []Call          `json:"calls,omitempty"`
	Deviations []string        `json:"deviations,omitempty"`
	Out        json.RawMessage `json:"out,omitempty"` // payload of the answer to the station
	Sent       *Frame          `json:"sent,omitempty"`
	Response   any             `json:"response,omitempty"` // neutral, to the command
	Error      string          `json:"error,omitempty"`
}

// Frame is a call to the station.
type Frame struct {
	Action  string          `json:"action"`
	Payload json.RawMessage `json:"payload"`
}

// Transcripts runs every testdata/*.json of the package.
func Transcripts(t *testing.T, d Dialect) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts in testdata: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { transcript(t, d, path) })
	}
}

func transcript(t *testing.T, d Dialect, path string) {
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var steps []Step
	in := json.NewDecoder(bytes.NewReader(file))
	in.DisallowUnknownFields()
	if err := in.Decode(&steps); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for i := range steps {
		s := &steps[i]
		*s = Step{About: s.About, In: s.In, Command: s.Command, Payload: s.Payload, Answers: s.Answers, Fails: s.Fails, Reply: s.Reply}
		if s.In != "" {
			s.handle(d)
		} else {
			s.command(t, d)
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(steps); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(file, out.Bytes()) {
		t.Errorf("%s differs; run the test with -update and look at the difference\n%s", path, difference(file, out.Bytes()))
	}
}

// difference shows the first lines that differ.
func difference(want, got []byte) string {
	w, g := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range min(len(w), len(g)) {
		if !bytes.Equal(w[i], g[i]) {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("want %d lines, got %d", len(w), len(g))
}

func (s *Step) handle(d Dialect) {
	r := &Recorder{Answers: s.Answers}
	for k := fault.Internal; k <= fault.Unsupported; k++ {
		if s.Fails == k.String() {
			r.Err = fault.New(k, "test.fails", "the platform fails")
		}
	}
	ctx := ocpp.WithReceived(context.Background(), Received)
	out, err := d.Handle(ctx, r, ocpp.Peer{Station: "CS-1", Version: d.Version()}, s.In, compact(s.Payload))
	s.Calls, s.Deviations, s.Out = r.Calls, r.Deviations, out
	s.fail(err)
}

// compact takes the layout of the file out of a frame.
func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

func (s *Step) fail(err error) {
	var call *ocpp.CallError
	switch {
	case err == nil:
	case errors.As(err, &call):
		s.Error = call.Error()
	default:
		s.Error = fault.KindOf(err).String() + ": " + err.Error()
	}
}

func (s *Step) command(t *testing.T, d Dialect) {
	req := ocpp.NewRequest(s.Command)
	if req == nil {
		t.Fatalf("no neutral request %q", s.Command)
	}
	if err := json.Unmarshal(s.Payload, req); err != nil {
		t.Fatalf("%s: %v", s.Command, err)
	}
	action, payload, err := d.Encode(req)
	if err != nil {
		s.fail(err)
		return
	}
	s.Sent = &Frame{Action: action, Payload: payload}
	if s.Reply == nil {
		return
	}
	resp, err := d.Decode(req, compact(s.Reply))
	s.fail(err)
	if err == nil {
		s.Response = resp
	}
}
