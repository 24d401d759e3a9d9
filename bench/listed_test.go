package bench

import (
	"encoding/json"
	"net/url"
	"testing"
)

func aListed(t *testing.T, text string) (s listed) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryOrderIsChecked(t *testing.T) {
	for _, name := range listSorts {
		if _, there := listedFields[name]; !there || listOrders[name].compare == nil {
			t.Errorf("the order by %s is not checked", name)
		}
	}
	if len(listOrders) != len(listSorts) {
		t.Errorf("%d orders, %d are asked for", len(listOrders), len(listSorts))
	}
}

func TestListCheck(t *testing.T) {
	any := filter{query: url.Values{}, fits: func(listed) bool { return true }}
	for _, one := range []struct {
		sort, first, second string
		sound               bool
	}{
		{"id", `{"id":"a-1"}`, `{"id":"B-1"}`, true},
		{"-id", `{"id":"a-1"}`, `{"id":"B-1"}`, false},
		{"name", `{}`, `{"name":"Bay 1"}`, true}, // without a name: empty
		{"name", `{"name":"Bay 2"}`, `{"name":"Bay 10"}`, false},
		{"name", `{"name":"b"}`, `{"name":"B"}`, false},
		{"name", `{"name":"a\"b"}`, `{"name":"a#"}`, true},
		{"security_profile", `{"security_profile":9}`, `{"security_profile":10}`, true},
		{"online", `{"online":true}`, `{"online":false}`, false},
		{"-online", `{"online":true}`, `{"online":false}`, true},
		{"created_at", `{"created_at":"2026-01-01T00:00:00Z"}`, `{"created_at":"2026-01-01T00:00:00.5Z"}`, true},
		{"last_seen_at", `{"last_seen_at":"2026-01-01T00:00:00Z"}`, `{}`, true}, // never seen: last
		{"-last_seen_at", `{"last_seen_at":"2026-01-01T00:00:00Z"}`, `{}`, false},
	} {
		first, second := aListed(t, one.first), aListed(t, one.second)
		if _, err := any.check([]listed{first, second}, one.sort, nil, true); (err == nil) != one.sound {
			t.Errorf("%+v: %v", one, err)
		}
		last, err := any.check([]listed{first}, one.sort, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := any.check([]listed{second}, one.sort, last, true); (err == nil) != one.sound {
			t.Errorf("%+v, over two pages: %v", one, err)
		}
	}
	if _, err := any.check([]listed{aListed(t, `{"name":"b"}`), aListed(t, `{"name":"a"}`)}, "name", nil, false); err != nil {
		t.Error(err)
	}
	none := filter{query: url.Values{}, fits: func(l listed) bool { return l.is("online", "true") }}
	if _, err := none.check([]listed{aListed(t, `{"online":false}`)}, "id", nil, true); err == nil {
		t.Error("a station that does not fit is let pass")
	}
	if _, err := none.check(nil, "id", nil, true); err == nil {
		t.Error("an empty page is let pass")
	}
}
