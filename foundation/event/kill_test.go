package event_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// The test binary plays a node that will be killed when these name a database.
const childPath, childURL = "FORECOURT_TEST_EVENT_PATH", "FORECOURT_TEST_EVENT_URL"

func TestMain(m *testing.M) {
	c := db.Config{Path: os.Getenv(childPath), URL: os.Getenv(childURL), Log: slog.New(slog.DiscardHandler)}
	if c.Path != "" || c.URL != "" {
		fmt.Fprintln(os.Stderr, child(c))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// child records and handles facts until it is killed.
func child(c db.Config) error {
	d, err := db.Open(context.Background(), c)
	if err != nil {
		return err
	}
	l := newLog(d, "child")
	l.Consume(event.Consumer{Name: "effect", Handle: effect("child")})
	for {
		failed := make(chan error, 5)
		for w := range 4 {
			go func() {
				var err error
				for i := 0; i < 50 && err == nil; i++ {
					err = d.Update(context.Background(), func(tx *db.Tx) error {
						return event.Record(tx, event.Fact{Org: "o", Subject: fmt.Sprint(w), Kind: "k.k"}, nil)
					})
				}
				failed <- err
			}()
		}
		go func() { failed <- l.CatchUp(context.Background()) }()
		for range 5 {
			if err := <-failed; err != nil {
				return err
			}
		}
		fmt.Println("caught up")
	}
}

// Whenever a node is killed, its cursor and its effects agree: nothing is
// lost and nothing is done twice.
func TestKilledNode(t *testing.T) {
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		t.Run(dialect.String(), func(t *testing.T) {
			c := schematest.Fresh(t, dialect)
			d, err := db.Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			migrate(t, d)
			create(t, d, effects)
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			for round := range 4 {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), childPath+"="+c.Path, childURL+"="+c.URL)
				cmd.Stderr = os.Stderr
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if !bufio.NewScanner(out).Scan() {
					t.Fatal("the node says nothing")
				}
				time.Sleep(time.Duration(37*round) * time.Millisecond)
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait() // "signal: killed"
			}
			d = schematest.OpenConfig(t, c, time.Now)
			l := newLog(d, "survivor")
			l.Consume(event.Consumer{Name: "effect", Handle: effect("survivor")})
			if err := l.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			facts, got := numbers(t, d, "SELECT seq FROM fact ORDER BY seq"), numbers(t, d, "SELECT seq FROM scratch_effect ORDER BY seq")
			if !slices.Equal(facts, got) {
				t.Fatalf("%d facts, %d effects", len(facts), len(got))
			}
			alone := numbers(t, d, "SELECT COUNT(*) FROM scratch_effect WHERE node = 'survivor'")[0]
			t.Logf("%d facts, %d of them handled by the survivor", len(facts), alone)
		})
	}
}
