package file

import (
	"path"
	"strings"
	"time"
	"unicode"
)

// pieceSize is what one row of content holds, in bytes.
const pieceSize = 256 << 10

// File is a stored file, or one that is still to come.
type File struct {
	ID          string
	Org         string
	Purpose     string // "firmware", "log", …: quotas and clean-up are seen by it
	Subject     string // what it belongs to, in the words of its room
	Name        string // for people: never a path
	ContentType string
	Size        int64  // bytes; 0 until it came
	SHA256      string // lower-case hex; empty until it came
	MD5         string // lower-case hex; OCPP names published firmware by it
	Partial     bool   // an upload that broke off, kept as far as it came
	CreatedAt   time.Time
	CompletedAt *time.Time // nil: no content yet
	ExpiresAt   *time.Time // then it is removed; nil: never

	content string
}

// Draft is what is known of a file before its content.
type Draft struct {
	Org, Purpose, Subject string
	Name                  string
	ContentType           string // empty: application/octet-stream
	ExpiresAt             *time.Time
}

const (
	maxName    = 200
	octets     = "application/octet-stream"
	nameless   = "file"
	tokenBytes = 24
	tokenChars = 2 * tokenBytes // of the token in a URL: hex
)

// safeName makes a name for people of what a stranger calls a file: the last
// part of a path of any system, without control characters. A name that is
// nothing or only dots is otherwise.
func safeName(s, otherwise string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, `\`, "/"), "")
	s = path.Base(path.Clean("/" + s))
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`/":*?<>|`, r) {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	for len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	if strings.Trim(s, ".") == "" {
		return otherwise
	}
	return s
}

// target splits the path of a request below /files/: a token of fixed length,
// and what a station appended to it, with or without a slash.
func target(requestPath string) (token, name string) {
	rest := strings.TrimPrefix(requestPath, Prefix)
	if len(rest) < tokenChars {
		return "", ""
	}
	token, name = rest[:tokenChars], strings.Trim(rest[tokenChars:], "/")
	for _, c := range token {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", ""
		}
	}
	return token, name
}
