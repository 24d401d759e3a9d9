package identity_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// The predicate, the single-row check and Place agree with the tree.
func TestScopeIsTheTreeBelow(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		random := rand.New(rand.NewPCG(1, 2))
		parent := map[identity.OrgID]identity.OrgID{h.north: h.first.Organisation, h.south: h.first.Organisation, h.first.Organisation: ""}
		ids := []identity.OrgID{h.first.Organisation, h.north, h.south}
		for i := range 25 {
			under := ids[random.IntN(len(ids))]
			org := h.organisation(t, fmt.Sprint("org ", i), under)
			parent[org] = under
			ids = append(ids, org)
		}
		below := func(org, top identity.OrgID) bool {
			for ; org != ""; org = parent[org] {
				if org == top {
					return true
				}
			}
			return false
		}
		for _, top := range ids {
			scope := identity.ScopeOf(top)
			err := d.View(context.Background(), func(tx *db.Tx) error {
				text, args := db.Build(`SELECT o.id FROM organisation o WHERE TRUE`).And(scope.Where("o.org")).SQL()
				seen, err := db.Collect(tx, func(row db.Scanner) (string, error) {
					var s string
					err := row.Scan(&s)
					return s, err
				}, text, args...)
				if err != nil {
					return err
				}
				ctx := identity.As(context.Background(), identity.Caller{Org: top, Scope: scope})
				for _, org := range ids {
					want := below(org, top)
					has, err := scope.Has(tx, org)
					if err != nil {
						return err
					}
					placed, err := identity.Place(ctx, tx, org)
					if has != want || slices.Contains(seen, string(org)) != want || (err == nil) != want || err == nil && placed != org {
						t.Errorf("%s below %s: want %v, Has %v, Where %v, Place %v", org, top, want, has, slices.Contains(seen, string(org)), err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCallersInContext(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		ctx := context.Background()
		if _, err := identity.Require(ctx, identity.StationRead); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("nobody: %v", err)
		}
		reader := identity.As(ctx, identity.Caller{Org: h.north, Permissions: identity.SetOf(identity.StationRead)})
		if _, err := identity.Require(reader, identity.StationWrite); !fault.Is(err, fault.Forbidden) {
			t.Errorf("reader writing: %v", err)
		}
		if c, err := identity.Require(reader, identity.StationRead); err != nil || c.Org != h.north {
			t.Errorf("reader reading: %v %v", c, err)
		}
		err := d.View(ctx, func(tx *db.Tx) error {
			if org, err := identity.Place(h.system(), tx, ""); err != nil || org != h.first.Organisation {
				t.Errorf("the system places at %s, %v", org, err)
			}
			if org, err := identity.Place(identity.System(ctx, h.north), tx, ""); err != nil || org != h.north {
				t.Errorf("the system of north places at %s, %v", org, err)
			}
			if _, err := identity.Place(identity.System(ctx, h.north), tx, h.south); !fault.Is(err, fault.Invalid) {
				t.Errorf("the system of north places in south: %v", err)
			}
			if _, err := identity.Place(h.system(), tx, "none"); !fault.Is(err, fault.Invalid) {
				t.Errorf("placed nowhere: %v", err)
			}
			text, args := db.Build(`SELECT COUNT(*) FROM organisation WHERE TRUE`).And(identity.Scope{}.Where("org")).SQL()
			var n int
			if err := tx.QueryRow(text, args...).Scan(&n); err != nil || n != 0 {
				t.Errorf("the zero scope sees %d organisations, %v", n, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A key can be made with nothing but the database, by the command line.
func TestKeysFromTheCommandLine(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		beside := identity.New(identity.Deps{DB: d})
		ctx := identity.System(context.Background(), "")
		if _, _, err := beside.CreateKey(ctx, identity.APIKey{Name: "early", Role: identity.Owner}); !fault.Is(err, fault.Conflict) {
			t.Errorf("before the first start: %v", err)
		}
		h := open(t, d)
		k, key, err := beside.CreateKey(ctx, identity.APIKey{Name: "cli", Role: "Owner"})
		if err != nil || k.Org != h.first.Organisation || k.Role != identity.Owner {
			t.Fatalf("%+v %v", k, err)
		}
		if me := h.anyone.Bearer(key).Must(200, "GET", "/me", ""); me.Field("key.name") != "cli" || me.Field("user") != "" {
			t.Errorf("me: %s", me.Body)
		}
		if _, _, err := beside.CreateKey(ctx, identity.APIKey{Name: "x", Role: "king"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("unknown role: %v", err)
		}
	})
}
