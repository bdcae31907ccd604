package oauth

import (
	"net/http"
	"strings"
)

// Code is a value of the error parameter.
type Code string

// Error codes.
const (
	CodeInvalidRequest          Code = "invalid_request"           // RFC 6749 §4.1.2.1, §5.2
	CodeInvalidClient           Code = "invalid_client"            // RFC 6749 §5.2
	CodeInvalidGrant            Code = "invalid_grant"             // RFC 6749 §5.2
	CodeUnauthorizedClient      Code = "unauthorized_client"       // RFC 6749 §4.1.2.1, §5.2
	CodeUnsupportedGrantType    Code = "unsupported_grant_type"    // RFC 6749 §5.2
	CodeUnsupportedResponseType Code = "unsupported_response_type" // RFC 6749 §4.1.2.1
	CodeInvalidScope            Code = "invalid_scope"             // RFC 6749 §4.1.2.1, §5.2
	CodeAccessDenied            Code = "access_denied"             // RFC 6749 §4.1.2.1
	CodeServerError             Code = "server_error"              // RFC 6749 §4.1.2.1
	CodeTemporarilyUnavailable  Code = "temporarily_unavailable"   // RFC 6749 §4.1.2.1
	CodeInvalidToken            Code = "invalid_token"             // RFC 6750 §3.1
	CodeInsufficientScope       Code = "insufficient_scope"        // RFC 6750 §3.1
	CodeLoginRequired           Code = "login_required"            // OpenID Connect Core §3.1.2.6
	CodeConsentRequired         Code = "consent_required"          // OpenID Connect Core §3.1.2.6
	CodeInteractionRequired     Code = "interaction_required"      // OpenID Connect Core §3.1.2.6
	CodeRequestNotSupported     Code = "request_not_supported"     // OpenID Connect Core §3.1.2.6
	CodeRequestURINotSupported  Code = "request_uri_not_supported" // OpenID Connect Core §3.1.2.6
	CodeRegistrationUnsupported Code = "registration_not_supported"

	CodeAuthorizationPending Code = "authorization_pending" // RFC 8628 §3.5
	CodeSlowDown             Code = "slow_down"             // RFC 8628 §3.5
	CodeExpiredToken         Code = "expired_token"         // RFC 8628 §3.5

	// OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
	CodeUnmetAuthentication Code = "unmet_authentication_requirements"
)

// Error is a protocol error. It has a public half, the code and a description
// that the caller is told, and a private half, the cause, which is for the log
// alone.
type Error struct {
	Code        Code
	Description string

	cause error
}

// NewError makes a protocol error. The description is a constant sentence that
// helps the caller; it never contains what the caller sent.
func NewError(code Code, description string) *Error {
	return &Error{Code: code, Description: Printable(description)}
}

// ServerError wraps a fault of our own. The caller learns nothing of it.
func ServerError(cause error) *Error {
	return NewError(CodeServerError, "The authorization server met an unexpected condition. The incident is in its log.").WithCause(cause)
}

// WithCause returns a copy of e with the private half set.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error is for the log: it has the private half too.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Description
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the private half.
func (e *Error) Unwrap() error { return e.cause }

// Status returns the HTTP status that the token endpoint and its like answer
// the error with (RFC 6749 §5.2).
func (e *Error) Status() int {
	switch e.Code {
	case CodeInvalidClient, CodeInvalidToken:
		return http.StatusUnauthorized
	case CodeInsufficientScope:
		return http.StatusForbidden
	case CodeServerError:
		return http.StatusInternalServerError
	case CodeTemporarilyUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}

// Printable replaces what error_description must not contain: RFC 6749 §5.2
// allows %x20-21 / %x23-5B / %x5D-7E, so no quotation mark, backslash or
// control character.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r < 0x20 || r > 0x7E || r == '\\':
			return '?'
		}
		return r
	}, s)
}
