package gateway

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// A boot is handed on while the platform still takes note of its connection;
// any other message waits for that, and says that no boot comes.
func TestOnlyABootOvertakesTheConnection(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		known := make(chan struct{})
		n.csms.onArrival(func(ctx context.Context, p ocpp.Peer) {
			if p.Station == "boots" {
				<-known
			} else {
				<-ocpp.Unbooted(ctx)
			}
		})
		s := dial(t, n, "boots", "ocpp1.6")
		s.ask(`[2,"1","BootNotification",{}]`, `[3,"1",{"interval":300,"status":"Accepted"}]`)
		s.send(`[2,"2","Heartbeat",{}]`)
		dial(t, n, "silent", "ocpp1.6").ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`)
		if slices.Contains(n.csms.lines(), "heartbeat boots") {
			t.Error("a message overtook its connection")
		}
		close(known)
		if got := s.read(); !strings.HasPrefix(got, `[3,"2",`) {
			t.Errorf("the message behind the boot: %s", got)
		}
	})
}

// A connection that ends before the platform knows of it is taken back after
// that.
func TestEndWaitsForTheConnection(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		n.csms.onArrival(func(ctx context.Context, _ ocpp.Peer) { <-ocpp.Unbooted(ctx) })
		dial(t, n, "short", "ocpp1.6").ws.CloseNow()
		eventually(t, "its end", func() bool { return slices.Contains(n.csms.lines(), "disconnected short 1") })
		if i := slices.Index(n.csms.lines(), "connected short 1"); i < 0 || n.Connected() != 0 {
			t.Errorf("%d connected; told: %q", n.Connected(), n.csms.lines())
		}
	})
}
