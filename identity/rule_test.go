package identity

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

func anySet(t *rapid.T, name string) Set {
	return SetOf(rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, name)...)
}

func TestSetsBehaveLikeSets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anySet(t, "a"), anySet(t, "b")
		for _, p := range all {
			if a.Union(b).Has(p) != (a.Has(p) || b.Has(p)) || a.Without(b).Has(p) != (a.Has(p) && !b.Has(p)) {
				t.Fatalf("%s in %v and %v", p, a, b)
			}
		}
		if !a.Union(b).Covers(a) || a.Covers(b) != (b.Without(a) == Set{}) || SetOf(a.List()...) != a || !slices.IsSorted(a.List()) {
			t.Fatalf("%v and %v", a, b)
		}
		text, err := json.Marshal(a)
		var back Set
		if err != nil || json.Unmarshal(text, &back) != nil || back != a {
			t.Fatalf("%v came back as %v, %v", a, back, err)
		}
	})
	if SetOf("world.rule") != (Set{}) || SetOf(all...).Has("world.rule") {
		t.Error("a permission that does not exist is in a set")
	}
}

// Nobody can hand on what they do not have, nor where they do not have it.
func TestHandingOnNeverGoesUp(t *testing.T) {
	t.Parallel()
	paths := []string{"r/", "r/a/", "r/a/x/", "r/ab/", "r/b/"}
	rapid.Check(t, func(t *rapid.T) {
		own, given := anySet(t, "own"), anySet(t, "given")
		at, to := rapid.SampledFrom(paths).Draw(t, "at"), rapid.SampledFrom(paths).Draw(t, "to")
		err := mayHandOn(own, at, given, to)
		inside := strings.HasPrefix(to, at)
		if (err == nil) != (inside && own.Covers(given)) {
			t.Fatalf("%v at %s giving %v at %s: %v", own, at, given, to, err)
		}
		if err != nil && !fault.Is(err, fault.Forbidden) {
			t.Fatal(err)
		}
	})
}

func TestGrantsReachDown(t *testing.T) {
	t.Parallel()
	grants := []grant{{Path: "r/a/", Permissions: SetOf(StationRead)}, {Path: "r/a/x/", Permissions: SetOf(TariffWrite)}}
	for path, want := range map[string]Set{
		"r/": {}, "r/a/": SetOf(StationRead), "r/a/x/": SetOf(StationRead, TariffWrite), "r/a/y/": SetOf(StationRead), "r/ab/": {}, "": {},
	} {
		if got := permissionsAt(grants, path); got != want {
			t.Errorf("at %q: %v, want %v", path, got, want)
		}
	}
}

func TestBuiltinRolesAreLeast(t *testing.T) {
	t.Parallel()
	if len(builtin) < 12 {
		t.Errorf("%d built-in roles", len(builtin))
	}
	powerful := SetOf(UserWrite, RoleWrite, KeyWrite, OrganisationWrite, SystemRead)
	for _, r := range builtin {
		if r.Name == "" || r.Description == "" || r.Permissions == (Set{}) {
			t.Errorf("role %s is incomplete", r.ID)
		}
		if r.ID != Owner && r.ID != "admin" && r.Permissions.Without(powerful) != r.Permissions {
			t.Errorf("role %s may change who may do what", r.ID)
		}
	}
}

func TestWaitsGrowAndEnd(t *testing.T) {
	t.Parallel()
	for _, l := range []limit{accountLimit, addressLimit} {
		before := time.Duration(0)
		for n := int64(0); n < 100; n++ {
			w := l.wait(n)
			if w < before || w > l.longest || (w == 0) != (n <= l.free) {
				t.Fatalf("%d failures: %v", n, w)
			}
			before = w
		}
		if before != l.longest {
			t.Errorf("the wait ends at %v", before)
		}
	}
}

func TestPasswordHashes(t *testing.T) {
	t.Parallel()
	h := newHasher()
	ctx := context.Background()
	hash, err := h.hash(ctx, "päßwort of length")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%s %v", hash, err)
	}
	again, _ := h.hash(ctx, "päßwort of length")
	if again == hash {
		t.Error("no salt")
	}
	for given, want := range map[string]bool{"päßwort of length": true, "passwort of length": false, "": false} {
		if got, err := h.matches(ctx, given, hash); got != want || err != nil {
			t.Errorf("%q: %v %v", given, got, err)
		}
	}
	for _, broken := range []string{"", "x", "$argon2id$v=19$m=19456,t=2,p=1$$", "$argon2id$v=18$m=19456,t=2,p=1$AAAA$AAAA", "$argon2id$v=19$m=999999999,t=2,p=1$AAAA$AAAA", "$2b$10$abc"} {
		if ok, err := h.matches(ctx, "", broken); ok || err != nil {
			t.Errorf("%q matched", broken)
		}
	}
	if ok, _ := h.matches(ctx, "", nobody); ok {
		t.Error("nobody has a password")
	}
}

func TestHashingKeepsToItsSlots(t *testing.T) {
	t.Parallel()
	h := newHasher()
	for range hashesAtOnce {
		if _, err := h.enter(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.hash(ctx, "x"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a third one got in: %v", err)
	}
}

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	for password, ok := range map[string]bool{
		"correct horse": true, "12 chars ok!": true, "ąęśćżźłóń-12": true, "short": false, "ada@example.org": false,
		"aaaaaaaaaaaaaaaa": false, strings.Repeat("abcdef", 40): false, "bad \xff bytes here": false,
	} {
		if err := checkPassword("body.password", password, "Ada@example.org"); (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		} else if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// A credential that was read before the cache was emptied must not come back
// into it afterwards: it may be the one that was revoked.
func TestCacheForgetsWhatWasReadBefore(t *testing.T) {
	t.Parallel()
	var c cache
	now := time.Unix(1_000_000, 0)
	p := &principal{id: "key:1"}
	_, generation := c.get("k", now)
	c.clear()
	c.put("k", p, now, generation)
	if got, _ := c.get("k", now); got != nil {
		t.Error("a stale credential was cached")
	}
	_, generation = c.get("k", now)
	c.put("k", p, now, generation)
	if got, _ := c.get("k", now.Add(cacheTime-1)); got != p {
		t.Error("a fresh credential was not cached")
	}
	if got, _ := c.get("k", now.Add(cacheTime)); got != nil {
		t.Error("a credential outlived the cache time")
	}
}
