package sheet_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
)

var columns = []sheet.Column{
	{Name: "id", Kind: sheet.Text, Required: true, Aliases: []string{"Kennung", "identifiant"}},
	{Name: "serial_number", Kind: sheet.Text, Aliases: []string{"N° de série"}},
	{Name: "latitude"}, {Name: "expiry", Kind: sheet.Day}, {Name: "password", Kind: sheet.Secret},
}

var limits = sheet.Limits{Bytes: 1 << 20, Rows: 100}

func read(t *testing.T, file string) *sheet.Table {
	t.Helper()
	table, err := sheet.Read(strings.NewReader(file), columns, limits)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestReadWhatProgramsSave(t *testing.T) {
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("Kennung\tN° de série\r\nÄ-1\t007\r\n")) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for name, file := range map[string]string{
		"comma":        "id,serial number\nÄ-1,007\n",
		"semicolon":    "ID;Serial-Number\r\nÄ-1;007\r\n",
		"bom":          "\ufeffid;N° DE SERIE\nÄ-1;007",
		"tab":          "identifiant\tserial_number\nÄ-1\t007\n",
		"sep line":     "sep=;\nid;serial_number\nÄ-1;007\n",
		"latin 1":      "id;N\xb0 de s\xe9rie\n\xc4-1;007\n",
		"utf 16":       string(wide),
		"empty lines":  "\n\nid,serial_number\nÄ-1,007\n,\n\n",
		"quoted heads": "\"id\",\"serial_number\"\n\"Ä-1\",\"007\"\n",
		"more columns": "serial_number,id,latitude\n007,Ä-1,\n",
	} {
		table := read(t, file)
		if len(table.Rows) != 1 || table.Rows[0].Get("id") != "Ä-1" || table.Rows[0].Get("serial_number") != "007" || table.Rows[0].Number != 2 {
			t.Errorf("%s: %+v", name, table.Rows)
		}
	}
}

func TestRowsAreNumberedAsSpreadsheetsDo(t *testing.T) {
	table := read(t, "id,serial_number\nA,\"two\nlines\"\n\nB,1\n")
	if table.Rows[0].Number != 2 || table.Rows[1].Number != 4 || table.Rows[1].At("id") != "row 4 column id" {
		t.Errorf("%+v", table.Rows)
	}
}

func TestRefusals(t *testing.T) {
	for file, want := range map[string]string{
		"":                                  "names the columns",
		"id\n":                              "no rows",
		"id,colour\n1,red\n":                `row 1 column 2: "colour" is not a column; allowed are id, serial_number`,
		"serial_number\n1\n":                "the column id is missing",
		"id,ID\n1,2\n":                      "twice",
		"id\n1,2\n":                         "row 2 column 2",
		"id\n\"1\n":                         "not CSV",
		"id\n\x00\x01\n":                    "neither CSV nor XLSX",
		"PK\x03\x04 and so on":              "not a whole XLSX",
		"\xd0\xcf\x11\xe0 old":              ".xls",
		strings.Repeat("x", 2<<20):          "larger than 1 MB",
		"id\n" + strings.Repeat("x\n", 101): "more than 100 rows",
	} {
		_, err := sheet.Read(strings.NewReader(file), columns, limits)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", file, err, want)
		}
	}
}

