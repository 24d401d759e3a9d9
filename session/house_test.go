package session

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
	"github.com/forecourt-ev/forecourt/tariff"
)

// house is the room with everything below it on a real database.
type house struct {
	t       testing.TB
	d       *db.DB
	clock   *schematest.Clock
	s       *Service
	access  *access.Service
	tariffs *tariff.Service
	org     string
	ctx     context.Context
	log     *event.Log
	facts   []event.Fact
	mu      sync.Mutex
	send    func(station string, r ocpp.Request) (ocpp.Response, error)
	seen    map[string]time.Time // stations; nil: all present
	ports   []PortUse
	jobs    *job.Runner
}

func newHouse(t testing.TB, d *db.DB, clock *schematest.Clock, c Config) *house {
	h := &house{t: t, d: d, clock: clock}
	first, _, err := identity.New(identity.Deps{DB: d}).Bootstrap(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	h.org = string(first.Organisation)
	h.ctx = identity.System(context.Background(), first.Organisation)
	h.access = access.New(access.Deps{DB: d, LastSeen: func(tx *db.Tx, station string) (time.Time, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if at, ok := h.seen[station]; ok {
			return at, nil
		}
		return tx.Now, nil
	}})
	h.tariffs = tariff.New(tariff.Deps{DB: d})
	h.s = New(Deps{DB: d, Access: h.access, Tariffs: h.tariffs, Commander: h, Config: c,
		PortUse: func(_ *db.Tx, uses ...PortUse) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ports = append(h.ports, uses...)
			return nil
		}})
	t.Cleanup(h.s.Close)
	h.jobs = job.New(d, nil, "test", nil)
	h.s.Jobs(h.jobs)
	h.log = event.New(d, nil, "test", nil)
	h.log.Consume(event.Consumer{Name: "test", Kinds: []string{KindStarted, KindUpdated, KindEnded, KindReopened, KindSettlement, KindPriority},
		Handle: func(_ *db.Tx, f event.Fact) error { h.facts = append(h.facts, f); return nil }})
	return h
}

// Send is the station's side of commands.
func (h *house) Send(_ context.Context, station string, r ocpp.Request) (ocpp.Response, error) {
	return h.send(station, r)
}

// token adds a token of the organisation.
func (h *house) token(value string, edit ...func(*access.IdToken)) {
	h.t.Helper()
	tok := access.IdToken{Value: value, Type: access.TypeISO14443}
	for _, e := range edit {
		e(&tok)
	}
	if _, err := h.access.Create(h.ctx, tok); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) peer(station string, v ocpp.Version) ocpp.Peer {
	return ocpp.Peer{Org: h.org, Station: station, Version: v, Incarnation: "serial-1", Epoch: 1}
}

// at16 receives a message of a 1.6 station at the clock's now.
func (h *house) at16(station string) *station16 {
	return &station16{h: h, p: h.peer(station, ocpp.V16)}
}

type station16 struct {
	h *house
	p ocpp.Peer
}

func wh(n int64) *unit.Energy {
	e := unit.Energy(n) * unit.WattHour
	return &e
}

func register(at time.Time, wattHours int64, extra ...ocpp.SampledValue) ocpp.MeterValue {
	v := ocpp.SampledValue{Value: unit.DecimalOf(wattHours, 0), Measurand: ocpp.MeasurandEnumEnergyActiveImportRegister, UnitOfMeasure: &ocpp.UnitOfMeasure{Unit: "Wh"}}
	return ocpp.MeterValue{Timestamp: ocpp.AtTime(at), SampledValue: append([]ocpp.SampledValue{v}, extra...)}
}

func power(w int64) ocpp.SampledValue {
	return ocpp.SampledValue{Value: unit.DecimalOf(w, 0), Measurand: ocpp.MeasurandEnumPowerActiveImport, UnitOfMeasure: &ocpp.UnitOfMeasure{Unit: "W"}}
}

func port(n int) *ocpp.EVSE {
	one := 1
	return &ocpp.EVSE{ID: n, ConnectorID: &one}
}

func startEvent(connector int, tag string, at time.Time, meter int64) *ocpp.TransactionEvent {
	begin := register(at, meter)
	begin.SampledValue[0].Context = ocpp.ReadingContextEnumTransactionBegin
	return &ocpp.TransactionEvent{AssignID: true, MeterStart: wh(meter), Raw16: &ocpp.Raw16{Action: "StartTransaction", ConnectorID: connector, IdTag: tag},
		Request: ocpp.TransactionEventRequest{EventType: ocpp.TransactionEventEnumStarted, Timestamp: ocpp.AtTime(at), EVSE: port(connector),
			TriggerReason: ocpp.TriggerReasonEnumAuthorized, IdToken: &ocpp.IdToken{IdToken: tag}, MeterValue: []ocpp.MeterValue{begin}}}
}

