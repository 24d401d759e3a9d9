package tariff

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func always(Candidate) (bool, error) { return true, nil }

// drawCandidates makes prices of all kinds at nested places.
func drawCandidates(t *rapid.T) []Candidate {
	n := rapid.IntRange(0, 12).Draw(t, "candidates")
	out := make([]Candidate, n)
	for i := range out {
		a := rapid.SampledFrom(Audiences).Draw(t, "audience")
		ref := ""
		switch a {
		case AudienceOverride:
			ref = rapid.SampledFrom([]string{"T1", "T2"}).Draw(t, "token")
		case AudienceDefault, AudienceAdHoc:
		case AudienceRoaming:
			ref = rapid.SampledFrom([]string{"", "FR*ABC", "DE*XYZ"}).Draw(t, "provider")
		default:
			ref = rapid.SampledFrom([]string{"", "acme", "Blue"}).Draw(t, "ref")
		}
		level := Level(rapid.IntRange(1, 4).Draw(t, "level"))
		out[i] = Candidate{ID: string(rune('a' + i)), Audience: a, Ref: ref, Level: level, Group: rapid.SampledFrom([]string{"g1", "g2", "g3"}).Draw(t, "group"),
			Position: rapid.IntRange(0, 2).Draw(t, "position"), Closed: rapid.Bool().Draw(t, "closed") && a != AudienceOverride,
			From: time.Unix(int64(rapid.IntRange(0, 3).Draw(t, "from")), 0)}
		if level == LevelOrganisation {
			out[i].Depth = rapid.IntRange(0, 2).Draw(t, "depth")
		}
	}
	return out
}

func drawDriver(t *rapid.T) Driver {
	d := Driver{Token: rapid.SampledFrom([]string{"", "T1", "T3"}).Draw(t, "token"), Known: rapid.Bool().Draw(t, "known")}
	if !d.Known {
		d.Provider = rapid.SampledFrom([]string{"", "FR*ABC"}).Draw(t, "provider")
	}
	for _, a := range memberAudiences {
		if rapid.Bool().Draw(t, string(a)) {
			d.Memberships = append(d.Memberships, Membership{a, rapid.SampledFrom([]string{"ACME", "blue"}).Draw(t, "ref")})
		}
	}
	return d
}

func chosen(t *rapid.T, all []Candidate, d Driver) (Candidate, []Step, bool) {
	steps, err := Choose(all, d, always)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := Taken(steps)
	return s.Candidate, steps, ok
}

func TestChoiceRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, d := drawCandidates(t), drawDriver(t)
		got, steps, ok := chosen(t, all, d)
		if len(steps) != len(all) {
			t.Fatalf("%d of %d candidates are explained", len(steps), len(all))
		}
		taken := 0
		for _, s := range steps {
			if s.Verdict == undecided {
				t.Fatalf("%+v has no reason", s)
			}
			if s.Verdict == VerdictTaken {
				taken++
			}
		}
		if taken > 1 {
			t.Fatalf("%d were taken", taken)
		}
		possible := slices.ContainsFunc(all, func(c Candidate) bool { return d.belongs(c.Audience, c.Ref) })
		if possible != ok {
			t.Fatalf("taken %v, but there is one for the driver: %v", ok, possible)
		}
		if ok && !d.belongs(got.Audience, got.Ref) {
			t.Fatalf("%+v is not for %+v", got, d)
		}
		shuffled := rapid.Permutation(all).Draw(t, "order")
		if again, _, _ := chosen(t, shuffled, d); again.ID != got.ID {
			t.Fatalf("another order gives %s instead of %s", again.ID, got.ID)
		}
		// What was passed does not matter: without it the same is taken.
		if len(all) > 0 && ok {
			i := rapid.IntRange(0, len(all)-1).Draw(t, "without")
			if all[i].ID != got.ID && !all[i].Closed {
				if again, _, _ := chosen(t, slices.Delete(slices.Clone(all), i, i+1), d); again.ID != got.ID {
					t.Fatalf("without %s, %s is taken instead of %s", all[i].ID, again.ID, got.ID)
				}
			}
		}
	})
}

