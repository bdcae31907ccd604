package server

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

// endpointForm is a request that an endpoint serves, and how its answers are told apart.
type endpointForm struct {
	method, path string
	header       []string
	form         func(*caller) url.Values // a fresh one: codes are good once
	optional     []string                 // parameters that it knows and does not have
	served       func(*httptest.ResponseRecorder) bool
	refused      func(*httptest.ResponseRecorder) bool
}

// encoded sends a form as it stands.
func (v *caller) encoded(e endpointForm, form string) *httptest.ResponseRecorder {
	path, body := e.path, form
	if e.method == http.MethodGet {
		path, body = path+"?"+form, ""
	}
	r := httptest.NewRequestWithContext(context.Background(), e.method, path, strings.NewReader(body))
	r.Host = "id.example.com"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(e.header); i += 2 {
		r.Header.Set(e.header[i], e.header[i+1])
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value}) // #nosec G124 -- a cookie that is sent, not set
	}
	w := httptest.NewRecorder()
	v.server.ServeHTTP(w, r)
	return w
}

// RFC 6749 §3.1, §3.2: "Parameters sent without a value MUST be treated as if they
// were omitted from the request. The authorization server MUST ignore unrecognized
// request parameters. Request and response parameters MUST NOT be included more than once."
var _ = Describe("RFC 6749 §3.1, §3.2: every endpoint ignores unknown parameters, omits empty ones and refuses those that come twice:", func() {
	authorize := func(*caller) url.Values {
		return url.Values{
			"client_id": {"team.client_secret_basic"}, "redirect_uri": {appCallback}, "response_type": {"code"}, "scope": {"openid"},
			"code_challenge": {appChallenge}, "code_challenge_method": {"S256"},
		}
	}
	requestOptions := []string{
		"state", "nonce", "prompt", "max_age", "display", "ui_locales", "acr_values", "login_hint", "id_token_hint", "claims", "response_mode", "request",
		"request_uri", "registration",
	}
	gotCode := func(rec *httptest.ResponseRecorder) bool {
		return strings.Contains(rec.Header().Get("Location"), "code=")
	}
	toldClient := func(rec *httptest.ResponseRecorder) bool {
		at, err := url.Parse(rec.Header().Get("Location"))
		return err == nil && at.Query().Get("error") == "invalid_request" && !at.Query().Has("code") || rec.Code == http.StatusBadRequest && at.String() == ""
	}
	ok := func(rec *httptest.ResponseRecorder) bool { return rec.Code == http.StatusOK }
	bad := func(rec *httptest.ResponseRecorder) bool {
		return rec.Code == http.StatusBadRequest && strings.Contains(rec.Body.String(), "invalid_request")
	}
	page := func(status int) func(*httptest.ResponseRecorder) bool {
		return func(rec *httptest.ResponseRecorder) bool {
			return rec.Code == status && len(rec.Result().Cookies()) == 0 && rec.Header().Get("Location") == ""
		}
	}
	basic := []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("team.client_secret_basic:"+discoverySecret))}
	tokens := func(v *caller) map[string]any {
		return v.tokens("authorization_code", "code", v.code(), "redirect_uri", appCallback, "code_verifier", appVerifier)
	}
	sealed := func(rec *httptest.ResponseRecorder) string {
		return stateField.FindStringSubmatch(rec.Body.String())[1]
	}
	tokenOptions := []string{"scope", "resource", "audience", "client_secret", "client_assertion", "client_assertion_type"}

	DescribeTable("at", func(e endpointForm) {
		v := newDiscovery().caller()
		v.code()
		send := func(form url.Values, more string) *httptest.ResponseRecorder { return v.encoded(e, form.Encode()+more) }

		By("serving it with what it does not know, and with empty parameters")
		rec := send(e.form(v), "&x_unknown=1&y_unknown=&=nameless")
		Expect(e.served(rec)).To(BeTrue(), "%d %s", rec.Code, rec.Body)
		for _, name := range e.optional {
			rec = send(e.form(v), "&"+name+"=&"+name+"=")
			Expect(e.served(rec)).To(BeTrue(), "%s: %d %s", name, rec.Code, rec.Body)
		}
		By("refusing each parameter twice, also with the same value, and also one that it does not know")
		for name := range e.form(v) {
			form := e.form(v)
			rec = send(form, "&"+url.Values{name: {form.Get(name)}}.Encode())
			Expect(e.served(rec)).To(BeFalse(), name)
			Expect(e.refused(rec)).To(BeTrue(), "%s: %d %s", name, rec.Code, rec.Body)
		}
		rec = send(e.form(v), "&x_unknown=1&x_unknown=2")
		Expect(e.refused(rec)).To(BeTrue(), "%d %s", rec.Code, rec.Body)
		By("taking no parameter from the other place")
		if e.method == http.MethodPost {
			form := e.form(v)
			elsewhere := e
			elsewhere.path += "?" + form.Encode()
			Expect(e.served(v.encoded(elsewhere, ""))).To(BeFalse())
		}
	},
		Entry("the authorization endpoint, by GET", endpointForm{
			method: http.MethodGet, path: "/team/authorize", form: authorize, optional: requestOptions, served: gotCode, refused: toldClient,
		}),
		Entry("the authorization endpoint, by POST", endpointForm{
			method: http.MethodPost, path: "/team/authorize", form: authorize, optional: requestOptions, served: gotCode, refused: toldClient,
		}),
		Entry("the token endpoint, for a code", endpointForm{
			method: http.MethodPost, path: "/team/token", header: basic, optional: tokenOptions, served: ok, refused: bad, form: func(v *caller) url.Values {
				return url.Values{"grant_type": {"authorization_code"}, "code": {v.code()}, "redirect_uri": {appCallback}, "code_verifier": {appVerifier}}
			},
		}),
		Entry("the token endpoint, for a refresh token", endpointForm{
			method: http.MethodPost, path: "/team/token", header: basic, optional: tokenOptions, served: ok, refused: bad, form: func(v *caller) url.Values {
				return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens(v)["refresh_token"].(string)}, "client_id": {"team.client_secret_basic"}}
			},
		}),
		Entry("the token endpoint, for client credentials in the body", endpointForm{
			method: http.MethodPost, path: "/team/token", optional: []string{"scope", "resource", "code", "refresh_token"}, served: ok, refused: bad,
			form: func(*caller) url.Values {
				return url.Values{"grant_type": {"client_credentials"}, "client_id": {"team.client_secret_post"}, "client_secret": {discoverySecret}}
			},
		}),
		Entry("the revocation endpoint", endpointForm{
			method: http.MethodPost, path: "/team/revoke", header: basic, optional: []string{"token_type_hint", "client_secret"}, served: ok, refused: bad,
			form: func(v *caller) url.Values { return url.Values{"token": {tokens(v)["refresh_token"].(string)}} },
		}),
		Entry("the introspection endpoint", endpointForm{
			method: http.MethodPost, path: "/team/introspect", header: basic, optional: []string{"token_type_hint", "client_secret"}, refused: bad,
			served: func(rec *httptest.ResponseRecorder) bool { return strings.Contains(rec.Body.String(), `"active":true`) },
			form:   func(v *caller) url.Values { return url.Values{"token": {tokens(v)["access_token"].(string)}} },
		}),
		Entry("the userinfo endpoint, with a form", endpointForm{
			method: http.MethodPost, path: "/team/userinfo", served: ok, refused: bad,
			form: func(v *caller) url.Values { return url.Values{"access_token": {tokens(v)["access_token"].(string)}} },
		}),
		Entry("the logout endpoint, by GET", endpointForm{
			method: http.MethodGet, path: "/team/logout", optional: []string{"id_token_hint", "state", "post_logout_redirect_uri", "ui_locales", "logout_hint"},
			served:  func(rec *httptest.ResponseRecorder) bool { return kind(rec) == "logout" },
			refused: page(http.StatusBadRequest), form: func(*caller) url.Values { return url.Values{"client_id": {"team.client_secret_basic"}} },
		}),
		Entry("the logout endpoint, by POST", endpointForm{
			method: http.MethodPost, path: "/team/logout", optional: []string{"id_token_hint", "state", "post_logout_redirect_uri", "ui_locales", "logout_hint"},
			served: func(rec *httptest.ResponseRecorder) bool {
				return kind(rec) == "logout" && strings.Contains(rec.Body.String(), "client_secret_basic")
			},
			refused: page(http.StatusBadRequest), form: func(*caller) url.Values { return url.Values{"client_id": {"team.client_secret_basic"}} },
		}),
		Entry("the form of the login", endpointForm{
			method: http.MethodPost, path: "/team/login", refused: page(http.StatusForbidden),
			served: func(rec *httptest.ResponseRecorder) bool { return rec.Code == http.StatusSeeOther },
			form: func(v *caller) url.Values {
				return url.Values{"state": {sealed(v.ask("prompt", "login"))}, "username": {"ada"}, "password": {discoverySecret}}
			},
		}),
		Entry("the form of the consent", endpointForm{
			method: http.MethodPost, path: "/team/consent", refused: page(http.StatusForbidden), served: gotCode,
			form: func(v *caller) url.Values {
				return url.Values{"state": {sealed(v.ask("prompt", "consent"))}, "decision": {"allow"}}
			},
		}),
		Entry("the form of the logout", endpointForm{
			method: http.MethodPost, path: "/team/logout/confirm", refused: page(http.StatusForbidden),
			served: func(rec *httptest.ResponseRecorder) bool {
				return rec.Code == http.StatusOK && strings.Contains(rec.Body.String(), "still signed in")
			},
			form: func(v *caller) url.Values {
				return url.Values{"state": {sealed(v.visit(http.MethodGet, "/team/logout", nil))}, "decision": {"stay"}}
			},
		}),
	)

	It("but for resource, which may be repeated (RFC 8707 §2)", func() {
		v := newDiscovery().caller()
		both := "&resource=" + url.QueryEscape("https://api.example.com") + "&resource=" + url.QueryEscape("urn:files")
		v.code()
		v.code("resource", "urn:files")
		form := url.Values{"grant_type": {oauth.GrantClientCredentials}, "scope": {"read"}}
		rec := v.encoded(endpointForm{method: http.MethodPost, path: "/team/token", header: basic}, form.Encode()+both)
		Expect(rec.Code).To(Equal(http.StatusOK), rec.Body.String())
		Expect(part(tokenOf(rec.Body.Bytes()), 1)["aud"]).To(ConsistOf("https://api.example.com", "urn:files"))
	})
})
