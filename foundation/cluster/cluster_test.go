package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func join(t *testing.T, url, node string) *cluster.Bus {
	t.Helper()
	b, err := cluster.Start(t.Context(), cluster.Config{URL: url, Node: node, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// external starts a NATS server as an installation of several nodes has.
func external(t *testing.T, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(5 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never:", what)
		}
	}
}

// both runs fn with two nodes on an external server and with one alone that
// plays both.
func both(t *testing.T, fn func(t *testing.T, a, b *cluster.Bus)) {
	t.Run("alone", func(t *testing.T) {
		a := join(t, "", "a")
		fn(t, a, a)
	})
	t.Run("two", func(t *testing.T) {
		url := external(t, -1).ClientURL()
		fn(t, join(t, url, "a"), join(t, url, "b"))
	})
}

func TestSignals(t *testing.T) {
	both(t, func(t *testing.T, a, b *cluster.Bus) {
		var mu sync.Mutex
		var got []string
		unsubscribe, err := b.Subscribe("signal.>", func(subject string, data []byte) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, subject+"="+string(data))
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if err := a.Publish("signal.o.x."+cluster.Token("CP 1"), fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Publish("other", nil); err != nil {
			t.Fatal(err)
		}
		seen := func() int { mu.Lock(); defer mu.Unlock(); return len(got) }
		eventually(t, "100 signals", func() bool { return seen() == 100 })
		mu.Lock()
		if got[0] != "signal.o.x.CP_201=0" || got[99] != "signal.o.x.CP_201=99" {
			t.Error(got[0], got[99])
		}
		mu.Unlock()
		unsubscribe()
		if err := a.Publish("signal.late", nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		if n := seen(); n != 100 {
			t.Error(n)
		}
	})
}

func TestRequests(t *testing.T) {
	both(t, func(t *testing.T, a, b *cluster.Bus) {
		stop, err := b.Serve("gw.b.>", func(ctx context.Context, subject string, data []byte) ([]byte, error) {
			switch string(data) {
			case "invalid":
				return nil, fault.New(fault.Invalid, "x.bad", "bad thing").With("body.a", "must be b", 7)
			case "plain":
				return nil, errors.New("secret detail")
			case "panic":
				panic("ouch")
			case "slow":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return append([]byte(subject+":"), data...), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		ask := func(data string) (string, error) {
			patience := 20 * time.Second
			if data == "slow" { // is never answered
				patience = 100 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			reply, err := a.Request(ctx, "gw.b.CP1", []byte(data))
			return string(reply), err
		}
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if got, err := ask(fmt.Sprint(i)); err != nil || got != fmt.Sprint("gw.b.CP1:", i) {
					t.Error(got, err)
				}
			})
		}
		wg.Wait()
		_, err = ask("invalid")
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Invalid || f.Code != "x.bad" || f.Message != "bad thing" || len(f.Fields) != 1 || f.Fields[0].Location != "body.a" {
			t.Errorf("%#v", err)
		}
		for _, data := range []string{"plain", "panic"} {
			if _, err = ask(data); err == nil || fault.KindOf(err) != fault.Internal || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "ouch") {
				t.Error(data, err)
			}
		}
		if _, err = ask("slow"); !fault.Is(err, fault.Unavailable) || fault.Of(err).Code != "cluster.timeout" {
			t.Error(err)
		}
		began := time.Now()
		_, err = a.Request(t.Context(), "gw.nobody.CP1", nil) // without an answer it would be 30 s
		if !fault.Is(err, fault.Unavailable) || fault.Of(err).Code != "cluster.no_responder" || time.Since(began) > 20*time.Second {
			t.Error(err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err = a.Request(ctx, "gw.b.CP1", nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		stop()
		if _, err = ask("x"); !fault.Is(err, fault.Unavailable) || fault.Of(err).Code != "cluster.no_responder" {
			t.Error("after stop:", err)
		}
	})
}

// stop ends the contexts of running answers and waits for them.
func TestStopWaits(t *testing.T) {
	a := join(t, "", "a")
	started, ended := make(chan struct{}), false
	stop, err := a.Serve("q", func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		close(started)
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond)
		ended = true
		return nil, fault.New(fault.Unavailable, "x", "going away")
	})
	if err != nil {
		t.Fatal(err)
	}
	reply := make(chan error)
	go func() { _, err := a.Request(t.Context(), "q", nil); reply <- err }()
	<-started
	stop()
	if !ended {
		t.Error("stop did not wait")
	}
	if err := <-reply; !fault.Is(err, fault.Unavailable) || fault.Of(err).Code != "x" {
		t.Error(err)
	}
	a.Close()
	a.Close()
	if err := a.Publish("x", nil); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if _, err := a.Subscribe("x", func(string, []byte) {}); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if _, err := a.Request(t.Context(), "x", nil); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

// The server goes away and comes back: unavailable at once meanwhile, and all
// subscriptions work afterwards.
func TestServerRestart(t *testing.T) {
	s := external(t, -1)
	url, port := s.ClientURL(), s.Addr().String()[strings.LastIndex(s.Addr().String(), ":")+1:]
	a, b := join(t, url, "a"), join(t, url, "b")
	if _, err := b.Serve("q", func(context.Context, string, []byte) ([]byte, error) { return []byte("yes"), nil }); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	s.WaitForShutdown()
	eventually(t, "a notices", func() bool { return !a.Connected() })
	began := time.Now()
	if _, err := a.Request(t.Context(), "q", nil); !fault.Is(err, fault.Unavailable) || time.Since(began) > 20*time.Second {
		t.Error(err, time.Since(began))
	}
	if err := a.Publish("x", nil); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	var number int
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	external(t, number)
	eventually(t, "an answer", func() bool {
		reply, err := a.Request(t.Context(), "q", nil)
		return err == nil && string(reply) == "yes"
	})
}

// A node may start before its server.
func TestServerComesLater(t *testing.T) {
	s := external(t, -1)
	url := s.ClientURL()
	var number int
	if _, err := fmt.Sscan(url[strings.LastIndex(url, ":")+1:], &number); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	s.WaitForShutdown()
	a := join(t, url, "a")
	if a.Connected() {
		t.Fatal("connected to nothing")
	}
	stop, err := a.Serve("q", func(context.Context, string, []byte) ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	external(t, number)
	eventually(t, "an answer", func() bool { _, err := a.Request(t.Context(), "q", nil); return err == nil })
}

func TestToken(t *testing.T) {
	for id, want := range map[string]string{"": "_", "CP-1": "CP-1", "a.b": "a_2Eb", "*": "_2A", ">": "_3E", "a b": "a_20b", "_": "_5F", "é": "_C3_A9"} {
		if got := cluster.Token(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
	for _, bad := range []string{"", "a.b", "_2", "_GG", "_2e", "__", "é"} {
		if got, err := cluster.Untoken(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %q %v", bad, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		id := string(rapid.SliceOf(rapid.Byte()).Draw(t, "id"))
		token := cluster.Token(id)
		if token == "" || strings.ContainsAny(token, ".*> \t\r\n") {
			t.Fatalf("%q is no token", token)
		}
		if back, err := cluster.Untoken(token); err != nil || back != id {
			t.Fatalf("%q came back as %q: %v", id, back, err)
		}
	})
}

func TestNodeName(t *testing.T) {
	if _, err := cluster.Start(t.Context(), cluster.Config{Node: "a b"}); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	if a := join(t, "", ""); a.Node() == "" {
		t.Fatal("no name was made")
	}
}
