package server

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/memory"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// known is a Registry of clients by their authentication method, and a Directory
// with Ada.
type known map[string]*registration.Client

func (k known) Lookup(_ context.Context, id string) (*registration.Client, error) {
	if c, ok := k[id]; ok {
		return c, nil
	}
	return nil, registration.ErrUnknown
}

func (known) Renew(context.Context, *registration.Client) *registration.Client { return nil }

func (k known) Authenticate(ctx context.Context, username, password string) (*resourceowner.Person, error) {
	if username != "ada" || password != discoverySecret {
		return nil, resourceowner.ErrNoSuchLogin
	}
	return k.Person(ctx, "ada-1")
}

func (known) Person(context.Context, string) (*resourceowner.Person, error) {
	return &resourceowner.Person{Subject: "ada-1", Username: "ada", Name: "Ada", Email: "ada@example.com", Groups: []string{"a"}}, nil
}

// discovery is a server whose metadata is held to what it does.
type discovery struct {
	server   *Server
	keys     *keys.Current
	clients  known
	document map[string]any
	proven   map[string]bool // members that were asked for
	now      time.Time
	signers  map[string]crypto.Signer // by the algorithm that each is for
}

const (
	discoveryIssuer = "https://id.example.com/team"
	discoverySecret = "a-secret-of-forty-three-characters-01234567"
	appCallback     = "https://app.example.com/cb"
	appChallenge    = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636 Appendix B
	appVerifier     = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// discoverySigners are keys by the algorithm that each is for. The RSA keys take a while.
var discoverySigners = sync.OnceValue(func() map[string]crypto.Signer {
	signers := map[string]crypto.Signer{}
	for _, alg := range []string{"RS256", "PS256", "RS512"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		Expect(err).NotTo(HaveOccurred())
		signers[alg] = key
	}
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		Expect(err).NotTo(HaveOccurred())
		signers[alg] = key
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	signers["EdDSA"] = key
	return signers
})

func newDiscovery(changes ...func(*Options)) *discovery {
	d := &discovery{keys: &keys.Current{}, clients: known{}, proven: map[string]bool{}, now: time.Now(), signers: discoverySigners()}
	var schedules []keyring.Schedule
	for _, use := range []keyring.Use{
		keyring.UseVerifier, keyring.UseSignES256, keyring.UseSignRS256, keyring.UseCode, keyring.UseRefresh, keyring.UseBrowser, keyring.UsePairwise,
	} {
		schedules = append(schedules, keyring.Schedule{Use: use})
	}
	ring, _, _, err := keyring.Rotate(keyring.Ring{}, schedules, d.now.Add(-time.Hour))
	Expect(err).NotTo(HaveOccurred())
	set, err := keys.Compile(ring)
	Expect(err).NotTo(HaveOccurred())
	d.keys.Store(set)
	verifiers := &keys.Verifiers{}
	verifiers.Store(ring)
	verifier, _ := ring.Active(keyring.UseVerifier, d.now)
	for _, method := range []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"} {
		c := &registration.Client{
			ID: "team." + method, UID: method, AuthMethod: method, ResponseTypes: []string{"code"},
			GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"},
			Scope:      oauth.Scope{"openid", "profile", "email", "groups", "read"}, DefaultScope: oauth.Scope{"read"},
			Resources:    []string{"https://api.example.com", "urn:files"},
			RedirectURIs: []registration.RedirectURI{registration.CompileRedirectURI(appCallback, method == "none")},
			Lifetimes:    issuer.Lifetimes{AccessToken: time.Hour, IDToken: time.Hour, Refresh: time.Hour, RefreshIdle: time.Hour},
			Credentials: []registration.Credential{{ID: "one", Verifier: credential.Verifier(
				verifier.ID, verifier.Material, credential.Subject{ClientUID: method, CredentialID: "one"}, discoverySecret)}},
		}
		d.clients[c.ID] = c
	}
	for alg, signer := range d.signers {
		d.clients["team.private_key_jwt"].Keys = append(d.clients["team.private_key_jwt"].Keys, assertion.Key{Alg: alg, Public: signer.Public()})
	}
	options := Options{
		Registry:  func(*issuer.Settings) registration.Registry { return d.clients },
		Keys:      func(string) *keys.Current { return d.keys },
		Verifiers: verifiers, Grants: memory.New(nil), People: d.clients, Log: logr.Discard(),
	}
	for _, change := range changes {
		change(&options)
	}
	d.server = New(options)
	settings := &issuer.Settings{
		Name: "main", Issuer: discoveryIssuer, IDTokenAlg: "RS256", Lifetimes: issuer.Lifetimes{Code: time.Minute, DeviceCode: time.Minute, Session: time.Hour},
		Resources: []issuer.Resource{{Identifier: "https://api.example.com"}, {Identifier: "urn:files"}},
	}
	for _, scope := range []string{"openid", "profile", "email", "groups", "read"} {
		settings.Catalogue = append(settings.Catalogue, issuer.Scope{Name: scope})
	}
	d.server.SetIssuers([]*issuer.Settings{settings})
	Expect(json.Unmarshal(d.do("GET", "/.well-known/oauth-authorization-server/team", nil).Body.Bytes(), &d.document)).To(Succeed())
	return d
}

