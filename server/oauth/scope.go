package oauth

import (
	"slices"
	"strings"
)

// Scope is a set of scope-tokens in the order in which they were first named
// (RFC 6749 §3.3: the order does not matter).
type Scope []string

// maxScopes bounds the tokens of a scope. A catalogue has no more, so whoever
// names more names some that do not exist; and each is compared with all before.
const maxScopes = 128

// ParseScope reads a scope parameter. It returns invalid_scope for characters
// that RFC 6749 Appendix A.4 does not allow, and for more tokens than can exist.
func ParseScope(s string) (Scope, error) {
	var scope Scope
	for token := range strings.SplitSeq(s, " ") {
		if token == "" || slices.Contains(scope, token) {
			continue
		}
		if !validScopeToken(token) {
			return nil, NewError(CodeInvalidScope, "The scope contains characters that a scope cannot have.")
		}
		if len(scope) == maxScopes {
			return nil, NewError(CodeInvalidScope, "The scope names more than there can be.")
		}
		scope = append(scope, token)
	}
	return scope, nil
}

// validScopeToken checks NQCHAR: %x21 / %x23-5B / %x5D-7E (RFC 6749 Appendix A.4).
func validScopeToken(token string) bool {
	for i := range len(token) {
		if c := token[i]; c < 0x21 || c > 0x7E || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// String returns the scope as a parameter.
func (s Scope) String() string { return strings.Join(s, " ") }

// Has reports whether the token is in the scope. Case matters.
func (s Scope) Has(token string) bool { return slices.Contains(s, token) }

// In reports whether every token of s is in t.
func (s Scope) In(t Scope) bool {
	for _, token := range s {
		if !t.Has(token) {
			return false
		}
	}
	return true
}

// Intersect returns the tokens of s that are in t too.
func (s Scope) Intersect(t Scope) Scope {
	var both Scope
	for _, token := range s {
		if t.Has(token) {
			both = append(both, token)
		}
	}
	return both
}
