package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/rpc"
)

// splitter is a Dialect whose version needs several messages for what is one
// in neutral terms: 1.6 sets one configuration key per ChangeConfiguration.
type splitter interface {
	// Split gives the requests to send one after the other; nil when one is
	// enough.
	Split(req ocpp.Request) []ocpp.Request
	// Join makes one response of theirs, in the order of Split.
	Join(parts []ocpp.Response) ocpp.Response
}

// follower is a Dialect whose stations put into the answer what others tell
// in messages of their own: 1.6 has no NotifyReport.
type follower interface {
	// Follow gives those messages. Their times are zero.
	Follow(req ocpp.Request, reply json.RawMessage) ([]ocpp.Request, error)
}

// rephraser is a Dialect that knows a second way to say some requests, for
// stations that lack the first: GetLog of the 1.6 security extension is
// GetDiagnostics without it.
type rephraser interface {
	// Otherwise gives the second way; nil when there is none.
	Otherwise(req ocpp.Request) ocpp.Request
}

// otherwise gives the second way to say what a station answered that it does
// not know.
func (l *link) otherwise(e encoded, err error) (encoded, bool) {
	var refused *ocpp.CallError
	r, ok := l.dialect.(rephraser)
	if !ok || !errors.As(err, &refused) || refused.Code != ocpp.CodeNotImplemented && refused.Code != ocpp.CodeNotSupported {
		return e, false
	}
	req := r.Otherwise(e.req)
	if req == nil {
		return e, false
	}
	action, payload, err := l.dialect.Encode(req)
	return encoded{req, action, payload}, err == nil
}

// parts gives the requests that a command takes in the dialect's version.
func parts(d Dialect, req ocpp.Request) []ocpp.Request {
	if s, ok := d.(splitter); ok {
		if cut := s.Split(req); len(cut) > 0 {
			return cut
		}
	}
	return []ocpp.Request{req}
}

// messages counts the messages that a command takes in a version.
func (g *Gateway) messages(v ocpp.Version, req ocpp.Request) int {
	for _, d := range g.dialects {
		if d.Version() == v {
			return len(parts(d, req))
		}
	}
	return 1
}

// encoded is a part of a command in the station's words.
type encoded struct {
	req     ocpp.Request
	action  string
	payload json.RawMessage
}

// send sends a request, in parts where the version needs them, and gives
// the decoded reply. The first part that fails ends it: its error says how
// many came before. Nothing is sent when a part cannot be said at all.
func (l *link) send(ctx context.Context, req ocpp.Request) (ocpp.Response, error) {
	var todo []encoded
	for _, part := range parts(l.dialect, req) {
		action, payload, err := l.dialect.Encode(part)
		if err != nil {
			return nil, err
		}
		todo = append(todo, encoded{part, action, payload})
	}
	if err := l.awaitRelease(ctx); err != nil {
		return nil, err
	}
	var replies []ocpp.Response
	for i, e := range todo {
		resp, err := l.exchange(ctx, e)
		if err != nil {
			return nil, partly(err, i, len(todo))
		}
		replies = append(replies, resp)
	}
	if len(replies) == 1 {
		return replies[0], nil
	}
	return l.dialect.(splitter).Join(replies), nil
}

func partlyText(answered, all int) string {
	return fmt.Sprintf("the station had answered %d of %d parts before", answered, all)
}

// partly adds to an error what the station has answered before it.
func partly(err error, answered, all int) error {
	if answered == 0 {
		return err
	}
	var refused *ocpp.CallError
	if errors.As(err, &refused) {
		told := *refused
		told.Description = clip(told.Description, 150)
		if told.Description != "" {
			told.Description += "; "
		}
		told.Description += partlyText(answered, all)
		return &told
	}
	if f := fault.Of(err); f != nil {
		return fault.Wrap(f.Kind, err, f.Code, "%s; %s", f.Message, partlyText(answered, all))
	}
	return err
}

// exchange sends one message when its turn comes, and takes the reply.
func (l *link) exchange(ctx context.Context, e encoded) (ocpp.Response, error) {
	if err := maySend(l.dialect.Version(), phase(l.phase.Load()), e.action); err != nil {
		return nil, err
	}
	if more := triggers(e.req); more != nil && phase(l.phase.Load()) == pending {
		l.mu.Lock()
		l.triggered = append(l.triggered, more...)
		l.mu.Unlock()
	}
	p := l.g.config.policy(e.action)
	answer, err := l.conn.Call(ctx, rpc.Request{Action: e.action, Payload: e.payload, Priority: p.priority, Timeout: p.timeout})
	if err != nil {
		if second, ok := l.otherwise(e, err); ok {
			return l.exchange(ctx, second)
		}
		return nil, err
	}
	resp, err := l.dialect.Decode(e.req, answer.Payload)
	if err != nil {
		l.conn.RefuseResult(answer.ID, err)
		l.deviate(ocpp.Deviation{Code: "unreadable_reply", Action: e.action, Detail: clip(err.Error(), 200)})
		return nil, err
	}
	return resp, l.follow(e.req, answer.Payload)
}

// follow hands the platform what the reply holds beyond the response, as if
// the station had sent it in messages. The command waits for that, so that a
// read that is said to be done can be seen; its end is not that of the caller,
// since the station will not tell it twice.
func (l *link) follow(req ocpp.Request, reply json.RawMessage) error {
	f, ok := l.dialect.(follower)
	if !ok {
		return nil
	}
	told, err := f.Follow(req, reply)
	if err != nil || len(told) == 0 {
		return err
	}
	if l.superseded.Load() {
		return fault.New(fault.Unavailable, "ocpp.closed", "a newer connection of the station exists")
	}
	now := l.g.now()
	ctx, cancel := context.WithTimeout(ocpp.WithReceived(l.g.base, now), handleTimeout)
	defer cancel()
	for _, r := range told {
		if report, ok := r.(*ocpp.NotifyReportRequest); ok && report.GeneratedAt.IsZero() {
			report.GeneratedAt = ocpp.AtTime(now)
		}
		if err := l.g.csms.Notification(ctx, l.currentPeer(), r); err != nil {
			return err
		}
	}
	return nil
}
