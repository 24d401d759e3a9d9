package access

import (
	"encoding/json"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// ListStatus is how far a station's local list is.
type ListStatus string

const (
	ListUnknown     ListStatus = "unknown"     // the station was not asked yet
	ListSynced      ListStatus = "synced"      // it has what it is to have
	ListPending     ListStatus = "pending"     // something is to be sent
	ListFailed      ListStatus = "failed"      // it refused; tried again later
	ListUnsupported ListStatus = "unsupported" // it keeps no list
	ListOff         ListStatus = "off"         // its list is switched off
)

// ListStatuses lists all of them.
var ListStatuses = []string{string(ListUnknown), string(ListSynced), string(ListPending), string(ListFailed), string(ListUnsupported), string(ListOff)}

// List is what is known of a station's local list.
type List struct {
	Station, Org, Site string
	Status             ListStatus
	Version            int64 // of what the station has; 0: nothing
	Entries            int64
	LeftOut            int64  // tokens that do not fit
	Result             string // of the last attempt
	Known              bool   // what the station has is remembered
	Dirty              bool   // tokens have changed since
	Failures           int64
	TriedAt, SyncedAt  *time.Time
	NextAt             time.Time
}

// Limits are what a station states of its list. Zero values mean not stated.
type Limits struct {
	Entries  int // tokens on the list
	Items    int // tokens in a message
	Bytes    int // of a message
	MaxToken int // characters of a token
}

// What is assumed of a station that states no limit.
const (
	assumedEntries = 500
	assumedItems   = 20
	idTag16        = 20 // OCPP 1.6 IdToken: CiString20
	envelope       = 200
)

func (l Limits) withDefaults() Limits {
	if l.Entries <= 0 {
		l.Entries = assumedEntries
	}
	if l.Items <= 0 {
		l.Items = assumedItems
	}
	return l
}

// entryOf is a token as stations get it.
func entryOf(t IdToken) ocpp.AuthorizationData {
	info := &ocpp.IdTokenInfo{Status: ocpp.AuthorizationStatusEnumAccepted}
	if t.Expiry != nil {
		at := ocpp.AtTime(*t.Expiry)
		info.CacheExpiryDateTime = &at
	}
	if t.Group != "" {
		info.GroupIdToken = &ocpp.IdToken{IdToken: t.Group, Type: t.Type}
	}
	return ocpp.AuthorizationData{IdToken: ocpp.IdToken{IdToken: t.Value, Type: t.Type}, IdTokenInfo: info}
}

// held is an entry that a station has.
type held struct {
	token, typ string
	digest     int64
}

func digestOf(e ocpp.AuthorizationData) int64 {
	h := fnv.New64a()
	text := e.IdToken.Type
	if i := e.IdTokenInfo; i != nil {
		text += "\x00" + string(i.Status)
		if i.CacheExpiryDateTime != nil {
			text += "\x00" + strconv.FormatInt(i.CacheExpiryDateTime.UnixMicro(), 10)
		}
		if i.GroupIdToken != nil {
			text += "\x00" + i.GroupIdToken.IdToken
		}
	}
	h.Write([]byte(text))
	return int64(h.Sum64()) //nolint:gosec // a digest, not a number
}

// fit takes the tokens, in order of importance, that the station's list can
// hold; no token twice (D01.FR.06), none that it cannot write.
func fit(tokens []IdToken, l Limits) (want []ocpp.AuthorizationData, leftOut int) {
	l = l.withDefaults()
	seen := map[string]bool{}
	for _, t := range tokens {
		key := Match(t.Value)
		switch {
		case seen[key]:
			continue
		case len(want) >= l.Entries, l.MaxToken > 0 && len(t.Value) > l.MaxToken:
			leftOut++
			continue
		}
		seen[key] = true
		if l.MaxToken > 0 && len(t.Group) > l.MaxToken {
			t.Group = ""
		}
		want = append(want, entryOf(t))
	}
	return want, leftOut
}

// difference gives what is to be sent so that a station that has have has
// want: what goes, without an info (D01.FR.17), then what is new or changed
// (D01.FR.16).
func difference(have []held, want []ocpp.AuthorizationData) []ocpp.AuthorizationData {
	had := make(map[string]int64, len(have))
	for _, h := range have {
		had[h.token] = h.digest
	}
	stays := make(map[string]bool, len(want))
	var changed []ocpp.AuthorizationData
	for _, w := range want {
		stays[w.IdToken.IdToken] = true
		if d, ok := had[w.IdToken.IdToken]; !ok || d != digestOf(w) {
			changed = append(changed, w)
		}
	}
	var out []ocpp.AuthorizationData
	for _, h := range have {
		if !stays[h.token] {
			out = append(out, ocpp.AuthorizationData{IdToken: ocpp.IdToken{IdToken: h.token, Type: h.typ}})
		}
	}
	return append(out, changed...)
}

// messages cuts a list into requests of the station's size, numbered from
// version on: a full update goes on with differential ones (D01.FR.03,
// D01.FR.15), each with a higher number (D01.FR.19).
func messages(update ocpp.UpdateEnum, list []ocpp.AuthorizationData, l Limits, version int64) []*ocpp.SendLocalListRequest {
	l = l.withDefaults()
	var out []*ocpp.SendLocalListRequest
	next := func() *ocpp.SendLocalListRequest {
		r := &ocpp.SendLocalListRequest{UpdateType: update, VersionNumber: int(version)}
		update, version = ocpp.UpdateEnumDifferential, version+1
		out = append(out, r)
		return r
	}
	size, r := 0, (*ocpp.SendLocalListRequest)(nil)
	for _, e := range list {
		text, err := json.Marshal(e)
		if err != nil {
			continue // strings always marshal
		}
		more := len(text) + 1
		if r == nil || len(r.LocalAuthorizationList) >= l.Items || l.Bytes > 0 && size+more > l.Bytes && size > envelope {
			r, size = next(), envelope
		}
		r.LocalAuthorizationList = append(r.LocalAuthorizationList, e)
		size += more
	}
	if len(out) == 0 && update == ocpp.UpdateEnumFull {
		next() // empties the list (D01.FR.04)
	}
	return out
}
