package db

import (
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// array is a column of rows for PostgreSQL, in the binary form of an array of
// one dimension. It is made once, where the rows are: pgx asks for each element
// by itself and lets its buffer grow from nothing, which was a third of the
// garbage of a message.
type array[T any] struct {
	*element[T]
	data     []byte
	next, at int32 // the element that Index gives next, and where it is
}

// element is how a type is written.
type element[T any] struct {
	oid, of uint32 // of the element and of its arrays
	put     func([]byte, T) []byte
	get     func([]byte) T
}

var (
	textElement   = &element[string]{pgtype.TextOID, pgtype.TextArrayOID, func(b []byte, s string) []byte { return append(b, s...) }, func(b []byte) string { return string(b) }}
	byteaElement  = &element[[]byte]{pgtype.ByteaOID, pgtype.ByteaArrayOID, func(b, v []byte) []byte { return append(b, v...) }, func(b []byte) []byte { return b }}
	bigintElement = &element[int64]{pgtype.Int8OID, pgtype.Int8ArrayOID,
		func(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }, func(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }}
	booleanElement = &element[bool]{pgtype.BoolOID, pgtype.BoolArrayOID, putBool, func(b []byte) bool { return b[0] != 0 }}
)

func putBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

const (
	arrayHead = 20         // dimensions, whether there is a NULL, type, length, first index
	nullsAt   = 4          // where it says whether there is one
	manyAt    = 12         // and the length
	nullSize  = ^uint32(0) // -1, in the place of an element's length
	lengthOf  = 4          // bytes of a length
)

// columns makes rows an array for each column, whose bytes are appended to
// buf: it is to stay as it is until they have gone out.
func columns(table string, cols []Col, rows [][]any, buf []byte) (args []any, after []byte, err error) {
	args = make([]any, len(cols))
	for i, c := range cols {
		if args[i], buf, err = column(c, rows, i, buf); err != nil {
			return nil, buf, fmt.Errorf("db: %s.%s: %w", table, c.Name, err)
		}
	}
	return args, buf, nil
}

// column makes one column.
func column(c Col, rows [][]any, i int, buf []byte) (any, []byte, error) {
	switch c.Type {
	case "text":
		return arrayOf(rows, i, buf, textElement, asText)
	case "bigint":
		return arrayOf(rows, i, buf, bigintElement, asInt)
	case "boolean":
		return arrayOf(rows, i, buf, booleanElement, asBool)
	case "bytea":
		return arrayOf(rows, i, buf, byteaElement, asBytes)
	}
	return nil, buf, fmt.Errorf("type %q is not one of text, bigint, boolean, bytea", c.Type)
}

func arrayOf[T any](rows [][]any, i int, buf []byte, e *element[T], as func(any) (v T, set, ok bool)) (any, []byte, error) {
	from := len(buf)
	buf = appendInts(buf, 1, 0, e.oid, uint32(len(rows)), 1)
	for r, row := range rows {
		if i >= len(row) {
			return nil, buf, fmt.Errorf("row %d has only %d values", r, len(row))
		}
		v, set, ok := as(row[i])
		switch {
		case !ok:
			return nil, buf, fmt.Errorf("row %d: a %T does not fit", r, row[i])
		case !set:
			binary.BigEndian.PutUint32(buf[from+nullsAt:], 1)
			buf = appendInts(buf, nullSize)
		default:
			at := len(buf) + lengthOf
			buf = e.put(appendInts(buf, 0), v)
			binary.BigEndian.PutUint32(buf[at-lengthOf:], uint32(len(buf)-at))
		}
	}
	return &array[T]{element: e, data: buf[from:len(buf):len(buf)]}, buf, nil
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
func (a *array[T]) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(binary.BigEndian.Uint32(a.data[manyAt:])), LowerBound: 1}}
}

func (a *array[T]) Index(i int) any {
	if a.at == 0 || int32(i) < a.next {
		a.next, a.at = 0, arrayHead
	}
	for {
		size, value := binary.BigEndian.Uint32(a.data[a.at:]), a.data[a.at+lengthOf:]
		if a.at, a.next = a.at+lengthOf, a.next+1; size != nullSize {
			a.at += int32(size)
		}
		switch {
		case int32(i) >= a.next:
		case size == nullSize:
			return nil
		default:
			return a.get(value[:size])
		}
	}
}

func (a *array[T]) IndexType() any { return *new(T) }

func (a *array[T]) encoded() []byte { return a.data }

// arrayCodec lets an array write itself, and leaves everything else to pgx.
type arrayCodec struct {
	pgtype.Codec
	plan *arrayPlan
}

func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(interface{ encoded() []byte }); ok && format == pgtype.BinaryFormatCode {
		return c.plan
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

// arrayPlan holds where a connection puts the parameters of a statement that
// has arrays: pgx begins each time with a few bytes that grow.
type arrayPlan struct{ room []byte }

func (p *arrayPlan) Encode(value any, buf []byte) ([]byte, error) {
	data := value.(interface{ encoded() []byte }).encoded()
	if all := len(buf) + len(data); all > cap(buf) && all <= mostKept {
		if all > cap(p.room) {
			p.room = make([]byte, 0, max(all, min(2*cap(p.room), mostKept)))
		}
		buf = append(p.room[:0], buf...)
	}
	return append(buf, data...), nil
}

// takeArrays makes a connection take arrays.
func takeArrays(conn *pgx.Conn) {
	types, plan := conn.TypeMap(), new(arrayPlan)
	for oid, kind := range map[uint32]any{textElement.of: new(array[string]), byteaElement.of: new(array[[]byte]), bigintElement.of: new(array[int64]), booleanElement.of: new(array[bool])} {
		if t, ok := types.TypeForOID(oid); ok {
			types.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: arrayCodec{t.Codec, plan}})
			types.RegisterDefaultPgType(kind, t.Name)
		}
	}
}
