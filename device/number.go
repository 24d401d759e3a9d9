package device

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Number is a decimal that the API shows as a number.
type Number unit.Decimal

// MarshalJSON writes the decimal as it is.
func (n Number) MarshalJSON() ([]byte, error) { return unit.Decimal(n).MarshalJSON() }

// UnmarshalJSON reads a number, or a text of one.
func (n *Number) UnmarshalJSON(b []byte) error { return (*unit.Decimal)(n).UnmarshalJSON(b) }

// Schema says that it is a number.
func (Number) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeNumber} }

func (n Number) String() string { return unit.Decimal(n).String() }
