package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/logout"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// caller is a browser of a person, without a network.
type caller struct {
	*discovery
	cookies map[string]string
}

func (d *discovery) caller() *caller { return &caller{d, map[string]string{}} }

// visit sends a request with the cookies, and keeps those that come back.
func (v *caller) visit(method, path string, form url.Values) *httptest.ResponseRecorder {
	GinkgoHelper()
	var all []string
	for name, value := range v.cookies {
		all = append(all, name+"="+value)
	}
	rec := v.do(method, path, form, "Cookie", strings.Join(all, "; "))
	for _, cookie := range rec.Result().Cookies() {
		v.cookies[cookie.Name] = cookie.Value
	}
	return rec
}

var stateField = regexp.MustCompile(`name="state" value="([^"]*)"`)

// send fills in the form of a page and follows to the next.
func (v *caller) send(page *httptest.ResponseRecorder, path string, pairs ...string) *httptest.ResponseRecorder {
	GinkgoHelper()
	found := stateField.FindStringSubmatch(page.Body.String())
	Expect(found).NotTo(BeNil(), page.Body.String())
	form := url.Values{"state": {found[1]}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return v.follow(v.visit(http.MethodPost, path, form))
}

// follow follows the redirects of the server itself.
func (v *caller) follow(rec *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	GinkgoHelper()
	for strings.HasPrefix(rec.Header().Get("Location"), discoveryIssuer) {
		at, err := url.Parse(rec.Header().Get("Location"))
		Expect(err).NotTo(HaveOccurred())
		rec = v.visit(http.MethodGet, at.Path, at.Query())
	}
	return rec
}

// ask sends an authorization request with changes, and returns the page or redirect
// that comes.
func (v *caller) ask(change ...string) *httptest.ResponseRecorder {
	GinkgoHelper()
	form := url.Values{
		"client_id": {"team.client_secret_basic"}, "redirect_uri": {appCallback}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {appChallenge}, "code_challenge_method": {"S256"}, "nonce": {"n"},
	}
	for i := 0; i < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	return v.follow(v.visit(http.MethodGet, v.path("authorization_endpoint"), form))
}

// code walks through login and consent where they come, and returns the code.
func (v *caller) code(change ...string) string {
	GinkgoHelper()
	rec := v.ask(change...)
	if kind(rec) == "login" {
		rec = v.send(rec, "/team/login", "username", "ada", "password", discoverySecret)
	}
	if kind(rec) == "consent" {
		rec = v.send(rec, "/team/consent", "decision", "allow")
	}
	at, err := url.Parse(rec.Header().Get("Location"))
	Expect(err).NotTo(HaveOccurred())
	Expect(at.Query().Get("code")).NotTo(BeEmpty(), rec.Body.String())
	return at.Query().Get("code")
}

// tokens redeems what comes for a grant.
func (v *caller) tokens(grantType string, pairs ...string) map[string]any {
	GinkgoHelper()
	form := url.Values{"grant_type": {grantType}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	rec := v.as("client_secret_basic", v.path("token_endpoint"), form)
	Expect(rec.Code).To(Equal(http.StatusOK), rec.Body.String())
	var answer map[string]any
	Expect(json.Unmarshal(rec.Body.Bytes(), &answer)).To(Succeed())
	return answer
}

// kind says which page it is, or whether it leads to the client.
func kind(rec *httptest.ResponseRecorder) string {
	for _, page := range []string{"login", "consent", "logout"} {
		if strings.Contains(rec.Body.String(), `<form id="`+page+`"`) {
			return page
		}
	}
	if strings.HasPrefix(rec.Header().Get("Location"), appCallback) {
		return "client"
	}
	return "other"
}

var _ = Describe("RFC 8414 §2: for somebody who is logged in, the metadata is what the server does:", func() {
	It("every grant type that is listed gives an access token", func() {
		d := newDiscovery()
		client := d.clients["team.client_secret_basic"]
		client.GrantTypes = append(client.GrantTypes, oauth.GrantTokenExchange, oauth.GrantDeviceCode)
		client.Exchanges = []registration.Exchange{{From: []string{discoveryIssuer}, To: []string{"urn:files"}, Scope: oauth.Scope{"read"}}}
		v := d.caller()
		code := func() map[string]any {
			return v.tokens("authorization_code", "code", v.code("scope", "openid read"), "redirect_uri", appCallback, "code_verifier", appVerifier)
		}
		gives := map[string]func() map[string]any{
			"authorization_code": code,
			"refresh_token": func() map[string]any {
				return v.tokens("refresh_token", "refresh_token", code()["refresh_token"].(string))
			},
			"client_credentials": func() map[string]any { return v.tokens("client_credentials", "scope", "read") },
			oauth.GrantDeviceCode: func() map[string]any {
				rec := v.as("client_secret_basic", v.path("device_authorization_endpoint"), url.Values{"scope": {"openid read"}})
				var device map[string]any
				Expect(json.Unmarshal(rec.Body.Bytes(), &device)).To(Succeed(), rec.Body.String())
				page := v.send(v.visit(http.MethodGet, "/team/device", nil), "/team/device", "user_code", device["user_code"].(string))
				v.send(page, "/team/device/confirm", "decision", "allow")
				return v.tokens(oauth.GrantDeviceCode, "device_code", device["device_code"].(string))
			},
			oauth.GrantTokenExchange: func() map[string]any {
				return v.tokens(oauth.GrantTokenExchange, "subject_token", code()["access_token"].(string),
					"subject_token_type", oauth.TypeAccessToken, "resource", "urn:files")
			},
		}
		for _, grantType := range d.list("grant_types_supported") {
			Expect(gives).To(HaveKey(grantType), "show that it gives a token")
			Expect(gives[grantType]()["access_token"]).NotTo(BeEmpty(), grantType)
		}
	})

	It("every value of prompt that is listed does what it is for, and others do nothing", func() {
		v := newDiscovery().caller()
		v.code()
		Expect(kind(v.ask())).To(Equal("client"), "logged in, and allowed")
		does := map[string]string{"none": "client", "login": "login", "consent": "consent", "select_account": "consent"}
		agree(v.list("prompt_values_supported"), []string{"create", "Login", "x"}, func(value string) bool {
			page := kind(v.ask("prompt", value))
			want, known := does[value]
			Expect(page).To(Equal(map[bool]string{true: want, false: "client"}[known]), value)
			return known
		})
		Expect(v.ask("prompt", "select_account").Body.String()).To(ContainSubstring("Use another account"))
		Expect(kind(v.discovery.caller().ask("prompt", "none"))).To(Equal("client"), "with login_required, and no page")
	})

	It("every scope that is listed is granted, and the claims that are listed come of it", func() {
		v := newDiscovery().caller()
		scopes := v.list("scopes_supported")
		answer := v.tokens("authorization_code", "code", v.code("scope", strings.Join(scopes, " ")), "redirect_uri", appCallback, "code_verifier", appVerifier)
		Expect(strings.Fields(answer["scope"].(string))).To(ConsistOf(scopes))
		told := part(answer["id_token"], 1)
		rec := v.do(http.MethodGet, v.path("userinfo_endpoint"), nil, "Authorization", "Bearer "+answer["access_token"].(string))
		Expect(json.Unmarshal(rec.Body.Bytes(), &told)).To(Succeed())
		var names []string
		for name := range told {
			names = append(names, name)
		}
		Expect(v.list("claims_supported")).To(ConsistOf(names))
	})

	It("every language that is listed is that of the pages, and every display shows the page", func() {
		v := newDiscovery().caller()
		language := regexp.MustCompile(`<html lang="([^"]+)"`)
		agree(v.list("ui_locales_supported"), []string{"de", "fr-CA"}, func(value string) bool {
			return language.FindStringSubmatch(v.ask("ui_locales", value).Body.String())[1] == value
		})
		plain := v.ask().Body.String()
		blank := func(page string) string { return stateField.ReplaceAllString(page, "") }
		for _, value := range v.list("display_values_supported") {
			Expect(blank(v.ask("display", value).Body.String())).To(Equal(blank(plain)), value)
		}
	})

	It("every response mode that is listed brings the code, the way that it says", func() {
		v := newDiscovery().caller()
		v.code()
		for _, mode := range v.list("response_modes_supported") {
			rec := v.ask("response_mode", mode)
			inQuery := strings.Contains(rec.Header().Get("Location"), "code=")
			inForm := strings.Contains(rec.Body.String(), `action="`+appCallback+`"`) && strings.Contains(rec.Body.String(), `name="code"`)
			Expect(inQuery || inForm).To(BeTrue(), mode)
			Expect([]bool{inQuery, inForm}).To(Equal([]bool{mode == "query", mode == "form_post"}), mode)
		}
	})

	It("clients are told of logouts, with the sid, where it is said", func() {
		Expect(newDiscovery().document).NotTo(Or(HaveKey("backchannel_logout_supported"), HaveKey("backchannel_logout_session_supported")))

		told := make(chan string, 1)
		site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.PostFormValue("logout_token") }))
		DeferCleanup(site.Close)
		d := newDiscovery(func(o *Options) {
			o.Notifier = logout.NewNotifier(logout.NotifierOptions{Client: site.Client()})
		})
		Expect(d.document["backchannel_logout_supported"]).To(BeTrue())
		Expect(d.document["backchannel_logout_session_supported"]).To(BeTrue())
		d.clients["team.client_secret_basic"].OpenID.BackchannelLogoutURI = site.URL
		v := d.caller()
		answer := v.tokens("authorization_code", "code", v.code(), "redirect_uri", appCallback, "code_verifier", appVerifier)
		sid := part(answer["id_token"], 1)["sid"]
		Expect(sid).NotTo(BeEmpty())
		v.visit(http.MethodGet, d.path("end_session_endpoint"), url.Values{"id_token_hint": {answer["id_token"].(string)}})
		var token string
		Eventually(told).Should(Receive(&token))
		Expect(part(token, 1)).To(HaveKeyWithValue("sid", sid))
		Expect(kind(v.ask())).To(Equal("login"))
	})

	It("every algorithm that is listed can be registered, and no other", func() {
		d := newDiscovery()
		everywhere := []string{"none", "HS256", "PS256", "EdDSA", "RS512"}
		registers := func(set func(*v1alpha1.OAuthClientSpec, v1alpha1.SigningAlg)) func(string) bool {
			return func(alg string) bool {
				c := &v1alpha1.OAuthClient{}
				c.Namespace, c.Name = "team", "app"
				c.Spec.RedirectURIs = []string{appCallback}
				Expect(validation.Client(c, nil, nil, 0)).To(BeEmpty())
				set(&c.Spec, v1alpha1.SigningAlg(alg))
				return len(validation.Client(c, nil, nil, 0)) == 0
			}
		}
		agree(d.list("id_token_signing_alg_values_supported"), everywhere, registers(func(s *v1alpha1.OAuthClientSpec, alg v1alpha1.SigningAlg) {
			s.IDTokenSignedResponseAlg = alg
		}))
		agree(d.list("userinfo_signing_alg_values_supported"), everywhere, registers(func(s *v1alpha1.OAuthClientSpec, alg v1alpha1.SigningAlg) {
			s.UserinfoSignedResponseAlg = alg
		}))
	})
})
