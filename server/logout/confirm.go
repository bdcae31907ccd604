package logout

import (
	"errors"
	"net/http"
	"net/url"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/resourceowner"
)

// question is what a logout page has asked. It is sealed into the page for the
// browser that it was made for, so that no other site can answer it (RFC 6749
// §10.12).
type question struct {
	Session     string `json:"s"` // id of the session
	ClientID    string `json:"c,omitempty"`
	RedirectURI string `json:"r,omitempty"`
	State       string `json:"t,omitempty"`
}

const (
	purposeLogout = "logout"
	paramDecision = "decision"
)

// ask shows the page that asks whether to sign out.
func (e *Endpoint) ask(w http.ResponseWriter, r *http.Request, l *logout, session *resourceowner.Session) {
	q := question{Session: session.ID, RedirectURI: l.redirectURI, State: l.state}
	if l.client != nil {
		q.ClientID = l.client.ID
	}
	state, err := e.browsers.Seal(w, r, purposeLogout, q)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	e.pages.Logout(w, pages.Logout{
		Action:   e.Settings.URL(issuer.PathLogoutConfirm),
		State:    state,
		Name:     session.Person.Name,
		Username: session.Person.Username,
		Client:   l.clientName(),
		ReturnTo: l.redirectURI,
	})
}

// confirm takes the person's answer.
func (e *Endpoint) confirm(w http.ResponseWriter, r *http.Request) {
	form, err := oauth.ParseForm(r)
	if err != nil || form.OnlyOnce() != nil || !resourceowner.SameOrigin(r) {
		e.trouble(w, r, resourceowner.ErrForeign)
		return
	}
	var q question
	if err := e.browsers.Open(r, purposeLogout, form.Get(oauth.ParamState), &q); err != nil {
		e.trouble(w, r, err)
		return
	}
	l, refused := e.asked(r, q)
	if refused != nil {
		e.refuse(w, r, refused)
		return
	}
	session, err := e.sessions.Find(r)
	switch {
	case errors.Is(err, resourceowner.ErrNoSession):
		e.leave(w, l.confirmed())
	case err != nil:
		e.trouble(w, r, err)
	case session.ID != q.Session:
		e.ask(w, r, l, session) // another one, of somebody else perhaps
	case form.Get(paramDecision) == pages.DecisionLeave:
		e.end(w, r, l, session)
	default:
		e.pages.Left(w, pages.Left{Stayed: true, Client: l.clientName(), ReturnTo: l.link()})
	}
}

// asked returns the request that the question was about, as it is judged now.
func (e *Endpoint) asked(r *http.Request, q question) (*logout, *pages.Error) {
	params, err := oauth.ParseQuery(url.Values{
		oauth.ParamClientID: {q.ClientID}, oauth.ParamPostLogoutRedirectURI: {q.RedirectURI}, oauth.ParamState: {q.State},
	}.Encode())
	if err != nil {
		return nil, refuseMalformed()
	}
	return e.understand(r.Context(), params)
}
