package rpc

import (
	"encoding/json"
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// mend rewrites text that is nearly JSON into JSON, off the fast path: a value
// that is missing ("key":,), commas too many, raw control characters and
// invalid escapes in texts, NaN and Python's words, numbers such as 007, +5 and
// .5, and a text that was cut off. Nothing is invented: what is not there
// becomes null, and of what was cut off only whole members are kept (a number at
// the cut may be the beginning of a longer one). The quirks say what was done;
// false means that it is something else altogether.
func mend(data []byte) ([]byte, Quirk, bool) {
	m := mender{in: data, out: make([]byte, 0, len(data)+16)}
	if whole, ok := m.value(0); !ok || !whole && !m.cut {
		return nil, 0, false
	}
	m.space()
	if m.i < len(m.in) && !m.cut || !json.Valid(m.out) {
		return nil, 0, false
	}
	return m.out, m.quirks, m.quirks != 0
}

// again is the second chance of a frame that is not JSON. A reply that was cut
// off stays bad: half an answer is none. A call is used as far as it came, since
// its station would only cut it off again.
func again(v ocpp.Version, data []byte) (Frame, bool) {
	mended, quirks, ok := mend(data)
	if !ok {
		return Frame{}, false
	}
	f, err := parse(v, mended)
	if err != nil {
		return Frame{}, false
	}
	called := f.Type == Call || f.Type == Send
	if quirks&QuirkTruncated != 0 && (!called || string(f.Payload) == "{}") {
		return Frame{}, false
	}
	f.Quirks |= quirks
	return f, true
}

type mender struct {
	in     []byte
	i      int
	out    []byte
	quirks Quirk
	cut    bool // the end came before the end of the outermost value
}

func (m *mender) space() {
	for m.i < len(m.in) && strings.IndexByte(" \t\r\n", m.in[m.i]) >= 0 {
		m.i++
	}
}

func (m *mender) end() bool {
	m.space()
	if m.i < len(m.in) {
		return false
	}
	m.cut = true
	m.quirks |= QuirkTruncated
	return true
}

// value copies one value. whole is false when the text ended inside a scalar:
// the caller takes the beginning back. ok is false for what cannot be mended.
func (m *mender) value(depth int) (whole, ok bool) {
	if depth > maxDepth {
		return false, false
	}
	if m.end() {
		return false, true
	}
	switch c := m.in[m.i]; {
	case c == '"':
		return m.str(), true
	case c == '{':
		return m.list('{', '}', depth)
	case c == '[':
		return m.list('[', ']', depth)
	case c == ',' || c == '}' || c == ']':
		m.out = append(m.out, "null"...)
		m.quirks |= QuirkMissingValue
		return true, true
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
		return m.number()
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return m.word()
	}
	return false, false
}

// list copies an object or an array; one that is cut off is closed.
func (m *mender) list(open, shut byte, depth int) (whole, ok bool) {
	m.i++
	m.out = append(m.out, open)
	for n := 0; ; n++ {
		if !m.commas(n == 0) {
			return false, false
		}
		if m.end() {
			break
		}
		if m.in[m.i] == shut {
			m.i++
			break
		}
		if c := m.in[m.i]; c == '}' || c == ']' {
			return false, false
		}
		before := len(m.out)
		if n > 0 {
			m.out = append(m.out, ',')
		}
		if open == '{' {
			if whole, ok = m.key(); !ok {
				return false, false
			}
		}
		if open == '[' || whole {
			if whole, ok = m.value(depth + 1); !ok {
				return false, false
			}
		}
		if !whole {
			m.out = m.out[:before]
			break
		}
	}
	m.out = append(m.out, shut)
	return true, true
}

// commas passes the commas before a member; all but the one between two
// members are too many.
func (m *mender) commas(first bool) bool {
	n := 0
	for m.space(); m.i < len(m.in) && m.in[m.i] == ','; m.space() {
		m.i++
		n++
	}
	closes := m.i < len(m.in) && (m.in[m.i] == '}' || m.in[m.i] == ']')
	if n > 1 || n == 1 && (first || closes) {
		m.quirks |= QuirkStrayComma
	}
	return first || n > 0 || closes || m.i == len(m.in)
}

func (m *mender) key() (whole, ok bool) {
	if m.in[m.i] != '"' {
		return false, false
	}
	if !m.str() || m.end() {
		return false, true
	}
	if m.in[m.i] != ':' {
		return false, false
	}
	m.i++
	m.out = append(m.out, ':')
	return true, true
}

// str copies a text; false when it was cut off.
func (m *mender) str() bool {
	m.out = append(m.out, '"')
	for m.i++; m.i < len(m.in); m.i++ {
		switch c := m.in[m.i]; {
		case c == '"':
			m.i++
			m.out = append(m.out, '"')
			return true
		case c == '\\':
			m.escape()
		case c == 0:
			m.quirks |= QuirkControl
		case c < 0x20:
			const hex = "0123456789abcdef"
			m.out = append(m.out, '\\', 'u', '0', '0', '0'+c>>4, hex[c&15])
			m.quirks |= QuirkControl
		default:
			m.out = append(m.out, c)
		}
	}
	m.cut = true
	m.quirks |= QuirkTruncated
	return false
}

// escape stands on a backslash and leaves i on the last byte it took.
func (m *mender) escape() {
	s := scanner{data: m.in, pos: m.i}
	if s.escape() == nil {
		m.out = append(m.out, m.in[m.i:s.pos+1]...)
		m.i = s.pos
		return
	}
	m.out = append(m.out, '\\', '\\') // a path of Windows, most often
	m.quirks |= QuirkControl
}

func (m *mender) number() (whole, ok bool) {
	from := m.i
	for m.i < len(m.in) && strings.IndexByte("+-.0123456789eE", m.in[m.i]) >= 0 {
		m.i++
	}
	if m.i == len(m.in) {
		return !m.end(), true
	}
	text := string(m.in[from:m.i])
	if json.Valid([]byte(text)) {
		m.out = append(m.out, text...)
		return true, true
	}
	if c := m.in[m.i] | 0x20; c >= 'a' && c <= 'z' { // -Infinity
		return m.word()
	}
	sign, digits := "", strings.TrimPrefix(text, "+")
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "-", rest
	}
	for len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		digits = digits[1:]
	}
	if strings.HasPrefix(digits, ".") {
		digits = "0" + digits
	}
	digits = strings.TrimSuffix(digits, ".")
	m.quirks |= QuirkLiteral
	if !json.Valid([]byte(sign + digits)) {
		return false, false
	}
	m.out = append(append(m.out, sign...), digits...)
	return true, true
}

