package sheet

import (
	"fmt"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// MediaType is the Content-Type of a format.
func (f Format) MediaType() string {
	if f == XLSX {
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "text/csv; charset=utf-8"
}

// Kind says what the cells of a column are to a spreadsheet.
type Kind int

// The kinds.
const (
	Any    Kind = iota
	Text        // digits are a name, not a number: an id, a serial number
	Day         // a date or an instant
	Secret      // taken exactly as it stands: no trimming, no apostrophe taken off
)

// Column is one that a file may have.
type Column struct {
	Name     string
	Aliases  []string // other headings it is known by; case, spaces and accents do not matter
	Kind     Kind
	Required bool
	Doc      string // one sentence for the instructions of a template
	Example  string
}

// Names gives the names of columns.
func Names(columns []Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}

var folded = strings.NewReplacer("ä", "a", "à", "a", "â", "a", "é", "e", "è", "e", "ê", "e", "ë", "e", "î", "i", "ï", "i", "ô", "o", "ö", "o",
	"ù", "u", "û", "u", "ü", "u", "ç", "c", "ß", "ss", "ñ", "n", " ", "", "_", "", "-", "", ".", "", "/", "", "'", "", "’", "", "\u00a0", "", "*", "")

func fold(heading string) string { return folded.Replace(strings.ToLower(strings.TrimSpace(heading))) }

// arrange finds the column of each heading; the position of one that is empty
// is -1.
func arrange(heads []string, columns []Column) ([]int, error) {
	known := map[string]int{}
	for i, c := range columns {
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			known[fold(name)] = i
		}
	}
	bad := fault.New(fault.Invalid, "sheet.columns", "the columns are not those of this kind of file")
	at, seen := make([]int, len(heads)), map[int]string{}
	for i, head := range heads {
		at[i] = -1
		if strings.TrimSpace(head) == "" {
			continue
		}
		c, ok := known[fold(head)]
		where := fmt.Sprintf("row 1 column %d", i+1)
		switch {
		case !ok:
			bad.With(where, fmt.Sprintf("%q is not a column; allowed are %s", head, strings.Join(Names(columns), ", ")), head)
			continue
		case seen[c] != "":
			bad.With(where, fmt.Sprintf("the column %s is there twice, as %q and as %q", columns[c].Name, seen[c], head), head)
		}
		at[i], seen[c] = c, head
	}
	for i, c := range columns {
		if c.Required && seen[i] == "" {
			bad.With("row 1", "the column "+c.Name+" is missing", strings.Join(heads, ", "))
		}
	}
	if len(bad.Fields) > 0 {
		bad.Message = bad.Fields[0].Location + ": " + bad.Fields[0].Message
		return nil, bad
	}
	return at, nil
}