// do sends a form, or a query, with headers in pairs.
func (d *discovery) do(method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	body := ""
	if method == http.MethodPost {
		body = form.Encode()
	} else if form != nil {
		path += "?" + form.Encode()
	}
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Host = "id.example.com"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.server.ServeHTTP(w, r)
	return w
}

// list returns a member that is a list, and notes that it is looked at.
func (d *discovery) list(member string) (values []string) {
	d.proven[member] = true
	for _, v := range d.document[member].([]any) {
		values = append(values, v.(string))
	}
	return values
}

func (d *discovery) path(member string) string {
	GinkgoHelper()
	d.proven[member] = true
	path, ok := strings.CutPrefix(d.document[member].(string), "https://id.example.com")
	Expect(ok).To(BeTrue(), member)
	return path
}

// as sends a form to an endpoint as the client that uses the method does.
func (d *discovery) as(method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	form.Set("client_id", "team."+method)
	switch method {
	case "client_secret_basic":
		headers = append(headers, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("team."+method+":"+discoverySecret)))
	case "client_secret_post":
		form.Set("client_secret", discoverySecret)
	case "none":
	case "private_key_jwt":
		return d.signing("ES256", path, form)
	default:
		form.Set("client_assertion", "a.b.c")
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	}
	return d.do(http.MethodPost, path, form, headers...)
}

// signing sends a form as the client that signs its assertions, with an algorithm.
func (d *discovery) signing(alg, path string, form url.Values) *httptest.ResponseRecorder {
	GinkgoHelper()
	var key any = []byte(discoverySecret)
	if signer := d.signers[alg]; signer != nil {
		key = signer
	}
	id := "team.private_key_jwt"
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, nil)
	Expect(err).NotTo(HaveOccurred())
	claims, err := json.Marshal(map[string]any{
		"iss": id, "sub": id, "aud": discoveryIssuer, "jti": grant.NewID(), "exp": d.now.Add(time.Minute).Unix(),
	})
	Expect(err).NotTo(HaveOccurred())
	jws, err := signer.Sign(claims)
	Expect(err).NotTo(HaveOccurred())
	compact, err := jws.CompactSerialize()
	Expect(err).NotTo(HaveOccurred())
	form.Set("client_assertion", compact)
	form.Set("client_assertion_type", assertion.TypeJWTBearer)
	return d.do(http.MethodPost, path, form)
}

// authorize returns the answer to a silent authorization request with changes.
func (d *discovery) authorize(change ...string) url.Values {
	GinkgoHelper()
	form := url.Values{
		"client_id": {"team.client_secret_basic"}, "redirect_uri": {appCallback}, "response_type": {"code"}, "scope": {"openid"},
		"prompt": {"none"}, "code_challenge": {appChallenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	location, err := url.Parse(d.do(http.MethodGet, d.path("authorization_endpoint"), form).Header().Get("Location"))
	Expect(err).NotTo(HaveOccurred())
	return location.Query()
}

// redeem returns the response to a code of the client, as it is now registered.
func (d *discovery) redeem(scope ...string) map[string]any {
	GinkgoHelper()
	c := d.clients["team.client_secret_basic"]
	code, err := grant.SealCode(d.keys.Load(), grant.Code{
		GrantID: grant.NewID(), IssuedAt: d.now.Unix(), ExpiresAt: d.now.Add(time.Minute).Unix(), ClientID: c.ID, ClientUID: c.UID,
		RedirectURI: appCallback, Subject: "ada-1", Scope: scope, AuthTime: d.now.Unix(), Challenge: appChallenge, Nonce: "n", SessionID: "s",
	}, d.now)
	Expect(err).NotTo(HaveOccurred())
	rec := d.as("client_secret_basic", d.path("token_endpoint"), url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {appVerifier},
	})
	var body map[string]any
	Expect(json.Unmarshal(rec.Body.Bytes(), &body)).To(Succeed())
	Expect(rec.Code).To(Equal(http.StatusOK), rec.Body.String())
	return body
}

// part returns one part of a JWT.
func part(token any, i int) (members map[string]any) {
	GinkgoHelper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token.(string), ".")[i])
	Expect(err).NotTo(HaveOccurred())
	Expect(json.Unmarshal(text, &members)).To(Succeed())
	return members
}

