package web_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

const ok = `{"id":"1","name":"ok"}`

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		g, a, c := build(t, web.Config{DB: d})
		key := []string{"Idempotency-Key", "8e03978e-40d5-43e8-bc93-6894a57f9324"}
		first := c.Must(201, "POST", "/bays", ok, key...)
		c.Run(
			webtest.Scenario{Name: "the same again", Method: "POST", Path: "/bays", Body: ok, Header: key, Status: 201,
				Check: func(t testing.TB, a webtest.Answer) {
					if a.Body != first.Body || a.Header.Get("Location") != first.Header.Get("Location") || a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Idempotency-Replayed") != "true" {
						t.Errorf("replayed %v %s, first %v %s", a.Header, a.Body, first.Header, first.Body)
					}
				}},
			webtest.Scenario{Name: "another body", Method: "POST", Path: "/bays", Body: `{"id":"2","name":"ok"}`, Header: key, Status: 422, Code: "request.key_reused"},
			webtest.Scenario{Name: "a refusal is kept", Method: "POST", Path: "/bays", Body: `{"id":"taken","name":"ok"}`, Header: []string{"Idempotency-Key", "k2"}, Status: 409},
			webtest.Scenario{Name: "and given again", Method: "POST", Path: "/bays", Body: `{"id":"taken","name":"ok"}`, Header: []string{"Idempotency-Key", "k2"}, Status: 409, Code: "bay.taken"},
		)
		if g.calls != 2 {
			t.Errorf("the room was called %d times, want 2", g.calls)
		}
		for range 2 { // what may be tried again is
			c.Must(503, "POST", "/bays", `{"id":"away","name":"ok"}`, "Idempotency-Key", "k3")
			c.Must(500, "POST", "/bays", `{"id":"broken","name":"ok"}`, "Idempotency-Key", "k4")
		}
		if g.calls != 6 {
			t.Errorf("the room was called %d times, want 6", g.calls)
		}
		if other := c.With("Authorization", "Bearer other").Must(201, "POST", "/bays", ok, key...); other.Body == first.Body {
			t.Error("another caller got this caller's answer")
		}
		c.With("Authorization", "Bearer reader").Must(403, "POST", "/bays", ok, key...)
		noSecrets(t, d, first.Field("id"))

		c.Must(500, "POST", "/bays", `{"id":"panic","name":"ok"}`, "Idempotency-Key", "k5") // outcome unknown
		clock.Advance(6 * time.Minute)
		c.Run(webtest.Scenario{Name: "interrupted", Method: "POST", Path: "/bays", Body: `{"id":"panic","name":"ok"}`, Header: []string{"Idempotency-Key", "k5"}, Status: 409, Code: "request.interrupted"})

		clock.Advance(25 * time.Hour)
		if later := c.Must(201, "POST", "/bays", ok, key...); later.Body == first.Body {
			t.Error("an answer outlived its day")
		}
		clock.Advance(25 * time.Hour)
		if err := a.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := rows(t, d); n != 0 {
			t.Errorf("%d answers left", n)
		}
	})
}

// noSecrets looks for the answer's text in the table.
func noSecrets(t *testing.T, d *db.DB, text string) {
	t.Helper()
	err := d.View(t.Context(), func(tx *db.Tx) error {
		all, err := db.Collect(tx, func(row db.Scanner) (string, error) {
			var id, answer string
			err := row.Scan(&id, &answer)
			return id + answer, err
		}, `SELECT id, COALESCE(answer, '') FROM idempotency_key`)
		if joined := strings.Join(all, " "); len(all) == 0 || strings.Contains(joined, text) || strings.Contains(joined, "8e03978e") {
			t.Errorf("the table shows %q", joined)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	err := d.View(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT COUNT(*) FROM idempotency_key`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestIdempotencyKeyUnderConcurrency(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		g, _, c := build(t, web.Config{DB: d})
		g.wait = make(chan struct{})
		var wg sync.WaitGroup
		answers := make([]webtest.Answer, 8)
		for i := range answers {
			wg.Go(func() { answers[i] = c.Do("POST", "/bays", ok, "Idempotency-Key", "same") })
		}
		time.AfterFunc(150*time.Millisecond, func() { close(g.wait) })
		wg.Wait()
		for _, a := range answers {
			if a.Status != 201 || a.Body != answers[0].Body {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		if g.calls != 1 {
			t.Errorf("the room was called %d times", g.calls)
		}
	})
}
