package db

import (
	"fmt"
	"strconv"
	"strings"
)

// UpdateChanged writes the columns in which row differs from before to the
// table's row whose first column, the key, has the same value; both have one
// value per column. It is made for SQLite, which enters a row anew into every index
// over a column that the statement names, changed or not. PostgreSQL compares,
// and gets many rows with one statement from InsertRows.
func UpdateChanged(tx *Tx, table string, cols []Col, before, row []any) error {
	if len(row) != len(cols) || len(before) != len(cols) {
		return fmt.Errorf("db: a row of %s has %d and %d values for %d columns", table, len(before), len(row), len(cols))
	}
	if before[0] != row[0] {
		return fmt.Errorf("db: the key of a row of %s changed from %v to %v", table, before[0], row[0])
	}
	var b strings.Builder
	b.Grow(512)
	b.WriteString("UPDATE ")
	if tx.Dialect == SQLite {
		b.WriteString("OR FAIL ") // see insertText
	}
	b.WriteString(table + " SET ")
	args := make([]any, 0, 16)
	for i, v := range row {
		if v == before[i] {
			continue
		}
		if len(args) > 0 {
			b.WriteString(", ")
		}
		args = append(args, v)
		b.WriteString(cols[i].Name + " = $" + strconv.Itoa(len(args)))
	}
	if len(args) == 0 {
		return nil
	}
	args = append(args, row[0])
	b.WriteString(" WHERE " + cols[0].Name + " = $" + strconv.Itoa(len(args)))
	_, err := tx.Exec(b.String(), args...)
	return err
}