// agree expects that the server takes the values that are listed, and no others of
// those that there are anywhere.
func agree(listed, everywhere []string, takes func(string) bool) {
	GinkgoHelper()
	for _, value := range append(slices.Clone(listed), everywhere...) {
		Expect(takes(value)).To(Equal(slices.Contains(listed, value)), value)
	}
}

var _ = Describe("RFC 8414 §2: the metadata is what the server does:", Ordered, func() {
	var d *discovery
	BeforeAll(func() { d = newDiscovery() })
	errorOf := func(rec *httptest.ResponseRecorder) string {
		var body struct{ Error string }
		_ = json.Unmarshal(rec.Body.Bytes(), &body)
		return body.Error
	}
	methods := []string{"client_secret_basic", "client_secret_post", "none", "client_secret_jwt", "tls_client_auth", "self_signed_tls_client_auth"}

	It("each endpoint that is listed answers, and each that answers is listed", func() {
		listed := map[string]bool{}
		for member := range d.document {
			if strings.HasSuffix(member, "_endpoint") || member == "jwks_uri" {
				listed[d.path(member)] = true
				Expect(d.do(http.MethodPost, d.path(member), url.Values{"x": {"y"}}).Code).NotTo(Equal(http.StatusNotFound), member)
			}
		}
		pages := []string{"/continue", "/login", "/consent", "/assets/", "/logout/confirm", "/device", "/device/confirm", "/device/done"}
		for path := range d.server.routes.Load().byIssuer[discoveryIssuer].routes {
			below := strings.TrimPrefix(path, "/team")
			if !strings.Contains(path, "/.well-known/") && !slices.Contains(pages, below) {
				Expect(listed).To(HaveKey(path))
			}
		}
	})

	It("the issuer is that of tokens and answers (RFC 9207 §3)", func() {
		Expect(d.document["issuer"]).To(Equal(discoveryIssuer))
		Expect(d.document["authorization_response_iss_parameter_supported"]).To(BeTrue())
		Expect(d.authorize().Get("iss")).To(Equal(discoveryIssuer))
		Expect(part(d.redeem("openid")["id_token"], 1)["iss"]).To(Equal(discoveryIssuer))
		d.proven["issuer"], d.proven["authorization_response_iss_parameter_supported"] = true, true
	})

	It("RFC 9068 §4: both places say the same", func() {
		var other map[string]any
		Expect(json.Unmarshal(d.do(http.MethodGet, "/team/.well-known/openid-configuration", nil).Body.Bytes(), &other)).To(Succeed())
		Expect(other).To(Equal(d.document))
	})

	It("grant types", func() {
		agree(d.list("grant_types_supported"), []string{
			"password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
			"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:openid:params:grant-type:ciba",
		}, func(value string) bool {
			return errorOf(d.as("client_secret_basic", d.path("token_endpoint"), url.Values{"grant_type": {value}})) != "unsupported_grant_type"
		})
	})

	It("client authentication at the token endpoint, the revocation endpoint and the introspection endpoint", func() {
		agree(d.list("token_endpoint_auth_methods_supported"), methods, func(method string) bool {
			return errorOf(d.as(method, d.path("token_endpoint"), url.Values{"grant_type": {"refresh_token"}})) != "invalid_client"
		})
		agree(d.list("revocation_endpoint_auth_methods_supported"), methods, func(method string) bool {
			return d.as(method, d.path("revocation_endpoint"), url.Values{"token": {"x"}}).Code == http.StatusOK
		})
		agree(d.list("introspection_endpoint_auth_methods_supported"), methods, func(method string) bool {
			return d.as(method, d.path("introspection_endpoint"), url.Values{"token": {"x"}}).Code == http.StatusOK
		})
	})

	It("algorithms of the assertions by which clients authenticate, at each of the three", func() {
		for member, path := range map[string]string{
			"token_endpoint_auth_signing_alg_values_supported":         "token_endpoint",
			"revocation_endpoint_auth_signing_alg_values_supported":    "revocation_endpoint",
			"introspection_endpoint_auth_signing_alg_values_supported": "introspection_endpoint",
		} {
			agree(d.list(member), []string{"HS256", "RS512", "ES384"}, func(alg string) bool {
				return d.signing(alg, d.path(path), url.Values{"token": {"x"}, "grant_type": {"refresh_token"}}).Code != http.StatusUnauthorized
			})
		}
	})

	It("response types, response modes and code challenge methods", func() {
		agree(d.list("response_types_supported"), []string{"token", "id_token", "id_token token", "code id_token", "code token", "none"},
			func(value string) bool { return d.authorize("response_type", value).Get("error") == "login_required" })
		agree(d.list("code_challenge_methods_supported"), []string{"plain", "s256", "S512"},
			func(value string) bool {
				return d.authorize("code_challenge_method", value).Get("error") == "login_required"
			})
		agree(d.list("response_modes_supported"), []string{"fragment", "jwt", "query.jwt", "web_message"}, func(value string) bool {
			if value == "form_post" {
				return d.authorize("response_mode", value).Get("error") == "" // in a page
			}
			return d.authorize("response_mode", value).Get("error") == "login_required"
		})
	})

	It("scopes and protected resources", func() {
		agree(d.list("scopes_supported"), []string{"admin", "offline_access", "phone", "OpenID"},
			func(value string) bool { return d.authorize("scope", value).Get("error") == "login_required" })
		agree(d.list("protected_resources"), []string{"https://api.example.com/", "https://other.example.com", "urn:files#x"},
			func(value string) bool { return d.authorize("resource", value).Get("error") == "login_required" })
	})

	It("values of prompt and display, languages, and what a request may carry", func() {
		for _, prompt := range d.list("prompt_values_supported") {
			want := "" // a page
			if prompt == "none" {
				want = "login_required"
			}
			Expect(d.authorize("prompt", prompt).Get("error")).To(Equal(want), prompt)
		}
		for member, parameter := range map[string]string{"display_values_supported": "display", "ui_locales_supported": "ui_locales"} {
			for _, value := range d.list(member) {
				Expect(d.authorize(parameter, value).Get("error")).To(Equal("login_required"))
			}
		}
		Expect(d.document["request_parameter_supported"]).To(BeFalse())
		Expect(d.authorize("request", "a.b.c").Get("error")).To(Equal("request_not_supported"))
		Expect(d.document["request_uri_parameter_supported"]).To(BeFalse())
		Expect(d.authorize("request_uri", "https://x.example.com").Get("error")).To(Equal("request_uri_not_supported"))
		Expect(d.document["claims_parameter_supported"]).To(BeTrue())
		Expect(d.authorize("claims", "not json").Get("error")).To(Equal("invalid_request"))
		for _, member := range []string{"request_parameter_supported", "request_uri_parameter_supported", "claims_parameter_supported"} {
			d.proven[member] = true
		}
	})

	It("algorithms, subject types and claims", func() {
		c := d.clients["team.client_secret_basic"]
		for _, alg := range d.list("id_token_signing_alg_values_supported") {
			c.OpenID.IDTokenAlg = alg
			Expect(part(d.redeem("openid")["id_token"], 0)["alg"]).To(Equal(alg))
		}
		for _, alg := range d.list("userinfo_signing_alg_values_supported") {
			c.OpenID.UserinfoAlg = alg
			token := d.redeem("openid")["access_token"].(string)
			answer := d.do(http.MethodGet, d.path("userinfo_endpoint"), nil, "Authorization", "Bearer "+token).Body.String()
			Expect(part(answer, 0)["alg"]).To(Equal(alg))
		}
		for _, alg := range d.list("introspection_signing_alg_values_supported") {
			answer := d.as("client_secret_basic", d.path("introspection_endpoint"), url.Values{"token": {"x"}},
				"Accept", "application/token-introspection+jwt").Body.String()
			Expect(part(answer, 0)["alg"]).To(Equal(alg))
		}
		subjects := map[any]bool{}
		for _, subjectType := range d.list("subject_types_supported") {
			c.OpenID.SubjectType, c.OpenID.Sector = subjectType, "app.example.com"
			subjects[part(d.redeem("openid")["id_token"], 1)["sub"]] = true
		}
		Expect(subjects).To(HaveLen(2))
		claims := slices.Collect(maps.Keys(part(d.redeem("openid", "profile", "email", "groups")["id_token"], 1)))
		Expect(d.list("claims_supported")).To(ConsistOf(claims))
	})

	It("no member is there that nothing above has shown", func() {
		// discovery_person_test.go shows these, with somebody who is logged in.
		for _, member := range []string{"backchannel_logout_supported", "backchannel_logout_session_supported"} {
			d.proven[member] = true
		}
		for member := range d.document {
			Expect(d.proven).To(HaveKey(member), "show that it is true")
		}
	})
})
