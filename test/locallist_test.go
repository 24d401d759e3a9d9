package test

import (
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// localList is a 1.6 station's, kept by the book.
type localList struct {
	mu      sync.Mutex
	version float64
	tags    map[string]bool
}

func (l *localList) handle(action string, payload object) (object, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch action {
	case "GetLocalListVersion":
		return object{"listVersion": l.version}, true
	case "SendLocalList":
		version := payload["listVersion"].(float64)
		if payload["updateType"] == "Differential" && version <= l.version {
			return object{"status": "VersionMismatch"}, true
		}
		if payload["updateType"] == "Full" {
			l.tags = map[string]bool{}
		}
		entries, _ := payload["localAuthorizationList"].([]any)
		for _, e := range entries {
			entry := e.(object)
			if entry["idTagInfo"] == nil {
				delete(l.tags, entry["idTag"].(string))
			} else {
				l.tags[entry["idTag"].(string)] = true
			}
		}
		l.version = version
		return object{"status": "Accepted"}, true
	}
	return nil, false
}

func (l *localList) has(tag string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tags[tag]
}

// TestRule_BlockedCardLeavesTheStation: a card that is blocked is off the
// list of an online station within seconds.
func TestRule_BlockedCardLeavesTheStation(t *testing.T) {
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			s := serve(t, dialect, "--access-list-delay=100ms")
			for _, card := range []string{"GOOD", "BAD"} {
				s.must("POST", "/id-tokens", object{"id_token": card})
			}
			w := plug(t, s, "CS-1", s.station("CS-1", nil), "ocpp1.6")
			list := &localList{}
			w.mu.Lock()
			w.handle = list.handle
			w.mu.Unlock()
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