func workbook(t *testing.T, rows ...[]any) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var buf bytes.Buffer
	if err := f.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestNumbersOfSpreadsheets(t *testing.T) {
	table := read(t, workbook(t, []any{"id", "serial_number", "latitude", "expiry", "password"}, []any{"A", 7, 48.85837, 46418, " kept as is "}, []any{}, []any{"B", "007", "48,85837", 46418.5}))
	a, b := table.Rows[0], table.Rows[1]
	if a.Get("serial_number") != "7" || a.Get("latitude") != "48.85837" || a.Get("expiry") != "2027-01-31" || a.Get("password") != " kept as is " {
		t.Errorf("%+v", a)
	}
	if b.Number != 4 || b.Get("serial_number") != "007" || b.Get("latitude") != "48,85837" || b.Get("expiry") != "2027-01-31T12:00:00Z" {
		t.Errorf("%+v", b)
	}
	if len(table.Notes) != 1 || table.Notes[0].Location != "row 2 column serial_number" || !strings.Contains(table.Notes[0].Message, "zeros") {
		t.Errorf("%+v", table.Notes)
	}
	for _, cell := range []any{1.5e20, 12.5} {
		_, err := sheet.Read(strings.NewReader(workbook(t, []any{"id", "serial_number"}, []any{"A", cell})), columns, limits)
		if err == nil || !strings.Contains(err.Error(), "row 2 column serial_number") {
			t.Errorf("%v: %v", cell, err)
		}
	}
	if _, err := sheet.Read(strings.NewReader(workbook(t, []any{"id", "password"}, []any{"A", 1234567890123456})), columns, limits); err == nil {
		t.Error("a password that became a number is taken")
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	text := rapid.OneOf(rapid.StringMatching(`[=+@'\-A-Za-z0-9 ,;"ä]{0,12}`), rapid.String().Filter(func(s string) bool { return !strings.ContainsAny(s, "\r\x00\ufffe\uffff") && printable(s) }))
	rapid.Check(t, func(t *rapid.T) {
		want := [][]string{}
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			row := []string{"x", strings.TrimSpace(text.Draw(t, "cell"))}
			want = append(want, row)
		}
		for _, format := range []sheet.Format{sheet.CSV, sheet.XLSX} {
			var buf bytes.Buffer
			w, err := sheet.NewWriter(&buf, format, []string{"id", "serial_number"})
			for _, row := range want {
				if err == nil {
					err = w.Row([]sheet.Cell{{Text: row[0]}, {Text: row[1]}})
				}
			}
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			table, err := sheet.Read(&buf, columns, limits)
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range want {
				if got := table.Rows[i].Get("serial_number"); got != row[1] {
					t.Fatalf("%s: %q came back as %q", format, row[1], got)
				}
			}
		}
	})
}

// printable leaves out what XML cannot hold.
func printable(s string) bool {
	for _, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' || r == 0xfffd || r >= 0xd800 && r < 0xe000 {
			return false
		}
	}
	return !strings.Contains(s, "_x")
}

func TestFormulasAreHarmless(t *testing.T) {
	for _, s := range []string{"=1+1", "+cmd", "-x", "@SUM(A1)", "\tx", "'=1", "''-x"} {
		if h := sheet.Harmless(s); h[0] != '\'' || sheet.Plain(h) != s {
			t.Errorf("%q: %q, %q", s, h, sheet.Plain(h))
		}
	}
	for _, s := range []string{"", "x", "-1.5", "+49", "'quoted", "'"} {
		if sheet.Harmless(s) != s || sheet.Plain(s) != s {
			t.Errorf("%q is changed", s)
		}
	}
}

func TestDecimalsAndAnswers(t *testing.T) {
	for in, want := range map[string]string{"48.5": "48.5", "48,5": "48.5", "-0,5": "-0.5", "1.234,5": "", "1,234,5": "", "abc": "", "": "", "0x1p4": ""} {
		if got, err := sheet.Decimal(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]bool{"Ja": true, "oui": true, "TRUE": true, "1": true, "nein": false, "0": false} {
		if got, err := sheet.Bool(in); got != want || err != nil {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	if _, err := sheet.Bool("perhaps"); err == nil {
		t.Error("perhaps is taken for an answer")
	}
}

func TestTemplates(t *testing.T) {
	var buf bytes.Buffer
	if err := sheet.Template(&buf, sheet.XLSX, columns); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("Instructions")
	if err != nil || len(rows) != len(columns)+1 || !slices.Equal(f.GetSheetList(), []string{"Data", "Instructions"}) {
		t.Errorf("%v %v", rows, err)
	}
	if err := f.SetCellValue("Data", "A2", "X-1"); err != nil {
		t.Fatal(err)
	}
	buf.Reset()
	if err := f.Write(&buf); err != nil {
		t.Fatal(err)
	}
	table, err := sheet.Read(&buf, columns, limits)
	if err != nil || len(table.Rows) != 1 || table.Rows[0].Get("id") != "X-1" {
		t.Errorf("a filled in template: %+v, %v", table, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("id;serial_number\n1;2\n"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = sheet.Read(bytes.NewReader(data), columns, limits) // must not panic
	})
}
