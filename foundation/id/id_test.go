package id_test

import (
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/id"
)

type thing string

var form = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestNew(t *testing.T) {
	// RFC 9562 appendix A.6: 2022-02-22T19:22:22Z is 017f22e2-79b0-7…
	if got := id.New[thing](time.Date(2022, 2, 22, 19, 22, 22, 0, time.UTC)); got[:15] != "017f22e2-79b0-7" {
		t.Error(got)
	}
	seen := map[thing]bool{}
	now := time.Now()
	for range 10_000 {
		v := id.New[thing](now)
		if !form.MatchString(string(v)) || seen[v] {
			t.Fatal(v)
		}
		seen[v] = true
	}
	rapid.Check(t, func(t *rapid.T) {
		a := time.UnixMilli(rapid.Int64Range(0, 1<<48-2).Draw(t, "ms"))
		b := a.Add(time.Duration(rapid.Int64Range(1, 1e6).Draw(t, "later")) * time.Millisecond)
		if b.UnixMilli() < 1<<48 && id.New[string](a) >= id.New[string](b) {
			t.Fatal("not in the order of time")
		}
	})
}

func TestSecret(t *testing.T) {
	a, b := id.Secret(16), id.Secret(16)
	if len(a) != 32 || a == b || !regexp.MustCompile(`^[0-9a-f]+$`).MatchString(a) {
		t.Fatal(a, b)
	}
}
