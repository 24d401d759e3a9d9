package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// side is an owner whose socket is a channel of written frames.
type side struct {
	Conn
	out     chan string
	handle  func(Frame) (json.RawMessage, error)
	written func()
	mu      sync.Mutex
	notices []Notice
}

func newSide(v ocpp.Version, handle func(Frame) (json.RawMessage, error)) *side {
	s := &side{out: make(chan string, 100), handle: handle}
	n := 0
	s.Init(s, v, &Options{Now: time.Now, NewID: func() string { n++; return fmt.Sprint("m", n) }, Limits: Limits{Inbox: 2, Outbox: 3}}, false)
	return s
}

func (s *side) Read(*Frame, []byte) {}
func (s *side) Answered(*Frame)     {}
func (s *side) Write(_ *Frame, text []byte) error {
	s.out <- string(text)
	if s.written != nil {
		s.written()
	}
	return nil
}
func (s *side) Schedule(c *Conn)                         { go c.Work() }
func (s *side) Handle(f *Frame) (json.RawMessage, error) { return s.handle(*f) }
func (s *side) receive(text string)                      { s.Receive([]byte(text)) }
func (s *side) call(r Request) (Reply, error)            { return s.Call(context.Background(), r) }
func (s *side) Notice(n Notice)                          { s.mu.Lock(); s.notices = append(s.notices, n); s.mu.Unlock() }
func (s *side) events() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notices {
		out = append(out, n.Event.String())
	}
	return out
}

func refuse(Frame) (json.RawMessage, error) { return nil, fault.New(fault.Forbidden, "x", "no") }

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestCallGetsItsReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(ocpp.V16, refuse)
		done := make(chan string)
		go func() {
			r, err := s.call(Request{Action: "Reset", Payload: json.RawMessage(`{"type":"Soft"}`)})
			done <- fmt.Sprint(r.ID, string(r.Payload), err)
		}()
		expect(t, <-s.out, `[2,"m1","Reset",{"type":"Soft"}]`)
		s.receive(`[3,"other",{}]`)
		s.receive(`[4,"xm1","GenericError","",{}]`) // an id that never was
		s.receive(`[3,"m1",{"status":"Accepted"}]`)
		expect(t, <-done, `m1{"status":"Accepted"}<nil>`)
		s.receive(`[3,"m1",{"status":"Accepted"}]`)
		expect(t, strings.Join(s.events(), " "), "unknown_reply unknown_reply duplicate_reply")
	})
}

func TestCallErrorIsNeutral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(ocpp.V16, refuse)
		done := make(chan error)
		go func() { _, err := s.call(Request{Action: "Reset"}); done <- err }()
		<-s.out
		s.receive(`[4,"m1","FormationViolation","bad",{"x":1}]`)
		var e *ocpp.CallError
		if err := <-done; !errors.As(err, &e) || e.Code != ocpp.CodeFormatViolation || string(e.Details) != `{"x":1}` {
			t.Fatalf("got %v", err)
		}
	})
}

// Field note 21: stop and limits go before reports; the slot is one.
func TestCallsGoByPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(ocpp.V201, refuse)
		errs := make(chan error, 10)
		for i, r := range []Request{{Action: "GetReport"}, {Action: "GetLog"}, {Action: "GetVariables", Priority: 1}, {Action: "RequestStopTransaction", Priority: 2}} {
			go func() { _, err := s.call(r); errs <- err }()
			synctest.Wait()
			if i == 0 && len(s.out) != 1 {
				t.Fatal("the first call was not written at once")
			}
		}
		if _, err := s.call(Request{Action: "ClearCache"}); !fault.Is(err, fault.Unavailable) || fault.Of(err).Code != "ocpp.queue_full" {
			t.Fatalf("a full queue gave %v", err)
		}
		var order []string
		for range 4 {
			var frame []any
			_ = json.Unmarshal([]byte(<-s.out), &frame)
			if len(s.out) > 0 {
				t.Fatal("two calls are outstanding")
			}
			order = append(order, frame[2].(string))
			s.receive(fmt.Sprintf(`[3,%q,{}]`, frame[1]))
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		expect(t, strings.Join(order, " "), "GetReport RequestStopTransaction GetVariables GetLog")
	})
}

func TestLateReplyIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(ocpp.V201, refuse)
		start := time.Now()
		_, err := s.call(Request{Action: "Reset", Timeout: 7 * time.Second})
		if fault.KindOf(err) != fault.Unavailable || fault.Of(err).Code != "ocpp.timeout" || time.Since(start) != 7*time.Second {
			t.Fatalf("%v after %s", err, time.Since(start))
		}
		s.receive(`[3,"m1",{}]`)
		s.receive(`[3,"m1",{}]`)
		expect(t, strings.Join(s.events(), " "), "late_reply duplicate_reply")
	})
}

// A caller that goes away does not free the slot: the station still has its
// time to answer.
func TestCancelledCallKeepsTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(ocpp.V201, refuse)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Call(ctx, Request{Action: "Reset", Timeout: 10 * time.Second}); fault.Of(err).Code != "ocpp.timeout" {
			t.Fatal(err)
		}
		<-s.out
		waiting, stop := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { _, err := s.Call(waiting, Request{Action: "ClearCache"}); gone <- err }()
		synctest.Wait()
		stop()
		if err := <-gone; fault.Of(err).Code != "ocpp.cancelled" {
			t.Fatal(err)
		}
		go func() { _, _ = s.call(Request{Action: "GetLog"}) }()
		time.Sleep(8 * time.Second)
		if len(s.out) != 0 {
			t.Fatal("a second call was written while the first was outstanding")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		expect(t, <-s.out, `[2,"m3","GetLog",{}]`)
		s.Close("end of test")
	})
}

func TestHeldCallsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(ocpp.V201, refuse)
		s.held = true
		done := make(chan error)
		go func() { _, err := s.call(Request{Action: "Reset"}); done <- err }()
		synctest.Wait()
		if len(s.out) != 0 {
			t.Fatal("a held call was written")
		}
		s.Release()
		<-s.out
		s.Close("gone")
		if err := <-done; fault.Of(err).Code != "ocpp.closed" {
			t.Fatal(err)
		}
		if _, err := s.call(Request{Action: "Reset"}); fault.Of(err).Code != "ocpp.closed" {
			t.Fatal(err)
		}
	})
}

// A reply to our call is processed while a handler of the same connection waits.
func TestReplyPassesABlockedHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		s := newSide(ocpp.V201, func(Frame) (json.RawMessage, error) { <-block; return nil, nil })
		s.receive(`[2,"a","Heartbeat",{}]`)
		done := make(chan error)
		go func() { _, err := s.call(Request{Action: "Reset"}); done <- err }()
		expect(t, <-s.out, `[2,"m1","Reset",{}]`)
		s.receive(`[3,"m1",{}]`)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if len(s.out) != 0 {
			t.Fatal("the blocked call was answered")
		}
		close(block)
		expect(t, <-s.out, `[3,"a",{}]`)
	})
}

// Calls of the peer are handled one at a time and in order; a full queue
// blocks Receive, which is the back-pressure.
func TestInboxOrderAndBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		busy := 0
		s := newSide(ocpp.V16, func(f Frame) (json.RawMessage, error) {
			busy++
			if busy != 1 {
				t.Error("two handlers at once")
			}
			<-next
			busy--
			return f.Payload, nil
		})
		read := 0
		go func() {
			for i := range 6 {
				s.receive(fmt.Sprintf(`[2,"%d","DataTransfer",{"n":%d}]`, i, i))
				read++
			}
		}()
		synctest.Wait()
		if read != 3 { // one in work, two waiting
			t.Fatalf("%d calls were taken in", read)
		}
		for i := range 6 {
			next <- struct{}{}
			expect(t, <-s.out, fmt.Sprintf(`[3,"%d",{"n":%d}]`, i, i))
		}
		synctest.Wait()
		if s.Busy() || s.bytes != 0 || s.depth != 0 {
			t.Fatal("the queue did not drain")
		}
	})
}

func TestCloseFreesABlockedReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		handled := 0
		s := newSide(ocpp.V16, func(Frame) (json.RawMessage, error) { <-block; handled++; return nil, nil })
		done := make(chan struct{})
		go func() {
			for i := range 6 {
				s.receive(fmt.Sprintf(`[2,"%d","Heartbeat",{}]`, i))
			}
			close(done)
		}()
		synctest.Wait()
		s.Close("gone")
		<-done
		close(block)
		synctest.Wait()
		if handled != 3 { // what was taken in is still handled
			t.Fatalf("%d handled", handled)
		}
	})
}

func TestRepeatedCallIsHandledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block, handled := make(chan struct{}), 0
		s := newSide(ocpp.V16, func(Frame) (json.RawMessage, error) { <-block; handled++; return nil, nil })
		s.receive(`[2,"1","StartTransaction",{"connectorId":1}]`)
		s.receive(`[2,"1","StartTransaction",{"connectorId":1}]`)
		s.receive(`[2,"1","StartTransaction",{"connectorId":2}]`) // same id, another call
		close(block)
		synctest.Wait()
		if handled != 2 || len(s.out) != 2 {
			t.Fatalf("%d handled, %d replies", handled, len(s.out))
		}
		// once answered, the same message id is a new call (field quirk Q71)
		s.receive(`[2,"1","StartTransaction",{"connectorId":1}]`)
		synctest.Wait()
		if handled != 3 || len(s.out) != 3 {
			t.Fatalf("%d handled, %d replies", handled, len(s.out))
		}
		expect(t, strings.Join(s.events(), " "), "repeated_call overlapping_call")
	})
}

// Some stations use one message id for all their calls. The next may arrive
// while the reply to the last is still being written.
func TestSameIDRightBehindTheReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(ocpp.V16, func(Frame) (json.RawMessage, error) { return nil, nil })
		sent := 1
		s.written = func() {
			if sent < 10 {
				sent++
				s.receive(`[2,"1000001","BootNotification",{}]`)
			}
		}
		s.receive(`[2,"1000001","BootNotification",{}]`)
		synctest.Wait()
		if len(s.out) != 10 || len(s.events()) != 0 {
			t.Fatalf("%d replies to 10 calls, notices %v", len(s.out), s.events())
		}
	})
}

func TestErrorsAndPanicsBecomeCallErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(ocpp.V16, func(f Frame) (json.RawMessage, error) {
			switch f.Action {
			case "A":
				return nil, &ocpp.CallError{Code: ocpp.CodeFormatViolation, Description: "why"}
			case "B":
				panic("oops")
			}
			return nil, fault.New(fault.Unsupported, "x", "not for you")
		})
		for _, c := range [][2]string{
			{`[2,1,"A",{}]`, `[4,1,"FormationViolation","why",{}]`},
			{`[2,"2","B",{}]`, `[4,"2","InternalError","",{}]`},
			{`[2,"3","C",{}]`, `[4,"3","NotSupported","not for you",{}]`},
		} {
			s.receive(c[0])
			expect(t, <-s.out, c[1])
		}
	})
}

func TestBadFrameFailsThePendingCallOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(ocpp.V21, func(Frame) (json.RawMessage, error) { return nil, nil })
		done := make(chan error)
		go func() { _, err := s.call(Request{Action: "GetVariables"}); done <- err }()
		<-s.out
		s.receive(`[3,"m1",{"configurationKey":[]`)
		expect(t, <-s.out, `[5,"m1","FormatViolation","ends in the middle of a JSON value",{}]`)
		if err := <-done; fault.Of(err).Code != "ocpp.bad_reply" {
			t.Fatal(err)
		}
		s.receive(`[2,"1","Heartbeat",{}]`)
		expect(t, <-s.out, `[3,"1",{}]`)
	})
}

// 2.1: a SEND is handled and never answered; CALLRESULTERROR both ways.
func TestSendAndResultError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		s := newSide(ocpp.V21, func(f Frame) (json.RawMessage, error) {
			got = append(got, f.Type.String()+" "+f.Action)
			return nil, errors.New("no")
		})
		s.receive(`[6,"s1","NotifyPeriodicEventStream",{"id":1}]`)
		synctest.Wait()
		s.receive(`[5,"x","FormatViolation","tariff",{}]`)
		if len(s.out) != 0 {
			t.Fatalf("answered with %s", <-s.out)
		}
		expect(t, strings.Join(got, ","), "send NotifyPeriodicEventStream")
		expect(t, strings.Join(s.events(), " "), "handler_failed result_error")
		s.RefuseResult("r1", &ocpp.CallError{Code: ocpp.CodeFormatViolation, Description: "status: missing"})
		expect(t, <-s.out, `[5,"r1","FormatViolation","status: missing",{}]`)
		if err := s.Tell("NotifyX", json.RawMessage(`{"a":1}`)); err != nil {
			t.Fatal(err)
		}
		expect(t, <-s.out, `[6,"m1","NotifyX",{"a":1}]`)
		old := newSide(ocpp.V201, refuse)
		if err := old.Tell("X", nil); !fault.Is(err, fault.Unsupported) {
			t.Fatal(err)
		}
		old.RefuseResult("r1", errors.New("x"))
		if len(old.out) != 0 {
			t.Fatal("2.0.1 has no CALLRESULTERROR")
		}
	})
}
