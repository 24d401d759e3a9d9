package rpc

import (
	"errors"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a frame; OCPP needs fewer than fifteen.
const maxDepth = 64

var (
	errSyntax  = errors.New("not valid JSON")
	errShort   = errors.New("ends in the middle of a JSON value")
	errMissing = errors.New("a value is missing")
	errDeep    = errors.New("nested deeper than 64 levels")
)

// scanner walks JSON text once, checking RFC 8259 syntax and building
// nothing. It also notices what later stages cannot live with: escaped NUL
// characters, which PostgreSQL refuses in text.
type scanner struct {
	data []byte
	pos  int
	nul  bool // a \u0000 escape was seen
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek skips blanks and returns the next byte; 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos >= len(s.data) {
		return 0
	}
	return s.data[s.pos]
}

// value moves past one JSON value.
func (s *scanner) value(depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	s.space()
	if s.pos >= len(s.data) {
		return errShort
	}
	switch c := s.data[s.pos]; {
	case c == '"':
		return s.str()
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.array(depth)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case c == ',' || c == '}' || c == ']':
		return errMissing
	}
	return errSyntax
}

func (s *scanner) word(w string) error {
	if len(s.data)-s.pos < len(w) {
		return errShort
	}
	if string(s.data[s.pos:s.pos+len(w)]) != w {
		return errSyntax
	}
	s.pos += len(w)
	return nil
}

func (s *scanner) object(depth int) error {
	s.pos++
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	for {
		switch s.peek() {
		case '"':
		case 0:
			return s.endOr(errSyntax)
		default:
			return errSyntax
		}
		if err := s.str(); err != nil {
			return err
		}
		if s.peek() != ':' {
			return s.endOr(errSyntax)
		}
		s.pos++
		if err := s.value(depth + 1); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return s.endOr(errSyntax)
		}
	}
}

func (s *scanner) array(depth int) error {
	s.pos++
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		if err := s.value(depth + 1); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.endOr(errSyntax)
		}
	}
}

// endOr tells a frame that was cut off from one that is wrong.
func (s *scanner) endOr(err error) error {
	if s.pos >= len(s.data) {
		return errShort
	}
	return err
}

func (s *scanner) str() error {
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < 0x20:
			return errSyntax
		}
	}
	return errShort
}

// escape stands on the backslash and leaves pos on the last byte of the escape.
func (s *scanner) escape() error {
	s.pos++
	if s.pos >= len(s.data) {
		return errShort
	}
	switch s.data[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
	default:
		return errSyntax
	}
	if len(s.data)-s.pos < 5 {
		return errShort
	}
	for _, c := range s.data[s.pos+1 : s.pos+5] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return errSyntax
		}
	}
	if string(s.data[s.pos+1:s.pos+5]) == "0000" {
		s.nul = true
	}
	s.pos += 4
	return nil
}

func (s *scanner) number() error {
	if s.data[s.pos] == '-' {
		s.pos++
	}
	switch {
	case s.pos >= len(s.data):
		return errShort
	case s.data[s.pos] == '0':
		s.pos++
	case s.digits() == 0:
		return errSyntax
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if s.digits() == 0 {
			return s.endOr(errSyntax)
		}
	}
	if s.pos < len(s.data) && (s.data[s.pos] == 'e' || s.data[s.pos] == 'E') {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return s.endOr(errSyntax)
		}
	}
	return nil
}

func (s *scanner) digits() int {
	from := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - from
}

// dropNULs removes \u0000 escapes from JSON text that is known to be valid.
func dropNULs(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			out = append(out, data[i])
			continue
		}
		if data[i+1] == 'u' && string(data[i+2:i+6]) == "0000" {
			i += 5
			continue
		}
		out = append(out, data[i], data[i+1])
		i++
	}
	return out
}

// validUTF8 replaces bytes that are not UTF-8.
func validUTF8(data []byte) ([]byte, bool) {
	if utf8.Valid(data) {
		return data, true
	}
	out := make([]byte, 0, len(data)+8)
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		out = utf8.AppendRune(out, r) // RuneError becomes U+FFFD
		data = data[n:]
	}
	return out, false
}
