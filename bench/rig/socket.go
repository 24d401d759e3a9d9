package rig

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Door is where a station connects, and as whom.
type Door struct {
	Address  string // host:port
	Host     string // for the Host header and the certificate
	Path     string
	Protocol string // ocpp1.6 or ocpp2.0.1
	User     string
	Password string
	TLS      *tls.Config // nil: plain
	Local    net.IP      // address to come from; nil: the system's choice
}

// Socket is the client side of a websocket, as little as a station needs:
// no compression is offered, frames are not split.
type Socket struct {
	conn net.Conn
	in   []byte // bytes read
	used int    // of them, by the frame given last
	have int

	mu  sync.Mutex // one frame is written at a time
	out []byte
}

const (
	opContinue = 0x0
	OpText     = 0x1
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xa

	readBuffer = 512
	maxFrame   = 1 << 20
	dialWait   = 20 * time.Second
)

// Refusal is a handshake that the server answered with another status.
type Refusal struct {
	Status     int
	RetryAfter time.Duration
}

func (r *Refusal) Error() string { return "the handshake was answered " + strconv.Itoa(r.Status) }

// Dial opens a connection and upgrades it.
func Dial(ctx context.Context, d Door) (*Socket, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	dialer := net.Dialer{KeepAlive: -1}
	if d.Local != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: d.Local}
	}
	conn, err := dialer.DialContext(ctx, "tcp", d.Address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if d.TLS != nil {
		secure := tls.Client(conn, d.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		conn = secure
	}
	s := &Socket{conn: conn}
	if err := s.upgrade(d); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

const websocketGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455 §1.3

func (s *Socket) upgrade(d Door) error {
	nonce := make([]byte, 16)
	rand.Read(nonce)
	key := base64.StdEncoding.EncodeToString(nonce)
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n", d.Path, d.Host, key, d.Protocol)
	if d.Password != "" {
		fmt.Fprintf(&b, "Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(d.User+":"+d.Password)))
	}
	b.WriteString("\r\n")
	if _, err := s.conn.Write(b.Bytes()); err != nil {
		return err
	}
	head := readers.Get().(*bufio.Reader)
	defer readers.Put(head)
	head.Reset(s.conn)
	res, err := http.ReadResponse(head, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		res.Body.Close()
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return &Refusal{Status: res.StatusCode, RetryAfter: time.Duration(seconds) * time.Second}
	}
	sum := sha1.Sum([]byte(key + websocketGUID))
	if res.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) {
		return errors.New("the handshake's Sec-WebSocket-Accept is wrong")
	}
	if got := res.Header.Get("Sec-WebSocket-Protocol"); got != d.Protocol {
		return fmt.Errorf("the handshake chose the subprotocol %q, not %s", got, d.Protocol)
	}
	s.in = make([]byte, readBuffer)
	if n := head.Buffered(); n > 0 { // frames that came with the answer
		s.in = make([]byte, max(n, readBuffer))
		s.have, _ = io.ReadFull(head, s.in[:n])
	}
	return nil
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 2048) }}

// Write sends one masked frame.
func (s *Socket) Write(op byte, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := append(s.out[:0], 0x80|op)
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := mathrand.Uint32()
	b = binary.LittleEndian.AppendUint32(b, mask)
	from := len(b)
	b = append(b, payload...)
	maskBytes(b[from:], mask)
	_, err := s.conn.Write(b)
	if s.out = nil; cap(b) <= 1024 {
		s.out = b[:0]
	}
	return err
}

func maskBytes(b []byte, mask uint32) {
	wide := uint64(mask) | uint64(mask)<<32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(mask >> (8 * (i & 3)))
	}
}

