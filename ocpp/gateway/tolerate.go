package gateway

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/rpc"
)

// tolerates reports what applies to the station now.
func (l *link) tolerates(t ocpp.Tolerance) bool { return l.currentPeer().Tolerate.Has(t) }

// chosen picks the dialect of a connection; see choose.
func (g *Gateway) chosen(offers []string, t ocpp.Tolerance) (d Dialect, echo string) {
	if len(offers) == 0 && !t.Has(ocpp.TolerateNoSubprotocol) {
		return nil, ""
	}
	if t.Has(ocpp.PreferV16) && g.silent16 != nil {
		for _, o := range offers {
			if strings.EqualFold(o, g.silent16.Subprotocol()) {
				return g.silent16, o
			}
		}
	}
	return choose(g.dialects, offers, g.silent16)
}

// upgradable refuses a request without "Connection: Upgrade" in clear words,
// or completes it where a person has allowed that. RFC 6455 §4.2.1
func (g *Gateway) upgradable(w http.ResponseWriter, r *http.Request, l *link) bool {
	if strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Connection"), ",")), "upgrade") {
		return true
	}
	const what = `the upgrade request lacks the header "Connection: Upgrade"`
	l.deviate(ocpp.Deviation{Code: "no_connection_header", Detail: what})
	if l.peer.Tolerate.Has(ocpp.TolerateNoConnectionHeader) {
		r.Header.Set("Connection", "Upgrade")
		return true
	}
	err := fault.New(fault.Invalid, "gateway.connection_header", "%s; a proxy may have removed it. It can be tolerated per station: no_connection_header", what)
	g.refuse(w, origin{addr: l.peer.RemoteAddr}, l.peer.Station, err)
	return false
}

// speaking gives the dialect that a message is written in: that of the
// connection, but for messages of 1.6 from a station that changed its version
// in name only. A transaction told that way would be lost otherwise.
func (l *link) speaking(p *ocpp.Peer, f *rpc.Frame) Dialect {
	old := l.g.silent16
	if p.Version == ocpp.V16 || old == nil || !p.Tolerate.Has(ocpp.TolerateOldShape) || !oldShape(f.Action, f.Payload) {
		return l.dialect
	}
	p.Version = ocpp.V16
	l.deviate(ocpp.Deviation{Code: "old_shape", Action: f.Action, Detail: "a message of OCPP 1.6 on a connection of " + string(l.dialect.Version())})
	return old
}

// oldMarks are fields that a message has in 1.6 and not in 2.x, and one that
// it must have in 2.x.
var oldMarks = map[string]struct{ old, new []byte }{
	"BootNotification":   {[]byte(`"chargePoint`), []byte(`"chargingStation"`)},
	"StatusNotification": {[]byte(`"errorCode"`), []byte(`"connectorStatus"`)},
	"MeterValues":        {[]byte(`"connectorId"`), []byte(`"evseId"`)},
	"Authorize":          {[]byte(`"idTag"`), []byte(`"idToken"`)},
}

func oldShape(action string, payload []byte) bool {
	switch action {
	case "StartTransaction", "StopTransaction", "DiagnosticsStatusNotification":
		return true
	}
	m, ok := oldMarks[action]
	return ok && bytes.Contains(payload, m.old) && !bytes.Contains(payload, m.new)
}

// bootAfter is how long a station that is new to us has to boot by itself.
const bootAfter = time.Minute

// askForBoot asks a station that never said who it is, once per connection.
func (l *link) askForBoot(now time.Time) {
	l.mu.Lock()
	ask := !l.booted && !l.admission.Make.Known() && l.peer.Tolerate.Has(ocpp.AskForBoot) && now.Sub(l.peer.ConnectedAt) > bootAfter
	l.booted = l.booted || ask
	l.mu.Unlock()
	if !ask {
		return
	}
	l.deviate(ocpp.Deviation{Code: "boot_asked", Action: bootNotification, Detail: "no BootNotification came; the station is asked for one"})
	l.g.readers.Go(func() {
		ctx, cancel := context.WithTimeout(l.g.base, handleTimeout)
		defer cancel()
		_, err := l.send(ctx, &ocpp.TriggerMessageRequest{RequestedMessage: ocpp.MessageTriggerEnumBootNotification})
		if err != nil {
			l.g.logger.Info("the station does not boot when asked", "org", l.peer.Org, "station", l.peer.Station, "err", err)
		}
	})
}

// without closes a connection for which there is no dialect.
func (g *Gateway) without(l *link, ws *websocket.Conn, offers []string) {
	spoken := strings.Join(g.subprotocols(), ", ")
	l.dialect = g.dialects[0]
	l.deviate(ocpp.Deviation{Code: "no_common_version", Detail: "offered " + clip(strings.Join(offers, ", "), 100)})
	l.wire.recall()
	g.closers.Go(func() {
		_ = ws.Close(websocket.StatusProtocolError, "no common subprotocol; spoken are "+spoken)
	})
}
