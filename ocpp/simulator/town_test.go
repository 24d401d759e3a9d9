package simulator

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// silent is a platform that takes connections and answers nothing.
func silent(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ocpp1.6", "ocpp2.0.1", "ocpp2.1"}})
		if err != nil {
			return
		}
		for err == nil {
			_, _, err = c.Read(r.Context())
		}
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// TestStationsPauseAndReturnWhileConnected takes connected stations off the
// network and back from outside; the race detector watches.
func TestStationsPauseAndReturnWhileConnected(t *testing.T) {
	var stations []*Station
	for _, c := range Plan("T", 4, 1) {
		c.URL, c.Retry = silent(t), 10*time.Millisecond
		s := NewStation(c, time.Now, nil)
		s.tick = 5 * time.Millisecond
		stations = append(stations, s)
	}
	town := NewTown(1, stations, []Token{{ID: "A", Type: "ISO14443"}})
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	ended := make(chan error)
	go func() { ended <- town.Run(ctx, time.Now, time.Second, slog.New(slog.DiscardHandler)) }()
	for ctx.Err() == nil {
		for _, s := range stations {
			s.Pause(20 * time.Millisecond)
		}
		time.Sleep(10 * time.Millisecond)
		town.Rest()
		time.Sleep(60 * time.Millisecond) // time to connect again
	}
	<-ended
}
