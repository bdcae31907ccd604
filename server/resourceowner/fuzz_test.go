package resourceowner_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/resourceowner"
)

// FuzzBrowser sends anything in the Cookie header and as the state of a page: only
// what was sealed for this very browser opens, and everything else is nobody's.
func FuzzBrowser(f *testing.F) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	clock := func() time.Time { return now }
	ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UseBrowser}}, now)
	if err != nil {
		f.Fatal(err)
	}
	set, err := keys.Compile(ring)
	if err != nil {
		f.Fatal(err)
	}
	current := &keys.Current{}
	current.Store(set)
	settings := &issuer.Settings{Issuer: "https://login.example", Lifetimes: issuer.Lifetimes{Session: time.Hour}}
	directory := &one{person: &resourceowner.Person{Subject: "s", LoginTag: "t"}}
	sessions := resourceowner.NewSessions(settings, current, directory, clock)
	browsers := resourceowner.NewBrowsers(settings, current, clock)

	w := httptest.NewRecorder()
	session, err := sessions.Begin(w, directory.person, nil)
	if err != nil {
		f.Fatal(err)
	}
	state, err := browsers.Seal(w, httptest.NewRequest(http.MethodGet, "/", nil), "consent", "value")
	if err != nil {
		f.Fatal(err)
	}
	cookies := carry(w).Header.Get("Cookie")
	f.Add(cookies, state)
	f.Add(cookies, state[:len(state)-1])
	f.Add("__Host-oauth-session=", "AAAA")
	f.Add("__Host-oauth-session="+state+"; __Host-oauth-browser="+state, "%%%")
	f.Add("__Host-oauth-session=\"AQ\"; ;=;__Host-oauth-session", "")
	f.Fuzz(func(t *testing.T, cookie, sealed string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		switch found, err := sessions.Find(r); {
		case err == nil && found.ID != session.ID:
			t.Errorf("%q opened to another session", cookie)
		case err != nil && !errors.Is(err, resourceowner.ErrNoSession):
			t.Errorf("%q: %v", cookie, err)
		}
		var value string
		switch err := browsers.Open(r, "consent", sealed, &value); {
		case err == nil && (sealed != state || value != "value"):
			t.Errorf("%q opened to %q", sealed, value)
		case err != nil && !errors.Is(err, resourceowner.ErrForeign):
			t.Errorf("%q: %v", sealed, err)
		}
		if browsers.Open(r, "login", sealed, &value) == nil {
			t.Errorf("%q opened for another purpose", sealed)
		}
	})
}
