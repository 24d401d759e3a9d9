package db

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Table is rows that a statement reads as if they were a table.
type Table struct {
	Name string
	Cols []Col // of type text, bigint or boolean
	Rows [][]any
}

// aValue is how many bytes a value takes, its length included: most are ids
// and numbers.
const aValue = 32

// Given begins a statement with tables that it can read: what is added to it
// follows "WITH name (columns) AS (…)". Its text is the same for any number of
// rows. PostgreSQL gets an array per column; SQLite, which has none to bind,
// JSON.
func Given(tx *Tx, tables ...Table) (*Query, error) {
	q := new(Query)
	for i, t := range tables {
		begin := ", "
		if i == 0 {
			begin = "WITH "
		}
		rows, args, err := t.in(tx.Dialect)
		if err != nil {
			return nil, err
		}
		q.Add(begin+t.Name+" ("+t.names()+") AS (SELECT "+rows+")", args...)
	}
	return q, nil
}

func (t Table) names() string {
	names := make([]string, len(t.Cols))
	for i, c := range t.Cols {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// in gives the rows as what follows SELECT.
func (t Table) in(d Dialect) (string, []any, error) {
	parts := make([]string, len(t.Cols))
	if d == SQLite {
		for i := range t.Cols {
			parts[i] = "value ->> " + strconv.Itoa(i)
		}
		text, err := t.json()
		return strings.Join(parts, ", ") + " FROM json_each(?)", []any{text}, err
	}
	for i, c := range t.Cols {
		parts[i] = "?::" + c.Type + "[]"
	}
	args, _, err := columns(t.Name, t.Cols, t.Rows, make([]byte, 0, len(t.Cols)*(arrayHead+len(t.Rows)*aValue)))
	return "* FROM unnest(" + strings.Join(parts, ", ") + ")", args, err
}

// json is a list with a list for each row.
func (t Table) json() (string, error) {
	if len(t.Rows) == 0 {
		return "[]", nil
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Cols) {
			return "", fmt.Errorf("db: row %d of %s has %d values for %d columns", i, t.Name, len(row), len(t.Cols))
		}
	}
	text, err := json.Marshal(t.Rows)
	return string(text), err
}
