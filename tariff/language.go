package tariff

import (
	"encoding/json"
	"strings"
)

// Languages are those that everything is rendered in.
var Languages = []Language{English, French, German}

// Speaks is the part of an input that says which language to answer in.
type Speaks struct {
	AcceptLanguage string `header:"Accept-Language" doc:"en, fr or de; others are answered in English"`
}

// Language is the first of the caller's languages that we have.
func (s Speaks) Language() Language {
	// The order in the header is taken as it is: clients sort it by weight.
	for _, part := range strings.Split(s.AcceptLanguage, ",") {
		tag, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if weight = strings.ReplaceAll(weight, " ", ""); weight == "q=0" {
			continue
		}
		for _, l := range Languages {
			if base == string(l) {
				return l
			}
		}
	}
	return English
}

// sealed is a cost as it is stored for good: in English, with what its lines
// and notes say in the other languages.
type sealed struct {
	CostView
	Texts map[Language]texts `json:"texts,omitempty"`
}

type texts struct {
	Lines [][]string `json:"lines"`
	Notes []string   `json:"notes,omitempty"`
}

// Seal writes the cost with its explanation in every language, so that it can
// be read years later whatever has become of the tariff.
func (c Cost) Seal() ([]byte, error) {
	s := sealed{CostView: c.View(English), Texts: map[Language]texts{}}
	for _, l := range Languages[1:] {
		var t texts
		v := c.View(l)
		for _, line := range v.Lines {
			t.Lines = append(t.Lines, line.Explanation)
		}
		for _, n := range v.Notes {
			t.Notes = append(t.Notes, n.Text)
		}
		s.Texts[l] = t
	}
	return json.Marshal(s)
}

// Unseal reads what Seal wrote, in a language.
func Unseal(b []byte, l Language) (CostView, error) {
	var s sealed
	if err := json.Unmarshal(b, &s); err != nil {
		return CostView{}, err
	}
	t, ok := s.Texts[l]
	if !ok {
		return s.CostView, nil
	}
	for i := range s.Lines {
		if i < len(t.Lines) {
			s.Lines[i].Explanation = t.Lines[i]
		}
	}
	for i := range s.Notes {
		if i < len(t.Notes) {
			s.Notes[i].Text = t.Notes[i]
		}
	}
	return s.CostView, nil
}
