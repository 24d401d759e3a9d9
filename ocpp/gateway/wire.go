package gateway

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// wire is the socket under a websocket. It notes when the station last sent
// anything at all, pongs included, and gives up on a station that does not
// read: a deadline per write costs no goroutine and no timer of ours.
type wire struct {
	net.Conn
	early   []byte // read by the HTTP server behind the handshake
	now     func() time.Time
	timeout time.Duration
	heard   atomic.Int64 // unix milliseconds of the last bytes in
	told    atomic.Int64 // and out
}

func (w *wire) Read(p []byte) (int, error) {
	if len(w.early) > 0 {
		n := copy(p, w.early)
		if w.early = w.early[n:]; len(w.early) == 0 {
			w.early = nil
		}
		w.heard.Store(w.now().UnixMilli())
		return n, nil
	}
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.Store(w.now().UnixMilli())
	}
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	now := w.now()
	if err := w.Conn.SetWriteDeadline(now.Add(w.timeout)); err != nil {
		return 0, err
	}
	n, err := w.Conn.Write(p)
	if n > 0 {
		w.told.Store(now.UnixMilli())
	}
	return n, err
}

func (w *wire) lastHeard() time.Time { return time.UnixMilli(w.heard.Load()) }
func (w *wire) lastTold() time.Time  { return time.UnixMilli(w.told.Load()) }

// Buffers of a connection: most frames fit, larger ones bypass them. The
// defaults of net/http are 4 KiB each.
const (
	readBuffer  = 1 << 10
	writeBuffer = 512
)

// smallHijack hands the websocket library a wire with small buffers in place
// of the HTTP server's.
type smallHijack struct {
	http.ResponseWriter
	wire *wire
}

// WriteHeader spells the websocket headers as RFC 6455 does. Go's own form
// ("Sec-Websocket-Accept") is the same to HTTP, but not to every station.
func (h *smallHijack) WriteHeader(status int) {
	for _, name := range []string{"Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"} {
		headers := h.Header()
		if v, ok := headers[http.CanonicalHeaderKey(name)]; ok {
			delete(headers, http.CanonicalHeaderKey(name))
			headers[name] = v
		}
	}
	h.ResponseWriter.WriteHeader(status)
}

func (h *smallHijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ := rw.Reader.Peek(n)
		h.wire.early = append([]byte(nil), early...)
	}
	h.wire.Conn = conn
	h.wire.heard.Store(h.wire.now().UnixMilli())
	return h.wire, bufio.NewReadWriter(bufio.NewReaderSize(h.wire, readBuffer), bufio.NewWriterSize(h.wire, writeBuffer)), nil
}

// ping sends a ping and does not wait for the pong: any byte that comes back
// moves wire.heard, and a station that never answers pings is no worse for it.
func ping(ws *websocket.Conn) error {
	err := ws.Ping(&justSent{Context: context.Background()})
	if errors.Is(err, context.Canceled) {
		return nil // sent; the wait for the pong was cut short
	}
	return err
}

// justSent is a context that ends as soon as somebody waits for it a second
// time. Conn.Ping first derives the write's time-out from its context, which
// looks at Done once, and then waits for the pong. TestPing guards this.
type justSent struct {
	context.Context
	asked bool
}

var ended = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (c *justSent) Done() <-chan struct{} {
	if !c.asked {
		c.asked = true
		return nil
	}
	return ended
}

func (c *justSent) Err() error {
	if c.asked {
		return context.Canceled
	}
	return nil
}
