package device

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
	"oauth-operator.dev/server/throttle"
)

// Purposes of sealed state.
const (
	purposeEnter   = "device code form"
	purposeSearch  = "device search"
	purposeConsent = "device consent"
	purposeDone    = "device done"
)

const (
	paramState    = "state"
	paramDecision = "decision"
)

// form is what the page for the code is sealed for: it says for whom it was made,
// so that nobody is made to enter a code.
type form struct {
	Session string `json:"s"`
}

// What the page says after a try that failed.
const (
	messageForm    = "That is no code of a device: it has eight letters, such as WDJB-MJHT, and no digits."
	messageNone    = "No device is waiting with that code. Compare it with what your device shows. If it shows the same, start again on the device."
	messageTooMany = "There were too many tries. Please wait for a minute, then try again."
)

// retryAfter is when the bounds have room for some more tries.
const retryAfter = time.Minute

// ask shows the page where a code is entered (RFC 8628 §3.3), to a person who has
// logged in: so a guess is always somebody's. A code in the URL (§3.3.1) is put
// into the field, and it is for the person to compare and to send it.
func (e *Endpoint) ask(w http.ResponseWriter, r *http.Request) {
	params, err := e.asked(r)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	code, _ := devicecode.ParseUserCode(params.Get(oauth.ParamUserCode))
	session, err := e.sessions.Find(r)
	switch {
	case errors.Is(err, resourceowner.ErrNoSession):
		e.askLogin(w, r, code)
	case err != nil:
		e.trouble(w, r, err)
	default:
		e.showForm(w, r, http.StatusOK, session, code.String(), "")
	}
}

// asked returns the parameters of a request for the page: its own, or those that
// it had before a login.
func (e *Endpoint) asked(r *http.Request) (oauth.Params, error) {
	if r.URL.Query().Get(paramState) == "" {
		params, err := oauth.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return oauth.Params{}, nil //nolint:nilerr // what cannot be read is no code
		}
		return params, nil
	}
	errand, err := e.Login.Errand(r, issuer.PathDevice)
	if err != nil {
		return oauth.Params{}, err
	}
	return oauth.ParseQuery(errand.Request)
}

// askLogin shows the login page, and comes back with the code.
func (e *Endpoint) askLogin(w http.ResponseWriter, r *http.Request, code devicecode.UserCode) {
	e.Login.Show(w, r, resourceowner.Prompt{Errand: resourceowner.Errand{Path: issuer.PathDevice, Request: query(code)}})
}

// needsLogin reports whether the session is not fresh enough for the client. A
// device cannot send max_age, so its default_max_age counts (OpenID Connect
// Registration §2). A login since the device asked is always fresh enough, so that
// nobody is sent round in circles.
func (e *Endpoint) needsLogin(client *registration.Client, session *resourceowner.Session, c devicecode.Code) bool {
	return client.OpenID.HasDefaultMaxAge && session.AuthTime.Unix() < c.IssuedAt &&
		e.Now().Sub(session.AuthTime) > client.OpenID.DefaultMaxAge
}

// askLoginAgain shows the login page to a person whose login is too old for the
// client, and comes back with the code.
func (e *Endpoint) askLoginAgain(
	w http.ResponseWriter, r *http.Request, client *registration.Client, session *resourceowner.Session, c devicecode.Code,
) {
	e.Login.Show(w, r, resourceowner.Prompt{
		Errand: resourceowner.Errand{Path: issuer.PathDevice, Request: query(c.UserCode)},
		Client: client.DisplayName(),
		Hint:   session.Person.Username,
	})
}

// query is the query of the page for a code.
func query(code devicecode.UserCode) string {
	if code == "" {
		return ""
	}
	return url.Values{oauth.ParamUserCode: {code.String()}}.Encode()
}

// again sends the browser to the page for the code.
func (e *Endpoint) again(w http.ResponseWriter, code devicecode.UserCode) {
	address := e.Settings.URL(issuer.PathDevice)
	if q := query(code); q != "" {
		address += "?" + q
	}
	resourceowner.SeeOther(w, address)
}

// maxShown is the longest text that is put back into the field, in bytes.
const maxShown = 64

func (e *Endpoint) showForm(w http.ResponseWriter, r *http.Request, status int, session *resourceowner.Session, code, message string) {
	state, err := e.browsers.Seal(w, r, purposeEnter, form{Session: session.ID})
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	if len(code) > maxShown {
		code = ""
	}
	e.pages.Device(w, status, pages.Device{
		Action: e.Settings.URL(issuer.PathDevice), State: state, UserCode: code, Message: message,
	})
}

// enter takes the code that a person has sent. A device that this replica has seen
// is found at once; any other is called, and the person waits for it.
func (e *Endpoint) enter(w http.ResponseWriter, r *http.Request) {
	params, err := resourceowner.ReadForm(r)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	var f form
	if err := e.browsers.Open(r, purposeEnter, params.Get(paramState), &f); err != nil {
		e.trouble(w, r, err)
		return
	}
	typed := params.Get(oauth.ParamUserCode)
	code, ok := devicecode.ParseUserCode(typed)
	session, err := e.sessions.Find(r)
	switch {
	case errors.Is(err, resourceowner.ErrNoSession), err == nil && session.ID != f.Session:
		e.again(w, code) // somebody else is here by now
		return
	case err != nil:
		e.trouble(w, r, err)
		return
	case !ok:
		e.showForm(w, r, http.StatusBadRequest, session, typed, messageForm)
		return
	case !e.person.Allow(session.Person.Subject) || !e.source.Allow(throttle.Source(r)):
		// RFC 8628 §5.1: "the server [...] SHOULD rate-limit user code attempts".
		logr.FromContextOrDiscard(r.Context()).Info("User codes throttled.", "subject", session.Person.Subject)
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		e.showForm(w, r, http.StatusTooManyRequests, session, code.String(), messageTooMany)
		return
	}
	s := search{Session: session.ID, UserCode: code, Since: e.Now().Unix()}
	found, err := e.Desk.Find(r.Context(), code)
	switch {
	case err == nil:
		s.Found = &found
	case errors.Is(err, devicecode.ErrUnknown):
		err = e.Desk.Call(r.Context(), code)
	}
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	address, err := e.searchURL(w, r, s)
	if err != nil {
		e.trouble(w, r, err)
		return
	}
	resourceowner.SeeOther(w, address)
}

func (e *Endpoint) searchURL(w http.ResponseWriter, r *http.Request, s search) (string, error) {
	state, err := e.browsers.Seal(w, r, purposeSearch, s)
	if err != nil {
		return "", err
	}
	return e.Settings.URL(issuer.PathDeviceConfirm) + "?" + paramState + "=" + state, nil
}
