package db

import (
	"strconv"
	"strings"
)

// bareMarks writes $1, $2, … of a statement as ?, ?, … when they stand in that
// order, each once. To SQLite $1 is a name: at every run the driver asks for
// each parameter's name, makes a string of it and looks for the argument,
// which takes longer than binding it. Other statements are given back as they
// are, and mean the same.
func bareMarks(query string) string {
	if strings.IndexByte(query, '?') >= 0 {
		return query
	}
	var b strings.Builder
	next, kept := 1, 0
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c == '\'' || c == '"' || c == '`':
			end := strings.IndexByte(query[i+1:], c) // a doubled quote begins another text at once
			if end < 0 {
				return query
			}
			i += end + 1
		case c == '-' && strings.HasPrefix(query[i:], "--"), c == '/' && strings.HasPrefix(query[i:], "/*"), c == '[', c == ':', c == '@':
			return query // comments, names in brackets and other kinds of parameters: not worth understanding
		case c == '$':
			mark := strconv.Itoa(next)
			end := i + 1 + len(mark)
			if !strings.HasPrefix(query[i+1:], mark) || end < len(query) && isName(query[end]) {
				return query
			}
			b.WriteString(query[kept:i])
			b.WriteByte('?')
			next, kept, i = next+1, end, end-1
		}
	}
	if next == 1 {
		return query
	}
	b.WriteString(query[kept:])
	return b.String()
}

func isName(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