// Read gives each text message to take until the connection ends, and says
// why it ended. A text is valid only during the call.
func (s *Socket) Read(take func(text []byte)) error {
	var parts []byte
	for {
		op, final, payload, err := s.frame()
		if err != nil {
			return err
		}
		switch op {
		case opPing:
			err = s.Write(opPong, payload)
		case opPong:
		case opClose:
			s.Write(opClose, payload[:min(len(payload), 2)]) // the server waits for the echo; it may be gone already
			return closeError(payload)
		case OpText, opContinue:
			if !final || op == opContinue {
				parts = append(parts, payload...)
				if len(parts) > maxFrame {
					return errors.New("a message is larger than 1 MiB")
				}
				if !final {
					continue
				}
				payload = parts
			}
			take(payload)
			parts = nil
		default:
			err = fmt.Errorf("a frame has the opcode %d", op)
		}
		if err != nil {
			return err
		}
	}
}

func closeError(payload []byte) error {
	if len(payload) < 2 {
		return errors.New("closed by the server")
	}
	return fmt.Errorf("closed by the server: %d %s", binary.BigEndian.Uint16(payload), payload[2:])
}

// frame reads one frame. Its payload lies in the buffer until the next call.
func (s *Socket) frame() (op byte, final bool, payload []byte, err error) {
	s.discard()
	if err = s.fill(2); err != nil {
		return
	}
	op, final = s.in[0]&0x0f, s.in[0]&0x80 != 0
	if s.in[0]&0x70 != 0 || s.in[1]&0x80 != 0 {
		return 0, false, nil, errors.New("a frame is masked or uses an extension that was not offered")
	}
	head, n := 2, int(s.in[1])
	switch n {
	case 126:
		if err = s.fill(4); err != nil {
			return
		}
		head, n = 4, int(binary.BigEndian.Uint16(s.in[2:]))
	case 127:
		if err = s.fill(10); err != nil {
			return
		}
		long := binary.BigEndian.Uint64(s.in[2:])
		if long > maxFrame {
			return 0, false, nil, fmt.Errorf("a frame has %d bytes", long)
		}
		head, n = 10, int(long)
	}
	if err = s.fill(head + n); err != nil {
		return
	}
	s.used = head + n
	return op, final, s.in[head : head+n], nil
}

// discard moves what follows the last frame to the front; a buffer that a
// long frame has stretched shrinks again.
func (s *Socket) discard() {
	rest := s.in[s.used:s.have]
	if len(s.in) > readBuffer && len(rest) <= readBuffer {
		s.in = make([]byte, readBuffer)
	}
	s.have, s.used = copy(s.in, rest), 0
}

// fill reads until n bytes are in the buffer.
func (s *Socket) fill(n int) error {
	if n > len(s.in) {
		s.in = append(make([]byte, 0, n), s.in[:s.have]...)[:n]
	}
	for s.have < n {
		m, err := s.conn.Read(s.in[s.have:])
		s.have += m
		if err != nil && s.have < n {
			return err
		}
	}
	return nil
}

// Close ends the connection.
func (s *Socket) Close() { s.conn.Close() }

// ReadBuffer bounds what the system keeps of what was not read yet, bytes.
func (s *Socket) ReadBuffer(size int) {
	if tcp, is := s.conn.(*net.TCPConn); is {
		tcp.SetReadBuffer(size)
	}
}

// Cut ends the connection as a power failure would: nothing is said, and the
// socket does not linger.
func (s *Socket) Cut() {
	conn := s.conn
	if secure, is := conn.(*tls.Conn); is {
		conn = secure.NetConn()
	}
	if tcp, is := conn.(*net.TCPConn); is {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// SplitURL takes ws://host:port/ocpp apart.
func SplitURL(raw string) (address, host, path string, secure bool, err error) {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found || scheme != "ws" && scheme != "wss" {
		return "", "", "", false, fmt.Errorf("%q is no ws:// or wss:// address", raw)
	}
	host, path, _ = strings.Cut(rest, "/")
	if address = host; !strings.Contains(host, ":") {
		address += map[string]string{"ws": ":80", "wss": ":443"}[scheme]
	}
	return address, host, "/" + strings.TrimRight(path, "/"), scheme == "wss", nil
}
