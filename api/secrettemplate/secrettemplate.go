// Package secrettemplate renders the template of a client's Secret.
//
// Templates are written by whoever may write an OAuthClient, and rendered by the
// controller, so they are of a language that ends: that of text/template with
// the fields of Values, a closed set of functions, loops over two short lists, and
// nothing else. A template is judged as a whole before any of it is rendered,
// branches that are not taken included, so that what is accepted today does not
// fail on another day for a field that does not exist.
//
// No error holds a value: errors end up in conditions.
package secrettemplate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"

	"oauth-operator.dev/api/v1alpha1"
)

// Values are what templates are made of. A field of that name is there in a
// template, as in {{ .ClientID }}.
type Values struct {
	// Namespace and Name are those of the OAuthClient.
	Namespace, Name string

	// ClientID and ClientSecret are the credentials (RFC 6749 §§2.2, 2.3.1). A
	// public client has an empty ClientSecret.
	ClientID, ClientSecret string

	// Issuer is the issuer identifier (RFC 8414 §2).
	Issuer string

	// Provider is the provider of the Service Binding specification.
	Provider string

	// TokenEndpointAuthMethod is how the client authenticates (RFC 7591 §2).
	TokenEndpointAuthMethod string

	// The URLs of the issuer's endpoints.
	AuthorizationEndpoint, TokenEndpoint, UserinfoEndpoint, JWKSURI string

	// RevocationEndpoint and IntrospectionEndpoint are those of RFC 7009 and RFC
	// 7662. A public client has an empty IntrospectionEndpoint: it may not ask.
	RevocationEndpoint, IntrospectionEndpoint string

	// DeviceAuthorizationEndpoint is that of RFC 8628. A client without the device
	// code grant has an empty one.
	DeviceAuthorizationEndpoint string

	// Scopes are what the client may ask for (RFC 6749 §3.3).
	Scopes []string

	// RedirectURIs are all of the client's (RFC 6749 §3.1.2).
	RedirectURIs []string
}

// What a template may come to. The sizes are in bytes.
const (
	maxText   = 4 * 8192 // of one template: the API server allows 8192 characters
	maxOutput = 64 << 10 // of one key
	maxTotal  = 512 << 10
	maxItems  = 32 + 256 // of the longest list: redirectURIs of spec and status
	maxSteps  = 100_000  // nodes of the templates, those in a loop times maxItems
	maxBytes  = 4 << 20  // that functions take and give
	maxDepth  = 32       // of what stands in each other
)

// Error says what is wrong with the template of a key, and where. It holds none
// of the Values.
type Error struct {
	// Key is the key of the Secret.
	Key string

	// Line and Column count from 1, Column in characters. Both are 0 where it is
	// the template as a whole.
	Line, Column int

	// Message says what is wrong.
	Message string
}

// Error begins with the field of the OAuthClient.
func (e *Error) Error() string {
	field := "spec.secret.template.data[" + e.Key + "]"
	if e.Line == 0 {
		return field + ": " + e.Message
	}
	return fmt.Sprintf("%s: line %d, column %d: %s", field, e.Line, e.Column, e.Message)
}

// Render renders the template of each key. It gives all of them or an *Error,
// and for the same templates and values always the same.
func Render(data map[string]v1alpha1.TemplateText, v Values) (map[string][]byte, error) {
	b := &budget{steps: maxSteps, bytes: maxBytes, total: maxTotal}
	keys := slices.Sorted(maps.Keys(data))
	trees := make([]*parse.Tree, 0, len(keys))
	for _, key := range keys {
		tree, err := compile(key, string(data[key]), b)
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
	}
	rendered := make(map[string][]byte, len(keys))
	for i, key := range keys {
		out, err := execute(key, string(data[key]), trees[i], v, b)
		if err != nil {
			return nil, err
		}
		rendered[key] = out
	}
	return rendered, nil
}

// compile parses a template and judges it.
func compile(key, text string, b *budget) (*parse.Tree, error) {
	if len(text) > maxText || !utf8.ValidString(text) {
		return nil, &Error{Key: key, Message: fmt.Sprintf("must be UTF-8 of at most %d bytes", maxText)}
	}
	tree, others, err := parseText(text)
	if err != nil {
		line, column := locate(text, err)
		return nil, &Error{Key: key, Line: line, Column: column, Message: parseMessage(err)}
	}
	c := checker{budget: b, variables: []variable{{"$", kindRoot}}}
	if p := c.all(tree, others); p != nil {
		line, column := position(text, p.at)
		return nil, &Error{Key: key, Line: line, Column: column, Message: p.message}
	}
	return tree, nil
}

// execute renders a template that has been judged. What can still go wrong is
// that it comes to too much.
func execute(key, text string, tree *parse.Tree, v Values, b *budget) ([]byte, error) {
	t, err := template.New(templateName).Funcs(b.functions()).AddParseTree(templateName, tree)
	if err != nil {
		return nil, &Error{Key: key, Message: "cannot be used as a template"}
	}
	out := &output{limit: min(maxOutput, b.total)}
	if err := t.Execute(out, v); err != nil {
		return nil, tooMuch(key, text, err)
	}
	b.total -= out.Len()
	return []byte(out.String()), nil
}

// output is a buffer with an end.
type output struct {
	strings.Builder
	limit int
}

func (o *output) Write(p []byte) (int, error) {
	if o.Len()+len(p) > o.limit {
		return 0, errOutput
	}
	return o.Builder.Write(p)
}
