package authorization

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// request is an authorization request that has been found valid.
type request struct {
	scope     oauth.Scope
	challenge string // RFC 7636 §4.2, S256; "" if none was sent
	nonce     string
	prompts   []string
	maxAge    time.Duration // negative for any
	claims    oauth.Claims  // that are asked for by name
	resources []string      // RFC 8707 §2.1; none for the issuer itself

	// subjects are whom the request says the person is, as the client knows them:
	// id_token_hint, and the claim sub of claims, which may name several. The
	// person has to be in each. somebodyElse says that the session is of another.
	subjects     [][]string
	somebodyElse bool
}

// request checks what is left to check once client and redirect URI are certain.
// What is wrong here is for the client to read (RFC 6749 §4.1.2.1). Parameters
// that are not known, and those that are no more than a wish (acr_values,
// ui_locales, display), are ignored (RFC 6749 §3.1).
func (e *Endpoint) request(t *target, params oauth.Params) (*request, *oauth.Error) {
	// RFC 6749 §3.1; RFC 8707 §2 lets resource be repeated.
	if err := params.OnlyOnce(oauth.ParamResource); err != nil {
		return nil, asError(err)
	}
	if err := unsupported(params); err != nil {
		return nil, err
	}
	if err := checkResponse(t, params); err != nil {
		return nil, err
	}
	scope, fault := t.client.RequestedScope(params.Get(oauth.ParamScope))
	if fault != nil {
		return nil, asError(fault)
	}
	req := &request{scope: scope}
	if req.resources, fault = t.client.RequestedResources(e.settings, scope, params.All(oauth.ParamResource)); fault != nil {
		return nil, asError(fault)
	}
	var err *oauth.Error
	if req.nonce, err = nonce(params); err != nil {
		return nil, err
	}
	if req.challenge, err = challenge(t.client, params); err != nil {
		return nil, err
	}
	if req.prompts, err = prompts(params); err != nil {
		return nil, err
	}
	req.scope = withoutOffline(req.scope, req.prompts)
	if req.maxAge, err = maxAge(t.client, params); err != nil {
		return nil, err
	}
	named, err := e.idTokenHint(t, params)
	if err != nil {
		return nil, err
	}
	if named != "" {
		req.subjects = append(req.subjects, []string{named})
	}
	if err := req.requestedClaims(t.client, params); err != nil {
		return nil, err
	}
	return req, nil
}

// unsupported answers the parameters that must not be ignored where they are not
// supported (OpenID Connect Core §3.1.2.6, §6, §7.2.1).
func unsupported(params oauth.Params) *oauth.Error {
	switch {
	case params.Has(oauth.ParamRequest):
		return oauth.NewError(oauth.CodeRequestNotSupported, "The parameter request is not supported.")
	case params.Has(oauth.ParamRequestURI):
		return oauth.NewError(oauth.CodeRequestURINotSupported, "The parameter request_uri is not supported.")
	case params.Has(oauth.ParamRegistration):
		return oauth.NewError(oauth.CodeRegistrationUnsupported, "The parameter registration is not supported.")
	}
	return nil
}

// checkResponse checks response_type and response_mode (RFC 6749 §3.1.1).
func checkResponse(t *target, params oauth.Params) *oauth.Error {
	switch params.Get(oauth.ParamResponseType) {
	case "":
		return oauth.NewError(oauth.CodeInvalidRequest, "The parameter response_type is missing.")
	case oauth.ResponseTypeCode:
	default:
		return oauth.NewError(oauth.CodeUnsupportedResponseType, "The only response_type here is code.")
	}
	if !t.client.MayAsk(oauth.ResponseTypeCode) || !t.client.MayUse(oauth.GrantAuthorizationCode) {
		return oauth.NewError(oauth.CodeUnauthorizedClient, "The client is not registered for the authorization code grant.")
	}
	// query is the default of the code flow (OAuth 2.0 Multiple Response Type
	// Encoding Practices §2.1, §3).
	switch params.Get(oauth.ParamResponseMode) {
	case "", oauth.ResponseModeQuery:
		return nil
	case oauth.ResponseModeFormPost:
		if !t.posted {
			return oauth.NewError(oauth.CodeInvalidRequest, "The response_mode form_post needs a redirect_uri that a form can be posted to.")
		}
		return nil
	}
	return oauth.NewError(oauth.CodeInvalidRequest, "The response_mode has to be query or form_post.")
}

