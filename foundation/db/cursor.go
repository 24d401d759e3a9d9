package db

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// behind scans a row whose first columns are the sort keys.
type behind struct {
	row  Scanner
	keys *keyBuffer
}

func (b behind) Scan(dest ...any) error {
	return b.row.Scan(append(b.keys.next(), dest...)...)
}

// keyBuffer holds the keys of the row just scanned and of the one before:
// the page's last row is the last but one read.
type keyBuffer struct {
	kinds     []FieldKind
	now, prev []any
}

func (p *page) keys() *keyBuffer {
	k := &keyBuffer{}
	for _, o := range p.order {
		k.kinds = append(k.kinds, o.kind)
	}
	return k
}

func (k *keyBuffer) next() []any {
	k.prev, k.now = k.now, make([]any, len(k.kinds))
	for i, kind := range k.kinds {
		switch kind {
		case Int, Instant:
			k.now[i] = new(sql.NullInt64)
		case Bool:
			k.now[i] = new(sql.NullBool)
		default:
			k.now[i] = new(sql.NullString)
		}
	}
	return append([]any(nil), k.now...)
}

// build makes the statement: the keys first, then what Base selects.
func (p *page) build(where []Cond) *Query {
	base := strings.TrimSpace(p.spec.Base)
	rest, ok := cutWord(base, "SELECT")
	if !ok {
		panic("db: ListSpec.Base does not begin with SELECT: " + base)
	}
	columns := make([]string, len(p.order))
	for i, o := range p.order {
		columns[i] = o.column
	}
	text := "SELECT " + strings.Join(columns, ", ") + ", " + rest
	if strings.HasSuffix(strings.ToUpper(text), "WHERE") {
		text += " TRUE"
	}
	q := Build(text)
	for _, c := range where {
		q.And(c)
	}
	for _, c := range p.conds {
		q.And(c)
	}
	if p.from != nil {
		q.And(p.after())
	}
	q.Add("ORDER BY " + p.orderBy())
	return q.Add("LIMIT ?", p.limit+1)
}

func cutWord(s, word string) (string, bool) {
	if len(s) <= len(word) || !strings.EqualFold(s[:len(word)], word) {
		return s, false
	}
	return s[len(word)+1:], true
}

func (p *page) orderBy() string {
	var b strings.Builder
	for i, o := range p.order {
		if i > 0 {
			b.WriteString(", ")
		} else if p.sortAll {
			b.WriteString("+")
		}
		b.WriteString(o.column)
		if o.down {
			b.WriteString(" DESC")
		}
		if o.nullable { // the engines' defaults differ
			b.WriteString(map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[o.down])
		}
	}
	return b.String()
}

// after is the condition for the rows behind the cursor.
func (p *page) after() Cond {
	plain := true
	for _, o := range p.order {
		plain = plain && !o.nullable && o.down == p.order[0].down
	}
	if plain { // the form that an index serves best
		columns := make([]string, len(p.order))
		for i, o := range p.order {
			columns[i] = o.column
		}
		sign := map[bool]string{true: " < ", false: " > "}[p.order[0].down]
		return Cond{Text: "(" + strings.Join(columns, ", ") + ")" + sign + "(?" + strings.Repeat(", ?", len(columns)-1) + ")", Args: p.from}
	}
	var out Cond
	var same Cond
	for i, o := range p.order {
		step := o.beyond(p.from[i])
		if step.Text != "" {
			if out.Text != "" {
				out.Text += " OR "
			}
			out.Text += "(" + same.Text + step.Text + ")"
			out.Args = append(append(out.Args, same.Args...), step.Args...)
		}
		if p.from[i] == nil {
			same.Text += o.column + " IS NULL AND "
		} else {
			same.Text += o.column + " = ? AND "
			same.Args = append(same.Args, p.from[i])
		}
	}
	return out
}

// beyond is the condition that the column lies strictly behind v in this
// order. NULL lies behind everything upwards, before everything downwards.
func (o order) beyond(v any) Cond {
	switch {
	case v == nil && o.down:
		return Cond{Text: o.column + " IS NOT NULL"}
	case v == nil:
		return Cond{}
	case o.down:
		return Cond{Text: o.column + " < ?", Args: []any{v}}
	case o.nullable:
		return Cond{Text: "(" + o.column + " > ? OR " + o.column + " IS NULL)", Args: []any{v}}
	}
	return Cond{Text: o.column + " > ?", Args: []any{v}}
}

// mark is a cursor: opaque outside, and only a position, never a permission.
type mark struct {
	Sort string `json:"s"`
	Keys []any  `json:"k"`
}

func (p *page) cursor(k *keyBuffer) (string, error) {
	m := mark{Sort: p.sort}
	for i, key := range k.prev {
		var v any
		switch n := key.(type) {
		case *sql.NullInt64:
			if n.Valid {
				v = n.Int64
			}
		case *sql.NullBool:
			if n.Valid {
				v = n.Bool
			}
		case *sql.NullString:
			if n.Valid {
				v = n.String
			}
		}
		if v == nil && !p.order[i].nullable {
			return "", fault.New(fault.Internal, "list.null", "the column %s holds NULL; its Field must say Nullable", p.order[i].column)
		}
		m.Keys = append(m.Keys, v)
	}
	b, err := json.Marshal(m)
	return base64.RawURLEncoding.EncodeToString(b), err
}

func (p *page) resume(cursor string) bool {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var m mark
	if dec.Decode(&m) != nil || m.Sort != p.sort || len(m.Keys) != len(p.order) {
		return false
	}
	for i, v := range m.Keys {
		o := p.order[i]
		switch v := v.(type) {
		case nil:
			if !o.nullable {
				return false
			}
			continue
		case json.Number:
			n, err := v.Int64()
			if err != nil || o.kind != Int && o.kind != Instant {
				return false
			}
			m.Keys[i] = n
		case bool:
			if o.kind != Bool {
				return false
			}
		case string:
			if o.kind == Int || o.kind == Instant || o.kind == Bool || strings.ContainsRune(v, 0) {
				return false
			}
		default:
			return false
		}
	}
	p.from = m.Keys
	return true
}
