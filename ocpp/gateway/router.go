package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

var _ ocpp.Commander = (*Gateway)(nil)

// Send is the ocpp.Commander: it asks the station wherever it is connected.
//
// Errors: fault.Unavailable when the station is offline ("gateway.offline"),
// does not answer in time ("ocpp.timeout") or has too much to do already
// ("ocpp.queue_full"); fault.Conflict when it is not accepted yet
// ("gateway.pending"); fault.Unsupported and fault.Invalid from the dialect;
// *ocpp.CallError for a CALLERROR.
func (g *Gateway) Send(ctx context.Context, station string, req ocpp.Request) (ocpp.Response, error) {
	resp, err := g.send(ctx, station, req)
	g.metrics.call(err)
	return resp, err
}

func (g *Gateway) send(ctx context.Context, station string, req ocpp.Request) (ocpp.Response, error) {
	k := key(station)
	if l := g.links.get(k); l != nil {
		resp, err := l.command(ctx, req)
		if !fault.Is(err, fault.Unavailable) || fault.Of(err).Code != "ocpp.closed" || g.links.get(k) == l {
			return resp, err
		}
		// The connection was replaced meanwhile: the new one may be elsewhere.
	}
	was, known := g.routes.get(k, g.now())
	var failure error
	if known {
		resp, err := g.ask(ctx, was, req)
		if !fault.Is(err, fault.Unavailable) {
			return resp, err
		}
		g.routes.drop(k)
		if failure = err; !moved(err) {
			return nil, err
		}
	}
	c, err := g.whereabouts(ctx, station)
	if err != nil {
		return nil, err
	}
	if failure != nil && c.Epoch <= was.Epoch {
		return nil, failure
	}
	if c.Node == g.node {
		if l := g.links.get(k); l != nil { // it came while we looked
			return l.command(ctx, req)
		}
		return nil, offline(station)
	}
	g.routes.put(k, c, g.now())
	return g.ask(ctx, c, req)
}

// whereabouts finds the connection of a station that is not here;
// "gateway.offline" when it has none.
func (g *Gateway) whereabouts(ctx context.Context, station string) (c Connection, err error) {
	err = g.db.View(ctx, func(tx *db.Tx) (err error) {
		c, err = Lookup(tx, station)
		return err
	})
	if fault.Is(err, fault.NotFound) || err == nil && c.DisconnectedAt != nil {
		err = offline(station)
	}
	return c, err
}

func offline(station string) error {
	return fault.New(fault.Unavailable, "gateway.offline", "station %s is not connected", station)
}

func isOffline(err error) bool {
	e := fault.Of(err)
	return e != nil && e.Code == "gateway.offline"
}

// moved tells whether a station may have another connection by now: the one
// that was asked is over.
func moved(err error) bool { return isOffline(err) || fault.Of(err).Code == "ocpp.closed" }

// routes remembers for a moment which node has a station: who asks one thing
// asks another, and a tenth of a cluster's transactions looked that up. A node
// that no longer has it says so.
type routes struct {
	mu sync.Mutex
	of map[string]route
}

type route struct {
	to    Connection
	until time.Time
}

const (
	routeFor   = 10 * time.Second
	mostRoutes = 1000
)

func (r *routes) get(key string, now time.Time) (Connection, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, ok := r.of[key]
	return one.to, ok && now.Before(one.until)
}

func (r *routes) drop(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.of, key)
}

func (r *routes) put(key string, to Connection, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil || len(r.of) >= mostRoutes {
		r.of = map[string]route{}
	}
	r.of[key] = route{to, now.Add(routeFor)}
}

