package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// wire is the socket under a websocket. It notes when the station last sent
// anything at all, pongs included, and gives up on a station that does not
// read: a deadline per write costs no goroutine and no timer of ours. What it
// reads and writes is in buffers that are lent: a connection on which nothing
// is said has none.
type wire struct {
	net.Conn
	now     func() time.Time
	timeout time.Duration
	heard   atomic.Int64 // unix milliseconds of the last bytes in
	told    atomic.Int64 // and out
	pongs   atomic.Bool  // the station answers pings

	early  []byte            // read already: behind the handshake, or by pause
	lent   *[readBuffer]byte // what early is in, if that goes back
	failed error             // of pause
	pauses                   // how it waits without a reader

	writing sync.Mutex // held while what follows changes

	out   *[]byte // the beginning of a frame that is being written; nil: none
	size  int     // of that frame
	large int     // bytes to come of a frame that is not put together
}

func (w *wire) Read(p []byte) (int, error) {
	switch {
	case len(w.early) > 0:
		n := copy(p, w.early)
		if w.early = w.early[n:]; len(w.early) == 0 {
			w.early = nil
			if w.lent != nil {
				readBuffers.Put(w.lent)
				w.lent = nil
			}
		}
		w.heard.Store(w.now().UnixMilli())
		return n, nil
	case w.failed != nil:
		return 0, w.failed
	case w.stopsBetween():
		return 0, errBetween
	}
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.Store(w.now().UnixMilli())
	}
	return n, err
}

// Write sends a frame as a whole. The library hands it over in pieces, as its
// buffer is small: the head with the first bytes, then the rest.
func (w *wire) Write(p []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	if w.out == nil {
		size := frameSize(p)
		switch {
		case w.large > 0:
			w.large -= min(len(p), w.large)
		case size > gatherMost:
			w.large = size - len(p)
		case size > len(p):
			w.out, w.size = writeBuffers.Get().(*[]byte), size
			*w.out = append((*w.out)[:0], p...)
			return len(p), nil
		}
		return w.send(p)
	}
	*w.out = append(*w.out, p...)
	if len(*w.out) < w.size {
		return len(p), nil
	}
	_, err := w.send(*w.out)
	writeBuffers.Put(w.out)
	w.out = nil
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *wire) send(p []byte) (int, error) {
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

// frameSize is the length of the unmasked frame that begins with p, head
// included; 0 when p does not have the head. RFC 6455 §5.2
func frameSize(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	switch n := int(p[1]); {
	case n < 126:
		return 2 + n
	case n == 126 && len(p) >= 4:
		return 4 + int(binary.BigEndian.Uint16(p[2:]))
	case n == 127 && len(p) >= 10:
		return 10 + int(min(binary.BigEndian.Uint64(p[2:]), math.MaxInt32))
	}
	return 0
}

func (w *wire) lastHeard() time.Time { return time.UnixMilli(w.heard.Load()) }
func (w *wire) lastTold() time.Time  { return time.UnixMilli(w.told.Load()) }

// Buffers. Most frames fit, larger ones bypass them. The websocket library has
// its own for each connection, net/http's of 4 KiB each: here they are as small
// as bufio has them, and the wire's are lent.
const (
	readBuffer = 1 << 10
	gatherMost = 4 << 10 // a frame above that is sent in pieces
	ownBuffer  = 16
)

var (
	readBuffers  = sync.Pool{New: func() any { return new([readBuffer]byte) }}
	writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}
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
	size := ownBuffer
	if _, secure := conn.(*tls.Conn); !secure && !h.wire.pausable(conn) {
		size = readBuffer // nothing else reads more than it is asked for
	}
	reader := bufio.NewReaderSize(h.wire, size)
	h.wire.reader = reader
	return h.wire, bufio.NewReadWriter(reader, bufio.NewWriterSize(h.wire, ownBuffer)), nil
}

// Frames of RFC 6455 §5.5: a ping of ours, and a pong as a station sends it.
var pingFrame = [...]byte{0x89, 0}

const (
	pongHead    = 0x8a
	maskBit     = 0x80
	headAndMask = 6
	mostControl = 125 // bytes that a control frame carries
)

// isPong holds when p is one whole pong.
func isPong(p []byte) bool {
	if len(p) < headAndMask || p[0] != pongHead {
		return false
	}
	n := int(p[1]) - maskBit
	return n >= 0 && n <= mostControl && len(p) == headAndMask+n
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
