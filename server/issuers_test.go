package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/hack/person"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// Issuers of one installation: by host, by path, and one below another.
const (
	atRoot   = "https://id.example.com"
	atTenant = "https://id.example.com/tenant1"
	atNested = "https://id.example.com/tenant1/nested"
	atTwin   = "https://id.example.com/tenant10"
	atOther  = "https://other.example.com"
)

var allIssuers = []string{atRoot, atTenant, atNested, atTwin, atOther}

// everybody is a Directory of one person, who is the same to every issuer.
type everybody struct{}

var ada = &resourceowner.Person{Subject: "ada-1", Username: "ada", Name: "Ada", LoginTag: "tag"}

func (everybody) Authenticate(context.Context, string, string) (*resourceowner.Person, error) {
	return ada, nil
}
func (everybody) Person(context.Context, string) (*resourceowner.Person, error) { return ada, nil }

// registered is the Registry of one issuer.
type registered map[string]*registration.Client

func (r registered) Lookup(_ context.Context, id string) (*registration.Client, error) {
	if c, ok := r[id]; ok {
		return c, nil
	}
	return nil, registration.ErrUnknown
}

func (registered) Renew(context.Context, *registration.Client) *registration.Client { return nil }

const (
	callback  = "https://app.example.com/callback"
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 Appendix B
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	secret    = "the-client-secret"
)

// installation is a server of all issuers. To make it as hard as can be, the very
// same client is registered with each, by the same secret.
type installation struct {
	*Server
	registries map[string]registered
}

func newInstallation() *installation {
	in := &installation{registries: map[string]registered{}}
	now := time.Now()
	ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UseVerifier}}, now.Add(-time.Hour))
	Expect(err).NotTo(HaveOccurred())
	verifiers := &keys.Verifiers{}
	verifiers.Store(ring)
	key, _ := ring.Active(keyring.UseVerifier, now)

	lifetimes := issuer.Lifetimes{
		Code: time.Minute, AccessToken: time.Minute, IDToken: time.Minute, Refresh: time.Hour, RefreshIdle: time.Hour, Session: time.Hour,
	}
	web := &registration.Client{
		ID: "team.web", UID: "uid", Name: "Web", AuthMethod: oauth.AuthMethodBasic,
		RedirectURIs: []registration.RedirectURI{registration.CompileRedirectURI(callback, false)},
		GrantTypes:   []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}, ResponseTypes: []string{oauth.ResponseTypeCode},
		Scope: oauth.Scope{"openid"}, DefaultScope: oauth.Scope{"openid"}, Lifetimes: lifetimes,
		Credentials: []registration.Credential{{ID: "a", Verifier: credential.Verifier(
			key.ID, key.Material, credential.Subject{ClientUID: "uid", CredentialID: "a"}, secret)}},
	}
	current := map[string]*keys.Current{}
	var settings []*issuer.Settings
	for _, one := range allIssuers {
		in.registries[one] = registered{web.ID: web}
		current[one] = newKeys(now)
		settings = append(settings, &issuer.Settings{
			Name: one, Issuer: one, IDTokenAlg: "ES256", Lifetimes: lifetimes, Catalogue: []issuer.Scope{{Name: "openid", Default: true}},
		})
	}
	in.Server = New(Options{
		Registry:  func(s *issuer.Settings) registration.Registry { return in.registries[s.Issuer] },
		Keys:      func(name string) *keys.Current { return current[name] },
		Verifiers: verifiers, Grants: memory.New(nil), People: everybody{}, Log: logr.Discard(),
	})
	in.SetIssuers(settings)
	return in
}

func newKeys(now time.Time) *keys.Current {
	var schedules []keyring.Schedule
	for _, use := range []keyring.Use{keyring.UseSignES256, keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser} {
		schedules = append(schedules, keyring.Schedule{Use: use})
	}
	ring, _, _, err := keyring.Rotate(keyring.Ring{}, schedules, now.Add(-time.Hour))
	Expect(err).NotTo(HaveOccurred())
	set, err := keys.Compile(ring)
	Expect(err).NotTo(HaveOccurred())
	current := &keys.Current{}
	current.Store(set)
	return current
}

