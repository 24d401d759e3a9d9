package test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// localList is a 1.6 station's, kept by the book.
type localList struct {
	mu      sync.Mutex
	version int
	tags    map[string]bool
}

func (l *localList) on(w *wire) {
	w.onFunc("GetLocalListVersion", func(json.RawMessage) string {
		l.mu.Lock()
		defer l.mu.Unlock()
		return fmt.Sprintf(`{"listVersion":%d}`, l.version)
	})
	w.onFunc("SendLocalList", func(payload json.RawMessage) string { return `{"status":"` + l.take(payload) + `"}` })
}

func (l *localList) take(payload json.RawMessage) string {
	var sent struct {
		ListVersion            int
		UpdateType             string
		LocalAuthorizationList []struct {
			IDTag     string
			IDTagInfo *object
		}
	}
	if json.Unmarshal(payload, &sent) != nil {
		return "Failed"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if sent.UpdateType == "Differential" && sent.ListVersion <= l.version {
		return "VersionMismatch"
	}
	if sent.UpdateType == "Full" {
		l.tags = map[string]bool{}
	}
	for _, entry := range sent.LocalAuthorizationList {
		if entry.IDTagInfo == nil {
			delete(l.tags, entry.IDTag)
		} else {
			l.tags[entry.IDTag] = true
		}
	}
	l.version = sent.ListVersion
	return "Accepted"
}

func (l *localList) has(tag string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tags[tag]
}

// TestRule_BlockedCardLeavesTheStation: a card that is blocked is off the
// list of an online station within seconds.
func TestRule_BlockedCardLeavesTheStation(t *testing.T) {
	t.Parallel()
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			s := serve(t, dialect, "--access-list-delay=100ms")
			for _, card := range []string{"GOOD", "BAD"} {
				s.must("POST", "/id-tokens", object{"id_token": card})
			}
			w := plug(t, s, "CS-1", s.station("CS-1", nil), "ocpp1.6")
			list := &localList{}
			list.on(w)
			w.say("BootNotification", versions[0].boot)
			eventually(t, "the cards are on the list", func() bool { return list.has("GOOD") && list.has("BAD") })
			eventually(t, "the platform knows", func() bool {
				return s.must("GET", "/charging-stations/CS-1/local-list", nil)["status"] == "synced"
			})
			s.must("PATCH", "/id-tokens/BAD", object{"status": "blocked"})
			blocked := time.Now()
			eventually(t, "the blocked card is gone", func() bool { return !list.has("BAD") && list.has("GOOD") })
			t.Logf("gone after %v", time.Since(blocked))
			if got := s.must("POST", "/charging-stations/CS-1/local-list/sync", object{"full": true}); got["status"] != "pending" {
				t.Errorf("%v", got)
			}
		})
	}
}
