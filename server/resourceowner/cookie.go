package resourceowner

import (
	"net/http"
	"slices"
	"strings"

	"oauth-operator.dev/server/issuer"
)

// cookies are how this issuer's cookies are named and where they are sent.
type cookies struct {
	prefix string
	path   string
	secure bool
}

// newCookies chooses the strictest form that the issuer's URL allows. __Host-
// keeps every other host and every plain-text connection from planting a cookie,
// but demands the path "/"; an issuer with a path of its own shares the host with
// other issuers, so it keeps its cookies to its path with __Secure- instead.
func newCookies(s *issuer.Settings) cookies {
	base := s.BasePath()
	switch {
	case s.Secure() && base == "":
		return cookies{prefix: "__Host-", path: "/", secure: true}
	case s.Secure():
		return cookies{prefix: "__Secure-", path: base, secure: true}
	case base == "":
		return cookies{path: "/"}
	default:
		return cookies{path: base}
	}
}

// set gives the browser a cookie that ends with the browser's own session. It is
// out of reach for scripts, and is not sent along with what other sites post or
// embed.
func (c cookies) set(w http.ResponseWriter, name, value string) {
	c.answer(w, c.cookie(name, value, 0))
}

// unset takes the cookie away.
func (c cookies) unset(w http.ResponseWriter, name string) {
	c.answer(w, c.cookie(name, "", -1))
}

// answer puts the cookie into the answer, in place of an earlier one of its name.
func (c cookies) answer(w http.ResponseWriter, cookie *http.Cookie) {
	set := w.Header()["Set-Cookie"]
	set = slices.DeleteFunc(set, func(line string) bool { return strings.HasPrefix(line, cookie.Name+"=") })
	w.Header()["Set-Cookie"] = set
	http.SetCookie(w, cookie)
}

func (c cookies) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{ // #nosec G124 -- Secure but for an issuer on plain http, which is on loopback
		Name:     c.prefix + name,
		Value:    value,
		Path:     c.path,
		MaxAge:   maxAge,
		Secure:   c.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

// get returns the values that the browser sent for the cookie. There is more than
// one where issuers are nested in each other's paths.
func (c cookies) get(r *http.Request, name string) []string {
	var values []string
	for _, cookie := range r.CookiesNamed(c.prefix + name) {
		values = append(values, cookie.Value)
	}
	return values
}
