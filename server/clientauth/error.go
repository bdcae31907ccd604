package clientauth

import (
	"errors"
	"net/http"

	"oauth-operator.dev/server/oauth"
)

// Causes, for the log.
var (
	// ErrThrottled says that there were too many wrong secrets for the client.
	ErrThrottled = errors.New("clientauth: too many failures for this client_id")

	errMalformed     = errors.New("clientauth: malformed credentials")
	errMethod        = errors.New("clientauth: not the method that the client is registered with")
	errMethodUnknown = errors.New("clientauth: unknown method")
	errNothing       = errors.New("clientauth: no client_id")
	errSecret        = errors.New("clientauth: wrong secret")
)

// invalidClient is the error of RFC 6749 §5.2. It says the same whatever the
// cause is, so that nobody learns which clients exist.
func invalidClient(cause error) *oauth.Error {
	return oauth.NewError(oauth.CodeInvalidClient, "Client authentication failed.").WithCause(cause)
}

// explained is invalidClient for those who can be told more: what they have sent
// shows it, or they have shown who they are.
func explained(cause error, sentence string) *oauth.Error {
	return oauth.NewError(oauth.CodeInvalidClient, sentence).WithCause(cause)
}

// WriteError answers an error of an endpoint at which clients authenticate
// (RFC 6749 §5.2). Whoever failed to authenticate is told the scheme to use, as
// it must be after an Authorization header and RFC 9110 §15.5.2 asks of every
// 401; whoever has failed too often is told to wait (RFC 6585 §4).
func (a *Authenticator) WriteError(w http.ResponseWriter, e *oauth.Error) error {
	status := e.Status()
	switch {
	case errors.Is(e, ErrThrottled):
		status = http.StatusTooManyRequests
	case status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="`+oauth.Printable(a.options.Realm)+`"`)
	}
	return oauth.WriteError(w, status, e)
}
