package resourceowner

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/throttle"
)

// NewPages returns the pages of an issuer.
func NewPages(settings *issuer.Settings) *pages.Pages {
	return pages.New(pages.Options{Name: settings.SiteName(), Assets: settings.URL(issuer.PathAssets), Notice: settings.Notice})
}

// LoginOptions are what a Login stands on.
type LoginOptions struct {
	Settings  *issuer.Settings
	Pages     *pages.Pages
	Browsers  *Browsers
	Sessions  *Sessions
	Directory Directory

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Login shows the login page and answers it. It is mounted at issuer.PathLogin. An
// issuer has one, so that who guesses passwords is known on all ways that lead to it.
type Login struct {
	options LoginOptions
	guard   *guard
	action  string
}

// NewLogin returns the Login of an issuer.
func NewLogin(o LoginOptions) *Login {
	return &Login{
		options: o,
		guard:   newGuard(o.Now),
		action:  o.Settings.URL(issuer.PathLogin),
	}
}

// Errand is what the browser is on its way with when a login comes in between.
type Errand struct {
	// Path is where to go on afterwards, below the issuer: one of those that an
	// errand can lead to. "" is issuer.PathContinue.
	Path string `json:"p,omitempty"`

	// Request is what to go on with there: the parameters of the request,
	// form-encoded. The login gives it back unread.
	Request string `json:"r"`

	// Session is the id of the session that a login began on this errand: "" as
	// long as there was none. So prompt=login is satisfied by exactly the login
	// that it caused, whatever the clocks of the replicas say.
	Session string `json:"s,omitempty"`
}

// Where an errand can lead to: pages of the issuer that read it with
// Login.Errand. An address from outside is never among them (RFC 6749 §10.15).
var errandPaths = []string{issuer.PathContinue, issuer.PathDevice}

// path returns where the errand leads to.
func (e Errand) path() string { return cmp.Or(e.Path, issuer.PathContinue) }

// Prompt is an Errand with what the login page says about it.
type Prompt struct {
	Errand   Errand `json:"e"`
	Client   string `json:"c"`           // name of the client; "" for a device whose code is yet to be entered
	ReturnTo string `json:"u"`           // where the errand leads to in the end; "" for a page of ours
	Hint     string `json:"h,omitempty"` // username to begin with
}

// Purposes of sealed state.
const (
	purposeLogin  = "login"
	purposeErrand = "errand"
)

// Parameters of the login form, and of the URL to go on with.
const (
	paramState    = "state"
	paramUsername = "username"
	paramPassword = "password"
)

// What the login page says after a try that failed. It is the same whatever it
// failed by, so that nobody learns which usernames exist.
const (
	messageWrong   = "That username and password do not match. Please try again."
	messageTooMany = "There were too many attempts. Please wait for a minute, then try again."
	messageBusy    = "Too many people are signing in at this moment. Please try again."
)

// Show answers with the login page.
func (l *Login) Show(w http.ResponseWriter, r *http.Request, p Prompt) {
	l.page(w, r, http.StatusOK, p, p.Hint, "")
}

// errErrand says that an errand leads to no page that errands lead to.
var errErrand = errors.New("resourceowner: an errand that leads nowhere")

// Continue returns the URL under which an errand goes on after a redirect.
func (l *Login) Continue(w http.ResponseWriter, r *http.Request, errand Errand) (string, error) {
	if !slices.Contains(errandPaths, errand.path()) {
		return "", errErrand
	}
	state, err := l.options.Browsers.Seal(w, r, purposeErrand, errand)
	if err != nil {
		return "", err
	}
	return l.options.Settings.URL(errand.path()) + "?" + paramState + "=" + state, nil
}

// Errand reads the errand from a request to the URL that Continue returned, which
// has to lead to that path. It returns ErrForeign or ErrExpired.
func (l *Login) Errand(r *http.Request, path string) (Errand, error) {
	var errand Errand
	if err := l.options.Browsers.Open(r, purposeErrand, r.URL.Query().Get(paramState), &errand); err != nil {
		return Errand{}, err
	}
	if errand.path() != path {
		return Errand{}, ErrForeign
	}
	return errand, nil
}

// ServeHTTP answers the login form. Where the browser goes next is in the sealed
// state and nowhere else (RFC 6749 §10.15).
func (l *Login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		l.options.Pages.Error(w, pages.Error{
			Status: http.StatusMethodNotAllowed,
			Code:   "method_not_allowed",
			Title:  "This address is not for visiting",
			Text:   "Go back to the application that you want to use, and sign in from there.",
		})
		return
	}
	form, err := ReadForm(r)
	if err != nil {
		l.fail(w, r, err)
		return
	}
	var p Prompt
	if err := l.options.Browsers.Open(r, purposeLogin, form.Get(paramState), &p); err != nil {
		l.fail(w, r, err)
		return
	}
	l.attempt(w, r, p, form.Get(paramUsername), form.Get(paramPassword))
}

