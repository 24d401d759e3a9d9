package ocpp

import (
	"bytes"
	"encoding/json"
)

// scanner steps through JSON that is known to be valid.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) peek() byte { return s.b[s.i] }
func (s *scanner) next()      { s.i++ }

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// text reads a string. The bytes are those of the message where they can be,
// so that names and values are compared without a copy.
func (s *scanner) text() []byte {
	start := s.i
	s.skipString()
	raw := s.b[start:s.i]
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var out string
	_ = json.Unmarshal(raw, &out) // valid: checked by the caller
	return []byte(out)
}

func (s *scanner) skipString() {
	for s.i++; s.b[s.i] != '"'; s.i++ {
		if s.b[s.i] == '\\' {
			s.i++
		}
	}
	s.i++
}

// token reads any value and gives its text.
func (s *scanner) token() []byte {
	start := s.i
	s.skip()
	return s.b[start:s.i]
}

// skip passes over any value.
func (s *scanner) skip() {
	depth := 0
	for {
		switch s.b[s.i] {
		case '"':
			s.skipString()
		case '{', '[':
			depth++
			s.i++
		case '}', ']':
			depth--
			s.i++
		case ',', ':', ' ', '\t', '\r', '\n':
			s.i++
			continue
		default:
			s.skipWord()
		}
		if depth == 0 {
			return
		}
	}
}

// skipWord passes over a number, true, false or null.
func (s *scanner) skipWord() {
	for ; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return
		}
	}
}
