package main

import (
	"fmt"
	"strings"
)

// copies writes, for every type and message that both versions have, how it
// becomes its neutral counterpart and back. A neutral field that this version
// lacks is reported when it says something.
func (g *generator) copies(neutral *model) []byte {
	for _, t := range g.sorted() {
		n := neutral.types[t.Name]
		if t.isEnum() || n == nil {
			continue
		}
		g.p("func (in *%s) neutral() (out ocpp.%s) {", t.Name, t.Name)
		for _, f := range t.Fields {
			if to := n.field(f.JSON); to != nil {
				g.copyField(copying{from: f, to: *to, fromType: g.goType(f), toType: g.neutralType(*to), up: true})
			}
		}
		g.p("return out\n}\n")
		g.p("func from%s(in *ocpp.%s, c *ocpp.Check, at *ocpp.At) (out %s) {", t.Name, t.Name, t.Name)
		for _, to := range n.Fields {
			f := t.field(to.JSON)
			if f == nil {
				g.lost(to)
				continue
			}
			g.copyField(copying{from: to, to: *f, fromType: g.neutralType(to), toType: g.goType(*f)})
		}
		g.p("return out\n}\n")
	}
	g.messageCopies(neutral)
	return g.file()
}

// messageCopies writes the two type switches over all messages.
func (g *generator) messageCopies(neutral *model) {
	g.p("// toNeutral gives the neutral form of a message of this version; nil for anything else.")
	g.p("func toNeutral(m any) any {\nswitch m := m.(type) {")
	for _, name := range g.messageNames(neutral) {
		g.p("case *%s:\nout := m.neutral()\nreturn &out", name)
	}
	g.p("}\nreturn nil\n}\n")
	g.p("// fromNeutral gives a neutral message in this version; nil when the version lacks it.")
	g.p("// c gets every neutral field that is set and has no place.")
	g.p("func fromNeutral(m any, c *ocpp.Check) any {\nswitch m := m.(type) {")
	for _, name := range g.messageNames(neutral) {
		g.p("case *ocpp.%s:\nout := from%s(m, c, nil)\nreturn &out", name, name)
	}
	g.p("}\nreturn nil\n}\n")
}

func (g *generator) messageNames(neutral *model) []string {
	var names []string
	for _, m := range g.model.messages {
		for _, t := range []*goType{m.Request, m.Response} {
			if t != nil && neutral.types[t.Name] != nil {
				names = append(names, t.Name)
			}
		}
	}
	return names
}

// neutralType is the field's type as seen from outside package ocpp.
func (g *generator) neutralType(f field) string {
	t := g.goType(f)
	if f.Kind != kindEnum && f.Kind != kindObject {
		return t
	}
	i := strings.LastIndexAny(t, "*]") + 1
	return t[:i] + "ocpp." + t[i:]
}

func (g *generator) lost(f field) {
	cond := ""
	switch t := g.neutralType(f); {
	case f.Required:
		return
	case t[0] == '*':
		cond = "in.%s != nil"
	case f.List || f.Kind == kindRaw || f.Kind == kindCustom:
		cond = "len(in.%s) > 0"
	default:
		cond = `in.%s != ""`
	}
	g.p("if "+cond+" {\nc.Unsupported(at.Field(%q))\n}", f.Go, f.JSON)
}

// copying is one field on its way.
type copying struct {
	from, to         field
	fromType, toType string
	up               bool // towards neutral
}

func (g *generator) copyField(c copying) {
	in, out := "in."+c.from.Go, "out."+c.to.Go
	if c.fromType == c.toType {
		g.p("%s = %s", out, in)
		return
	}
	if c.from.List {
		g.p("if %s != nil {\n%s = make(%s, len(%s))\nfor i := range %s {\n%s[i] = %s\n}\n}",
			in, out, c.toType, in, in, out, g.convert(c, in+"[i]", fmt.Sprintf("at.Item(%q, i)", c.from.JSON)))
		return
	}
	at := fmt.Sprintf("at.Field(%q)", c.from.JSON)
	fromPtr, toPtr := c.fromType[0] == '*', c.toType[0] == '*'
	switch {
	case fromPtr && toPtr:
		g.p("if %s != nil {\nv := %s\n%s = &v\n}", in, g.convert(c, "(*"+in+")", at), out)
	case fromPtr:
		g.p("if %s != nil {\n%s = %s\n}", in, out, g.convert(c, "(*"+in+")", at))
		if !c.up && c.to.Required {
			g.p("if %s == nil {\nc.Missing(%s)\n}", in, at)
		}
	case toPtr:
		g.p("%s = new(%s)\n*%s = %s", out, c.toType[1:], out, g.convert(c, in, at))
	default:
		g.p("%s = %s", out, g.convert(c, in, at))
	}
}

// convert gives the expression that turns the value in into the other type.
func (g *generator) convert(c copying, in, at string) string {
	switch {
	case c.from.Kind == kindObject && c.up:
		return in + ".neutral()"
	case c.from.Kind == kindObject:
		address := "&" + in
		if rest, ok := strings.CutPrefix(in, "(*"); ok {
			address = strings.TrimSuffix(rest, ")")
		}
		return fmt.Sprintf("from%s(%s, c, %s)", c.to.Ref, address, at)
	case c.from.Kind == c.to.Kind && c.from.Kind != kindEnum:
		return in
	case c.from.Kind == kindInt && c.to.Kind == kindNumber:
		return fmt.Sprintf("unit.DecimalOf(int64(%s), 0)", in)
	case c.from.Kind == kindNumber && c.to.Kind == kindInt:
		return fmt.Sprintf("c.Whole(%s, %s)", at, in)
	}
	t := strings.TrimLeft(c.toType, "*[]")
	return fmt.Sprintf("%s(%s)", t, in)
}