// Without closed groups no possible price of a higher audience, or of the
// same audience nearer to the EVSE, is passed.
func TestChoicePrecedence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, d := drawCandidates(t), drawDriver(t)
		for i := range all {
			all[i].Closed = false
		}
		got, _, ok := chosen(t, all, d)
		for _, c := range all {
			if !ok || !d.belongs(c.Audience, c.Ref) {
				continue
			}
			if c.Audience.rank() < got.Audience.rank() || c.Audience == got.Audience && c.within(got) {
				t.Fatalf("%+v comes before %+v", c, got)
			}
		}
	})
}

// Whoever gets a price, gets one of those that are published for them.
func TestPublishedPricesAreThoseCharged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, d := drawCandidates(t), drawDriver(t)
		for i := range all {
			all[i].Closed = false
		}
		standing, err := Standing(all, always)
		if err != nil {
			t.Fatal(err)
		}
		got, _, ok := chosen(t, all, d)
		if ok && !slices.ContainsFunc(standing, func(c Candidate) bool { return c.ID == got.ID }) {
			t.Fatalf("%+v is charged but not published", got)
		}
	})
}

func TestChooseExplains(t *testing.T) {
	at := func(id string, a Audience, ref string, l Level) Candidate {
		return Candidate{ID: id, Audience: a, Ref: ref, Level: l}
	}
	d := Driver{Token: "T1", Known: true, Memberships: []Membership{{AudienceFleet, "Vans"}, {AudienceDriverGroup, "staff"}}}
	closed := at("c", AudienceDefault, "", LevelEVSE)
	closed.Closed = true
	for name, x := range map[string]struct {
		all  []Candidate
		want map[string]Verdict
	}{
		"audience before place": {[]Candidate{at("a", AudienceDefault, "", LevelEVSE), at("b", AudienceFleet, "vans", LevelOrganisation), at("x", AudienceFleet, "trucks", LevelEVSE)},
			map[string]Verdict{"a": VerdictOutranked, "b": VerdictTaken, "x": VerdictNotForThem}},
		"place within the audience": {[]Candidate{at("a", AudienceDriverGroup, "staff", LevelSite), at("b", AudienceDriverGroup, "", LevelStation)},
			map[string]Verdict{"a": VerdictFarther, "b": VerdictTaken}},
		"closed":                                 {[]Candidate{closed, at("b", AudienceFleet, "vans", LevelSite)}, map[string]Verdict{"c": VerdictTaken, "b": VerdictClosed}},
		"an override goes before a closed group": {[]Candidate{closed, at("o", AudienceOverride, "T1", LevelOrganisation)}, map[string]Verdict{"c": VerdictOutranked, "o": VerdictTaken}},
		"not roaming, not ad hoc":                {[]Candidate{at("r", AudienceRoaming, "", LevelEVSE), at("h", AudienceAdHoc, "", LevelEVSE)}, map[string]Verdict{"r": VerdictNotForThem, "h": VerdictNotForThem}},
	} {
		steps, err := Choose(x.all, d, always)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			if s.Verdict != x.want[s.ID] {
				t.Errorf("%s: %s is %q, want %q", name, s.ID, s.Verdict, x.want[s.ID])
			}
		}
	}
}

func TestProvider(t *testing.T) {
	for token, want := range map[string]string{
		"FR-ABC-C12345678-1": "FR*ABC", "frabcc12345678x": "FR*ABC", "DE*8AA*CA2B3C4D5": "DE*8AA", "DE-8EO-CAet5e4XY-3": "DE*8EO",
		"04A1B2C3D4E5F6": "", "": "", "FRABCX12345678X": "", "DE*ABC*123456*7": "DE*ABC", "12ABC123456789": "",
	} {
		if got := Provider(token); got != want {
			t.Errorf("%q: %q, want %q", token, got, want)
		}
	}
}
