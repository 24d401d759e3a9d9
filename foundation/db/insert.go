package db

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Col is a column of InsertRows with its PostgreSQL type: "text", "bigint",
// "boolean" or "bytea".
type Col struct{ Name, Type string }

// InsertRows writes many rows and gives the number written. conflict is the
// text from ON CONFLICT on, or empty. With DO UPDATE no two of the rows may
// have the same key: PostgreSQL refuses that.
//
// PostgreSQL gets one array per column, since it takes at most 65,535
// parameters; SQLite gets prepared statements of a few lengths (insertChunks).
func InsertRows(tx *Tx, table string, cols []Col, rows [][]any, conflict string) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if tx.Dialect == Postgres {
		return insertArrays(tx, table, cols, rows, conflict)
	}
	return insertLite(tx, table, cols, rows, conflict)
}

// insertChunks are how many rows one statement of SQLite takes: the driver's
// cost per statement is about that of a row's own.
var insertChunks = [...]int{32, 4, 1}

func insertLite(tx *Tx, table string, cols []Col, rows [][]any, conflict string) (total int64, err error) {
	args := make([]any, 0, min(len(rows), insertChunks[0])*len(cols))
	for _, n := range insertChunks {
		if len(rows) < n {
			continue
		}
		query := insertText(table, cols, n, conflict)
		for ; len(rows) >= n; rows = rows[n:] {
			args = args[:0]
			for _, row := range rows[:n] {
				if len(row) != len(cols) {
					return total, fmt.Errorf("db: a row of %s has %d values for %d columns", table, len(row), len(cols))
				}
				args = append(args, row...)
			}
			written, err := tx.Exec(query, args...)
			if err != nil {
				return total, err
			}
			total += written
		}
	}
	return total, nil
}

func insertText(table string, cols []Col, rows int, conflict string) string {
	var b strings.Builder
	b.Grow(64 + 24*len(cols) + 5*rows*len(cols) + len(conflict))
	// After a row that fails the rest of the statement need not be undone: the
	// transaction cannot commit any more (Tx.Err). Without FAIL the engine would
	// keep a copy of each page that the statement writes.
	b.WriteString("INSERT OR FAIL INTO " + table + " (")
	for i, c := range cols {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Name)
	}
	b.WriteString(") VALUES ")
	for n := range rows * len(cols) {
		switch {
		case n == 0:
			b.WriteByte('(')
		case n%len(cols) == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n + 1))
	}
	b.WriteString(") " + conflict)
	return b.String()
}

func insertArrays(tx *Tx, table string, cols []Col, rows [][]any, conflict string) (int64, error) {
	names, casts, args := make([]string, len(cols)), make([]string, len(cols)), make([]any, len(cols))
	for i, c := range cols {
		names[i], casts[i] = c.Name, "$"+strconv.Itoa(i+1)+"::"+c.Type+"[]"
		var err error
		if args[i], err = column(c, rows, i); err != nil {
			return 0, fmt.Errorf("db: %s.%s: %w", table, c.Name, err)
		}
	}
	list := strings.Join(names, ", ")
	return tx.Exec("INSERT INTO "+table+" ("+list+") SELECT * FROM unnest("+strings.Join(casts, ", ")+") AS r("+list+") "+conflict, args...)
}

// column gathers one column as a slice whose element type the driver knows.
func column(c Col, rows [][]any, i int) (any, error) {
	switch c.Type {
	case "text":
		return gather(rows, i, asText)
	case "bigint":
		return gather(rows, i, asInt)
	case "boolean":
		return gather(rows, i, asBool)
	case "bytea":
		out := make([][]byte, len(rows))
		for r, row := range rows {
			v, ok := row[i].([]byte)
			if !ok && row[i] != nil {
				return nil, fmt.Errorf("row %d: %T is not []byte", r, row[i])
			}
			out[r] = v
		}
		return out, nil
	}
	return nil, fmt.Errorf("type %q is not one of text, bigint, boolean, bytea", c.Type)
}

func gather[T any](rows [][]any, i int, as func(any) (*T, bool)) ([]*T, error) {
	out := make([]*T, len(rows))
	for r, row := range rows {
		if i >= len(row) {
			return nil, fmt.Errorf("row %d has only %d values", r, len(row))
		}
		if row[i] == nil {
			continue
		}
		v, ok := as(row[i])
		if !ok {
			return nil, fmt.Errorf("row %d: a %T does not fit", r, row[i])
		}
		out[r] = v
	}
	return out, nil
}

// indirect follows a pointer; a nil pointer is NULL.
func indirect(a any) (reflect.Value, bool) {
	v := reflect.ValueOf(a)
	if v.Kind() == reflect.Pointer {
		return v.Elem(), !v.IsNil()
	}
	return v, true
}

func asText(a any) (*string, bool) {
	switch v := a.(type) {
	case string:
		return &v, true
	case json.RawMessage:
		if v == nil {
			return nil, true
		}
		s := string(v)
		return &s, true
	}
	v, set := indirect(a)
	if !set {
		return nil, true
	}
	if v.Kind() != reflect.String {
		return nil, false
	}
	s := v.String()
	return &s, true
}

func asInt(a any) (*int64, bool) {
	v, set := indirect(a)
	if !set {
		return nil, true
	}
	var n int64
	switch {
	case v.CanInt():
		n = v.Int()
	case v.CanUint():
		n = int64(v.Uint())
	default:
		return nil, false
	}
	return &n, true
}

func asBool(a any) (*bool, bool) {
	v, set := indirect(a)
	if !set {
		return nil, true
	}
	if v.Kind() != reflect.Bool {
		return nil, false
	}
	b := v.Bool()
	return &b, true
}
