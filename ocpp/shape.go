package ocpp

// Kind is the JSON type of a field.
type Kind uint8

// The kinds of the OCPP schemas.
const (
	KindString Kind = iota
	KindInt
	KindNumber
	KindBool
	KindTime
	KindEnum
	KindObject
	KindCustom // customData: an object, not looked into
	KindAny
)

// Shape is what a schema says about an object, as a generated table.
type Shape struct{ Fields []ShapeField }

// ShapeField is what a schema says about one property.
type ShapeField struct {
	Name               string
	Kind               Kind
	Required, List     bool
	HasMin, HasMax     bool
	URI                bool // of a string: an absolute URI
	MaxLength          int  // of a string; 0 is unlimited
	MinItems, MaxItems int
	Min, Max           int64
	Enum               []string
	Object             *Shape
}
