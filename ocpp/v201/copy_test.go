package v201

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/ocpptest"
)

// TestCopyIsLossless sends random messages of every action up to the neutral
// form and down again.
func TestCopyIsLossless(t *testing.T) {
	t.Parallel()
	for _, action := range Messages.Actions() {
		e := Messages.Find(action)
		t.Run(action, rapid.MakeCheck(func(t *rapid.T) {
			lossless(t, e.Request, e.NewRequest())
			lossless(t, e.Response, e.NewResponse())
		}))
	}
}

func lossless(t *rapid.T, shape *ocpp.Shape, m any) {
	in := ocpptest.Draw(t, shape)
	if err := json.Unmarshal(in, m); err != nil {
		t.Fatal(err)
	}
	neutral := toNeutral(m)
	var c ocpp.Check
	back := fromNeutral(neutral, &c)
	if len(c.Problems()) > 0 {
		t.Fatalf("lost on the way down: %v", c.Problems())
	}
	if !reflect.DeepEqual(m, back) {
		t.Fatalf("changed:\nwas %#v\nnow %#v", m, back)
	}
	if again := toNeutral(back); !reflect.DeepEqual(neutral, again) {
		t.Fatalf("the neutral form changed:\nwas %#v\nnow %#v", neutral, again)
	}
	if problems := back.(ocpp.Validator).Validate(); len(problems) > 0 {
		t.Fatalf("what the shape allows is not valid: %v", problems)
	}
}
