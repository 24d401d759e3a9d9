package bench

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// listPage is a page of the list.
type listPage struct {
	Items []listed `json:"items"`
	Next  string   `json:"next_cursor"`
}

// listed is a station in the list as the API writes it, as far as the bench
// looks. What a station does not have is absent.
type listed struct {
	ID           json.RawMessage `json:"id"`
	Org          json.RawMessage `json:"organisation"`
	Site         json.RawMessage `json:"site"`
	SiteName     json.RawMessage `json:"site_name"`
	Name         json.RawMessage `json:"name"`
	Active       json.RawMessage `json:"active"`
	Profile      json.RawMessage `json:"security_profile"`
	Vendor       json.RawMessage `json:"vendor"`
	Model        json.RawMessage `json:"model"`
	SerialNumber json.RawMessage `json:"serial_number"`
	Firmware     json.RawMessage `json:"firmware_version"`
	ICCID        json.RawMessage `json:"iccid"`
	Protocol     json.RawMessage `json:"protocol"`
	Online       json.RawMessage `json:"online"`
	Status       json.RawMessage `json:"status"`
	StatusSince  json.RawMessage `json:"status_since"`
	InUse        json.RawMessage `json:"in_use"`
	Suspect      json.RawMessage `json:"suspect"`
	LastSeenAt   json.RawMessage `json:"last_seen_at"`
	ConnectedAt  json.RawMessage `json:"connected_at"`
	CreatedAt    json.RawMessage `json:"created_at"`
}

// listedFields finds a field by the name it has in the API.
var listedFields = func() map[string]int {
	all := map[string]int{}
	for t, i := reflect.TypeFor[listed](), 0; i < t.NumField(); i++ {
		all[t.Field(i).Tag.Get("json")] = i
	}
	return all
}()

// field is what stands there, nothing when it is absent. There is one of
// every name that is asked for.
func (l listed) field(name string) json.RawMessage {
	return reflect.ValueOf(l).Field(listedFields[name]).Bytes()
}

// text is a field that is text, empty when it is absent.
func (l listed) text(name string) string { return wordOf(l.field(name)) }

// is tells whether a field is written so.
func (l listed) is(name, written string) bool { return string(l.field(name)) == written }

// has looks for a part in some fields, without case.
func (l listed) has(part string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return strings.Contains(strings.ToLower(l.text(name)), strings.ToLower(part))
	})
}

// listOrder is how the list sorts by a field; word: as text.
type listOrder struct {
	compare func(a, b json.RawMessage) int
	word    bool
}

var (
	byWord = listOrder{func(a, b json.RawMessage) int { return strings.Compare(wordOf(a), wordOf(b)) }, true}
	byID   = listOrder{func(a, b json.RawMessage) int {
		return strings.Compare(strings.ToLower(wordOf(a)), strings.ToLower(wordOf(b)))
	}, true}
	byNumber  = listOrder{func(a, b json.RawMessage) int { return cmp.Compare(numberOf(a), numberOf(b)) }, false}
	byYesNo   = listOrder{func(a, b json.RawMessage) int { return bytes.Compare(a, b) }, false} // false before true, as the letters do
	byInstant = listOrder{func(a, b json.RawMessage) int { return instantOf(a).Compare(instantOf(b)) }, false}

	// How each of listSorts goes.
	listOrders = map[string]listOrder{
		"id": byID, "organisation": byWord, "site": byWord, "site_name": byWord, "name": byWord, "vendor": byWord, "model": byWord, "serial_number": byWord,
		"firmware_version": byWord, "protocol": byWord, "status": byWord, "security_profile": byNumber, "online": byYesNo, "in_use": byYesNo, "suspect": byYesNo,
		"status_since": byInstant, "last_seen_at": byInstant, "connected_at": byInstant, "created_at": byInstant,
	}
)

func wordOf(raw json.RawMessage) (s string) {
	if len(raw) > 1 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 { // nearly all
		return string(raw[1 : len(raw)-1])
	}
	_ = json.Unmarshal(raw, &s) // absent: no word
	return s
}

func numberOf(raw json.RawMessage) (n float64) {
	_ = json.Unmarshal(raw, &n)
	return n
}

// instantOf is later than all others when there is none: so the list sorts.
func instantOf(raw json.RawMessage) time.Time {
	at, err := time.Parse(time.RFC3339Nano, wordOf(raw))
	if err != nil {
		return time.Unix(1<<40, 0)
	}
	return at
}
