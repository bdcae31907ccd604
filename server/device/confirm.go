package device

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// search is a code that a person has entered. It is sealed into a URL of that
// browser, so that any replica can go on with it, and nobody gets there by a link.
type search struct {
	Session  string              `json:"s"` // id of the session
	UserCode devicecode.UserCode `json:"w"`
	Since    int64               `json:"t"` // seconds since 1970

	// Found is the request, where the replica that took the code has seen it.
	Found *devicecode.Code `json:"f,omitempty"`
}

const (
	// patience is how long a person waits for a device. One that has been told to
	// slow down once comes back within it.
	patience = 30 * time.Second

	// lookEvery is how often the page looks again.
	lookEvery = 3 * time.Second
)

// question is what the page has asked. It is sealed into the page, so that the
// answer is to exactly that and from exactly that person.
type question struct {
	Session string          `json:"s"` // id of the session
	Code    devicecode.Code `json:"c"`
	Scope   oauth.Scope     `json:"p,omitempty"`
}

// confirm shows what the device with the code asks for, or waits for it to make
// itself known.
func (e *Endpoint) confirm(w http.ResponseWriter, r *http.Request) {
	var s search
	if err := e.browsers.Open(r, purposeSearch, r.URL.Query().Get(paramState), &s); err != nil {
		e.trouble(w, r, err)
		return
	}
	session, err := e.sessions.Find(r)
	switch {
	case errors.Is(err, resourceowner.ErrNoSession), err == nil && session.ID != s.Session:
		e.again(w, s.UserCode)
		return
	case err != nil:
		e.trouble(w, r, err)
		return
	}
	if s.Found == nil {
		found, err := e.Desk.Find(r.Context(), s.UserCode)
		switch {
		case errors.Is(err, devicecode.ErrUnknown):
			e.wait(w, r, session, s)
			return
		case err != nil:
			e.trouble(w, r, err)
			return
		}
		s.Found = &found
	}
	e.askConsent(w, r, session, *s.Found)
}

// wait shows that the device is being looked for, or that none has answered.
func (e *Endpoint) wait(w http.ResponseWriter, r *http.Request, session *resourceowner.Session, s search) {
	if e.Now().Sub(time.Unix(s.Since, 0)) >= patience {
		e.showForm(w, r, http.StatusNotFound, session, s.UserCode.String(), messageNone)
		return
	}
	e.pages.DeviceWait(w, pages.DeviceWait{
		UserCode: s.UserCode.String(),
		Next:     e.Settings.URL(issuer.PathDeviceConfirm) + "?" + paramState + "=" + r.URL.Query().Get(paramState),
		Seconds:  int(lookEvery / time.Second),
	})
}

// askConsent asks the person, always: whoever has sent them the code may want
// their account for a device of their own (RFC 8628 §5.4), and nobody knows whether
// the client is the one that it says it is (§5.6).
func (e *Endpoint) askConsent(w http.ResponseWriter, r *http.Request, session *resourceowner.Session, c devicecode.Code) {
	client, refused := e.client(r, c)
	if refused != nil {
		e.refuse(w, r, refused)
		return
	}
	if e.needsLogin(client, session, c) {
		e.askLoginAgain(w, r, client, session, c)
		return
	}
	scope := c.Scope.Intersect(client.Scope)
	state, err := e.browsers.Seal(w, r, purposeConsent, question{Session: session.ID, Code: c, Scope: scope})
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	var descriptions []string
	for _, name := range scope {
		descriptions = append(descriptions, e.Settings.Describe(name))
	}
	for _, resource := range c.Resources {
		descriptions = append(descriptions, "Do so at "+e.Settings.DescribeResource(resource))
	}
	e.pages.DeviceConsent(w, pages.DeviceConsent{
		Action:   e.Settings.URL(issuer.PathDeviceConfirm),
		State:    state,
		UserCode: c.UserCode.String(),
		Client:   client.DisplayName(),
		ClientID: client.ID,
		Name:     session.Person.Name,
		Username: session.Person.Username,
		Scopes:   descriptions,
		Lifetime: client.GrantLifetime(),
		Links:    pages.LinksOf(client.OpenID.ClientURI, client.OpenID.PolicyURI, client.OpenID.TOSURI),
	})
}

