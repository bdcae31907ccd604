package authorization

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/resourceowner"
)

// issue answers the client with a code (RFC 6749 §4.1.2).
func (e *Endpoint) issue(w http.ResponseWriter, r *http.Request, t *target, req *request, session *resourceowner.Session) {
	now := e.now()
	c := grant.Code{
		GrantID:         grant.NewID(),
		IssuedAt:        now.Unix(),
		ExpiresAt:       now.Add(e.settings.Lifetimes.Code).Unix(),
		ClientID:        t.client.ID,
		ClientUID:       t.client.UID,
		RedirectURI:     t.redirectURI,
		RedirectURISent: t.sent,
		Subject:         session.Person.Subject,
		Username:        session.Person.Username,
		Scope:           req.scope,
		SessionID:       session.ID,
		AuthTime:        session.AuthTime.Unix(),
		Challenge:       req.challenge,
		Nonce:           req.nonce,
		Claims:          req.claims,
		Resources:       req.resources,
	}
	code, err := grant.SealCode(e.keys.Load(), c, now)
	if errors.Is(err, grant.ErrCodeTooLong) {
		e.fail(w, r, t, oauth.NewError(oauth.CodeInvalidRequest, "The scope, the claims, the resources and the nonce are longer than an authorization code can carry."))
		return
	}
	if err != nil {
		e.fail(w, r, t, fault(err))
		return
	}
	err = e.sessions.Visit(w, session, resourceowner.Visit{
		ClientID: c.ClientID, GrantID: c.GrantID, SessionID: session.ID, Offline: req.scope.Has(oauth.ScopeOfflineAccess),
	})
	if err != nil {
		e.fail(w, r, t, fault(err))
		return
	}
	logr.FromContextOrDiscard(r.Context()).Info("Authorization code issued.",
		"client", t.client.ID, "subject", session.Person.Subject, "grant", c.GrantID)
	e.respond(w, t, param{oauth.ParamCode, code})
}

// fail answers the client with an error (RFC 6749 §4.1.2.1).
func (e *Endpoint) fail(w http.ResponseWriter, r *http.Request, t *target, err *oauth.Error) {
	log := logr.FromContextOrDiscard(r.Context()).WithValues("client", t.client.ID, "code", string(err.Code))
	if err.Code == oauth.CodeServerError {
		log.Error(err, "An authorization request failed.")
	} else {
		log.Info("An authorization request was answered with an error.")
	}
	e.respond(w, t, param{oauth.ParamError, string(err.Code)}, param{oauth.ParamErrorDesc, err.Description})
}

type param struct{ name, value string }

// respond sends the browser to the client's redirect URI with these parameters,
// the state, and the issuer (RFC 9207 §2), on errors too.
func (e *Endpoint) respond(w http.ResponseWriter, t *target, params ...param) {
	if t.state != "" {
		params = append(params, param{oauth.ParamState, t.state})
	}
	params = append(params, param{oauth.ParamIssuer, e.settings.Issuer})
	if t.posted {
		e.post(w, t, params)
		return
	}
	e.redirect(w, t, params)
}

// post answers with a page whose form the browser posts to the client (OAuth 2.0
// Form Post Response Mode §2).
func (e *Endpoint) post(w http.ResponseWriter, t *target, params []param) {
	fields := make([]pages.Field, len(params))
	for i, p := range params {
		fields[i] = pages.Field{Name: p.name, Value: p.value}
	}
	e.pages.FormPost(w, pages.FormPost{
		Action:      t.redirectURI,
		Fields:      fields,
		Destination: destination(t.redirectURI),
	})
}

// redirect puts the parameters into the query. What the URI's query had stays as
// it is (RFC 6749 §3.1.2). Values are form-encoded (Appendix B), so none can end a
// header; a space is written as %20, which those who read + as itself understand
// too.
func (e *Endpoint) redirect(w http.ResponseWriter, t *target, params []param) {
	var b strings.Builder
	b.WriteString(t.redirectURI)
	separator := querySeparator(t.redirectURI)
	for _, p := range params {
		b.WriteString(separator)
		b.WriteString(p.name)
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(url.QueryEscape(p.value), "+", "%20"))
		separator = "&"
	}
	resourceowner.SeeOther(w, b.String())
}

// querySeparator returns what comes between a URI and one more parameter.
func querySeparator(uri string) string {
	_, query, has := strings.Cut(uri, "?")
	switch {
	case !has:
		return "?"
	case query == "" || strings.HasSuffix(query, "&"):
		return ""
	}
	return "&"
}

// fault is an error of ours as the client reads it.
func fault(err error) *oauth.Error {
	if errors.Is(err, keys.ErrNoKey) {
		return oauth.NewError(oauth.CodeTemporarilyUnavailable, "The authorization server has no keys yet. Try again in a moment.").WithCause(err)
	}
	return oauth.ServerError(err)
}

// asError returns the protocol error that err is, or a fault of ours.
func asError(err error) *oauth.Error {
	var e *oauth.Error
	if errors.As(err, &e) {
		return e
	}
	return oauth.ServerError(err)
}
