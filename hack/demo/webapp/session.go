package webapp

import (
	"crypto/rand"
	"net/http"
	"sync"

	"golang.org/x/oauth2"
)

// login is what the application remembers of a login that is under way.
type login struct {
	state, nonce, verifier string
}

// session is a person who has logged in.
type session struct {
	claims map[string]any

	mutex sync.Mutex // held during a refresh too, so that there is one at a time
	token *oauth2.Token
}

func (s *session) current() *oauth2.Token {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.token
}

// cookie is the name of the application's cookie. Cookies do not tell ports
// apart, and the authorization server of the demo is on the same host.
const cookie = "demo_webapp"

// sessions are kept in memory by the value of the cookie.
type sessions struct {
	mutex    sync.Mutex
	logins   map[string]login
	sessions map[string]*session
}

func (s *sessions) setLogin(w http.ResponseWriter, l login) {
	id := rand.Text()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.logins == nil {
		s.logins, s.sessions = map[string]login{}, map[string]*session{}
	}
	s.logins[id] = l
	setCookie(w, id)
}

// takeLogin returns the login of the browser, which can be finished once.
func (s *sessions) takeLogin(r *http.Request) (login, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	id := cookieOf(r)
	l, ok := s.logins[id]
	delete(s.logins, id)
	return l, ok
}

func (s *sessions) set(w http.ResponseWriter, one *session) {
	id := rand.Text()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.sessions[id] = one
	setCookie(w, id)
}

func (s *sessions) get(r *http.Request) *session {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.sessions[cookieOf(r)]
}

func (s *sessions) drop(r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.sessions, cookieOf(r))
}

func setCookie(w http.ResponseWriter, id string) {
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- the demo runs on plain HTTP, on loopback
		Name: cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func cookieOf(r *http.Request) string {
	c, err := r.Cookie(cookie)
	if err != nil {
		return ""
	}
	return c.Value
}
