package test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp/simulator"
)

// ledger is what the stations were told is stored.
type ledger struct {
	mu    sync.Mutex
	known map[string]*told // station/transaction
}

// told is one transaction as far as the platform acknowledged it.
type told struct {
	begin, end *int64 // meter, Wh
	samples    map[string]bool
}

func (l *ledger) of(station, transaction string) *told {
	key := station + "/" + transaction
	if l.known[key] == nil {
		l.known[key] = &told{samples: map[string]bool{}}
	}
	return l.known[key]
}

// size counts what was acknowledged.
func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.known)
	for _, one := range l.known {
		n += len(one.samples)
	}
	return n
}

// message is whatever of a transaction message, of any version, the ledger reads.
type message struct {
	MeterStart, MeterStop *int64
	TransactionID         json.Number
	EventType             string
	TransactionInfo       struct{ TransactionID string }
	MeterValue            []struct {
		Timestamp    string
		SampledValue []struct{ Value json.Number }
	}
}

// acknowledged enters one acknowledged message.
func (l *ledger) acknowledged(station, action string, payload, reply json.RawMessage) {
	var m, r message
	if json.Unmarshal(payload, &m) != nil {
		panic("ledger cannot read " + string(payload))
	}
	json.Unmarshal(reply, &r)
	l.mu.Lock()
	defer l.mu.Unlock()
	var t *told
	switch action {
	case "StartTransaction":
		t = l.of(station, r.TransactionID.String())
		t.begin = m.MeterStart
	case "StopTransaction":
		t = l.of(station, m.TransactionID.String())
		t.end = m.MeterStop
	case "MeterValues":
		t = l.of(station, m.TransactionID.String())
	case "TransactionEvent":
		t = l.of(station, m.TransactionInfo.TransactionID)
		register, _ := m.MeterValue[len(m.MeterValue)-1].SampledValue[0].Value.Int64()
		switch m.EventType {
		case "Started":
			t.begin = &register
		case "Ended":
			t.end = &register
		}
	}
	for _, v := range m.MeterValue {
		t.samples[v.Timestamp] = true
	}
}

// town makes n stations that live fast: cars stay seconds, meters speak
// every second.
func (s *server) town(n int, book *ledger) *simulator.Town {
	s.t.Helper()
	var stations []*simulator.Station
	for _, plan := range simulator.Plan("SIM", n, 7) {
		plan.Quirks = nil
		plan.URL, plan.Password, plan.Retry = s.stations(), s.station(plan.ID, nil), 100*time.Millisecond
		station := simulator.NewStation(plan, time.Now, nil)
		station.Acknowledged = func(action string, payload, reply json.RawMessage) {
			book.acknowledged(plan.ID, action, payload, reply)
		}
		stations = append(stations, station)
	}
	var cards []simulator.Token
	for i := range 4 * n {
		card := simulator.Token{ID: fmt.Sprintf("CARD%d", i), Type: "ISO14443"}
		s.must("POST", "/id-tokens", object{"id_token": card.ID, "type": card.Type, "status": "active"})
		cards = append(cards, card)
	}
	town := simulator.NewTown(7, stations, cards)
	town.Gap, town.Stay, town.Trouble = time.Second, 3*time.Second, 20
	return town
}

// TestKilledInTheMiddleLosesNothing kills the server with SIGKILL 20 times
// while stations charge, then compares what it knows with what the stations
// were told: every acknowledged event is there, none twice.
func TestKilledInTheMiddleLosesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		book := &ledger{known: map[string]*told{}}
		town := s.town(24, book)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			town.Run(ctx, time.Now, time.Second, slog.New(slog.DiscardHandler))
		}()
		address := strings.TrimPrefix(s.url, "http://")
		before := 0
		for range 20 {
			// A busy machine gets little done in a second: each life of the
			// server takes at least something in.
			time.Sleep(1200 * time.Millisecond)
			eventually(t, "something is acknowledged", func() bool { return book.size() > before })
			before = book.size()
			s.kill()
			s.start(address)
		}
		town.Rest()
		eventually(t, "the stations have said everything", func() bool { return town.Queued() == 0 })
		stop()
		<-ended
		s.audit(book)
	})
}

// audit compares the platform with the ledger.
func (s *server) audit(book *ledger) {
	t := s.t
	t.Helper()
	sessions := map[string]object{}
	for cursor := ""; ; {
		page := s.must("GET", "/sessions?limit=500&cursor="+url.QueryEscape(cursor), nil)
		for _, one := range page["items"].([]any) {
			session := one.(object)
			key := fmt.Sprint(session["station_id"], "/", session["transaction_id"])
			if sessions[key] != nil {
				t.Errorf("%s is there twice", key)
			}
			sessions[key] = session
		}
		if cursor, _ = page["next_cursor"].(string); cursor == "" {
			break
		}
	}
	book.mu.Lock()
	defer book.mu.Unlock()
	samples := 0
	for key, told := range book.known {
		session := sessions[key]
		if session == nil {
			t.Errorf("%s was acknowledged and is not there", key)
			continue
		}
		if told.begin != nil && told.end != nil {
			if got, want := session["energy_wh"], float64(*told.end-*told.begin); got != want {
				t.Errorf("%s has %v Wh, the station counted %v", key, got, want)
			}
			if session["status"] == "active" || session["status"] == "suspended" { // a stranger's offline session ends as invalid
				t.Errorf("%s ended and is %v", key, session["status"])
			}
		}
		samples += len(told.samples)
		if got := len(s.items("/sessions/" + session["id"].(string) + "/samples?limit=1000")); got < len(told.samples) {
			t.Errorf("%s has %d samples, %d were acknowledged", key, got, len(told.samples))
		}
	}
	t.Logf("%d transactions and %d readings acknowledged across 20 kills", len(book.known), samples)
	if len(book.known) < 20 {
		t.Errorf("only %d transactions: the simulation was not busy", len(book.known))
	}
}
