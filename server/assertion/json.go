package assertion

import (
	"bytes"
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"
)

// members are those of a JSON object.
type members map[string]json.RawMessage

// object reads a JSON object in which no name is there twice (RFC 7515 §4, RFC
// 7519 §4) and nothing is nested deeply.
func object(text []byte) (members, error) {
	if !utf8.Valid(text) || !shallow(text) {
		return nil, ErrMalformed
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return nil, ErrMalformed
	}
	m := members{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, ErrMalformed
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, ErrMalformed
		}
		if _, twice := m[name]; twice {
			return nil, ErrMalformed
		}
		m[name] = value
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return nil, ErrMalformed
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, ErrMalformed
	}
	return m, nil
}

// shallow reports whether no more than maxDepth arrays and objects are open at
// once. Whether the text is JSON is for the decoder to say.
func shallow(text []byte) bool {
	depth, quoted, escaped := 0, false, false
	for _, c := range text {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth > maxDepth {
			return false
		}
	}
	return true
}

// text reads a member that is a string, if it is there.
func (m members) text(name string, to *string) error {
	raw, there := m[name]
	if !there {
		return nil
	}
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, to) != nil || len(*to) > maxText {
		return ErrMalformed
	}
	return nil
}

// lastDate is a year that no clock shows, and that time.Time can hold.
const lastDate = 1 << 40

// date reads a member that is a NumericDate (RFC 7519 §2), if it is there.
func (m members) date(name string, to *time.Time) error {
	raw, there := m[name]
	if !there {
		return nil
	}
	var seconds float64
	if c := raw[0]; c != '-' && (c < '0' || c > '9') {
		return ErrMalformed
	}
	if json.Unmarshal(raw, &seconds) != nil || seconds <= 0 || seconds > lastDate {
		return ErrMalformed
	}
	*to = time.Unix(int64(seconds), 0)
	return nil
}
