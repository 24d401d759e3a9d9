package sheet

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Cell is a value to write; a Number shows as one in XLSX.
type Cell struct {
	Text   string
	Number bool
}

// Writer writes one table. CSV goes out row by row; XLSX is kept in a
// temporary file and goes out with Close.
type Writer interface {
	Row(cells []Cell) error
	Flush() error
	Close() error // ends the file; without it an XLSX file writes nothing
	Discard()     // frees what is kept; after Close it does nothing
}

// NewWriter begins a table with its heading.
func NewWriter(to io.Writer, f Format, heads []string) (Writer, error) {
	cells := make([]Cell, len(heads))
	for i, h := range heads {
		cells[i].Text = h
	}
	var w Writer
	if f == XLSX {
		x, err := newBook(to)
		if err != nil {
			return nil, err
		}
		w = x
	} else {
		c := csv.NewWriter(to)
		c.UseCRLF = true // RFC 4180
		w = &csvWriter{c}
	}
	return w, w.Row(cells)
}

type csvWriter struct{ *csv.Writer }

func (w *csvWriter) Row(cells []Cell) error {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = c.Text
		if !c.Number {
			out[i] = Harmless(c.Text)
		}
	}
	return w.Write(out)
}

func (w *csvWriter) Flush() error { w.Writer.Flush(); return w.Error() }
func (w *csvWriter) Close() error { return w.Flush() }
func (w *csvWriter) Discard()     {}

const (
	sheetName  = "Data"
	maxXLSX    = 1 << 20 // rows of a sheet
	maxXLSXLen = 32767   // characters of a cell
	textFormat = 49      // "@": what is typed stays text
)

type xlsxWriter struct {
	to         io.Writer
	file       *excelize.File
	stream     *excelize.StreamWriter
	text, head int // styles
	row        int
}

func newBook(to io.Writer) (*xlsxWriter, error) {
	w := &xlsxWriter{to: to, file: excelize.NewFile()}
	err := w.file.SetSheetName("Sheet1", sheetName)
	if err == nil {
		w.text, err = w.file.NewStyle(&excelize.Style{NumFmt: textFormat})
	}
	if err == nil {
		w.head, err = w.file.NewStyle(&excelize.Style{NumFmt: textFormat, Font: &excelize.Font{Bold: true}})
	}
	if err == nil {
		w.stream, err = w.file.NewStreamWriter(sheetName)
	}
	if err == nil {
		err = w.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	}
	if err != nil {
		w.Discard()
		return nil, err
	}
	return w, nil
}

func (w *xlsxWriter) Row(cells []Cell) error {
	if w.row++; w.row > maxXLSX {
		return fault.New(fault.Invalid, "sheet.too_many_rows", "an XLSX file takes %d rows at most; export as CSV, or filter the list", maxXLSX-1)
	}
	out := make([]any, len(cells))
	for i, c := range cells {
		out[i] = w.cell(c)
	}
	return w.stream.SetRow("A"+strconv.Itoa(w.row), out)
}

func (w *xlsxWriter) cell(c Cell) excelize.Cell {
	if c.Number && len(c.Text) <= 15 {
		if f, err := strconv.ParseFloat(c.Text, 64); err == nil {
			return excelize.Cell{Value: f}
		}
	}
	text := Harmless(c.Text)
	if runes := []rune(text); len(runes) > maxXLSXLen {
		text = string(runes[:maxXLSXLen])
	}
	style := w.text
	if w.row == 1 {
		style = w.head
	}
	return excelize.Cell{Value: text, StyleID: style}
}

func (w *xlsxWriter) Flush() error { return nil }

func (w *xlsxWriter) Close() error {
	defer w.Discard()
	if err := w.stream.Flush(); err != nil {
		return err
	}
	_, err := w.file.WriteTo(w.to)
	return err
}

func (w *xlsxWriter) Discard() { _ = w.file.Close() } // temporary files only

// Template writes an empty file for people to fill in: the heading, and in
// XLSX a second sheet that says what goes into each column.
func Template(to io.Writer, f Format, columns []Column) error {
	if f != XLSX {
		w, err := NewWriter(to, CSV, Names(columns))
		if err != nil {
			return err
		}
		return w.Close()
	}
	w, err := newBook(to)
	if err != nil {
		return err
	}
	defer w.Discard()
	if err := w.stream.SetColWidth(1, len(columns), 20); err != nil {
		return err
	}
	if err := w.Row(heads(columns)); err != nil {
		return err
	}
	// A block of empty cells formatted as text: what is typed there keeps its zeros.
	for range 1000 {
		if err := w.Row(make([]Cell, len(columns))); err != nil {
			return err
		}
	}
	if err := w.instructions(columns); err != nil {
		return err
	}
	return w.Close()
}

func heads(columns []Column) []Cell {
	out := make([]Cell, len(columns))
	for i, c := range columns {
		out[i].Text = c.Name
	}
	return out
}

func (w *xlsxWriter) instructions(columns []Column) error {
	const name = "Instructions"
	if _, err := w.file.NewSheet(name); err != nil {
		return err
	}
	s, err := w.file.NewStreamWriter(name)
	if err != nil {
		return err
	}
	for i, width := range []float64{22, 10, 90, 40} {
		if err := s.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	bold := func(v string) excelize.Cell { return excelize.Cell{Value: v, StyleID: w.head} }
	if err := s.SetRow("A1", []any{bold("Column"), bold("Required"), bold("What goes in"), bold("Example")}); err != nil {
		return err
	}
	for i, c := range columns {
		required := ""
		if c.Required {
			required = "yes"
		}
		if err := s.SetRow("A"+strconv.Itoa(i+2), []any{c.Name, required, c.Doc, c.Example}); err != nil {
			return err
		}
	}
	return s.Flush()
}
