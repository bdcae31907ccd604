// Package validation is the one judge of what may be registered. Its rules are
// pure: an OAuthClient, its AuthorizationServer and the labels of its namespace
// in, problems out; no clock and no network.
//
// The controller turns the problems into the condition Accepted, and the server
// asks the same functions when it compiles a client, so a registration that the
// condition calls refused is one that the server does not serve.
//
// The CRDs hold most of the rules a second time, in CEL, so that the API server
// refuses a bad manifest at once. These functions do not count on that: CEL is
// not there for objects that are older than a rule.
package validation

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that keeps an object from being served.
type Problem struct {
	// Field is the path of the field, as in spec.redirectURIs[1].
	Field string

	// Reason is a reason of package v1alpha1 for the condition.
	Reason string

	// Message says what is wrong and what to do. It begins with the field.
	Message string

	// Rules are the names of the policy rules that were considered, where it is
	// the policy that does not allow something.
	Rules []string
}

// maxMessage bounds what Message returns, in bytes.
const maxMessage = 1024

// Message sums problems up for a condition, in at most 1024 bytes. It is empty
// if there are none.
func Message(problems []Problem) string {
	var b strings.Builder
	for i, p := range problems {
		more := fmt.Sprintf("; and %d more", len(problems)-i)
		text := p.Message
		if i > 0 {
			text = "; " + text
		}
		if b.Len()+len(text)+len(more) > maxMessage {
			if i > 0 {
				b.WriteString(more)
				break
			}
			text = cut(text, maxMessage-len(more))
		}
		b.WriteString(text)
	}
	return b.String()
}

// problem makes a Problem whose message begins with the field.
func problem(field, reason, format string, args ...any) Problem {
	return Problem{Field: field, Reason: reason, Message: field + ": " + fmt.Sprintf(format, args...)}
}

// index returns the path of an element of a list.
func index(field string, i int) string {
	return field + "[" + strconv.Itoa(i) + "]"
}

// maxQuote bounds how much of a value a message repeats, in bytes.
const maxQuote = 128

// quote returns a value for a message: quoted, and not without end.
func quote(value string) string {
	return strconv.Quote(cut(value, maxQuote))
}

// cut shortens s to at most n bytes, at the end of a character.
func cut(s string, n int) string {
	const ellipsis = "..."
	if len(s) <= n {
		return s
	}
	s = s[:n-len(ellipsis)]
	for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if r, size := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && size == 1 {
		s = s[:len(s)-1]
	}
	return s + ellipsis
}

// plainText reports whether people can read the text as what it is: without
// line breaks, control characters and format characters, which cannot be seen and
// can make one name look like another (they turn the direction of writing, or
// have no width), and without space around it.
func plainText(s string) bool {
	if !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return false
		}
	}
	return true
}

// badText is what is said of a text that is not plain.
const badText = "must be plain text on one line, without control characters, invisible characters and space before or after it"
