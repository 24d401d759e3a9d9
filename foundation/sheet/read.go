package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Limits bound what Read takes.
type Limits struct {
	Bytes int64 // of the file
	Rows  int   // below the heading
}

// Table is a file that was read.
type Table struct {
	Format Format
	Rows   []Row
	Notes  []Note // what was taken, but should be looked at

	columns []Column
	present map[string]int // column → position in the cells of a row
}

// Note is a hint about a cell.
type Note struct {
	Location string `json:"location" doc:"Row and column"`
	Message  string `json:"message"`
	Value    string `json:"value,omitempty"`
}

// Row is one row of a table.
type Row struct {
	Number int // as a spreadsheet counts, the heading being 1
	table  *Table
	cells  []string
}

// Has tells whether the file has the column.
func (t *Table) Has(column string) bool { _, ok := t.present[column]; return ok }

// Get gives the cell, empty when the file has no such column.
func (r Row) Get(column string) string {
	if i, ok := r.table.present[column]; ok && i < len(r.cells) {
		return r.cells[i]
	}
	return ""
}

// Has tells whether the file has the column.
func (r Row) Has(column string) bool { return r.table.Has(column) }

// At names a cell in an error.
func (r Row) At(column string) string { return fmt.Sprintf("row %d column %s", r.Number, column) }

// raw is a row as it stands in the file.
type raw struct {
	number int
	cells  []string
	digits []bool // XLSX: the cell holds a number
}

// Read takes a whole file in. Errors are fault.Invalid and name the row and
// column; wrong headings are listed together.
func Read(file io.Reader, columns []Column, limits Limits) (*Table, error) {
	data, err := io.ReadAll(io.LimitReader(file, limits.Bytes+1))
	var large *http.MaxBytesError
	if errors.As(err, &large) || int64(len(data)) > limits.Bytes {
		return nil, fault.New(fault.Invalid, "sheet.too_large", "the file is larger than %d MB; split it", limits.Bytes>>20)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "sheet.unreadable", "the file did not arrive completely")
	}
	t := &Table{Format: CSV, columns: columns, present: map[string]int{}}
	read := readCSV
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		t.Format, read = XLSX, readXLSX
	} else if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")) {
		return nil, fault.New(fault.Invalid, "sheet.format", "this is an Excel file of the old kind (.xls) or one with a password; save it as .xlsx without a password, or as CSV")
	}
	rows, err := read(data, limits.Rows)
	if err != nil {
		return nil, err
	}
	return t, t.fill(rows, limits)
}

func (t *Table) fill(rows []raw, limits Limits) error {
	if len(rows) == 0 || rows[0].number != 1 {
		return fault.New(fault.Invalid, "sheet.empty", "the first row names the columns: %s", strings.Join(Names(t.columns), ", "))
	}
	at, err := arrange(rows[0].cells, t.columns)
	if err != nil {
		return err
	}
	if len(rows) == 1 {
		return fault.New(fault.Invalid, "sheet.empty", "the file has no rows below the heading")
	}
	if len(rows)-1 > limits.Rows {
		return tooMany(limits.Rows)
	}
	for i, c := range at {
		if c >= 0 {
			t.present[t.columns[c].Name] = i
		}
	}
	bad := NewErrors("sheet.cells")
	t.Rows = make([]Row, 0, len(rows)-1)
	for _, r := range rows[1:] {
		row := Row{Number: r.number, table: t, cells: make([]string, len(at))}
		for i, cell := range r.cells {
			if i < len(at) && at[i] >= 0 {
				row.cells[i] = t.take(row, t.columns[at[i]], cell, r.digits != nil && r.digits[i], bad)
			} else if strings.TrimSpace(cell) != "" {
				bad.Add(fmt.Sprintf("row %d column %d", r.number, i+1), "this cell has no heading; a value with the delimiter in it stands in quotes", cell)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return bad.Err()
}

func tooMany(most int) error {
	return fault.New(fault.Invalid, "sheet.too_many_rows", "the file has more than %d rows; split it", most)
}

// take cleans a cell for its column.
func (t *Table) take(r Row, c Column, cell string, number bool, bad *Errors) string {
	if c.Kind == Secret && !number {
		return cell
	}
	cell = strings.TrimSpace(cell)
	switch {
	case !number:
		return Plain(cell)
	case c.Kind == Day:
		return day(cell)
	case c.Kind != Text && c.Kind != Secret:
		return decimal(cell)
	}
	if strings.ContainsAny(cell, "eE.") || len(cell) > 15 || c.Kind == Secret {
		bad.Add(r.At(c.Name), "the spreadsheet made a number of this cell and lost digits; format the column as text and enter the value again", shown(c, cell))
		return ""
	}
	t.note(r.At(c.Name), "the cell is a number: leading zeros may have been lost; format the column as text", cell)
	return cell
}

func shown(c Column, cell string) string {
	if c.Kind == Secret {
		return ""
	}
	return cell
}

// Note adds a hint; the first hundred are kept.
func (t *Table) note(at, message, value string) {
	if len(t.Notes) < maxListed {
		t.Notes = append(t.Notes, Note{at, message, value})
	}
}

// Note adds a hint of the room that reads the table.
func (r Row) Note(column, message string) { r.table.note(r.At(column), message, r.Get(column)) }