// client returns the client of a request, if the request still stands.
func (e *Endpoint) client(r *http.Request, c devicecode.Code) (*registration.Client, *refusal) {
	if c.Expired(e.Now()) {
		return nil, refuseExpired()
	}
	client, err := e.Registry.Lookup(r.Context(), c.ClientID)
	switch {
	case errors.Is(err, registration.ErrUnknown), errors.Is(err, registration.ErrRefused):
		return nil, refuseClient(c.ClientID, err)
	case err != nil:
		return nil, refuseFault(err)
	case client.UID != c.ClientUID, !client.MayUse(oauth.GrantDeviceCode):
		return nil, refuseClient(c.ClientID, nil)
	}
	return client, nil
}

// answer takes the person's answer. Nothing of the page is trusted but what was
// sealed into it, and that is checked against the registration and the session as
// they are now.
func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request) {
	params, err := resourceowner.ReadForm(r)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	var q question
	if err := e.browsers.Open(r, purposeConsent, params.Get(paramState), &q); err != nil {
		e.trouble(w, r, err)
		return
	}
	session, err := e.sessions.Find(r)
	switch {
	case errors.Is(err, resourceowner.ErrNoSession), err == nil && session.ID != q.Session:
		e.again(w, q.Code.UserCode) // the question was to somebody else
		return
	case err != nil:
		e.trouble(w, r, err)
		return
	}
	switch decision := params.Get(paramDecision); decision {
	case pages.DecisionSwitch:
		e.sessions.End(w)
		e.again(w, q.Code.UserCode)
	case pages.DecisionAllow, pages.DecisionDeny:
		e.decide(w, r, session, q, decision == pages.DecisionAllow)
	default:
		e.refuse(w, r, refuseDecision())
	}
}

// decide notes the answer, for the device to find when it polls next.
func (e *Endpoint) decide(w http.ResponseWriter, r *http.Request, session *resourceowner.Session, q question, allowed bool) {
	client, refused := e.client(r, q.Code)
	if refused != nil {
		e.refuse(w, r, refused)
		return
	}
	if !slices.Equal(q.Scope, q.Code.Scope.Intersect(client.Scope)) {
		e.askConsent(w, r, session, q.Code) // not what was asked
		return
	}
	if allowed && e.needsLogin(client, session, q.Code) {
		e.askLoginAgain(w, r, client, session, q.Code)
		return
	}
	decision := devicecode.Decision{Allowed: allowed}
	if allowed {
		decision = devicecode.Decision{
			Allowed:   true,
			Subject:   session.Person.Subject,
			Username:  session.Person.Username,
			SessionID: session.ID,
			AuthTime:  session.AuthTime.Unix(),
			Scope:     q.Scope,
		}
	}
	err := e.Desk.Decide(r.Context(), q.Code, decision)
	switch {
	case errors.Is(err, devicecode.ErrDecided):
		e.refuse(w, r, refuseDecided())
		return
	case errors.Is(err, devicecode.ErrExpired):
		e.refuse(w, r, refuseExpired())
		return
	case err != nil:
		e.trouble(w, r, err)
		return
	}
	log := logr.FromContextOrDiscard(r.Context()).WithValues("client", client.ID, "subject", session.Person.Subject, "grant", q.Code.GrantID)
	log.Info("A device was answered.", "allowed", allowed)
	if allowed {
		// Not before the decision is noted: a logout must not end what somebody else
		// has allowed.
		err := e.sessions.Visit(w, session, resourceowner.Visit{
			ClientID: client.ID, GrantID: q.Code.GrantID, SessionID: session.ID, Offline: q.Scope.Has(oauth.ScopeOfflineAccess),
		})
		if err != nil {
			log.Error(err, "The session could not take note of a device: a logout will not reach it.")
		}
	}
	e.leave(w, r, outcome{Client: client.DisplayName(), Allowed: allowed})
}

// outcome is what the last page says. It is sealed into its URL.
type outcome struct {
	Client  string `json:"c"`
	Allowed bool   `json:"a"`
}

func (e *Endpoint) leave(w http.ResponseWriter, r *http.Request, o outcome) {
	state, err := e.browsers.Seal(w, r, purposeDone, o)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	resourceowner.SeeOther(w, e.Settings.URL(issuer.PathDeviceDone)+"?"+paramState+"="+state)
}

// done sends the person back to the device.
func (e *Endpoint) done(w http.ResponseWriter, r *http.Request) {
	var o outcome
	if err := e.browsers.Open(r, purposeDone, r.URL.Query().Get(paramState), &o); err != nil {
		e.trouble(w, r, err)
		return
	}
	e.pages.DeviceDone(w, pages.DeviceDone{Client: o.Client, Allowed: o.Allowed})
}
