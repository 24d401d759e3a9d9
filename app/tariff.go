package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpi"
	"github.com/forecourt-ev/forecourt/tariff"
)

type tariffCmd struct {
	Price tariffPriceCmd `cmd:"" help:"Price the charging periods of an OCPI CDR (2.1.1, 2.2.1 or 2.3.0) and print the cost with its explanation as JSON."`
	Check tariffCheckCmd `cmd:"" help:"Check an OCPI tariff: what is wrong, where, and the fix; then the sentence drivers read."`
}

type tariffPriceCmd struct {
	Tariff   string `help:"The tariff, an OCPI Tariff object; none takes the CDR's own. - reads standard input." placeholder:"FILE"`
	CDR      string `name:"cdr" help:"The CDR, an OCPI CDR object. - reads standard input." required:"" placeholder:"FILE"`
	TimeZone string `help:"Time zone of the location, such as Europe/Paris; none takes the CDR's, else derives it from its country or coordinates." placeholder:"ZONE"`
}

// Run prints a tariff.Recheck.
func (c tariffPriceCmd) Run(s streams) error {
	cdr, err := readOCPI[ocpi.CDR](c.CDR)
	if err != nil {
		return err
	}
	var source ocpi.Tariff
	switch {
	case c.Tariff != "":
		if source, err = readOCPI[ocpi.Tariff](c.Tariff); err != nil {
			return err
		}
	case len(cdr.Tariffs) == 1:
		source = cdr.Tariffs[0]
	default:
		return fault.New(fault.Invalid, "tariff.file", "the CDR carries %d tariffs; name the one to price with by --tariff", len(cdr.Tariffs))
	}
	t, err := tariff.FromOCPI(source)
	if err != nil {
		return err
	}
	out, err := tariff.Reprice(t, cdr, c.TimeZone)
	if err != nil {
		return err
	}
	return printJSON(s.out, out)
}

type tariffCheckCmd struct {
	File string `arg:"" help:"An OCPI Tariff object. - reads standard input." placeholder:"FILE"`
}

// Run prints "ok" and the tariff's sentence, or every problem; a tariff with
// problems ends the command with 1.
func (c tariffCheckCmd) Run(s streams) error {
	source, err := readOCPI[ocpi.Tariff](c.File)
	if err != nil {
		return err
	}
	t, err := tariff.Check(source)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "ok: %s\n", t.Sentence(tariff.English))
	return err
}

// readOCPI reads one object from a file; it may be the data of a response, or
// the only one of a list.
func readOCPI[T any](name string) (T, error) {
	var none T
	text, err := readFile(name)
	if err != nil {
		return none, err
	}
	text = bytes.TrimPrefix(bytes.TrimSpace(text), []byte("\xef\xbb\xbf"))
	var response struct {
		Data       json.RawMessage `json:"data"`
		StatusCode *int            `json:"status_code"`
	}
	if json.Unmarshal(text, &response) == nil && response.StatusCode != nil && response.Data != nil {
		text = response.Data
	}
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil {
		if len(list) != 1 {
			return none, fault.New(fault.Invalid, "tariff.file", "%s holds a list of %d; exactly one object is wanted", name, len(list))
		}
		text = list[0]
	}
	out, err := ocpi.Parse[T](text)
	if err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

func readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "tariff.file", "the file cannot be read")
	}
	return text, nil
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
