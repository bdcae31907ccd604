package accesstoken

import (
	"encoding/json"
	"slices"
)

// Audience is the claim aud (RFC 7519 §4.1.3): a string where there is one, which
// is what most readers know, and an array where there are several.
type Audience []string

// Has reports whether the value is in the audience. They are compared as they are.
func (a Audience) Has(value string) bool { return slices.Contains(a, value) }

// MarshalJSON writes a string or an array.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON reads a string or an array of strings.
func (a *Audience) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		var one string
		if err := json.Unmarshal(text, &one); err != nil {
			return err
		}
		*a = Audience{one}
		return nil
	}
	var several []string
	if err := json.Unmarshal(text, &several); err != nil {
		return err
	}
	*a = several
	return nil
}
