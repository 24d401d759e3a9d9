package session

import (
	"context"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func TestFieldNote18RemoteStarts(t *testing.T) {
	accept := func(_ string, r ocpp.Request) (ocpp.Response, error) {
		return &ocpp.RequestStartTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
	}
	begin := func(t *testing.T, h *house, evse int, token *ocpp.IdToken) RemoteStart {
		t.Helper()
		h.send = accept
		r, resp, err := h.s.Start(h.ctx, StartRequest{Org: h.org, Station: "CP1", EVSE: evse, Token: token, Limit: Limit{Energy: 5 * unit.KiloWattHour}})
		if err != nil || resp.Status != ocpp.RequestStartStopStatusEnumAccepted {
			t.Fatalf("%+v %v", resp, err)
		}
		return r
	}
	stateOf := func(t *testing.T, h *house, n int64) (r RemoteStart) {
		t.Helper()
		if err := h.d.View(context.Background(), func(tx *db.Tx) (err error) { r, err = h.s.RemoteStartOf(tx, n); return err }); err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Run("1.6 by connector and tag", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			r := begin(t, h, 1, nil)
			if n := len(r.Token.IdToken); n == 0 || n > 20 {
				t.Fatalf("an ad-hoc token of %d characters", n)
			}
			st := h.at16("CP1")
			answer, err := h.access.Authorize(h.ctx, st.p, &ocpp.AuthorizeRequest{IdToken: ocpp.IdToken{IdToken: r.Token.IdToken}})
			if err != nil || answer.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumAccepted {
				t.Fatalf("the station asks back: %+v %v", answer, err)
			}
			if _, status := st.start(1, r.Token.IdToken, minutes(1), 0); status != ocpp.AuthorizationStatusEnumAccepted {
				t.Fatalf("%s", status)
			}
			s := h.only()
			if s.RemoteStart != r.ID || s.Limit.Energy != 5*unit.KiloWattHour || stateOf(t, h, r.ID).Session != s.ID {
				t.Fatalf("%+v", s)
			}
		})
	})
	t.Run("2.x by number", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			r := begin(t, h, 0, &ocpp.IdToken{IdToken: "APP-1", Type: "Central"})
			n := int(r.ID)
			h.at2("CP1").tell(event2("Started", "X", 0, minutes(1), onEVSE(3), withToken("APP-1"),
				func(q *ocpp.TransactionEventRequest) { q.TransactionInfo.RemoteStartID = &n }))
			if s := h.only(); s.RemoteStart != r.ID || s.Authorisation != "Accepted" {
				t.Fatalf("%+v", s)
			}
		})
	})
	t.Run("expires", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			r := begin(t, h, 1, nil)
			h.clock.Advance(3 * time.Minute)
			if err := h.s.ExpireStarts(h.ctx); err != nil {
				t.Fatal(err)
			}
			if got := stateOf(t, h, r.ID).State; got != TimedOut {
				t.Fatalf("%s", got)
			}
			if _, status := h.at16("CP1").start(1, r.Token.IdToken, minutes(5), 0); status != ocpp.AuthorizationStatusEnumUnknown {
				t.Fatalf("its token afterwards: %s", status)
			}
		})
	})
	t.Run("a tap overtakes it", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.token("CARD")
			r := begin(t, h, 1, nil)
			h.at16("CP1").start(1, "CARD", minutes(1), 0)
			got := stateOf(t, h, r.ID)
			if got.State != Overtaken || got.Session != h.only().ID || h.only().RemoteStart != 0 {
				t.Fatalf("%+v", got)
			}
		})
	})
	t.Run("refused", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.send = func(string, ocpp.Request) (ocpp.Response, error) {
				return &ocpp.RequestStartTransactionResponse{Status: ocpp.RequestStartStopStatusEnumRejected}, nil
			}
			r, _, err := h.s.Start(h.ctx, StartRequest{Org: h.org, Station: "CP1", EVSE: 1})
			if err != nil || r.State != Rejected || stateOf(t, h, r.ID).State != Rejected {
				t.Fatalf("%+v %v", r, err)
			}
		})
	})
}