func (s *station16) start(connector int, tag string, at time.Time, meter int64) (tx string, status ocpp.AuthorizationStatusEnum) {
	s.h.t.Helper()
	s.h.reach(at)
	r, err := s.h.s.TransactionEvent(s.h.ctx, s.p, startEvent(connector, tag, at, meter))
	if err != nil {
		s.h.t.Fatal(err)
	}
	if n, err := strconv.ParseInt(r.TransactionID, 10, 32); err != nil || n < 1 {
		s.h.t.Fatalf("transaction id %q is not a positive int32", r.TransactionID)
	}
	return r.TransactionID, r.Response.IdTokenInfo.Status
}

func (s *station16) meter(connector int, tx string, values ...ocpp.MeterValue) {
	s.h.t.Helper()
	s.h.reach(values[len(values)-1].Timestamp.Time)
	e := meterEvent(connector, tx, values)
	if _, err := s.h.s.TransactionEvent(s.h.ctx, s.p, e); err != nil {
		s.h.t.Fatal(err)
	}
}

func meterEvent(connector int, tx string, values []ocpp.MeterValue) *ocpp.TransactionEvent {
	n, _ := strconv.ParseInt(tx, 10, 64)
	return &ocpp.TransactionEvent{Raw16: &ocpp.Raw16{Action: "MeterValues", ConnectorID: connector, TransactionID: &n},
		Request: ocpp.TransactionEventRequest{EventType: ocpp.TransactionEventEnumUpdated, Timestamp: values[0].Timestamp, EVSE: port(connector),
			TransactionInfo: ocpp.Transaction{TransactionID: tx}, MeterValue: values}}
}

func stopEvent(tx string, at time.Time, meter int64, reason ocpp.ReasonEnum) *ocpp.TransactionEvent {
	n, _ := strconv.ParseInt(tx, 10, 64)
	end := register(at, meter)
	end.SampledValue[0].Context = ocpp.ReadingContextEnumTransactionEnd
	return &ocpp.TransactionEvent{MeterStop: wh(meter), Raw16: &ocpp.Raw16{Action: "StopTransaction", TransactionID: &n},
		Request: ocpp.TransactionEventRequest{EventType: ocpp.TransactionEventEnumEnded, Timestamp: ocpp.AtTime(at),
			TriggerReason:   ocpp.TriggerReasonEnumStopAuthorized,
			TransactionInfo: ocpp.Transaction{TransactionID: tx, StoppedReason: reason}, MeterValue: []ocpp.MeterValue{end}}}
}

func (s *station16) stop(tx string, at time.Time, meter int64) {
	s.h.t.Helper()
	s.h.reach(at)
	if _, err := s.h.s.TransactionEvent(s.h.ctx, s.p, stopEvent(tx, at, meter, ocpp.ReasonEnumLocal)); err != nil {
		s.h.t.Fatal(err)
	}
}

func (s *station16) status(connector int, status string, at time.Time) {
	s.h.t.Helper()
	s.h.reach(at)
	n := &ocpp.StatusNotification{Status16: status, StatusNotificationRequest: ocpp.StatusNotificationRequest{
		EVSEID: connector, ConnectorID: 1, Timestamp: ocpp.AtTime(at), ConnectorStatus: ocpp.ConnectorStatusEnumOccupied}}
	if err := s.h.s.StatusNotification(s.h.ctx, s.p, n); err != nil {
		s.h.t.Fatal(err)
	}
}

// reach moves the clock to just after an instant, as when the message is live;
// an instant in the past stays one: the message was waiting.
func (h *house) reach(at time.Time) {
	if at.After(h.clock.Now()) {
		h.clock.Set(at.Add(300 * time.Millisecond))
	}
}

// station2 is a station that speaks 2.x.
type station2 struct {
	h *house
	p ocpp.Peer
}

func (h *house) at2(station string) *station2 { return &station2{h: h, p: h.peer(station, ocpp.V201)} }

