package authorization

import (
	"context"
	"slices"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/resourceowner"
)

// maxHint is the longest login_hint that is put into the field.
const maxHint = 128

// hint returns the username that the login page begins with: the login_hint
// (OpenID Connect Core §3.1.2.1), or that of the person whom the id_token_hint
// names. It is no more than a hint: what is wrong with it is told later.
func (e *Endpoint) hint(ctx context.Context, t *target, params oauth.Params) string {
	if h := params.Get(oauth.ParamLoginHint); h != "" && len(h) <= maxHint && !params.Repeated(oauth.ParamLoginHint) {
		return h
	}
	named, bad := e.idTokenHint(t, params)
	if bad != nil || named == "" || t.client.Pairwise() { // whom a pairwise sub is of, nobody can tell from it
		return ""
	}
	person, err := e.people.Person(ctx, named)
	if err != nil {
		return ""
	}
	return person.Username
}

// idTokenHint returns the sub of the id_token_hint, or "" if there is none
// (OpenID Connect Core §3.1.2.1). It has to be an ID token that this client has
// had from this issuer, expired or not.
func (e *Endpoint) idTokenHint(t *target, params oauth.Params) (string, *oauth.Error) {
	token := params.Get(oauth.ParamIDTokenHint)
	if token == "" {
		return "", nil
	}
	h, err := accesstoken.ReadHint(e.settings, e.keys.Load(), token, e.now())
	if err != nil || h.ClientID != t.client.ID {
		return "", oauth.NewError(oauth.CodeInvalidRequest, "The id_token_hint is not an ID token that the client has had from this issuer, or is too old to be checked.")
	}
	return h.Subject, nil
}

// recognise notes in the request whether the session is of somebody else than
// it names.
func (e *Endpoint) recognise(t *target, req *request, session *resourceowner.Session) *oauth.Error {
	if len(req.subjects) == 0 {
		return nil
	}
	subject, err := accesstoken.Subject(e.keys.Load(), t.client, session.Person.Subject)
	if err != nil {
		return fault(err)
	}
	for _, named := range req.subjects {
		req.somebodyElse = req.somebodyElse || !slices.Contains(named, subject)
	}
	return nil
}