func (l *Login) attempt(w http.ResponseWriter, r *http.Request, p Prompt, username, password string) {
	log := logr.FromContextOrDiscard(r.Context())
	if username == "" || password == "" {
		l.page(w, r, http.StatusUnauthorized, p, username, messageWrong)
		return
	}
	from := throttle.Source(r)
	if !l.guard.admit(username, from) {
		log.Info("Login throttled.")
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		l.page(w, r, http.StatusTooManyRequests, p, username, messageTooMany)
		return
	}
	person, err := l.options.Directory.Authenticate(r.Context(), username, password)
	switch {
	case err == nil:
		l.guard.forgive(username, from)
		l.succeed(w, r, p, person)
	case errors.Is(err, ErrNoSuchLogin):
		log.Info("Login refused.")
		// 401 rather than 200: password managers then see that the password
		// is not one to keep. There is no WWW-Authenticate, because every
		// challenge that browsers know makes them ask in a dialog of their own.
		l.page(w, r, http.StatusUnauthorized, p, username, messageWrong)
	case errors.Is(err, ErrBusy):
		log.Info("Login put off: too many at once.")
		w.Header().Set("Retry-After", "5")
		l.page(w, r, http.StatusServiceUnavailable, p, username, messageBusy)
	default:
		l.fail(w, r, err)
	}
}

func (l *Login) succeed(w http.ResponseWriter, r *http.Request, p Prompt, person *Person) {
	before, err := l.options.Sessions.Find(r)
	if err != nil {
		before = nil // whatever it was, it ends here
	}
	session, err := l.options.Sessions.Begin(w, person, before)
	if err != nil {
		l.fail(w, r, err)
		return
	}
	next, err := l.Continue(w, r, Errand{Path: p.Errand.Path, Request: p.Errand.Request, Session: session.ID})
	if err != nil {
		l.fail(w, r, err)
		return
	}
	logr.FromContextOrDiscard(r.Context()).Info("Logged in.", "subject", person.Subject)
	SeeOther(w, next)
}

// page shows the login page. The password is never put into it.
func (l *Login) page(w http.ResponseWriter, r *http.Request, status int, p Prompt, username, message string) {
	state, err := l.options.Browsers.Seal(w, r, purposeLogin, p)
	if err != nil {
		l.fail(w, r, err)
		return
	}
	l.options.Pages.Login(w, status, pages.Login{
		Action:   l.action,
		State:    state,
		Client:   p.Client,
		Username: username,
		Message:  message,
		ReturnTo: p.ReturnTo,
	})
}

func (l *Login) fail(w http.ResponseWriter, r *http.Request, err error) {
	LogTrouble(r.Context(), err)
	l.options.Pages.Error(w, Trouble(err))
}

// SeeOther sends the browser on with 303, so that what it has just posted, a
// password perhaps, is not posted again there (RFC 9700 §4.12: never 307).
func SeeOther(w http.ResponseWriter, url string) {
	h := w.Header()
	h.Set("Location", url)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusSeeOther)
}