// RoundTrip implements http.RoundTripper: every host leads here.
func (in *installation) RoundTrip(r *http.Request) (*http.Response, error) {
	arrived := r.Clone(r.Context())
	arrived.Host, arrived.RequestURI, arrived.RemoteAddr = r.URL.Host, r.URL.RequestURI(), "192.0.2.1:4711"
	arrived.URL = &url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	if arrived.Body == nil {
		arrived.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	in.ServeHTTP(w, arrived)
	response := w.Result()
	response.Request = r
	return response, nil
}

// visitor is somebody with a browser who counts the logins that are asked of them.
type visitor struct {
	*person.Person
	logins int
}

func (in *installation) newVisitor() *visitor {
	GinkgoHelper()
	p, err := person.New("ada", "secret", in)
	Expect(err).NotTo(HaveOccurred())
	v := &visitor{Person: p}
	p.Watch = func(page *person.Page) {
		if strings.Contains(page.Body, `id="login"`) {
			v.logins++
		}
	}
	return v
}

// code has the visitor allow the client at the issuer.
func (v *visitor) code(ctx context.Context, issuer string) string {
	GinkgoHelper()
	query := url.Values{
		"response_type": {"code"}, "client_id": {"team.web"}, "redirect_uri": {callback}, "state": {"s"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	page, err := v.Visit(ctx, issuer+"/authorize?"+query.Encode(), func(u *url.URL) bool { return strings.HasPrefix(u.String(), callback) })
	Expect(err).NotTo(HaveOccurred())
	Expect(page.Location).NotTo(BeNil(), page.Body)
	Expect(page.Location.Query().Get("iss")).To(Equal(issuer)) // RFC 9207 §2
	return page.Location.Query().Get("code")
}

// token sends a token request of the client to the issuer.
func (in *installation) token(ctx context.Context, issuer string, form url.Values) map[string]any {
	GinkgoHelper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/token", strings.NewReader(form.Encode()))
	Expect(err).NotTo(HaveOccurred())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("team.web", secret)
	return in.answer(r)
}

func (in *installation) answer(r *http.Request) map[string]any {
	GinkgoHelper()
	response, err := in.RoundTrip(r)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	var body map[string]any
	_ = json.NewDecoder(response.Body).Decode(&body)
	if body == nil {
		body = map[string]any{}
	}
	body["status"] = response.StatusCode
	return body
}

func (in *installation) redeem(ctx context.Context, issuer, code string) map[string]any {
	return in.token(ctx, issuer, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	})
}

func (in *installation) refresh(ctx context.Context, issuer string, token any) map[string]any {
	return in.token(ctx, issuer, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.(string)}})
}

func (in *installation) userinfo(ctx context.Context, issuer string, token any) map[string]any {
	GinkgoHelper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/userinfo", http.NoBody)
	Expect(err).NotTo(HaveOccurred())
	r.Header.Set("Authorization", "Bearer "+token.(string))
	return in.answer(r)
}

// get returns the JSON document at the address.
func (in *installation) get(ctx context.Context, address string) map[string]any {
	GinkgoHelper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	Expect(err).NotTo(HaveOccurred())
	return in.answer(r)
}

// pairs calls back for each of two different issuers.
func pairs(each func(one, other string)) {
	for _, one := range allIssuers {
		for _, other := range allIssuers {
			if one != other {
				each(one, other)
			}
		}
	}
}

