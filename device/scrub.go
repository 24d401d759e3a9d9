package device

import (
	"bytes"
	"encoding/json"
	"regexp"
)

var (
	secretKey = regexp.MustCompile(`(?i)passw|secret|passphrase|authorizationkey|privatekey|apikey|apnpw`)
	userInURL = regexp.MustCompile(`://[^/@\s"]+@`)
)

// scrub gives what may leave the house of a value: without passwords, whether
// as members, as values of variables and configuration keys, or in addresses.
func scrub(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		return nil, err
	}
	return scrubbed(out), nil
}

func scrubbed(v any) any {
	switch v := v.(type) {
	case string:
		return userInURL.ReplaceAllString(v, "://"+masked+"@")
	case []any:
		for i := range v {
			v[i] = scrubbed(v[i])
		}
	case map[string]any:
		named := nameOf(v)
		for k, one := range v {
			_, plain := one.(string)
			if plain && (secretKey.MatchString(k) || secretName.MatchString(named) && (k == "value" || k == "attributeValue")) {
				v[k] = masked
				continue
			}
			v[k] = scrubbed(one)
		}
	}
	return v
}

// nameOf gives the name of the variable or key whose value an object holds.
func nameOf(o map[string]any) string {
	if key, ok := o["key"].(string); ok {
		return key
	}
	if variable, ok := o["variable"].(map[string]any); ok {
		name, _ := variable["name"].(string)
		return name
	}
	name, _ := o["variable"].(string)
	return name
}
