package oauth

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxFormBytes is the largest request body and the longest query that is read.
const MaxFormBytes = 64 << 10

// maxParams bounds the number of parameters of a request.
const maxParams = 128

// Params are the parameters of one request. RFC 6749 §3.1 and §3.2: a parameter
// sent without a value counts as omitted, and none may be sent twice; who reads
// the parameters decides how to answer when one was.
type Params struct {
	values   map[string][]string
	repeated []string
}

// ParseQuery reads the parameters of a URL's query.
func ParseQuery(rawQuery string) (Params, error) {
	return parse(rawQuery)
}

// ParseForm reads the parameters of a form in the body of r, and none from its
// URL (RFC 6749 §3.2: the token endpoint's parameters are in the body).
func ParseForm(r *http.Request) (Params, error) {
	types := r.Header.Values("Content-Type")
	if len(types) > 1 { // RFC 9110 §5.3: who is in between may have read the other one
		return Params{}, NewError(CodeInvalidRequest, "The request has more than one Content-Type.")
	}
	mediaType, _, err := mime.ParseMediaType(strings.Join(types, ""))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return Params{}, NewError(CodeInvalidRequest, "The request body must have the media type application/x-www-form-urlencoded.")
	}
	if len(r.Header.Values("Content-Encoding")) > 0 { // nothing is ever inflated
		return Params{}, NewError(CodeInvalidRequest, "The request body must not have a Content-Encoding.")
	}
	if r.ContentLength > MaxFormBytes {
		return Params{}, errTooLarge // without reading any of it
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxFormBytes+1))
	if err != nil {
		return Params{}, NewError(CodeInvalidRequest, "The request body could not be read.").WithCause(err)
	}
	return parse(string(body))
}

// ParseRequest reads the parameters of a request that a browser brings, of the form of
// one by POST and of the URL otherwise, and returns them in their encoded form too.
func ParseRequest(r *http.Request) (params Params, encoded string, err error) {
	if r.Method == http.MethodPost {
		params, err = ParseForm(r)
		return params, params.Encode(), err
	}
	params, err = ParseQuery(r.URL.RawQuery)
	return params, r.URL.RawQuery, err
}

// parse reads the form encoding of RFC 6749 Appendix B. Unlike url.ParseQuery
// it returns nothing at all of a form that is broken anywhere.
func parse(form string) (Params, error) {
	if len(form) > MaxFormBytes {
		return Params{}, errTooLarge
	}
	values := make(map[string][]string)
	for n := 0; form != ""; n++ {
		if n >= maxParams {
			return Params{}, NewError(CodeInvalidRequest, "The request has too many parameters.")
		}
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return Params{}, errEncoding
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return Params{}, errEncoding
		}
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return Params{}, errEncoding
		}
		if name == "" || value == "" {
			continue // RFC 6749 §3.1: "as if they were omitted from the request"
		}
		values[name] = append(values[name], value)
	}
	p := Params{values: values}
	for name, vs := range values {
		if len(vs) > 1 {
			p.repeated = append(p.repeated, name)
		}
	}
	slices.Sort(p.repeated)
	return p, nil
}

var errTooLarge = NewError(CodeInvalidRequest, "The request is too large.")

var errEncoding = NewError(CodeInvalidRequest, "The parameters are not valid application/x-www-form-urlencoded UTF-8.")

// Get returns the value of the parameter, or "" if it was omitted. Of a
// parameter that was sent twice it returns the first value; see Repeated.
func (p Params) Get(name string) string {
	if vs := p.values[name]; len(vs) > 0 {
		return vs[0]
	}
	return ""
}

// Has reports whether the parameter was sent with a value.
func (p Params) Has(name string) bool { return len(p.values[name]) > 0 }

// All returns every value of a parameter that may be repeated.
func (p Params) All(name string) []string { return slices.Clone(p.values[name]) }

// Repeated reports whether the parameter was sent more than once.
func (p Params) Repeated(name string) bool { return slices.Contains(p.repeated, name) }

// OnlyOnce returns invalid_request if any parameter but those named was sent
// more than once (RFC 6749 §3.1, §3.2).
func (p Params) OnlyOnce(repeatable ...string) error {
	for _, name := range p.repeated {
		if !slices.Contains(repeatable, name) {
			return NewError(CodeInvalidRequest, "A parameter was sent more than once.").
				WithCause(errors.New("repeated parameter"))
		}
	}
	return nil
}

// Encode returns the parameters in the form encoding, sorted by name.
func (p Params) Encode() string { return url.Values(p.values).Encode() }
