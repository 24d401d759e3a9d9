package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// redacted replaces a secret in the log.
const redacted = `"[redacted]"`

// secretWords mark what must not be kept in clear: AuthorizationKey (1.6),
// BasicAuthPassword (2.x), the passwords of network profiles, and vendors'
// own keys of that kind.
var secretWords = []string{"authorizationkey", "password", "secret", "passphrase", "apnpw"}

func isSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(name, w) })
}

// secretMarks are parts of those words as they are written, for the cheap
// test that nearly all frames pass.
var secretMarks = [][]byte{
	[]byte("assword"), []byte("ASSWORD"), []byte("uthorizationKey"), []byte("uthorizationkey"), []byte("UTHORIZATIONKEY"),
	[]byte("ecret"), []byte("ECRET"), []byte("assphrase"), []byte("ASSPHRASE"), []byte("assPhrase"), []byte("pnPw"), []byte("APNPW"),
}

func mentionsSecret(text []byte) bool {
	return slices.ContainsFunc(secretMarks, func(mark []byte) bool { return bytes.Contains(text, mark) })
}

// userInfo is the password in a URL: where a station is to send a log by FTP.
var userInfo = regexp.MustCompile(`(:\\?/\\?/[^/@"\s:]*:)[^/@"\s]+@`)

// redact removes secrets from the text of a frame. A text that mentions one
// but cannot be read is not kept at all.
func redact(text []byte) []byte {
	if bytes.IndexByte(text, '@') >= 0 {
		text = userInfo.ReplaceAll(text, []byte("${1}[redacted]@"))
	}
	if !mentionsSecret(text) {
		return text
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	root, err := readNode(dec, text, 0)
	if err != nil {
		return []byte(`"[redacted: an unreadable message that mentions a secret]"`)
	}
	var cuts []*node
	root.secrets(&cuts)
	if len(cuts) == 0 {
		return text
	}
	slices.SortFunc(cuts, func(a, b *node) int { return a.from - b.from })
	var out []byte
	at := 0
	for _, n := range cuts {
		if n.from < at {
			continue // inside one that is cut already
		}
		out = append(append(out, text[at:n.from]...), redacted...)
		at = n.to
	}
	return append(out, text[at:]...)
}

// node is a JSON value with its place in the text.
type node struct {
	from, to int
	text     string // of a string
	isText   bool
	members  map[string]*node // of an object
	items    []*node          // of an array
}

func readNode(dec *json.Decoder, text []byte, depth int) (*node, error) {
	if depth > 100 {
		return nil, errors.New("nested too deeply")
	}
	from := int(dec.InputOffset()) // behind the last token: a colon or comma may follow
	for from < len(text) && strings.IndexByte(" \t\r\n:,", text[from]) >= 0 {
		from++
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	n := &node{from: from, to: int(dec.InputOffset())}
	switch v := token.(type) {
	case string:
		n.text, n.isText = v, true
	case json.Delim:
		if v == '{' {
			n.members = map[string]*node{}
		}
		for dec.More() {
			name := ""
			if n.members != nil {
				k, err := dec.Token()
				if err != nil {
					return nil, err
				}
				name, _ = k.(string)
			}
			child, err := readNode(dec, text, depth+1)
			if err != nil {
				return nil, err
			}
			if n.members != nil {
				n.members[name] = child
			} else {
				n.items = append(n.items, child)
			}
		}
		if _, err := dec.Token(); err != nil {
			return nil, err
		}
		n.to = int(dec.InputOffset())
	}
	return n, nil
}

// secrets collects the values to cut: members with a telling name, and the
// value beside a key or variable with a telling name (1.6 key/value; 2.x
// variable.name with attributeValue, or variableAttribute[].value).
func (n *node) secrets(cuts *[]*node) {
	named := false
	for _, k := range []string{"key", "name"} {
		if m := n.members[k]; m != nil && m.isText && isSecret(m.text) {
			named = true
		}
	}
	if v := n.members["variable"]; v != nil && v.members["name"] != nil && isSecret(v.members["name"].text) {
		named = true
	}
	for name, m := range n.members {
		lower := strings.ToLower(name)
		valuable := lower == "value" || lower == "attributevalue" || lower == "variableattribute"
		if named && valuable || isSecret(name) && (m.isText || m.members == nil && m.items == nil) {
			*cuts = append(*cuts, m)
			continue
		}
		m.secrets(cuts)
	}
	for _, m := range n.items {
		m.secrets(cuts)
	}
}
