package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// XLSX is read part by part and not with excelize, which either hides whether
// a cell holds a number or keeps the whole sheet in memory as a tree.

const (
	maxUnpacked = 1 << 30 // bytes of a part: a small file may unfold into a huge one
	maxColumns  = 1000
)

type book struct {
	zip    *zip.Reader
	shared []string
}

// readXLSX reads the first sheet.
func readXLSX(data []byte, most int) ([]raw, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, notXLSX(err)
	}
	b := &book{zip: z}
	sheet, err := b.firstSheet()
	if err != nil {
		return nil, notXLSX(err)
	}
	if err := b.readShared(); err != nil {
		return nil, notXLSX(err)
	}
	rows, err := b.readSheet(sheet, most)
	if fault.Of(err) != nil {
		return nil, err
	}
	if err != nil {
		return nil, notXLSX(err)
	}
	return rows, nil
}

func notXLSX(err error) error {
	return fault.Wrap(fault.Invalid, err, "sheet.xlsx", "the file is not a whole XLSX workbook; save it again, or as CSV")
}

// tokens calls do for each token of a part; a missing part has none.
func (b *book) tokens(name string, do func(xml.Token) error) error {
	f, err := b.zip.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	d := xml.NewDecoder(&io.LimitedReader{R: f, N: maxUnpacked})
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(t); err != nil {
			return err
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// firstSheet finds the part of the first sheet that is not hidden.
func (b *book) firstSheet() (string, error) {
	var first, target string
	err := b.tokens("xl/workbook.xml", func(t xml.Token) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "sheet" && first == "" && attr(e, "state") == "" {
			for _, a := range e.Attr { // r:id, not sheetId
				if a.Name.Local == "id" && a.Name.Space != "" {
					first = a.Value
				}
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	err = b.tokens("xl/_rels/workbook.xml.rels", func(t xml.Token) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "Relationship" && attr(e, "Id") == first {
			target = attr(e, "Target")
		}
		return nil
	})
	if err == nil && target == "" {
		err = errors.New("there is no sheet")
	}
	if strings.HasPrefix(target, "/") {
		return strings.TrimPrefix(target, "/"), err
	}
	return path.Join("xl", target), err
}

func (b *book) readShared() error {
	var text strings.Builder
	in, phonetic := false, 0
	return b.tokens("xl/sharedStrings.xml", func(t xml.Token) error {
		switch e := t.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "si":
				text.Reset()
			case "rPh": // how the text is pronounced
				phonetic++
			case "t":
				in = phonetic == 0
			}
		case xml.CharData:
			if in {
				text.Write(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "si":
				b.shared = append(b.shared, text.String())
			case "rPh":
				phonetic--
			case "t":
				in = false
			}
		}
		return nil
	})
}

// scan is where the reading of a sheet stands.
type scan struct {
	b    *book
	most int
	rows []raw
	row  raw
	text strings.Builder
	kind string // t of the cell
	col  int
	in   bool
}

func (b *book) readSheet(name string, most int) ([]raw, error) {
	s := &scan{b: b, most: most}
	err := b.tokens(name, s.token)
	return s.rows, err
}

func (s *scan) token(t xml.Token) error {
	switch e := t.(type) {
	case xml.StartElement:
		switch e.Name.Local {
		case "row":
			number := s.row.number + 1
			if n, err := strconv.Atoi(attr(e, "r")); err == nil {
				number = n
			}
			s.row, s.col = raw{number: number}, -1
		case "c":
			s.col = columnOf(attr(e, "r"), s.col+1)
			s.kind = attr(e, "t")
			s.text.Reset()
		case "v", "t":
			s.in = true
		case "rPh":
			s.in = false
		}
	case xml.CharData:
		if s.in {
			s.text.Write(e)
		}
	case xml.EndElement:
		switch e.Name.Local {
		case "v", "t":
			s.in = false
		case "c":
			return s.cell()
		case "row":
			return s.end()
		}
	}
	return nil
}

// cell takes in a cell whose end was read.
func (s *scan) cell() error {
	text := s.text.String()
	if text == "" {
		return nil
	}
	if s.col >= maxColumns {
		return fault.New(fault.Invalid, "sheet.columns", "row %d has more than %d columns", s.row.number, maxColumns)
	}
	number := false
	switch s.kind {
	case "s":
		i, err := strconv.Atoi(text)
		if err != nil || i < 0 || i >= len(s.b.shared) {
			return errors.New("a cell names a text that is not there")
		}
		text = s.b.shared[i]
	case "", "n":
		number = true
	case "b":
		text = map[string]string{"1": "true", "0": "false"}[text]
	case "e":
		return fault.New(fault.Invalid, "sheet.formula", "row %d column %d holds the error %s of a formula", s.row.number, s.col+1, text)
	}
	for len(s.row.cells) <= s.col {
		s.row.cells, s.row.digits = append(s.row.cells, ""), append(s.row.digits, false)
	}
	s.row.cells[s.col], s.row.digits[s.col] = text, number
	return nil
}

func (s *scan) end() error {
	if blank(s.row.cells) {
		return nil
	}
	if s.rows = append(s.rows, s.row); len(s.rows) > s.most+1 {
		return tooMany(s.most)
	}
	return nil
}

// columnOf gives the position of "AB12", counted from 0.
func columnOf(ref string, next int) int {
	n := 0
	for _, c := range ref {
		if c < 'A' || c > 'Z' {
			break
		}
		if n = n*26 + int(c-'A') + 1; n > 1<<14 {
			return maxColumns
		}
	}
	if n == 0 {
		return next
	}
	return n - 1
}
