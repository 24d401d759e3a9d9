package simulator

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// wire is the station's side of OCPP-J, written apart from ocpp/rpc so that
// the two check each other.
type wire struct {
	conn  *websocket.Conn
	next  atomic.Int64
	heard func(sent bool, frame []byte) // nil: nobody listens
}

type frameKind int

const (
	kindCall   frameKind = 2
	kindResult frameKind = 3
	kindError  frameKind = 4
	kindSend   frameKind = 6
)

type frame struct {
	kind    frameKind
	id      string
	action  string // of a CALL; the code of a CALLERROR
	payload json.RawMessage
}

const (
	writeTimeout = 10 * time.Second
	maxFrame     = 1 << 20
)

func dial(ctx context.Context, c Config) (*wire, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	opts := &websocket.DialOptions{HTTPHeader: http.Header{"User-Agent": {c.Vendor + "/" + c.Firmware}}}
	if !(&machine{config: c}).has(NoSubprotocol) {
		opts.Subprotocols = []string{"ocpp" + c.Version}
	}
	if c.Password != "" {
		opts.HTTPHeader.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.ID+":"+c.Password)))
	}
	if c.TLS != nil {
		transport := &http.Transport{TLSClientConfig: c.TLS, DisableKeepAlives: true}
		defer transport.CloseIdleConnections()
		opts.HTTPClient = &http.Client{Transport: transport}
	}
	conn, reply, err := websocket.Dial(ctx, strings.TrimRight(c.URL, "/")+"/"+url.PathEscape(c.ID), opts)
	if err != nil {
		if reply != nil {
			return nil, fmt.Errorf("handshake refused with %s: %w", reply.Status, err)
		}
		return nil, err
	}
	conn.SetReadLimit(maxFrame)
	return &wire{conn: conn}, nil
}

func (w *wire) close() { w.conn.Close(websocket.StatusNormalClosure, "") }

// read gives the next frame that can be understood.
func (w *wire) read(ctx context.Context) (frame, error) {
	for {
		_, data, err := w.conn.Read(ctx)
		if err != nil {
			return frame{}, err
		}
		if w.heard != nil {
			w.heard(false, data)
		}
		if f, ok := parseFrame(data); ok {
			return f, nil
		}
	}
}

func parseFrame(data []byte) (frame, bool) {
	var parts []json.RawMessage
	if json.Unmarshal(data, &parts) != nil || len(parts) < 3 {
		return frame{}, false
	}
	var f frame
	kind, err := strconv.Atoi(string(parts[0]))
	if err != nil || json.Unmarshal(parts[1], &f.id) != nil {
		return frame{}, false
	}
	f.kind = frameKind(kind)
	switch f.kind {
	case kindCall, kindError:
		if len(parts) < 4 || json.Unmarshal(parts[2], &f.action) != nil {
			return frame{}, false
		}
		f.payload = parts[3]
	case kindResult:
		f.payload = parts[2]
	default:
		return frame{}, false
	}
	return f, true
}

// call writes a CALL (or a SEND) and gives its message id.
func (w *wire) call(action string, payload json.RawMessage, send bool) (string, error) {
	id := strconv.FormatInt(w.next.Add(1), 10) + "-" + strconv.FormatInt(int64(len(payload)), 36)
	kind := kindCall
	if send {
		kind = kindSend
	}
	return id, w.write([]any{kind, id, action, payload})
}

// answer writes the reply to the platform's CALL.
func (w *wire) answer(id string, reply any, err error, version string) {
	if err == nil {
		_ = w.write([]any{kindResult, id, reply}) // a lost connection is seen by the reader
		return
	}
	code := "InternalError"
	switch {
	case errors.Is(err, errNotImplemented):
		code = "NotImplemented"
	case errors.Is(err, errFormat) && version == "1.6":
		code = "FormationViolation"
	case errors.Is(err, errFormat):
		code = "FormatViolation"
	}
	_ = w.write([]any{kindError, id, code, err.Error(), struct{}{}})
}

func (w *wire) write(parts []any) error {
	text, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	if w.heard != nil {
		w.heard(true, text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	return w.conn.Write(ctx, websocket.MessageText, text)
}
