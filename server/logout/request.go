package logout

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// logout is a logout request that has been found valid.
type logout struct {
	client *registration.Client // nil if nobody knows which
	hint   accesstoken.Hint     // zero without a valid id_token_hint

	// redirectURI is registered by the client, or "".
	redirectURI string
	state       string

	// trusted says that the person may be redirected: the request has a valid
	// hint, or the person has confirmed it (RP-Initiated Logout §3).
	trusted bool
}

// understand reads the request (RP-Initiated Logout §2). What is wrong with it is
// for the person to read: there is nobody else yet.
func (e *Endpoint) understand(ctx context.Context, params oauth.Params) (*logout, *pages.Error) {
	l := &logout{state: params.Get(oauth.ParamState)}
	clientID := params.Get(oauth.ParamClientID)
	if token := params.Get(oauth.ParamIDTokenHint); token != "" {
		hint, err := accesstoken.ReadHint(e.Settings, e.Keys.Load(), token, e.Now())
		if err != nil {
			return nil, refuseHint()
		}
		// "the OP MUST verify that the Client Identifier matches the one used when
		// issuing the ID Token".
		if clientID != "" && clientID != hint.ClientID {
			return nil, refuseContradiction()
		}
		l.hint, l.trusted, clientID = hint, true, hint.ClientID
	}
	redirectURI := params.Get(oauth.ParamPostLogoutRedirectURI)
	if clientID == "" {
		if redirectURI != "" {
			return nil, refuseNoClient(redirectURI)
		}
		return l, nil
	}
	client, err := e.Registry.Lookup(ctx, clientID)
	switch {
	case errors.Is(err, registration.ErrUnknown), errors.Is(err, registration.ErrRefused):
		if redirectURI != "" {
			return nil, refuseRedirectURI(clientID, redirectURI)
		}
		return l, nil // one may leave also where the client is gone
	case err != nil:
		page := resourceowner.Trouble(err)
		return nil, &page
	case redirectURI != "" && !client.MatchPostLogoutRedirectURI(redirectURI):
		return nil, refuseRedirectURI(clientID, redirectURI)
	}
	l.client, l.redirectURI = client, redirectURI
	return l, nil
}

// vouched reports whether the request shows that it comes from a client of this
// session of the person who is logged in. Without that "the OP MUST ask the
// End-User" (RP-Initiated Logout §2), or any site could log people out, and one
// with an ID token of long ago for ever.
func (e *Endpoint) vouched(l *logout, session *resourceowner.Session) bool {
	if l.client == nil || l.hint.Subject == "" || !belongs(l.hint.SessionID, session) {
		return false
	}
	subject, err := accesstoken.Subject(e.Keys.Load(), l.client, session.Person.Subject)
	return err == nil && subject == l.hint.Subject
}

// belongs reports whether a sid is of the session, or of one that the same person
// has had before in this browser and that it goes on from.
func belongs(sid string, session *resourceowner.Session) bool {
	return sid != "" && (sid == session.ID || slices.ContainsFunc(session.Visits(), func(v resourceowner.Visit) bool { return v.SessionID == sid }))
}

// confirmed returns the request of a person who wants to leave.
func (l *logout) confirmed() *logout {
	c := *l
	c.trusted = true
	return &c
}

// location is where the person is sent, with the state if there is one.
func (l *logout) location() string {
	if l.state == "" {
		return l.redirectURI
	}
	separator := "?"
	if strings.Contains(l.redirectURI, "?") {
		separator = "&"
	}
	return l.redirectURI + separator + oauth.ParamState + "=" + strings.ReplaceAll(url.QueryEscape(l.state), "+", "%20")
}

// link is where a link on a page leads: none to an app by its scheme.
func (l *logout) link() string {
	if strings.HasPrefix(l.redirectURI, "https://") || strings.HasPrefix(l.redirectURI, "http://") {
		return l.location()
	}
	return ""
}

func (l *logout) clientName() string {
	switch {
	case l.client == nil:
		return ""
	case l.client.Name != "":
		return l.client.Name
	}
	return l.client.ID
}
