package clientauth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/oauth"
)

// attempt is what a request offers as the identity of its client.
type attempt struct {
	method   string
	clientID string
	secret   string

	assertion *assertion.JWT // of private_key_jwt
}

// readAttempt finds the one authentication method of the request. Credentials in
// the URL are not looked at: RFC 6749 §2.3.1 forbids them there.
func readAttempt(r *http.Request, params oauth.Params) (attempt, error) {
	headers := r.Header.Values("Authorization")
	inBody := params.Has(oauth.ParamClientSecret)
	asserted := params.Has(oauth.ParamClientAssertion) || params.Has(oauth.ParamClientAssertionType)

	// RFC 6749 §2.3: "The client MUST NOT use more than one authentication
	// method in each request."
	if count(len(headers) > 0, inBody, asserted) > 1 || len(headers) > 1 {
		return attempt{}, oauth.NewError(oauth.CodeInvalidRequest, "The request uses more than one client authentication method.")
	}
	switch {
	case asserted:
		return fromAssertion(params)
	case len(headers) == 1:
		return fromHeader(headers[0], params)
	}
	a := attempt{method: oauth.AuthMethodNone, clientID: params.Get(oauth.ParamClientID), secret: params.Get(oauth.ParamClientSecret)}
	if inBody {
		a.method = oauth.AuthMethodPost
	}
	if a.clientID == "" {
		return attempt{}, invalidClient(errNothing)
	}
	return a, nil
}

// fromHeader reads client_secret_basic. A client_id in the body beside it has to
// be the same: who it is must not depend on who reads the request.
func fromHeader(header string, params oauth.Params) (attempt, error) {
	clientID, secret, err := parseBasic(header)
	if err != nil {
		return attempt{}, invalidClient(err)
	}
	if params.Has(oauth.ParamClientID) && params.Get(oauth.ParamClientID) != clientID {
		return attempt{}, oauth.NewError(oauth.CodeInvalidRequest, "The client_id of the request body is not that of the Authorization header.")
	}
	return attempt{method: oauth.AuthMethodBasic, clientID: clientID, secret: secret}, nil
}

// parseBasic reads the value of an Authorization header (RFC 7617 §2), of which
// RFC 6749 §2.3.1 says that both halves are form-encoded (Appendix B). Its
// errors hold nothing of the input.
func parseBasic(header string) (clientID, secret string, err error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") { // RFC 9110 §11.1: case-insensitive
		return "", "", errMethodUnknown
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimLeft(encoded, " "))
	if err != nil {
		return "", "", errMalformed
	}
	rawID, rawSecret, found := strings.Cut(string(raw), ":")
	if !found {
		return "", "", errMalformed
	}
	clientID, err = url.QueryUnescape(rawID)
	if err != nil {
		return "", "", errMalformed
	}
	secret, err = url.QueryUnescape(rawSecret)
	if err != nil {
		return "", "", errMalformed
	}
	if clientID == "" {
		return "", "", errMalformed
	}
	return clientID, secret, nil
}

func count(facts ...bool) int {
	n := 0
	for _, fact := range facts {
		if fact {
			n++
		}
	}
	return n
}
