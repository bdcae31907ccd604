package authorization

import (
	"encoding/json"
	"slices"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// claim is what a request says about one claim (OpenID Connect Core §5.5.1). A
// claim that is asked for with null says nothing.
type claim struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
}

// wanted returns the values that are asked for.
func (c *claim) wanted() []string {
	var all []string
	for _, raw := range append([]json.RawMessage{c.Value}, c.Values...) {
		var s string
		if len(raw) > 0 && json.Unmarshal(raw, &s) == nil {
			all = append(all, s)
		}
	}
	return all
}

// claimsRequest is the value of the parameter claims. Members that are not known
// are ignored.
type claimsRequest struct {
	IDToken  map[string]*claim `json:"id_token"`
	Userinfo map[string]*claim `json:"userinfo"`
}

// requestedClaims reads the parameter claims into the request (OpenID Connect
// Core §5.5).
//
// A claim about the person is given if the client is registered for its scope,
// and is left out otherwise, essential or not: "the OP [...] MUST NOT generate an
// error when Claims are not returned". A value that is asked for changes nothing
// about what is true. Of two claims it does: sub says who the person has to be,
// and an essential acr with a value cannot be met.
func (r *request) requestedClaims(client *registration.Client, params oauth.Params) *oauth.Error {
	text := params.Get(oauth.ParamClaims)
	if text == "" || !r.scope.Has(oauth.ScopeOpenID) {
		return nil
	}
	var asked claimsRequest
	if err := json.Unmarshal([]byte(text), &asked); err != nil {
		return oauth.NewError(oauth.CodeInvalidRequest, "The parameter claims is not the JSON object of OpenID Connect Core 5.5.")
	}
	for place, claims := range map[string]map[string]*claim{oauth.ClaimsIDToken: asked.IDToken, oauth.ClaimsUserinfo: asked.Userinfo} {
		if acr := claims["acr"]; acr != nil && acr.Essential && len(acr.wanted()) > 0 {
			return oauth.NewError(oauth.CodeUnmetAuthentication, "The authorization server has no authentication context class to offer.")
		}
		if sub := claims["sub"]; sub != nil {
			if values := sub.wanted(); len(values) > 0 {
				r.subjects = append(r.subjects, values)
			}
		}
		names := make([]string, 0, len(claims))
		for name := range claims {
			names = append(names, name)
		}
		for _, name := range resourceowner.Within(names, client.Scope) {
			r.claims = append(r.claims, place+":"+name)
		}
	}
	slices.Sort(r.claims)
	return nil
}

// shown is what the person is asked to consent to: the scope, the scopes of the
// claims that are asked for by name, and where all that is for.
func (r *request) shown() oauth.Scope {
	scope := slices.Clone(r.scope)
	for _, place := range []string{oauth.ClaimsIDToken, oauth.ClaimsUserinfo} {
		for _, name := range r.claims.Of(place) {
			if s := resourceowner.ScopeOfClaim(name); !scope.Has(s) {
				scope = append(scope, s)
			}
		}
	}
	return append(scope, r.places()...)
}