var _ = Describe("Several issuers of one installation", func() {
	var in *installation
	BeforeEach(func() { in = newInstallation() })

	It("RFC 8414 §3.1, OpenID Connect Discovery §4: each has its own metadata, where its URL says", func(ctx SpecContext) {
		for _, one := range allIssuers {
			host, path, _ := strings.Cut(strings.TrimPrefix(one, "https://"), "/")
			if path != "" {
				path = "/" + path
			}
			for _, address := range []string{
				"https://" + host + "/.well-known/oauth-authorization-server" + path,
				one + "/.well-known/openid-configuration",
			} {
				document := in.get(ctx, address)
				Expect(document).To(HaveKeyWithValue("status", http.StatusOK), address)
				Expect(document).To(HaveKeyWithValue("issuer", one), address)
				for _, endpoint := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} {
					Expect(document[endpoint]).To(HavePrefix(one + "/"))
					Expect(strings.TrimPrefix(document[endpoint].(string), one+"/")).NotTo(ContainSubstring("/"))
				}
			}
			if path != "" {
				Expect(in.get(ctx, one+"/.well-known/oauth-authorization-server")).To(HaveKeyWithValue("status", http.StatusNotFound))
			}
		}
		for _, address := range []string{
			atRoot + "/.well-known/oauth-authorization-server/", atRoot + "/.well-known/oauth-authorization-server/tenant1/",
			atRoot + "/.well-known/oauth-authorization-server/tenant2", atOther + "/.well-known/oauth-authorization-server/tenant1",
			atRoot + "/.well-known/oauth-authorization-server/Tenant1", atRoot + "/tenant1/nested/", atTwin + "0/authorize",
		} {
			Expect(in.get(ctx, address)).To(HaveKeyWithValue("status", http.StatusNotFound), address)
		}
	})

	It("have no key in common", func(ctx SpecContext) {
		seen := map[any]string{}
		for _, one := range allIssuers {
			for _, key := range in.get(ctx, one+"/jwks")["keys"].([]any) {
				id := key.(map[string]any)["kid"]
				Expect(seen).NotTo(HaveKey(id))
				seen[id] = one
			}
		}
		Expect(len(seen)).To(BeNumerically(">=", len(allIssuers)))
	})

	It("RFC 6749 §4.1.3: refuse each other's codes, which stay good where they belong", func(ctx SpecContext) {
		v := in.newVisitor()
		pairs(func(one, other string) {
			code := v.code(ctx, one)
			Expect(in.redeem(ctx, other, code)).To(HaveKeyWithValue("error", "invalid_grant"), "%s at %s", one, other)
			Expect(in.redeem(ctx, one, code)).To(HaveKey("access_token"))
		})
	})

	It("RFC 6749 §6: refuse each other's refresh tokens, which stay good where they belong", func(ctx SpecContext) {
		v := in.newVisitor()
		pairs(func(one, other string) {
			token := in.redeem(ctx, one, v.code(ctx, one))["refresh_token"]
			Expect(in.refresh(ctx, other, token)).To(HaveKeyWithValue("error", "invalid_grant"), "%s at %s", one, other)
			Expect(in.refresh(ctx, one, token)).To(HaveKey("access_token"))
		})
	})

	It("RFC 9068 §4: refuse each other's access tokens", func(ctx SpecContext) {
		v := in.newVisitor()
		pairs(func(one, other string) {
			token := in.redeem(ctx, one, v.code(ctx, one))["access_token"]
			Expect(in.userinfo(ctx, other, token)).To(HaveKeyWithValue("status", http.StatusUnauthorized), "%s at %s", one, other)
			Expect(in.userinfo(ctx, one, token)).To(HaveKeyWithValue("sub", ada.Subject))
		})
	})

	It("know the clients of their own alone", func(ctx SpecContext) {
		delete(in.registries[atTenant], "team.web")
		token := in.redeem(ctx, atRoot, in.newVisitor().code(ctx, atRoot))
		Expect(token).To(HaveKey("access_token"))
		Expect(in.refresh(ctx, atTenant, token["refresh_token"])).To(HaveKeyWithValue("error", "invalid_client"))
		Expect(in.get(ctx, atTenant+"/authorize?response_type=code&client_id=team.web")).To(HaveKeyWithValue("status", http.StatusBadRequest))
	})

	It("ask each for a login of its own, and none disturbs another", func(ctx SpecContext) {
		v := in.newVisitor()
		for i, one := range allIssuers {
			v.code(ctx, one)
			Expect(v.logins).To(Equal(i+1), one)
		}
		for _, one := range slices.Backward(allIssuers) {
			v.code(ctx, one)
		}
		Expect(v.logins).To(Equal(len(allIssuers)), "every session is still there")
	})

	It("do not take each other's cookies, by whatever name they come", func(ctx SpecContext) {
		cookies := map[string][]*http.Cookie{}
		for _, one := range allIssuers {
			v := in.newVisitor()
			watch := v.Watch
			v.Watch = func(page *person.Page) {
				watch(page)
				cookies[one] = append(cookies[one], (&http.Response{Header: page.Header}).Cookies()...)
			}
			v.code(ctx, one)
			Expect(cookies[one]).NotTo(BeEmpty())
			u, _ := url.Parse(one)
			for _, c := range cookies[one] {
				Expect(c.Secure && c.HttpOnly).To(BeTrue())
				Expect(c.Domain).To(BeEmpty(), "of this host alone")
				if u.Path == "" {
					Expect(c.Name).To(HavePrefix("__Host-"))
					Expect(c.Path).To(Equal("/"))
				} else {
					Expect(c.Name).To(HavePrefix("__Secure-"))
					Expect(c.Path).To(Equal(u.Path))
				}
			}
		}
		authorize := "/authorize?response_type=code&client_id=team.web&scope=openid&prompt=none&code_challenge_method=S256&code_challenge=" +
			challenge + "&redirect_uri=" + url.QueryEscape(callback)
		asks := func(issuer string, sent []*http.Cookie) url.Values {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+authorize, http.NoBody)
			Expect(err).NotTo(HaveOccurred())
			for _, c := range sent {
				for _, prefix := range []string{"__Host-", "__Secure-", ""} {
					_, name, _ := strings.Cut(c.Name, "-")
					r.AddCookie(&http.Cookie{Name: prefix + name, Value: c.Value})
				}
			}
			response, err := in.RoundTrip(r)
			Expect(err).NotTo(HaveOccurred())
			Expect(response.Body.Close()).To(Succeed())
			location, err := response.Location()
			Expect(err).NotTo(HaveOccurred())
			return location.Query()
		}
		Expect(asks(atRoot, cookies[atRoot]).Get("error")).NotTo(Equal("login_required"), "its own it takes")
		pairs(func(one, other string) {
			Expect(asks(other, cookies[one]).Get("error")).To(Equal("login_required"), "%s at %s", one, other)
		})
	})

	DescribeTable("are found by the host and nothing else, and say nothing that the host says",
		func(ctx SpecContext, host string, header http.Header, expected string) {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/.well-known/openid-configuration", http.NoBody)
			r.Host = host
			for name, values := range header {
				r.Header[name] = values
			}
			w := httptest.NewRecorder()
			in.ServeHTTP(w, r)
			if expected == "" {
				Expect(w.Code).To(Equal(http.StatusNotFound))
				Expect(w.Body.String()).NotTo(ContainSubstring("example"))
				return
			}
			Expect(w.Body.String()).To(ContainSubstring(`"issuer":"` + expected + `"`))
			Expect(w.Body.String()).NotTo(ContainSubstring(":443"))
		},
		Entry("its own", "other.example.com", nil, atOther),
		Entry("with the port that it has anyway, in capitals", "OTHER.example.com:443", nil, atOther),
		Entry("with another port", "other.example.com:8443", nil, ""),
		Entry("with a dot at the end", "other.example.com.", nil, ""),
		Entry("below it", "x.other.example.com", nil, ""),
		Entry("with a user before it", "id.example.com@other.example.com", nil, ""),
		Entry("two of them", "id.example.com,other.example.com", nil, ""),
		Entry("none", "", nil, ""),
		Entry("and not by what a proxy may pass on",
			"other.example.com", http.Header{
				"X-Forwarded-Host": {"id.example.com"}, "Forwarded": {"host=id.example.com"}, "X-Original-Host": {"id.example.com"},
				"X-Forwarded-Prefix": {"/tenant1"}, "X-Original-Url": {"/tenant1/authorize"}, "X-Rewrite-Url": {"/tenant1/authorize"},
			}, atOther),
	)
})
