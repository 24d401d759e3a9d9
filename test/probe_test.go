package test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// route is an operation of the published document.
type route struct {
	method, path, permission string
	public                   bool
}

func (s *server) routes() []route {
	s.t.Helper()
	var out []route
	paths := s.must("GET", "/openapi.json", nil)["paths"].(object)
	for path, methods := range paths {
		for method, op := range methods.(object) {
			permission, _ := op.(object)["x-permission"].(string)
			out = append(out, route{strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1"), permission, permission == ""})
		}
	}
	if len(out) < 40 {
		s.t.Fatalf("only %d routes in the document", len(out))
	}
	return out
}

// key makes an API key of a role in an organisation.
func (s *server) newKey(role, organisation string) string {
	s.t.Helper()
	return s.must("POST", "/api-keys", object{"name": role, "role": role, "organisation": organisation})["key"].(string)
}

// as runs fn with another key.
func (s *server) as(key string, fn func()) {
	old := s.key
	s.key = key
	defer func() { s.key = old }()
	fn()
}

var placeholder = regexp.MustCompile(`\{[^}]+\}`)

// property is one thing of each kind that belongs to the first organisation.
type property struct {
	ids    map[string]string // by the collection in the path
	secret []string          // texts that a foreigner must never see
}

// settle makes an organisation with one of everything in it.
func (s *server) settle(name string) (organisation string, p property) {
	s.t.Helper()
	organisation = s.must("POST", "/organisations", object{"name": name})["id"].(string)
	s.as(s.newKey("owner", organisation), func() {
		site := s.site()
		station := strings.ToUpper(name) + "-1"
		password := s.station(station, object{"site": site})
		card := strings.ToUpper(name) + "CARD"
		s.must("POST", "/id-tokens", object{"id_token": card, "type": "ISO14443", "status": "active"})
		peer, _ := connect(s.t, s, station, password, "ocpp1.6")
		for action, payload := range answers16 {
			peer.answer(action, payload)
		}
		peer.say("BootNotification", versions[0].boot)
		start := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
		id := peer.say("StartTransaction", object{"connectorId": 1, "idTag": card, "meterStart": 0, "timestamp": stamp(start)})["transactionId"]
		peer.say("StopTransaction", object{"transactionId": id, "meterStop": 5000, "timestamp": stamp(start.Add(time.Hour)), "reason": "Local"})
		peer.say("StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": stamp(time.Now())})
		command := s.order(station, "ClearCache", object{})["id"].(string)
		eventually(s.t, "the CDR is issued", func() bool { return len(s.items("/cdrs")) > 0 })
		session := s.items("/sessions")[0]["id"].(string)
		cdr := s.items("/cdrs")[0]["id"].(string)
		p = property{
			ids:    map[string]string{"sites": site, "charging-stations": station, "id-tokens": card, "sessions": session, "cdrs": cdr, "commands": command, "organisations": organisation, "tariffs": s.items("/tariffs")[0]["id"].(string)},
			secret: []string{site, station, card, session, cdr, command, organisation},
		}
	})
	return organisation, p
}

// path fills a route's parameters with the property's ids.
func (p property) path(r route) string {
	collection := strings.Split(strings.TrimPrefix(r.path, "/"), "/")[0]
	id, ok := p.ids[collection]
	if !ok {
		id = "00000000-0000-7000-8000-000000000000"
	}
	return placeholder.ReplaceAllString(r.path, id)
}

// TestNoDoorLeaks calls every route as every role and as a foreign
// organisation: a missing permission is 403, a foreign thing is not found
// and appears in no list.
func TestNoDoorLeaks(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		mine, property := s.settle("mine")
		foreign, _ := s.settle("other")
		routes := s.routes()
		s.probeForeigner(routes, property, s.newKey("owner", foreign))
		for _, role := range s.items("/roles?limit=100") {
			if role["builtin"] == true {
				s.probeRole(routes, property, role, s.newKey(role["id"].(string), mine))
			}
		}
		s.probeStranger(routes, property)
	})
}

func (s *server) probeForeigner(routes []route, p property, key string) {
	s.as(key, func() {
		for _, r := range routes {
			if r.public || strings.HasSuffix(r.path, "/events") || strings.HasPrefix(r.path, "/me") || strings.HasPrefix(r.path, "/sign") {
				continue
			}
			status, text := s.raw(r.method, p.path(r), "{}")
			for _, secret := range p.secret {
				if strings.Contains(text, secret) && !strings.Contains(p.path(r), secret) {
					s.t.Errorf("%s %s shows a foreigner %q (%d)", r.method, r.path, secret, status)
				}
			}
			if strings.Contains(r.path, "{") && status < 400 && r.path != "/roles/{id}" {
				s.t.Errorf("%s %s lets a foreigner in (%d): %.200s", r.method, r.path, status, text)
			}
		}
	})
}

// whole are the routes of the installation: for the organisation at the top.
var whole = []string{"/system/storage", "/system/profiles/{name}", "/system/consumers"}

func (s *server) probeRole(routes []route, p property, role object, key string) {
	var has []string
	for _, permission := range role["permissions"].([]any) {
		has = append(has, permission.(string))
	}
	s.as(key, func() {
		for _, r := range routes {
			if r.public || r.permission == "signed-in" || r.method == "DELETE" || strings.HasSuffix(r.path, "/events") {
				continue
			}
			if r.method != "GET" && slices.Contains(has, r.permission) {
				continue // it may; what it then does is other tests' business
			}
			status, text := s.raw(r.method, p.path(r), "{}")
			allowed := slices.Contains(has, r.permission)
			if slices.Contains(whole, r.path) && allowed {
				if status != http.StatusForbidden || !strings.Contains(text, "system.whole") {
					s.t.Errorf("%s shows %v of one organisation what concerns the whole installation: %d %.200s", r.path, role["id"], status, text)
				}
				continue
			}
			if !allowed && status != http.StatusForbidden {
				s.t.Errorf("%s %s as %v without %s: %d %.200s", r.method, r.path, role["id"], r.permission, status, text)
			}
			if allowed && (status == http.StatusForbidden || status >= 500 && status != http.StatusServiceUnavailable && status != http.StatusNotImplemented) {
				s.t.Errorf("%s %s as %v with %s: %d %.200s", r.method, r.path, role["id"], r.permission, status, text)
			}
		}
	})
}

func (s *server) probeStranger(routes []route, p property) {
	s.as("", func() {
		for _, r := range routes {
			if status, _ := s.raw(r.method, p.path(r), "{}"); !r.public && status != http.StatusUnauthorized {
				s.t.Errorf("%s %s without a key: %d", r.method, r.path, status)
			}
		}
	})
}