func event2(kind ocpp.TransactionEventEnum, tx string, seq int, at time.Time, edit ...func(*ocpp.TransactionEventRequest)) *ocpp.TransactionEvent {
	e := &ocpp.TransactionEvent{Request: ocpp.TransactionEventRequest{EventType: kind, Timestamp: ocpp.AtTime(at), SeqNo: seq,
		TriggerReason: ocpp.TriggerReasonEnumMeterValuePeriodic, TransactionInfo: ocpp.Transaction{TransactionID: tx}}}
	for _, f := range edit {
		f(&e.Request)
	}
	return e
}

func (s *station2) tell(e *ocpp.TransactionEvent) ocpp.TransactionEventResponse {
	s.h.t.Helper()
	s.h.reach(e.Request.Timestamp.Time)
	r, err := s.h.s.TransactionEvent(s.h.ctx, s.p, e)
	if err != nil {
		s.h.t.Fatal(err)
	}
	return r.Response
}

func onEVSE(n int) func(*ocpp.TransactionEventRequest) {
	return func(r *ocpp.TransactionEventRequest) { r.EVSE = port(n) }
}

func withToken(v string) func(*ocpp.TransactionEventRequest) {
	return func(r *ocpp.TransactionEventRequest) {
		r.IdToken = &ocpp.IdToken{IdToken: v, Type: access.TypeISO14443}
		r.TriggerReason = ocpp.TriggerReasonEnumAuthorized
	}
}

func withMeter(values ...ocpp.MeterValue) func(*ocpp.TransactionEventRequest) {
	return func(r *ocpp.TransactionEventRequest) { r.MeterValue = values }
}

func charging(c ocpp.ChargingStateEnum) func(*ocpp.TransactionEventRequest) {
	return func(r *ocpp.TransactionEventRequest) { r.TransactionInfo.ChargingState = c }
}

// sessions lists all sessions, the oldest first.
func (h *house) sessions() []Session {
	h.t.Helper()
	all, _, err := h.s.List(h.ctx, db.ListRequest{Sort: "started_at", Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func (h *house) only() Session {
	h.t.Helper()
	all := h.sessions()
	if len(all) != 1 {
		h.t.Fatalf("%d sessions, want 1", len(all))
	}
	return all[0]
}

// consistent checks what must hold of every session at any time.
func (h *house) consistent(r Session) {
	h.t.Helper()
	iv, err := h.s.Intervals(h.ctx, r.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	var sum unit.Energy
	for _, v := range iv {
		sum += v.Energy
	}
	if sum != r.State.Energy {
		h.t.Fatalf("intervals sum to %s, the session has %s", sum, r.State.Energy)
	}
	err = h.d.View(h.ctx, func(tx *db.Tx) error {
		all, err := eventsOf(tx, r.ID)
		if err != nil {
			return err
		}
		if st, _ := Fold(all); text(st) != text(r.State) {
			h.t.Fatalf("the session is not what its events amount to:\n%s\n%s", text(r.State), text(st))
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// told gives the kinds of the facts so far.
func (h *house) told() []string {
	h.t.Helper()
	if err := h.log.CatchUp(h.ctx); err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, f := range h.facts {
		out = append(out, f.Kind)
	}
	return out
}

// finished gives the latest session.ended.
func (h *house) finished() Finished {
	h.t.Helper()
	h.told()
	for i := len(h.facts) - 1; i >= 0; i-- {
		if h.facts[i].Kind == KindEnded {
			var f Finished
			if err := json.Unmarshal(h.facts[i].Data, &f); err != nil {
				h.t.Fatal(err)
			}
			return f
		}
	}
	h.t.Fatal("no session.ended was recorded")
	return Finished{}
}

// price puts a tariff in force for the whole organisation; the components are
// OCPI price components.
func (h *house) price(components ...string) {
	h.t.Helper()
	text := `{"id":"T1","currency":"EUR","elements":[{"price_components":[` + strings.Join(components, ",") + `]}]}`
	if err := createFrom(h.ctx, h.tariffs.Create, text); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.tariffs.Assign(h.ctx, "T1", tariff.Assignment{Place: tariff.Place{Org: identity.OrgID(h.org)}}); err != nil {
		h.t.Fatal(err)
	}
}

// createFrom reads whatever create wants, since this room does not know the
// wire types of tariffs.
func createFrom[T, R any](ctx context.Context, create func(context.Context, identity.OrgID, T) (R, error), text string) error {
	var o T
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	_, err := create(ctx, "", o)
	return err
}

func each(t *testing.T, c Config, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	schematest.EachAt(t, testStart, func(t *testing.T, d *db.DB, clock *schematest.Clock) { fn(t, newHouse(t, d, clock, c)) })
}
