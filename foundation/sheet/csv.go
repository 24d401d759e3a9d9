package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// decoded gives the text of a CSV file as UTF-8. What has no byte order mark
// and is not UTF-8 is taken for Windows-1252, of which Latin-1 is a part.
func decoded(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:], nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
	case utf8.Valid(data):
		return data, nil
	}
	return charmap.Windows1252.NewDecoder().Bytes(data)
}

// delimiter finds the mark that stands most often in the first line, outside
// of quotes; "sep=;" as the first line says it.
func delimiter(text []byte) (mark rune, rest []byte, skipped int) {
	line, after, _ := bytes.Cut(text, []byte("\n"))
	if said, ok := bytes.CutPrefix(bytes.TrimRight(line, "\r"), []byte("sep=")); ok && len(said) == 1 {
		return rune(said[0]), after, 1
	}
	count, quoted := map[rune]int{}, false
	for _, c := range string(line) {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted:
			count[c]++
		}
	}
	mark = ','
	for _, c := range ";\t|" {
		if count[c] > count[mark] {
			mark = c
		}
	}
	return mark, text, 0
}

func readCSV(data []byte, most int) ([]raw, error) {
	text, err := decoded(data)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "sheet.encoding", "the file is not text in UTF-8, UTF-16 or Windows-1252")
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, fault.New(fault.Invalid, "sheet.format", "the file is neither CSV nor XLSX: it holds bytes that are no text")
	}
	mark, text, _ := delimiter(text)
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord = mark, -1
	var out []raw
	multi := 0 // line breaks inside cells: rows are fewer than lines
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "sheet.csv", "the file is not CSV: %v", err)
		}
		line, _ := r.FieldPos(0)
		number := line - multi
		for _, c := range cells {
			multi += strings.Count(c, "\n")
		}
		if blank(cells) {
			continue
		}
		if len(out) == 0 {
			multi += number - 1 // empty lines above the heading do not count
			number = 1
		}
		if out = append(out, raw{number: number, cells: cells}); len(out) > most+1 {
			return nil, tooMany(most)
		}
	}
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}