// withoutOffline leaves offline_access out where the person will not be asked:
// the server "MUST ignore the offline_access request unless" prompt has consent
// (OpenID Connect Core §11). What is left may be nothing but openid.
func withoutOffline(scope oauth.Scope, prompts []string) oauth.Scope {
	if !scope.Has(oauth.ScopeOpenID) || !scope.Has(oauth.ScopeOfflineAccess) || slices.Contains(prompts, oauth.PromptConsent) {
		return scope
	}
	return slices.DeleteFunc(slices.Clone(scope), func(s string) bool { return s == oauth.ScopeOfflineAccess })
}

// maxNonce bounds what has to fit into the code.
const maxNonce = 1024

// nonce returns the nonce verbatim (OpenID Connect Core §3.1.2.1).
func nonce(params oauth.Params) (string, *oauth.Error) {
	n := params.Get(oauth.ParamNonce)
	if len(n) > maxNonce {
		return "", oauth.NewError(oauth.CodeInvalidRequest, "The nonce is longer than 1024 bytes.")
	}
	return n, nil
}

// hasPrompt reports whether that is among the values of prompt.
func hasPrompt(params oauth.Params, value string) bool {
	return slices.Contains(strings.Fields(params.Get(oauth.ParamPrompt)), value)
}

// prompts reads prompt. A value that is not known is ignored: extensions add some.
func prompts(params oauth.Params) ([]string, *oauth.Error) {
	values := strings.Fields(params.Get(oauth.ParamPrompt))
	if slices.Contains(values, oauth.PromptNone) && len(values) > 1 {
		return nil, oauth.NewError(oauth.CodeInvalidRequest, "The prompt none cannot be combined with another.")
	}
	return values, nil
}

// maxAge reads max_age, in seconds (OpenID Connect Core §3.1.2.1). Without it
// the default_max_age of the client counts (OpenID Connect Registration §2).
func maxAge(client *registration.Client, params oauth.Params) (time.Duration, *oauth.Error) {
	const anyAge = -1
	text := params.Get(oauth.ParamMaxAge)
	switch {
	case text == "" && client.OpenID.HasDefaultMaxAge:
		return client.OpenID.DefaultMaxAge, nil
	case text == "":
		return anyAge, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, oauth.NewError(oauth.CodeInvalidRequest, "The parameter max_age is no number of seconds.")
	}
	return time.Duration(seconds) * time.Second, nil // #nosec G115 -- 31 bits
}

// needsLogin reports whether the session is not fresh enough. A login that this
// very request led to always is, so that nobody is sent round in circles.
func (r *request) needsLogin(session *resourceowner.Session, errand resourceowner.Errand, now time.Time) bool {
	if errand.Session == session.ID {
		return false
	}
	if slices.Contains(r.prompts, oauth.PromptLogin) {
		return true // "SHOULD prompt the End-User for reauthentication"
	}
	// max_age=0 is prompt=login by another name, also within the same second.
	return r.maxAge == 0 || (r.maxAge > 0 && now.Sub(session.AuthTime) > r.maxAge)
}

// needsConsent reports whether the person has to be asked. RFC 6749 §10.2: a
// client that cannot be authenticated is never approved in silence. The consent
// page names the account and offers another, so it serves select_account too.
func (r *request) needsConsent(client *registration.Client, session *resourceowner.Session) bool {
	return client.Public() ||
		slices.Contains(r.prompts, oauth.PromptConsent) ||
		slices.Contains(r.prompts, oauth.PromptSelectAccount) ||
		!session.Allowed(client.UID, r.allowance())
}
