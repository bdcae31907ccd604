package token

import (
	"context"
	"errors"
	"slices"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// badSubjectToken is what the caller is told of a subject_token that it cannot
// exchange, whatever is wrong with it: it learns nothing of tokens that are not
// meant for it.
const badSubjectToken = "The subject_token is not an access token of this issuer that is meant for the client and still good."

// exchange answers a token exchange request (RFC 8693 §2.1): an access token of
// this issuer for one that is for another resource. The client that asks is the
// one that acts. Nothing is written, and there is no refresh token.
func (e *endpoint) exchange(ctx context.Context, req *request) (response, error) {
	if !req.Authenticated {
		return response{}, oauth.NewError(oauth.CodeUnauthorizedClient, "A public client cannot use this grant_type.")
	}
	issued, err := exchangeTypes(req.params)
	if err != nil {
		return response{}, err
	}
	claims, from, err := e.subjectToken(req)
	if err != nil {
		return response{}, err
	}
	ground := accesstoken.Ground{Settings: e.Settings, Registry: e.Registry, Grants: e.Grants, People: e.People}
	standing, stands, err := ground.Standing(ctx, req.set, claims, req.now)
	switch {
	case err != nil:
		return response{}, err
	case !stands:
		return response{}, invalidSubject("what the subject token rests on does not stand")
	case claims.Act.Depth() >= accesstoken.MaxActors:
		return response{}, oauth.NewError(oauth.CodeInvalidRequest, "The subject_token was exchanged too often already.")
	}
	target, rules, err := e.exchangeTarget(req, from)
	if err != nil {
		return response{}, err
	}
	scope, err := e.exchangeScope(req, claims, standing.Origin, rules, target)
	if err != nil {
		return response{}, err
	}
	// The subject of a client's token for itself is that client, to everybody.
	subject := claims.Subject
	if standing.Person != "" {
		if subject, err = accesstoken.Subject(req.set, req.Client, standing.Person); err != nil {
			return response{}, oauth.ServerError(err)
		}
	}
	answer, err := e.bearer(req, claims.Exchanged(e.Settings, req.Client, subject, target, scope, req.now))
	answer.IssuedTokenType = issued
	return answer, err
}

// exchangeTypes checks the kinds of the tokens, and returns that of the one to be
// issued.
func exchangeTypes(params oauth.Params) (string, error) {
	known := []string{oauth.TypeAccessToken, oauth.TypeJWT}
	asked := params.Get(oauth.ParamRequestedTokenType)
	if asked == "" {
		asked = oauth.TypeAccessToken
	}
	switch {
	case !params.Has(oauth.ParamSubjectToken):
		return "", missing(oauth.ParamSubjectToken)
	case !params.Has(oauth.ParamSubjectTokenType):
		return "", missing(oauth.ParamSubjectTokenType)
	case params.Has(oauth.ParamActorToken):
		return "", oauth.NewError(oauth.CodeInvalidRequest, "The actor_token is not supported: the client that authenticates is the one that acts.")
	case params.Has(oauth.ParamActorTokenType):
		// RFC 8693 §2.1: "MUST NOT be included otherwise".
		return "", oauth.NewError(oauth.CodeInvalidRequest, "The parameter actor_token_type needs an actor_token, which is not supported.")
	case !slices.Contains(known, params.Get(oauth.ParamSubjectTokenType)):
		return "", oauth.NewError(oauth.CodeInvalidRequest, "Of subject_token_type access_token and jwt are supported.")
	case !slices.Contains(known, asked):
		return "", oauth.NewError(oauth.CodeInvalidRequest, "Of requested_token_type access_token and jwt are supported.")
	}
	return asked, nil
}

// subjectToken returns the claims of the token that is to be exchanged, and the
// resources for which the client has it in hand: all of a token of its own, or
// those that it serves.
func (e *endpoint) subjectToken(req *request) (accesstoken.Claims, []string, error) {
	if len(req.set.Public(req.now).Keys) == 0 {
		// Every token looks forged to a server without keys.
		return accesstoken.Claims{}, nil, oauth.Unavailable(keys.ErrNoKey)
	}
	token := req.params.Get(oauth.ParamSubjectToken)
	if len(token) > oauth.MaxToken {
		return accesstoken.Claims{}, nil, invalidSubject("the subject token is too long")
	}
	claims, err := accesstoken.Read(e.Settings, req.set, token, req.now)
	if err != nil {
		return accesstoken.Claims{}, nil, invalidSubject("the subject token is no access token of this issuer that is good")
	}
	from := []string(claims.Audience)
	if claims.ClientID != req.Client.ID {
		from = e.Settings.Served(req.Client.ID, claims.Audience)
	}
	if len(from) == 0 {
		return accesstoken.Claims{}, nil, invalidSubject("the subject token is not meant for the client")
	}
	return claims, from, nil
}

// invalidSubject is the error for a subject_token that is no good (RFC 8693
// §2.2.2: "the value of the error parameter MUST be the invalid_request error
// code"). The cause is a constant.
func invalidSubject(cause string) *oauth.Error {
	return oauth.NewError(oauth.CodeInvalidRequest, badSubjectToken).WithCause(errors.New(cause))
}

// exchangeTarget returns the one resource that the new token is for, and the rules
// that allow it. Both parameters name it by its identifier.
func (e *endpoint) exchangeTarget(req *request, from []string) (string, []registration.Exchange, error) {
	asked, err := oauth.ParseResources(append(req.params.All(oauth.ParamResource), req.params.All(oauth.ParamAudience)...))
	switch {
	case err != nil:
		return "", nil, err
	case len(asked) == 0:
		return "", nil, oauth.InvalidTarget("Name the resource that the token is to be for with the parameter resource or audience.")
	case len(asked) > 1:
		return "", nil, oauth.InvalidTarget("A token can be exchanged for one that is for a single resource.")
	}
	rules := req.Client.Exchangeable(from, asked[0])
	if len(rules) == 0 || !e.Settings.Knows(asked[0]) {
		return "", nil, oauth.InvalidTarget("The resource does not exist, or no rule allows the client this exchange.")
	}
	return asked[0], rules, nil
}

// exchangeScope returns the scope of the new token: what is asked for, or else all
// that can be given. That is what the rules let pass of the old token, as far as
// the client that it came from is still registered for it, and what they add; and
// of all this what the target understands.
func (e *endpoint) exchangeScope(
	req *request, claims accesstoken.Claims, origin *registration.Client, rules []registration.Exchange, target string,
) (oauth.Scope, error) {
	had, err := oauth.ParseScope(claims.Scope)
	if err != nil {
		return nil, invalidSubject("the scope of the subject token cannot be read")
	}
	asked, err := oauth.ParseScope(req.params.Get(oauth.ParamScope))
	if err != nil {
		return nil, err
	}
	had = had.Intersect(origin.Scope)
	var given oauth.Scope
	listed := false
	for _, rule := range rules {
		listed = listed || len(rule.Scope)+len(rule.Additional) > 0
		for _, scope := range slices.Concat(had.Intersect(rule.Scope), rule.Additional) {
			if !given.Has(scope) {
				given = append(given, scope)
			}
		}
	}
	given = e.Settings.Understood(given, []string{target})
	switch {
	case !asked.In(given):
		return nil, oauth.NewError(oauth.CodeInvalidScope, "The scope is more than the subject_token and the rules of token exchange give at the resource.")
	case len(asked) > 0:
		return asked, nil
	case listed && len(given) == 0:
		return nil, oauth.NewError(oauth.CodeInvalidScope, "Nothing of the scope of the subject_token can be given at the resource.")
	}
	return given, nil
}
