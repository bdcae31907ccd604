package userinfo

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/oauth"
)

// errNoToken says that the request has no access token at all.
var errNoToken = errors.New("userinfo: no access token")

// bearerToken returns the access token of the request, from the Authorization
// header (RFC 6750 §2.1) or the form in the body (§2.2). A token in the query
// (§2.3) has been in logs and histories by now and is refused (RFC 9700 §4.3.2).
func bearerToken(r *http.Request) (string, error) {
	if query, _ := url.ParseQuery(r.URL.RawQuery); query.Has(oauth.ParamAccessToken) {
		return "", invalidRequest("An access token must not be in the URL.")
	}
	header, err := headerToken(r)
	if err != nil {
		return "", err
	}
	body, err := bodyToken(r)
	if err != nil {
		return "", err
	}
	switch {
	case header != "" && body != "":
		// RFC 6750 §2: "Clients MUST NOT use more than one method".
		return "", invalidRequest("The request has an access token in more than one place.")
	case header == "" && body == "":
		return "", errNoToken
	}
	return header + body, nil
}

func headerToken(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	switch len(values) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", invalidRequest("The request has more than one Authorization header.")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, oauth.TokenTypeBearer) { // RFC 9110 §11.1: case-insensitive
		return "", errNoToken
	}
	if token = strings.TrimLeft(token, " "); token == "" {
		return "", invalidRequest("The Authorization header has no access token.")
	}
	return token, nil
}

func bodyToken(r *http.Request) (string, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // "" of one that is broken
	if r.Method != http.MethodPost || mediaType != "application/x-www-form-urlencoded" {
		return "", nil
	}
	params, err := oauth.ParseForm(r)
	if err != nil {
		return "", err
	}
	if err := params.OnlyOnce(); err != nil {
		return "", err
	}
	return params.Get(oauth.ParamAccessToken), nil
}

func invalidRequest(description string) *oauth.Error {
	return oauth.NewError(oauth.CodeInvalidRequest, description)
}

// invalidToken says the same whatever is wrong with the token.
func invalidToken(cause error) *oauth.Error {
	return oauth.NewError(oauth.CodeInvalidToken, "The access token is malformed, has expired or was revoked.").WithCause(cause)
}

// challenge returns the challenge with nothing but the realm, the issuer. RFC 6750
// §3: the scheme "MUST be followed by one or more auth-param values".
func (e *endpoint) challenge() string {
	return `Bearer realm="` + oauth.Printable(e.Settings.Issuer) + `"`
}

// refuse answers an error as RFC 6750 §3 says: in the challenge, and for people
// who look at it in the body too. What is our own fault is no challenge.
func (e *endpoint) refuse(w http.ResponseWriter, log logr.Logger, err error) error {
	if errors.Is(err, errNoToken) {
		// RFC 6750 §3.1: without authentication information "the resource server
		// SHOULD NOT include an error code or other error information".
		h := w.Header()
		h.Set("WWW-Authenticate", e.challenge())
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusUnauthorized)
		return nil
	}
	var protocol *oauth.Error
	if !errors.As(err, &protocol) {
		protocol = oauth.ServerError(err)
	}
	if protocol.Status() >= http.StatusInternalServerError {
		log.Error(protocol.Unwrap(), "A UserInfo request failed.", "error", protocol.Code)
		return oauth.WriteError(w, protocol.Status(), protocol)
	}
	log.V(1).Info("A UserInfo request was refused.", "error", protocol.Code, "cause", protocol.Unwrap())
	challenge := e.challenge() + `, error="` + string(protocol.Code) + `", error_description="` + protocol.Description + `"`
	if protocol.Code == oauth.CodeInsufficientScope {
		challenge += `, scope="` + oauth.ScopeOpenID + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	return oauth.WriteError(w, protocol.Status(), protocol)
}
