//go:build unix

package gateway

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// resting tells whether nobody reads the connection: it holds no buffer and a
// pause is under way.
func (l *link) resting() bool {
	l.wire.mu.Lock()
	defer l.wire.mu.Unlock()
	return l.wire.pausing
}

// TestPause: a station that says nothing has no reader, also after a ping, and
// gets one whatever the pieces in which its next message comes.
func TestPause(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		conn, _ := rawDial(t, n.addr, "/ocpp/pause", "Sec-WebSocket-Protocol: ocpp1.6")
		eventually(t, "the connection", func() bool { return n.links.get("pause") != nil })
		l := n.links.get("pause")
		rests := func(after string) { eventually(t, "the rest after "+after, l.resting) }
		rests("the handshake")

		const call = `[2,"%","Heartbeat",{}]`
		say := func(id string) string { return masked(strings.Replace(call, "%", id, 1)) }
		reply := func(id string) { expect(t, conn, frame(`[3,"`+id+`",`+heartbeatReply+`]`)) }

		write(t, conn, say("a"))
		reply("a")
		rests("a message")

		const ping = "\x89\x80\x00\x00\x00\x00"
		write(t, conn, ping)
		expect(t, conn, "\x8a\x00")
		rests("a ping")
		write(t, conn, ping+say("b"))
		expect(t, conn, "\x8a\x00"+frame(`[3,"b",`+heartbeatReply+`]`))
		rests("a ping and a message")

		eventually(t, "a ping at once", l.wire.pingNow) // the reply's writer may not have let go yet
		expect(t, conn, "\x89\x00")
		const pong = "\x8a\x80\x00\x00\x00\x00"
		write(t, conn, pong)
		eventually(t, "the pong", l.wire.pongs.Load)
		if !l.resting() {
			t.Error("a pong takes a reader")
		}
		write(t, conn, pong+say("x"))
		reply("x")
		rests("a pong and a message")

		write(t, conn, say("c")[:1])
		eventually(t, "the reader", func() bool { return !l.resting() })
		write(t, conn, say("c")[1:9])
		write(t, conn, say("c")[9:]+say("d"))
		expect(t, conn, frame(`[3,"c",`+heartbeatReply+`]`)+frame(`[3,"d",`+heartbeatReply+`]`))
		rests("messages in pieces")

		text := `[2,"e","Heartbeat",{}]`
		first, last := masked(text[:5]), masked(text[5:])
		first, last = "\x01"+first[1:], "\x80"+last[1:]
		write(t, conn, first)
		write(t, conn, ping)
		expect(t, conn, "\x8a\x00")
		if l.resting() {
			t.Error("it rests inside a message")
		}
		write(t, conn, last)
		reply("e")
		rests("a message in fragments")
	})
}

// TestPauseIsRecalled: the close handshake is the library's, which reads.
func TestPauseIsRecalled(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		s := dial(t, n, "recall", "ocpp1.6")
		eventually(t, "the connection", func() bool { return n.links.get("recall") != nil })
		l := n.links.get("recall")
		eventually(t, "the rest", l.resting)
		l.close(websocket.StatusPolicyViolation, "enough")
		if code := s.closed(); code != websocket.StatusPolicyViolation {
			t.Errorf("closed with %d", code)
		}
		eventually(t, "the end", func() bool { return n.links.get("recall") == nil && !l.resting() })
	})
}

func frame(text string) string { return "\x81" + string(rune(len(text))) + text }

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// expect reads until want has come, and nothing else.
func expect(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	var got bytes.Buffer
	for b := make([]byte, 512); got.Len() < len(want); {
		n, err := conn.Read(b)
		got.Write(b[:n])
		if err != nil {
			t.Fatalf("%v after %q", err, got.String())
		}
	}
	if got.String() != want {
		t.Fatalf("\n got %q\nwant %q", got.String(), want)
	}
}

// socket takes what a wire sends.
type socket struct {
	net.Conn
	sent []string
}

func (s *socket) SetWriteDeadline(time.Time) error { return nil }

func (s *socket) Write(p []byte) (int, error) {
	s.sent = append(s.sent, string(p))
	return len(p), nil
}

// TestWireSendsFramesWhole: what the library hands over in pieces goes out at
// once, large frames and what comes after them as it comes.
func TestWireSendsFramesWhole(t *testing.T) {
	whole := func(n int) string {
		switch {
		case n < 126:
			return "\x81" + string(rune(n)) + strings.Repeat("x", n)
		case n < 1<<16:
			return "\x81\x7e" + string([]byte{byte(n >> 8), byte(n)}) + strings.Repeat("x", n)
		}
		return "\x81\x7f" + string([]byte{0, 0, 0, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)}) + strings.Repeat("x", n)
	}
	out := &socket{}
	w := &wire{Conn: out, now: time.Now}
	for _, n := range []int{0, 14, 15, 125, 126, 300, 4000, 5000, 20, 70000, 200, 1} {
		text := whole(n)
		out.sent = nil
		for rest := text; rest != ""; {
			piece := rest[:min(ownBuffer, len(rest))]
			if len(rest) != len(text) {
				piece = rest
			}
			if m, err := w.Write([]byte(piece)); m != len(piece) || err != nil {
				t.Fatal(m, err)
			}
			rest = rest[len(piece):]
		}
		if got := strings.Join(out.sent, ""); got != text {
			t.Fatalf("%d: %d bytes, not %d", n, len(got), len(text))
		}
		if len(text) <= gatherMost && len(out.sent) != 1 {
			t.Errorf("%d: sent in %d pieces", n, len(out.sent))
		}
	}
}

func TestIsPong(t *testing.T) {
	for frame, is := range map[string]bool{
		"\x8a\x80\x00\x00\x00\x00":               true,
		"\x8a\x82\x01\x02\x03\x04ab":             true,
		"\x8a\x82\x01\x02\x03\x04a":              false, // not whole
		"\x8a\x80\x00\x00\x00\x00\x81":           false, // more behind it
		"\x8a\x06\x00\x00\x00\x00\x00\x00":       false, // not masked
		"\x89\x80\x00\x00\x00\x00":               false, // a ping
		"\x8a":                                   false,
		"":                                       false,
		"\x8a\xfe" + strings.Repeat("\x00", 130): false, // too long for a control frame
	} {
		if isPong([]byte(frame)) != is {
			t.Errorf("%q: %v", frame, !is)
		}
	}
}
