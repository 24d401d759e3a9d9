package db

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// Col is a column of InsertRows with its PostgreSQL type: "text", "bigint",
// "boolean" or "bytea".
type Col struct{ Name, Type string }

// InsertRows writes many rows; an error may come later, as from Tx.Send.
// conflict is the text from ON CONFLICT on, or empty. With DO UPDATE no two of
// the rows may have the same key: PostgreSQL refuses that.
//
// PostgreSQL gets one array per column, since it takes at most 65,535
// parameters; SQLite gets prepared statements of a few lengths (insertChunks).
func InsertRows(tx *Tx, table string, cols []Col, rows [][]any, conflict string) error {
	if tx.Dialect == SQLite {
		return insertLite(tx, table, cols, rows, conflict, func(query string, args []any) error {
			_, err := tx.Exec(query, args...)
			return err
		})
	}
	args, err := insertArrays(tx, table, cols, rows)
	if err != nil || len(rows) == 0 {
		return err
	}
	return tx.Send(texts.of(table, cols, 0, conflict), args...)
}

// InsertCounted is InsertRows that gives the number of rows written.
func InsertCounted(tx *Tx, table string, cols []Col, rows [][]any, conflict string) (total int64, err error) {
	if tx.Dialect == SQLite {
		err = insertLite(tx, table, cols, rows, conflict, func(query string, args []any) error {
			n, err := tx.Exec(query, args...)
			total += n
			return err
		})
		return total, err
	}
	args, err := insertArrays(tx, table, cols, rows)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return tx.Exec(texts.of(table, cols, 0, conflict), args...)
}

// InsertGiving is InsertRows that gives what conflict, which ends with
// RETURNING, says of the rows written; scan reads one of them.
func InsertGiving[T any](tx *Tx, scan func(Scanner) (T, error), table string, cols []Col, rows [][]any, conflict string) (all []T, err error) {
	if tx.Dialect == SQLite {
		err = insertLite(tx, table, cols, rows, conflict, func(query string, args []any) error {
			some, err := Collect(tx, scan, query, args...)
			all = append(all, some...)
			return err
		})
		return all, err
	}
	args, err := insertArrays(tx, table, cols, rows)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return Collect(tx, scan, texts.of(table, cols, 0, conflict), args...)
}

// insertChunks are how many rows one statement of SQLite takes: the driver's
// cost per statement is about that of a row's own.
var insertChunks = [...]int{32, 4, 1}

// insertLite has run given statements of those lengths until all rows are in.
func insertLite(tx *Tx, table string, cols []Col, rows [][]any, conflict string, run func(query string, args []any) error) error {
	args := make([]any, 0, min(len(rows), insertChunks[0])*len(cols))
	for _, n := range insertChunks {
		if len(rows) < n {
			continue
		}
		query := texts.of(table, cols, n, conflict)
		for ; len(rows) >= n; rows = rows[n:] {
			args = args[:0]
			for _, row := range rows[:n] {
				if len(row) != len(cols) {
					return fmt.Errorf("db: a row of %s has %d values for %d columns", table, len(row), len(cols))
				}
				args = append(args, row...)
			}
			if err := run(query, args); err != nil {
				return err
			}
		}
	}
	return nil
}

// texts are the statements made so far: a long one costs as much to make as to
// run with a few rows.
var texts insertTexts

type insertTexts struct {
	sync.RWMutex
	made map[insertKey]string
}

// insertKey names a statement. The columns are told by where they are, which
// the key keeps in place.
type insertKey struct {
	table, conflict string
	cols            *Col
	width, rows     int // rows is 0 for arrays
}

// mostTexts bounds what is kept when somebody makes columns for each call.
const mostTexts = 500

func (t *insertTexts) of(table string, cols []Col, rows int, conflict string) string {
	key := insertKey{table, conflict, &cols[0], len(cols), rows}
	t.RLock()
	text, ok := t.made[key]
	t.RUnlock()
	if ok {
		return text
	}
	if rows > 0 {
		text = insertText(table, cols, rows, conflict)
	} else {
		text = arraysText(table, cols, conflict)
	}
	t.Lock()
	defer t.Unlock()
	if t.made == nil {
		t.made = map[insertKey]string{}
	}
	if len(t.made) < mostTexts {
		t.made[key] = text
	}
	return text
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

// insertArrays gives rows as arrays for a statement that follows at once.
func insertArrays(tx *Tx, table string, cols []Col, rows [][]any) ([]any, error) {
	if err := tx.usable(); err != nil || len(rows) == 0 {
		return nil, err
	}
	return tx.run.(pgRunner).columns(table, cols, rows)
}

func arraysText(table string, cols []Col, conflict string) string {
	names, casts := make([]string, len(cols)), make([]string, len(cols))
	for i, c := range cols {
		names[i], casts[i] = c.Name, "$"+strconv.Itoa(i+1)+"::"+c.Type+"[]"
	}
	list := strings.Join(names, ", ")
	return "INSERT INTO " + table + " (" + list + ") SELECT * FROM unnest(" + strings.Join(casts, ", ") + ") AS r(" + list + ") " + conflict
}

// indirect follows a pointer; a nil pointer, as nil, is NULL.
func indirect(a any) (v reflect.Value, set bool) {
	if a == nil {
		return v, false
	}
	v = reflect.ValueOf(a)
	if v.Kind() == reflect.Pointer {
		return v.Elem(), !v.IsNil()
	}
	return v, true
}

func asText(a any) (s string, set, ok bool) {
	switch v := a.(type) {
	case string:
		return v, true, true
	case json.RawMessage:
		return string(v), v != nil, true
	}
	v, set := indirect(a)
	if !set {
		return "", false, true
	}
	return v.String(), true, v.Kind() == reflect.String
}

func asBytes(a any) (b []byte, set, ok bool) {
	b, ok = a.([]byte)
	return b, b != nil, ok || a == nil
}

func asInt(a any) (n int64, set, ok bool) {
	switch v := a.(type) {
	case int64:
		return v, true, true
	case int:
		return int64(v), true, true
	}
	v, set := indirect(a)
	switch {
	case !set:
		return 0, false, true
	case v.CanInt():
		return v.Int(), true, true
	case v.CanUint():
		return int64(v.Uint()), true, true
	}
	return 0, true, false
}

func asBool(a any) (b, set, ok bool) {
	if b, ok := a.(bool); ok {
		return b, true, true
	}
	v, set := indirect(a)
	if !set {
		return false, false, true
	}
	if v.Kind() != reflect.Bool {
		return false, true, false
	}
	return v.Bool(), true, true
}