// words are the values that other languages print where JSON has none.
var words = map[string]string{
	"true": "true", "false": "false", "null": "null",
	"none": "null", "nil": "null", "undefined": "null", "nan": "null", "inf": "null", "infinity": "null",
}

func (m *mender) word() (whole, ok bool) {
	from := m.i
	for m.i < len(m.in) && (m.in[m.i]|0x20 >= 'a' && m.in[m.i]|0x20 <= 'z') {
		m.i++
	}
	text := string(m.in[from:m.i])
	if m.i == len(m.in) {
		return !m.end(), true
	}
	value, known := words[strings.ToLower(text)]
	if known && value != text {
		m.quirks |= QuirkLiteral
	}
	m.out = append(m.out, value...)
	return known, known
}

// split gives the frames of a text that holds several, one behind the other;
// nil when it does not.
func split(data []byte) [][]byte {
	var out [][]byte
	s := scanner{data: data}
	for s.peek() == '[' {
		from := s.pos
		if s.value(0) != nil {
			return nil
		}
		out = append(out, data[from:s.pos])
		for s.pos < len(data) && (data[s.pos] == 0 || data[s.pos] == ',') {
			s.pos++
		}
	}
	if s.peek() != 0 || s.pos < len(data) || len(out) < 2 {
		return nil
	}
	return out
}
