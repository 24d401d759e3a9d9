package event

import (
	"errors"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func TestProgressCountsOwnKindsOnly(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		l := New(d, nil, "n1", nil)
		l.Consume(
			Consumer{Name: "all", Handle: func(*db.Tx, Fact) error { return nil }},
			Consumer{Name: "fails", Kinds: []string{"a.b"}, Handle: func(*db.Tx, Fact) error { return errors.New("no") }},
			Consumer{Name: "other", Kinds: []string{"c.d"}, Handle: func(*db.Tx, Fact) error { return nil }},
		)
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			return errors.Join(Record(tx, Fact{Kind: "a.b", Org: "o"}, 1), Record(tx, Fact{Kind: "a.b", Org: "p"}, 2))
		})
		if err != nil {
			t.Fatal(err)
		}
		check := func(behind, parked [3]int64) {
			t.Helper()
			all, err := l.Progress(t.Context())
			if err != nil || len(all) != 3 {
				t.Fatal(all, err)
			}
			for i, p := range all {
				if p.Behind != behind[i] || p.Parked != parked[i] {
					t.Errorf("%+v, want %d behind, %d parked", p, behind[i], parked[i])
				}
			}
		}
		check([3]int64{2, 2, 0}, [3]int64{})
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		check([3]int64{}, [3]int64{0, 2, 0})
	})
}
