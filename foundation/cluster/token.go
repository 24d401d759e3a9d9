package cluster

import (
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const hexDigits = "0123456789ABCDEF"

// Token writes any id as one subject token: letters, digits and "-" stay, all
// else becomes "_" and two hexadecimal digits per byte; the empty id is "_".
func Token(s string) string {
	if s == "" {
		return "_"
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i := 0; i < len(s); i++ {
		if c := s[i]; safe(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('_')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

func safe(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-'
}

// Untoken gives back the id that Token wrote.
func Untoken(s string) (string, error) {
	if s == "_" {
		return "", nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case safe(c):
			b.WriteByte(c)
		case c == '_' && i+2 < len(s):
			hi, lo := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
			if hi < 0 || lo < 0 {
				return "", notToken(s)
			}
			b.WriteByte(byte(hi<<4 | lo))
			i += 2
		default:
			return "", notToken(s)
		}
	}
	if b.Len() == 0 {
		return "", notToken(s)
	}
	return b.String(), nil
}

func notToken(s string) error {
	return fault.New(fault.Invalid, "cluster.token", "%q was not written by Token", s)
}
