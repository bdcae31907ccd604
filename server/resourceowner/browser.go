package resourceowner

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

// Browsers tells one browser from another, and gives each its own pieces of
// sealed state to carry from page to page: nothing is stored for somebody whom
// nobody knows.
//
// A piece of state is bound to a random cookie of the browser that it was made
// for, which makes it the CSRF token too (RFC 6749 §10.12): another site can
// neither read nor make one, and one that was made for the attacker's browser
// does not open in the victim's.
type Browsers struct {
	cookies cookies
	keys    *keys.Current
	now     func() time.Time
}

// NewBrowsers returns the Browsers of an issuer. A nil clock is the real one.
func NewBrowsers(settings *issuer.Settings, current *keys.Current, now func() time.Time) *Browsers {
	if now == nil {
		now = time.Now
	}
	return &Browsers{cookies: newCookies(settings), keys: current, now: now}
}

// Errors of Browsers.
var (
	// ErrForeign says that state is missing, was changed, or was made for
	// another browser or another page.
	ErrForeign = errors.New("resourceowner: not the state of this browser")

	// ErrExpired says that state was the browser's, but is too old.
	ErrExpired = errors.New("resourceowner: the state has expired")
)

const (
	browserCookie = "oauth-browser"
	browserBytes  = 32

	// stateLifetime is how long somebody may take over a page.
	stateLifetime = time.Hour
)

// envelope is what is sealed.
type envelope struct {
	Browser   string          `json:"b"`
	ExpiresAt int64           `json:"e"` // seconds since 1970
	Value     json.RawMessage `json:"v"`
}

// Seal returns the JSON of v as text that Open reads again for the same browser
// and the same purpose, and for an hour. It gives the browser its cookie if it
// has none, so it is called before the answer begins, and once for an answer. It
// returns an error that wraps keys.ErrNoKey while the issuer has no keys.
func (b *Browsers) Seal(w http.ResponseWriter, r *http.Request, purpose string, v any) (string, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("resourceowner: encoding the state of a page: %w", err)
	}
	browser, ok := b.browser(r)
	if !ok {
		browser = newBrowser()
	}
	now := b.now()
	sealed, err := b.keys.Load().Seal(keyring.UseBrowser, statePurpose(purpose),
		envelope{Browser: browser, ExpiresAt: now.Add(stateLifetime).Unix(), Value: value}, now)
	if err != nil {
		return "", fmt.Errorf("resourceowner: sealing the state of a page: %w", err)
	}
	if !ok {
		b.cookies.set(w, browserCookie, browser)
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open reads into v what Seal made. It returns ErrForeign or ErrExpired.
func (b *Browsers) Open(r *http.Request, purpose, state string, v any) error {
	browser, ok := b.browser(r)
	if !ok {
		return ErrForeign
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil {
		return ErrForeign
	}
	var e envelope
	now := b.now()
	if err := b.keys.Load().Open(keyring.UseBrowser, statePurpose(purpose), sealed, &e, now); err != nil {
		return ErrForeign
	}
	if subtle.ConstantTimeCompare([]byte(e.Browser), []byte(browser)) != 1 {
		return ErrForeign
	}
	if now.Unix() >= e.ExpiresAt {
		return ErrExpired
	}
	if err := json.Unmarshal(e.Value, v); err != nil {
		return ErrForeign
	}
	return nil
}

// ReadForm reads a form that a page of our own has sent, and answers ErrForeign to
// any other. A parameter that comes twice is in none of our pages: which of two
// decisions counts must not depend on who reads them (RFC 6749 §3.1).
func ReadForm(r *http.Request) (oauth.Params, error) {
	form, err := oauth.ParseForm(r)
	if err == nil {
		err = form.OnlyOnce()
	}
	if err != nil || !sameOrigin(r) {
		return oauth.Params{}, ErrForeign
	}
	return form, nil
}

// sameOrigin reports whether a form was posted from a page of our own, as far as
// the browser says so (Fetch Metadata). It comes on top of sealed state. The
// Origin header is of no use here: our pages ask for no referrer, and then
// browsers send "null".
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return false
}

// browser returns the value of the browser's cookie.
func (b *Browsers) browser(r *http.Request) (string, bool) {
	for _, value := range b.cookies.get(r, browserCookie) {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
		if err == nil && len(raw) == browserBytes {
			return value, true
		}
	}
	return "", false
}

func newBrowser() string {
	raw := make([]byte, browserBytes)
	_, _ = rand.Read(raw) // never fails: crypto/rand aborts the program instead
	return base64.RawURLEncoding.EncodeToString(raw)
}

// statePurpose keeps state apart from sessions, which the same keys seal.
func statePurpose(purpose string) string { return "page state: " + purpose }
