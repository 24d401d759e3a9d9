package db

import (
	"encoding/binary"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// array is a column of rows for PostgreSQL. It writes itself in the binary form
// of an array of one dimension: pgx asks for each element by itself and lets
// its buffer grow from nothing, which was a third of the garbage of a message.
type array[T any] struct {
	*element[T]
	values []T
	null   []bool // nil: none is
	ahead  int    // bytes of those that are written after it into the same buffer
}

// element is how a type is written.
type element[T any] struct {
	oid, of uint32 // of the element and of its arrays
	size    func(T) int
	put     func([]byte, T) []byte
}

var (
	textElement   = &element[string]{pgtype.TextOID, pgtype.TextArrayOID, func(s string) int { return len(s) }, func(b []byte, s string) []byte { return append(b, s...) }}
	byteaElement  = &element[[]byte]{pgtype.ByteaOID, pgtype.ByteaArrayOID, func(v []byte) int { return len(v) }, func(b, v []byte) []byte { return append(b, v...) }}
	bigintElement = &element[int64]{pgtype.Int8OID, pgtype.Int8ArrayOID, func(int64) int { return 8 },
		func(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }}
	booleanElement = &element[bool]{pgtype.BoolOID, pgtype.BoolArrayOID, func(bool) int { return 1 }, putBool}
)

func putBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

const (
	arrayHead = 20         // dimensions, whether there is a NULL, type, length, first index
	nullSize  = ^uint32(0) // -1, in the place of an element's length
	lengthOf  = 4          // bytes of a length
)

func (a array[T]) bytes() int {
	total := arrayHead
	for _, v := range a.values {
		total += lengthOf + a.size(v)
	}
	return total
}

func (a array[T]) before(bytes int) any {
	a.ahead = bytes
	return a
}

func (a array[T]) encode(buf []byte) []byte {
	nulls := uint32(0)
	if a.null != nil {
		nulls = 1
	}
	buf = appendInts(slices.Grow(buf, a.bytes()+a.ahead), 1, nulls, a.oid, uint32(len(a.values)), 1)
	for i, v := range a.values {
		if nulls == 1 && a.null[i] {
			buf = appendInts(buf, nullSize)
			continue
		}
		buf = a.put(appendInts(buf, uint32(a.size(v))), v)
	}
	return buf
}

func appendInts(buf []byte, ns ...uint32) []byte {
	for _, n := range ns {
		buf = binary.BigEndian.AppendUint32(buf, n)
	}
	return buf
}

// Dimensions, Index and IndexType are how pgx asks for it where a connection
// (default_query_exec_mode=exec or simple_protocol, as for a pooler between)
// sends text.
func (a array[T]) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(a.values)), LowerBound: 1}}
}

func (a array[T]) Index(i int) any {
	if a.null != nil && a.null[i] {
		return nil
	}
	return a.values[i]
}

func (a array[T]) IndexType() any { return *new(T) }

type encoder interface {
	bytes() int           // at most what encode appends
	before(bytes int) any // itself, when so much follows it
	encode(buf []byte) []byte
}

// arrayCodec lets an array write itself, and leaves everything else to pgx.
type arrayCodec struct{ pgtype.Codec }

func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(encoder); ok && format == pgtype.BinaryFormatCode {
		return arrayPlan{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

type arrayPlan struct{}

func (arrayPlan) Encode(value any, buf []byte) ([]byte, error) {
	return value.(encoder).encode(buf), nil
}

// takeArrays makes a connection take arrays.
func takeArrays(conn *pgx.Conn) {
	types := conn.TypeMap()
	for oid, kind := range map[uint32]any{textElement.of: array[string]{}, byteaElement.of: array[[]byte]{}, bigintElement.of: array[int64]{}, booleanElement.of: array[bool]{}} {
		if t, ok := types.TypeForOID(oid); ok {
			types.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: arrayCodec{t.Codec}})
			types.RegisterDefaultPgType(kind, t.Name)
		}
	}
}
