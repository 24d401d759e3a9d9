package sheet

import (
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const formula = "=+-@\t\r"

// Harmless keeps spreadsheets from running a text that looks like a formula:
// it gets an apostrophe in front. Numbers stay.
func Harmless(s string) string {
	bare := strings.TrimLeft(s, "'")
	if bare == "" || !strings.ContainsRune(formula, rune(bare[0])) {
		return s
	}
	if bare == s && isNumber(s) {
		return s
	}
	return "'" + s
}

// Plain takes off the apostrophe of Harmless.
func Plain(s string) string {
	rest, ok := strings.CutPrefix(s, "'")
	if bare := strings.TrimLeft(rest, "'"); ok && bare != "" && strings.ContainsRune(formula, rune(bare[0])) {
		return rest
	}
	return s
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// decimal gives a number of an XLSX file as people see it: 15 digits, the
// rest being noise of the binary form.
func decimal(s string) string {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !strings.ContainsAny(s, ".eE") {
		return s
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
	if err != nil {
		return s
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}

// day gives the serial number of a day as ISO 8601.
func day(s string) string {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	t, err := excelize.ExcelDateToTime(f, false)
	if err != nil {
		return s
	}
	t = t.Round(time.Second)
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

// Decimal reads a decimal number written with a point or a comma and gives it
// with a point. Grouped thousands are refused: 1,234 could be either.
func Decimal(s string) (string, error) {
	out := strings.Replace(s, ",", ".", 1)
	if strings.Count(s, ".")+strings.Count(s, ",") > 1 || strings.Trim(out, "-+.0123456789") != "" || !isNumber(out) {
		return "", fault.New(fault.Invalid, "sheet.number", "must be a decimal number such as 48.85837 or 48,85837, without thousands separators")
	}
	return out, nil
}

var answers = map[string]bool{
	"true": true, "yes": true, "y": true, "1": true, "x": true, "on": true, "active": true, "oui": true, "vrai": true, "actif": true, "ja": true, "wahr": true, "aktiv": true,
	"false": false, "no": false, "n": false, "0": false, "off": false, "inactive": false, "non": false, "faux": false, "inactif": false, "nein": false, "falsch": false, "inaktiv": false,
}

// Bool reads yes or no, in English, French or German.
func Bool(s string) (bool, error) {
	v, ok := answers[strings.ToLower(s)]
	if !ok {
		return false, fault.New(fault.Invalid, "sheet.bool", "must be true or false (also yes, no, oui, non, ja, nein, 1, 0)")
	}
	return v, nil
}
