package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for k := fault.Internal; k <= fault.Unsupported; k++ {
		if s := k.String(); s == "" || seen[s] {
			t.Errorf("%d is %q", k, s)
		} else {
			seen[s] = true
		}
		err := fmt.Errorf("outside: %w", fault.New(k, "x.y", "said %d", 1))
		if fault.KindOf(err) != k || !fault.Is(err, k) || fault.Of(err).Code != "x.y" || fault.Of(err).Message != "said 1" {
			t.Error(k, err)
		}
	}
	if s := fault.Kind(99).String(); s != "kind(99)" {
		t.Error(s)
	}
}

func TestPlainErrors(t *testing.T) {
	for _, err := range []error{nil, io.EOF} {
		if fault.KindOf(err) != fault.Internal || fault.Of(err) != nil || fault.Is(err, fault.Internal) {
			t.Error(err)
		}
	}
}

func TestWrap(t *testing.T) {
	err := fault.Wrap(fault.Unavailable, io.EOF, "db.away", "the database is away").With("body.a", "must be b", 3)
	if !errors.Is(err, io.EOF) || err.Error() != "db.away: the database is away [body.a: must be b]: EOF" {
		t.Error(err)
	}
	if f := fault.Of(err).Fields; len(f) != 1 || f[0].Value != 3 {
		t.Error(f)
	}
	// The outermost kind is the one that counts.
	if k := fault.KindOf(fault.Wrap(fault.NotFound, err, "x.y", "hidden")); k != fault.NotFound {
		t.Error(k)
	}
}
