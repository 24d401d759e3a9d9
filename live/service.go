package live

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/identity"
)

// Deps are what the room needs.
type Deps struct {
	DB    *db.DB // only to ask who may see which organisation
	Facts *event.Log
	Bus   *cluster.Bus // nil: no signals
	Log   *slog.Logger
}

// Service shows facts and signals.
type Service struct {
	d   Deps
	hub *hub
}

// New makes the room.
func New(d Deps) *Service {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{d: d}
	s.hub = newHub(s.sees, d.DB.Now)
	return s
}

// sees is false when it cannot be found out.
func (s *Service) sees(scope identity.Scope, org string) (ok bool) {
	err := s.d.DB.View(context.Background(), func(tx *db.Tx) (err error) {
		ok, err = scope.Has(tx, identity.OrgID(org))
		return err
	})
	if err != nil {
		s.d.Log.Warn("who may see an event is not known", "org", org, "error", err)
		return false
	}
	return ok
}

// signals is the subject of everything that rooms publish to dashboards.
const signals = "signal.>"

// Run tails the facts and listens to the signals of all nodes, while somebody
// looks on, until ctx ends. Every node runs it once.
func (s *Service) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.hub.wanted:
		}
		if err := s.show(ctx); !errors.Is(err, errUnwatched) {
			return err
		}
	}
}

// show hands out facts and signals until ctx ends or nobody looks on any more.
func (s *Service) show(ctx context.Context) error {
	if s.d.Bus != nil {
		stop, err := s.d.Bus.Subscribe(signals, func(_ string, data []byte) { s.signal(data) })
		if err == nil {
			defer stop()
		} else {
			s.d.Log.Warn("dashboards show no signals for now", "error", err)
		}
	}
	top, err := s.begin(ctx)
	if err != nil {
		return nil // ctx ended
	}
	return s.d.Facts.Tail(ctx, top, s.tell)
}

// errUnwatched ends a tail that nobody looks at.
var errUnwatched = errors.New("live: nobody looks on")

func (s *Service) tell(f event.Fact) error {
	if s.hub.rest() {
		return errUnwatched
	}
	s.hub.publish(factItem(f))
	return nil
}

// begin finds the number from which on facts are live; it waits for the
// database as Tail does.
func (s *Service) begin(ctx context.Context) (int64, error) {
	for {
		top, err := s.d.Facts.Top(ctx)
		if err == nil {
			s.hub.begin(top)
			return top, nil
		}
		s.d.Log.Warn("facts cannot be read", "error", err)
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// Close ends every stream, so that the server can stop.
func (s *Service) Close() { s.hub.close() }

// envelope is the JSON of every event.
type envelope struct {
	Kind    string          `json:"kind"`
	Org     string          `json:"org"`
	Site    string          `json:"site,omitempty"`
	Station string          `json:"station,omitempty"`
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data"`
}

func factItem(f event.Fact) *item {
	return newItem(f.Seq, envelope{Kind: f.Kind, Org: f.Org, Site: f.Site, Station: f.Station, At: f.At.UTC(), Data: f.Data})
}

// signal relays what a room published; anything else on the subject is left.
func (s *Service) signal(data []byte) {
	if !s.hub.watched() {
		return
	}
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil || e.Kind == "" || e.Org == "" || strings.ContainsAny(e.Kind, "\r\n") {
		s.d.Log.Debug("a signal is not understood", "error", err)
		return
	}
	s.hub.publish(newItem(0, e))
}

func newItem(seq int64, e envelope) *item {
	if len(e.Data) == 0 {
		e.Data = json.RawMessage("null")
	}
	return &item{envelope: e, seq: seq, station: strings.ToLower(e.Station)}
}

// written gives the event as a frame of the stream.
func (it *item) written() []byte {
	it.once.Do(func() { it.frame = frameOf(it.seq, it.envelope) })
	return it.frame
}

func frameOf(seq int64, e envelope) []byte {
	body, err := json.Marshal(e) // compacts Data, so that it stays on one line
	if err != nil {
		e.Data = json.RawMessage("null")
		body, _ = json.Marshal(e) // strings and a time
	}
	frame := make([]byte, 0, len(body)+64)
	if seq > 0 {
		frame = append(frame, "id: "...)
		frame = strconv.AppendInt(frame, seq, 10)
		frame = append(frame, '\n')
	}
	frame = append(frame, "event: "+e.Kind+"\ndata: "...)
	frame = append(frame, body...)
	return append(frame, "\n\n"...)
}
