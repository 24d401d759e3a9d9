package main

import (
	"fmt"
	"strings"
)

// validation writes the Validate methods of the messages and the checks of
// the types they are made of.
func (g *generator) validation() {
	for _, t := range g.sorted() {
		if t.isEnum() {
			continue
		}
		if t.Messages == nil {
			g.p("// Validate gives what the schema of %s forbids in m; empty when it may be sent.", t.Name)
			g.p("func (m *%s) Validate() []%s {", t.Name, g.q("Problem"))
			g.p("var c %s\nm.check(&c, nil)\nreturn c.Problems()\n}\n", g.q("Check"))
		}
		g.p("func (m *%s) check(c *%s, at *%s) {", t.Name, g.q("Check"), g.q("At"))
		for _, f := range t.Fields {
			g.checkField(f)
		}
		g.p("}\n")
	}
}

func (g *generator) checkField(f field) {
	if f.List {
		g.p("c.Items(at, %q, m.%s == nil, len(m.%s), %d, %d, %t)", f.JSON, f.Go, f.Go, f.MinItems, f.MaxItems, f.Required)
		if body := g.checkValue(f, "m."+f.Go+"[i]", fmt.Sprintf("at.Item(%q, i)", f.JSON), true); body != "" {
			g.p("for i := range m.%s {\n%s\n}", f.Go, body)
		}
		return
	}
	value, at := "m."+f.Go, fmt.Sprintf("at.Field(%q)", f.JSON)
	pointer := strings.HasPrefix(g.goType(f), "*")
	if pointer && f.Kind != kindObject {
		value = "*" + value
	}
	body := g.checkValue(f, value, at, f.Required)
	if body == "" {
		return
	}
	if pointer {
		body = fmt.Sprintf("if m.%s != nil {\n%s\n}", f.Go, body)
	}
	g.p("%s", body)
}

// checkValue gives the statements that check one value; "" when anything goes.
func (g *generator) checkValue(f field, value, at string, required bool) string {
	switch f.Kind {
	case kindString:
		if f.URI {
			return fmt.Sprintf("c.URI(%s, %s)", at, value)
		}
		if f.MaxLength > 0 {
			return fmt.Sprintf("if len(%s) > %d {\nc.Text(%s, %s, %d)\n}", value, f.MaxLength, at, value, f.MaxLength)
		}
	case kindInt, kindNumber:
		return g.checkNumber(f, value, at)
	case kindTime:
		if required {
			return fmt.Sprintf("if %s.IsZero() {\nc.Missing(%s)\n}", value, at)
		}
	case kindRaw:
		if required {
			return fmt.Sprintf("if len(%s) == 0 {\nc.Missing(%s)\n}", value, at)
		}
	case kindCustom:
		return fmt.Sprintf("if len(%s) > 0 {\nc.Custom(%s, %s)\n}", value, at, value)
	case kindEnum:
		cond := fmt.Sprintf("!%s.Valid()", value)
		if !required {
			cond = fmt.Sprintf("%s != \"\" && %s", value, cond)
		}
		return fmt.Sprintf("if %s {\nc.Enum(%s, string(%s), values%s)\n}", cond, at, value, f.Ref)
	case kindObject:
		return fmt.Sprintf("%s.check(c, %s)", value, at)
	}
	return ""
}

func (g *generator) checkNumber(f field, value, at string) string {
	var out []string
	number := "int64(" + value + ")"
	call := "Range"
	if f.Kind == kindNumber {
		number, call = value, "Decimal"
	}
	if f.Min != nil {
		out = append(out, fmt.Sprintf("c.%sMin(%s, %s, %d)", call, at, number, *f.Min))
	}
	if f.Max != nil {
		out = append(out, fmt.Sprintf("c.%sMax(%s, %s, %d)", call, at, number, *f.Max))
	}
	if f.Decimals > 0 {
		out = append(out, fmt.Sprintf("c.Decimals(%s, %s, %d)", at, value, f.Decimals))
	}
	return strings.Join(out, "\n")
}

var kindNames = map[kind]string{
	kindString: "KindString", kindInt: "KindInt", kindNumber: "KindNumber", kindBool: "KindBool", kindTime: "KindTime",
	kindRaw: "KindAny", kindCustom: "KindCustom", kindEnum: "KindEnum", kindObject: "KindObject",
}

// shapes writes the tables that ocpp.Conform reads.
func (g *generator) shapes() {
	for _, t := range g.sorted() {
		if t.isEnum() {
			continue
		}
		g.p("var shape%s = %s{Fields: []%s{", t.Name, g.q("Shape"), g.q("ShapeField"))
		for _, f := range t.Fields {
			g.p("{%s},", g.shapeField(f))
		}
		g.p("}}\n")
	}
}

func (g *generator) shapeField(f field) string {
	out := []string{fmt.Sprintf("Name: %q, Kind: %s", f.JSON, g.q(kindNames[f.Kind]))}
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if f.Required {
		add("Required: true")
	}
	if f.List {
		add("List: true")
	}
	if f.MinItems > 0 {
		add("MinItems: %d", f.MinItems)
	}
	if f.MaxItems > 0 {
		add("MaxItems: %d", f.MaxItems)
	}
	if f.MaxLength > 0 {
		add("MaxLength: %d", f.MaxLength)
	}
	if f.Min != nil {
		add("HasMin: true, Min: %d", *f.Min)
	}
	if f.Max != nil {
		add("HasMax: true, Max: %d", *f.Max)
	}
	if f.URI {
		add("URI: true")
	}
	if f.Kind == kindEnum {
		add("Enum: values%s", f.Ref)
	}
	if f.Kind == kindObject {
		add("Object: &shape%s", f.Ref)
	}
	return strings.Join(out, ", ")
}
