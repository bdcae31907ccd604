package pages

import (
	"net/http"
	"net/url"
	"strings"
)

// protect sets the headers that keep other sites out of a page with that
// Content-Security-Policy.
//
// There is no Cross-Origin-Opener-Policy: clients that log people in in a popup
// wait for it to come back, and every value but the default cuts the popup off
// from the window that opened it.
func protect(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY") // RFC 6749 §10.13, for browsers without frame-ancestors
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // RFC 9700 §4.2.4
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// policy returns the Content-Security-Policy of a page. returnTo is the URL that
// posting the page's form leads to in the end, or "". RFC 9700 §4.16 asks for
// frame-ancestors. The pages load their stylesheet and icon and nothing else.
//
// Chromium applies form-action to every redirect that follows the posting of a
// form, so it has to name where the form's answer sends the browser, and where
// the client sends it on to from there, which only the client knows.
func policy(returnTo string) string {
	const base = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
	if source := formTarget(returnTo); source != "" {
		return base + " " + source
	}
	return base
}

// formTarget returns the source expression (CSP Level 3 §2.3.1) for a URL: its
// scheme. The origin would be narrower, and would stop the people of every client
// that passes them on to another host of its own, or to another issuer
// (docs/decisions/0009). Nothing of the URL but what the grammar allows reaches
// the header.
func formTarget(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme == "" || strings.Trim(u.Scheme, schemeCharacters) != "" {
		return ""
	}
	return u.Scheme + ":"
}

// schemeCharacters are those of a scheme (RFC 3986 §3.1).
const schemeCharacters = "0123456789+.-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
