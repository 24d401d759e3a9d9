package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// schema is the part of JSON Schema that the OCPP schemas use. Other keywords
// are refused when they would change what is valid (see unknown).
type schema struct {
	Ref         string          `json:"$ref"`
	JavaType    string          `json:"javaType"`
	Type        string          `json:"type"`
	Format      string          `json:"format"`
	Enum        []string        `json:"enum"`
	Required    []string        `json:"required"`
	Properties  properties      `json:"properties"`
	Definitions properties      `json:"definitions"`
	Items       *schema         `json:"items"`
	MaxLength   int             `json:"maxLength"`
	MinItems    int             `json:"minItems"`
	MaxItems    int             `json:"maxItems"`
	Minimum     *float64        `json:"minimum"`
	Maximum     *float64        `json:"maximum"`
	MultipleOf  *float64        `json:"multipleOf"`
	Additional  json.RawMessage `json:"additionalProperties"`
}

// properties keeps the order of the schema, so that generated structs read
// like the specification.
type properties []property

type property struct {
	Name   string
	Schema *schema
}

func (p *properties) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		s := new(schema)
		if err := d.Decode(s); err != nil {
			return fmt.Errorf("%v: %w", name, err)
		}
		*p = append(*p, property{Name: name.(string), Schema: s})
	}
	return nil
}

// document is one schema file.
type document struct {
	Name   string // file name without ".json"
	Schema *schema
}

// read gives the schema files of the directories, sorted by name.
func read(dirs []string) ([]document, error) {
	var docs []document
	for _, dir := range dirs {
		paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			return nil, fmt.Errorf("no schemas in %s", dir)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			s := new(schema)
			if err := json.Unmarshal(b, s); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			docs = append(docs, document{Name: strings.TrimSuffix(filepath.Base(path), ".json"), Schema: s})
		}
	}
	slices.SortFunc(docs, func(a, b document) int { return strings.Compare(a.Name, b.Name) })
	return docs, nil
}
