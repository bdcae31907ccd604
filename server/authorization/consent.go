package authorization

import (
	"net/http"
	"net/url"
	"slices"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// question is what a consent page has asked. It is sealed into the page, so that
// the answer is to exactly that and from exactly that person.
type question struct {
	Errand    resourceowner.Errand `json:"e"`
	Session   string               `json:"s"` // id of the session
	ClientUID string               `json:"u"`
	Scope     oauth.Scope          `json:"p"`
}

const (
	purposeConsent = "consent"
	paramDecision  = "decision"
)

// askConsent shows the consent page: who asks, for what and for how long, whose
// account it is and where the browser will be sent (RFC 6749 §10.2).
func (e *Endpoint) askConsent(w http.ResponseWriter, r *http.Request, t *target, f flow, req *request, session *resourceowner.Session) {
	state, err := e.browsers.Seal(w, r, purposeConsent, question{
		Errand:    f.errand,
		Session:   session.ID,
		ClientUID: t.client.UID,
		Scope:     req.shown(),
	})
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	shown := req.shown()
	descriptions := make([]string, 0, len(shown))
	for _, name := range shown {
		descriptions = append(descriptions, e.describe(name))
	}
	e.pages.Consent(w, pages.Consent{
		Action:      e.settings.URL(issuer.PathConsent),
		State:       state,
		Client:      t.client.DisplayName(),
		ClientID:    t.client.ID,
		Destination: destination(t.redirectURI),
		Name:        session.Person.Name,
		Username:    session.Person.Username,
		Scopes:      descriptions,
		Lifetime:    t.client.GrantLifetime(),
		Links:       pages.LinksOf(t.client.OpenID.ClientURI, t.client.OpenID.PolicyURI, t.client.OpenID.TOSURI),
		ReturnTo:    t.redirectURI,
	})
}

// answer takes the person's answer. Nothing of the page is trusted but what was
// sealed into it, and that is checked against the registration and the session as
// they are now.
func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request) {
	form, err := resourceowner.ReadForm(r)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	var q question
	if err := e.browsers.Open(r, purposeConsent, form.Get("state"), &q); err != nil {
		e.trouble(w, r, err)
		return
	}
	switch decision := form.Get(paramDecision); decision {
	case pages.DecisionSwitch:
		e.sessions.End(w)
		e.again(w, r, q)
	case pages.DecisionAllow, pages.DecisionDeny:
		e.decide(w, r, q, decision == pages.DecisionAllow)
	default:
		e.refuse(w, r, refuseDecision())
	}
}

// decide answers the client, if the question still stands.
func (e *Endpoint) decide(w http.ResponseWriter, r *http.Request, q question, allowed bool) {
	params, err := oauth.ParseQuery(q.Errand.Request)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	t, refused := e.target(r.Context(), params)
	if refused != nil {
		e.refuse(w, r, refused)
		return
	}
	session, err := e.sessions.Find(r)
	if err != nil || session.ID != q.Session {
		// The session ended or is another one, of somebody else perhaps. If it is
		// the one of the question, it was fresh enough then.
		e.again(w, r, q)
		return
	}
	if !allowed {
		e.fail(w, r, t, oauth.NewError(oauth.CodeAccessDenied, "The person has not allowed it.")) // RFC 6749 §4.1.2.1
		return
	}
	req, bad := e.request(t, params)
	switch {
	case bad != nil:
		e.fail(w, r, t, bad)
	case t.client.UID != q.ClientUID || !slices.Equal(req.shown(), q.Scope):
		e.again(w, r, q) // not what was asked
	default:
		e.allow(w, r, t, req, session)
	}
}

func (e *Endpoint) allow(w http.ResponseWriter, r *http.Request, t *target, req *request, session *resourceowner.Session) {
	if !t.client.Public() { // RFC 6749 §10.2
		if err := e.sessions.Remember(w, session, t.client.UID, req.allowance()); err != nil {
			e.fail(w, r, t, fault(err))
			return
		}
	}
	e.issue(w, r, t, req, session)
}

// again starts over with the request: whatever is asked of the person next is
// asked anew.
func (e *Endpoint) again(w http.ResponseWriter, r *http.Request, q question) {
	next, err := e.login.Continue(w, r, q.Errand)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	resourceowner.SeeOther(w, next)
}

// destination says where a redirect URI leads, in words for people.
func destination(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	switch {
	case err != nil:
		return redirectURI
	case u.Scheme != "https" && u.Scheme != "http":
		return "the app " + u.Scheme + " on this device"
	case registration.Loopback(u.Hostname()):
		return "a program on this device (" + u.Host + ")"
	}
	return u.Host
}
