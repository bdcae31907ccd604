package secrettemplate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"text/template"
)

// signature is what a function takes and gives.
type signature struct {
	takes []kind // the last one again and again where it is variadic
	more  bool   // whether it is
	gives kind   // nothing: what its arguments are
}

// signatures are the functions that there are. and, or, not and len are those of
// text/template.
var signatures = map[string]signature{
	"and": {takes: []kind{kindAny}, more: true},
	"or":  {takes: []kind{kindAny}, more: true},
	"not": {takes: []kind{kindAny}, gives: kindBool},
	"len": {takes: []kind{kindText | kindList}, gives: kindNumber},
	"eq":  {takes: []kind{kindScalar, kindScalar}, more: true, gives: kindBool},
	"ne":  {takes: []kind{kindScalar, kindScalar}, gives: kindBool},

	"print":      {takes: []kind{kindText}, more: true, gives: kindText},
	"join":       {takes: []kind{kindText, kindList}, gives: kindText},
	"replace":    {takes: []kind{kindText, kindText, kindText}, gives: kindText},
	"trimPrefix": {takes: []kind{kindText, kindText}, gives: kindText},
	"trimSuffix": {takes: []kind{kindText, kindText}, gives: kindText},
	"lower":      {takes: []kind{kindText}, gives: kindText},
	"upper":      {takes: []kind{kindText}, gives: kindText},
	"json":       {takes: []kind{kindAny}, gives: kindText},
	"quote":      {takes: []kind{kindText}, gives: kindText},
	"b64enc":     {takes: []kind{kindText}, gives: kindText},
	"urlquery":   {takes: []kind{kindText}, gives: kindText},
}

// budget is what all templates of one Secret may take together.
type budget struct {
	steps int // checked before anything is rendered
	bytes int // that functions take and give
	total int // of the output
}

// spend takes n bytes.
func (b *budget) spend(n int) error {
	if n > b.bytes {
		return errBytes
	}
	b.bytes -= n
	return nil
}

// functions returns those of signatures that text/template has not, or would not
// count. What they take comes last, so that it can be piped into them.
func (b *budget) functions() template.FuncMap {
	return template.FuncMap{
		"eq": func(first any, others ...any) (bool, error) {
			return slices.Contains(others, first), b.spend(size(first) * len(others))
		},
		"ne": func(first, second any) (bool, error) { return first != second, b.spend(size(first)) },

		"print":      func(parts ...string) (string, error) { return b.join("", parts) },
		"join":       b.join,
		"replace":    b.replace,
		"trimPrefix": func(prefix, s string) (string, error) { return strings.TrimPrefix(s, prefix), b.spend(len(s)) },
		"trimSuffix": func(suffix, s string) (string, error) { return strings.TrimSuffix(s, suffix), b.spend(len(s)) },
		"lower":      b.each(strings.ToLower),
		"upper":      b.each(strings.ToUpper),
		"json":       b.json,
		"quote":      func(s string) (string, error) { return b.json(s) },
		"b64enc":     b.each(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"urlquery":   b.each(url.QueryEscape),
	}
}

// each returns a function that makes at most a few bytes of each byte.
func (b *budget) each(f func(string) string) func(string) (string, error) {
	return func(s string) (string, error) {
		if err := b.spend(len(s)); err != nil {
			return "", err
		}
		s = f(s)
		return s, b.spend(len(s))
	}
}

func (b *budget) join(separator string, parts []string) (string, error) {
	n := len(separator) * len(parts)
	for _, part := range parts {
		n += len(part)
	}
	if err := b.spend(n); err != nil {
		return "", err
	}
	return strings.Join(parts, separator), nil
}

func (b *budget) replace(old, replacement, s string) (string, error) {
	found := strings.Count(s, old)
	if err := b.spend(len(s) + found*len(replacement)); err != nil {
		return "", err
	}
	return strings.ReplaceAll(s, old, replacement), nil
}

// json encodes a text, list, number or truth value (RFC 8259), with < and > as
// they are. A list that is not there is an empty one.
func (b *budget) json(value any) (string, error) {
	if list, ok := value.([]string); ok && list == nil {
		value = []string{}
	}
	if err := b.spend(size(value)); err != nil {
		return "", err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", errBytes // nothing that templates have cannot be encoded
	}
	encoded := strings.TrimSuffix(out.String(), "\n")
	return encoded, b.spend(len(encoded))
}

// size is how many bytes a value has, roughly.
func size(value any) int {
	switch value := value.(type) {
	case string:
		return len(value)
	case []string:
		n := 0
		for _, s := range value {
			n += len(s)
		}
		return n
	}
	return 1
}
