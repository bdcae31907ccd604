package pages

import (
	"net/http"
	"net/url"
	"strings"
)

// protect sets the headers that keep other sites out of a page. returnTo is the
// URL that posting the page's form leads to in the end, or "".
//
// There is no Cross-Origin-Opener-Policy: clients that log people in in a popup
// wait for it to come back, and every value but the default cuts the popup off
// from the window that opened it.
func protect(h http.Header, returnTo string) {
	h.Set("Content-Security-Policy", policy(returnTo))
	h.Set("X-Frame-Options", "DENY") // RFC 6749 §10.13, for browsers without frame-ancestors
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // RFC 9700 §4.2.4
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// policy returns the Content-Security-Policy of a page. RFC 9700 §4.16 asks for
// frame-ancestors. The pages load their stylesheet and icon and nothing else.
//
// Chromium applies form-action to every redirect that follows the posting of a
// form, so it has to name where the form's answer sends the browser. That goes on
// at the client: one whose redirect URI redirects to yet another origin at once,
// rather than answering, is stopped there by Chromium.
func policy(returnTo string) string {
	const base = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
	if source := formTarget(returnTo); source != "" {
		return base + " " + source
	}
	return base
}

// formTarget returns the source expression (CSP Level 3 §2.3.1) for a URL: its
// origin, or its scheme where the grammar has no form for the origin, which is so
// for private-use schemes, IPv6 addresses and whatever is unusual. Nothing of the
// URL but what the grammar allows reaches the header.
func formTarget(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme == "" || !only(u.Scheme, alphanumeric+"+.-") {
		return ""
	}
	if (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && only(u.Host, alphanumeric+".-:") &&
		only(u.Port(), digits) && !strings.Contains(u.Hostname(), ":") {
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":"
}

const (
	digits       = "0123456789"
	alphanumeric = digits + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// only reports whether s consists of these characters.
func only(s, characters string) bool { return strings.Trim(s, characters) == "" }