// question is a command on its way to the node that holds the station.
type question struct {
	Op      string          `json:"op"` // "command", "replaced", "drop", "ping"
	Epoch   int64           `json:"epoch,omitempty"`
	Action  string          `json:"action,omitempty"`
	Raw     bool            `json:"raw,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Reason  string          `json:"reason,omitempty"`
}

// reply is the station's answer on its way back; faults travel on their own.
type reply struct {
	Response  json.RawMessage `json:"response,omitempty"`
	CallError *ocpp.CallError `json:"call_error,omitempty"`
}

const subject = "gw."

func subjectOf(node, key string) string {
	return subject + cluster.Token(node) + "." + cluster.Token(key)
}

func (g *Gateway) ask(ctx context.Context, c Connection, req ocpp.Request) (ocpp.Response, error) {
	q := question{Op: "command", Epoch: c.Epoch, Action: req.Action()}
	if raw, ok := req.(*ocpp.RawRequest); ok {
		q.Raw, q.Payload = true, raw.Payload
	} else {
		payload, err := json.Marshal(req)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "gateway.request", "the request cannot be written as JSON")
		}
		q.Payload = payload
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		// The station's time, and as much again for commands before this one.
		ctx, cancel = context.WithTimeout(ctx, time.Duration(1+g.messages(c.Version, req))*g.config.policy(q.Action).timeout+g.config.ReleaseAfter)
		defer cancel()
	}
	data, err := json.Marshal(q)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "gateway.request", "the request cannot be written as JSON")
	}
	answer, err := g.bus.Request(ctx, subjectOf(c.Node, key(c.Station)), data)
	if e := fault.Of(err); e != nil && e.Code == "cluster.no_responder" {
		return nil, offline(c.Station)
	}
	if err != nil {
		return nil, err
	}
	var r reply
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "gateway.reply", "node %s gave an answer that cannot be read", c.Node)
	}
	return r.response(q)
}

func (r reply) response(q question) (ocpp.Response, error) {
	if r.CallError != nil {
		return nil, r.CallError
	}
	if q.Raw {
		return ocpp.RawResponse(r.Response), nil
	}
	resp := ocpp.NewResponse(q.Action)
	if resp == nil {
		return nil, fault.New(fault.Internal, "gateway.reply", "%s has no response", q.Action)
	}
	if err := json.Unmarshal(r.Response, resp); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "gateway.reply", "the response to %s cannot be read", q.Action)
	}
	return resp, nil
}

// answer serves the questions of other nodes about stations held here.
func (g *Gateway) answer(ctx context.Context, on string, data []byte) ([]byte, error) {
	k, err := cluster.Untoken(on[strings.LastIndexByte(on, '.')+1:])
	if err != nil {
		return nil, err
	}
	var q question
	if err := json.Unmarshal(data, &q); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "gateway.question", "the question cannot be read")
	}
	if q.Op == "ping" {
		return []byte("{}"), nil
	}
	l := g.links.get(k)
	if l == nil {
		return nil, offline(k)
	}
	switch q.Op {
	case "replaced":
		if l.epoch() < q.Epoch {
			g.supersede(l)
		}
		return []byte("{}"), nil
	case "drop":
		l.close(websocket.StatusServiceRestart, q.Reason)
		return []byte("{}"), nil
	}
	if l.epoch() < q.Epoch || l.superseded.Load() {
		return nil, offline(k) // the newer one is elsewhere
	}
	return l.answer(ctx, q)
}

func (l *link) answer(ctx context.Context, q question) ([]byte, error) {
	var req ocpp.Request = &ocpp.RawRequest{Name: q.Action, Payload: q.Payload}
	if !q.Raw {
		if req = ocpp.NewRequest(q.Action); req == nil {
			return nil, fault.New(fault.Invalid, "gateway.action", "%s is not an OCPP message", q.Action)
		}
		if err := json.Unmarshal(q.Payload, req); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "gateway.request", "the request cannot be read")
		}
	}
	var out reply
	resp, err := l.command(ctx, req)
	if err != nil && !errors.As(err, &out.CallError) {
		return nil, err
	}
	if err == nil {
		if out.Response, err = json.Marshal(resp); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "gateway.reply", "the response cannot be written as JSON")
		}
	}
	return json.Marshal(out)
}

// awaitRelease waits until the station has its boot reply or sent something
// else first. One that says nothing at all is given a moment, counted from
// its connection. (field note 2)
func (l *link) awaitRelease(ctx context.Context) error {
	if l.released.Load() {
		return nil
	}
	wait := l.g.config.ReleaseAfter - l.g.now().Sub(l.currentPeer().ConnectedAt)
	timer := time.NewTimer(max(wait, 0))
	defer timer.Stop()
	tick := time.NewTicker(50 * time.Millisecond) // rare and short: no channel per connection
	defer tick.Stop()
	for !l.released.Load() {
		select {
		case <-timer.C:
			l.release()
		case <-tick.C:
			if l.ending.Load() {
				return offline(l.currentPeer().Station)
			}
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, ctx.Err(), "ocpp.cancelled", "the request ended before the station was ready")
		}
	}
	return nil
}

// Drop closes the connection of a station wherever it is, so that it comes
// back under what now holds: another password, organisation or activation.
// Nothing happens when it is offline.
func (g *Gateway) Drop(ctx context.Context, station, reason string) error {
	if l := g.links.get(key(station)); l != nil {
		l.close(websocket.StatusServiceRestart, reason)
		return nil
	}
	c, err := g.whereabouts(ctx, station)
	if isOffline(err) || err == nil && c.Node == g.node {
		return nil
	}
	if err != nil {
		return err
	}
	data, err := json.Marshal(question{Op: "drop", Reason: reason})
	if err != nil {
		return err
	}
	_, err = g.bus.Request(ctx, subjectOf(c.Node, key(station)), data)
	if e := fault.Of(err); isOffline(err) || e != nil && e.Code == "cluster.no_responder" {
		return nil
	}
	return err
}
