package metadata_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/metadata"
)

// get sends a request with headers in pairs.
func get(handler http.Handler, method string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, r)
	return rec
}

// expectDocument expects a JSON document that anybody may keep for a while.
func expectDocument(handler http.Handler) map[string]any {
	GinkgoHelper()
	rec := get(handler, http.MethodGet, "Origin", "https://app.example.com")
	Expect(rec.Code).To(Equal(http.StatusOK))
	Expect(rec.Header().Get("Content-Type")).To(Equal("application/json"))
	Expect(rec.Header().Get("Cache-Control")).To(Equal("public, max-age=300"))
	Expect(rec.Header().Get("Access-Control-Allow-Origin")).To(Equal("*"))

	again := get(handler, http.MethodGet, "If-None-Match", rec.Header().Get("ETag"))
	Expect(again.Code).To(Equal(http.StatusNotModified))
	Expect(again.Body.Len()).To(BeZero())
	Expect(get(handler, http.MethodGet, "If-None-Match", `"other"`).Code).To(Equal(http.StatusOK))
	Expect(get(handler, http.MethodHead).Body.Len()).To(BeZero())
	refused := get(handler, http.MethodPost)
	Expect(refused.Code).To(Equal(http.StatusMethodNotAllowed))
	Expect(refused.Header().Get("Allow")).To(Equal("GET, HEAD"))

	var document map[string]any
	Expect(json.Unmarshal(rec.Body.Bytes(), &document)).To(Succeed())
	return document
}

var _ = Describe("The metadata", func() {
	options := func(scopes ...string) metadata.Options {
		settings := &issuer.Settings{Name: "main", Issuer: "https://auth.example.com/main", IDTokenAlg: "RS256"}
		for _, name := range scopes {
			settings.Catalogue = append(settings.Catalogue, issuer.Scope{Name: name})
		}
		return metadata.Options{
			Settings: settings, AuthMethods: clientauth.Methods(), BackchannelLogout: true,
			IntrospectionAlgs: []string{"RS256"}, AuthAlgs: []string{"ES256"},
			GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"},
		}
	}

	It("RFC 8414 §2, OpenID Connect Discovery §3: says what is there and nothing else", func() {
		Expect(expectDocument(metadata.New(options("openid", "profile", "email", "groups", "read")))).To(Equal(map[string]any{
			"issuer":                 "https://auth.example.com/main",
			"authorization_endpoint": "https://auth.example.com/main/authorize",
			"token_endpoint":         "https://auth.example.com/main/token",
			"userinfo_endpoint":      "https://auth.example.com/main/userinfo",
			"jwks_uri":               "https://auth.example.com/main/jwks",
			"revocation_endpoint":    "https://auth.example.com/main/revoke",
			"revocation_endpoint_auth_methods_supported":               []any{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
			"revocation_endpoint_auth_signing_alg_values_supported":    []any{"ES256"},
			"introspection_endpoint_auth_signing_alg_values_supported": []any{"ES256"},
			"token_endpoint_auth_signing_alg_values_supported":         []any{"ES256"},
			"introspection_endpoint":                                   "https://auth.example.com/main/introspect",
			"introspection_endpoint_auth_methods_supported":            []any{"client_secret_basic", "client_secret_post", "private_key_jwt"},
			"introspection_signing_alg_values_supported":               []any{"RS256"},
			"scopes_supported":                                         []any{"openid", "profile", "email", "groups", "read"},
			"response_types_supported":                                 []any{"code"},
			"response_modes_supported":                                 []any{"query", "form_post"},
			"grant_types_supported":                                    []any{"authorization_code", "refresh_token", "client_credentials"},
			"token_endpoint_auth_methods_supported":                    []any{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
			"code_challenge_methods_supported":                         []any{"S256"},
			"authorization_response_iss_parameter_supported":           true,
			"subject_types_supported":                                  []any{"public", "pairwise"},
			"id_token_signing_alg_values_supported":                    []any{"RS256", "ES256"},
			"userinfo_signing_alg_values_supported":                    []any{"RS256", "ES256"},
			"claims_parameter_supported":                               true,
			"prompt_values_supported":                                  []any{"none", "login", "consent", "select_account"},
			"ui_locales_supported":                                     []any{"en"},
			"display_values_supported":                                 []any{"page"},
			"request_parameter_supported":                              false,
			"request_uri_parameter_supported":                          false,
			"end_session_endpoint":                                     "https://auth.example.com/main/logout",
			"backchannel_logout_supported":                             true,
			"backchannel_logout_session_supported":                     true,
			"claims_supported": []any{
				"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid",
				"name", "preferred_username", "email", "email_verified", "groups",
			},
		}))
	})

	It("RFC 8628 §4: names the device authorization endpoint where there is the grant", func() {
		o := options("read")
		Expect(expectDocument(metadata.New(o))).NotTo(HaveKey("device_authorization_endpoint"))
		o.GrantTypes = append(o.GrantTypes, "urn:ietf:params:oauth:grant-type:device_code")
		Expect(expectDocument(metadata.New(o))).To(HaveKeyWithValue("device_authorization_endpoint", "https://auth.example.com/main/device_authorization"))
	})

	It("RFC 9728 §4: names the protected resources, and not itself", func() {
		o := options("read")
		o.Settings.Resources = []issuer.Resource{{Identifier: "https://api.example.com"}, {Identifier: o.Settings.Issuer}}
		Expect(expectDocument(metadata.New(o))["protected_resources"]).To(Equal([]any{"https://api.example.com"}))
		o.Settings.Resources = nil
		Expect(expectDocument(metadata.New(o))).NotTo(HaveKey("protected_resources"))
	})

	It("names the claims of the scopes that there are", func() {
		Expect(expectDocument(metadata.New(options("openid", "email")))["claims_supported"]).To(
			And(ContainElement("email"), Not(ContainElement("name")), Not(ContainElement("groups"))))
	})

	It("RFC 8414 §3.2: has no member with nothing to say, and nothing of OpenID where there is no openid", func() {
		document := expectDocument(metadata.New(options("read")))
		Expect(document).NotTo(Or(HaveKey("userinfo_endpoint"), HaveKey("subject_types_supported"),
			HaveKey("id_token_signing_alg_values_supported"), HaveKey("claims_supported")))
		Expect(expectDocument(metadata.New(options()))).NotTo(HaveKey("scopes_supported"))
	})
})

var _ = Describe("The JWK Set", func() {
	start := time.Date(2026, 11, 12, 13, 14, 15, 0, time.UTC)
	schedules := []keyring.Schedule{
		{Use: keyring.UseSignES256, Every: 30 * 24 * time.Hour, Ahead: 24 * time.Hour, Keep: time.Hour},
		{Use: keyring.UseSignRS256, Every: 30 * 24 * time.Hour, Ahead: 24 * time.Hour, Keep: time.Hour},
		{Use: keyring.UseCode},
		{Use: keyring.UseRefresh},
		{Use: keyring.UseBrowser},
	}
	rotate := func(ring keyring.Ring, now time.Time) keyring.Ring {
		GinkgoHelper()
		next, _, _, err := keyring.Rotate(ring, schedules, now)
		Expect(err).NotTo(HaveOccurred())
		return next
	}
	compile := func(ring keyring.Ring) *keys.Set {
		GinkgoHelper()
		set, err := keys.Compile(ring)
		Expect(err).NotTo(HaveOccurred())
		return set
	}

	It("RFC 7517 §5: has the public halves of the signing keys and nothing else, each with its kid", func() {
		current := &keys.Current{}
		current.Store(compile(rotate(keyring.Ring{}, start)))
		handler := metadata.KeySet(current, func() time.Time { return start })
		expectDocument(handler)

		var set struct{ Keys []map[string]any }
		Expect(json.Unmarshal(get(handler, http.MethodGet).Body.Bytes(), &set)).To(Succeed())
		Expect(set.Keys).To(HaveLen(2))
		seen := map[any]bool{}
		for _, key := range set.Keys {
			for name := range key {
				Expect(name).To(BeElementOf("kty", "kid", "use", "alg", "crv", "x", "y", "n", "e"))
			}
			Expect(key["use"]).To(Equal("sig"))
			Expect(key["alg"]).To(BeElementOf("ES256", "RS256"))
			Expect(key["kid"]).NotTo(BeEmpty())
			Expect(seen[key["kid"]]).To(BeFalse())
			seen[key["kid"]] = true
		}
	})

	It("shows a key before its use, and drops it when nothing that it signed is good any more", func() {
		now := start
		current := &keys.Current{}
		handler := metadata.KeySet(current, func() time.Time { return now })
		kids := func() (kids []string) {
			var set jose.JSONWebKeySet
			Expect(json.Unmarshal(get(handler, http.MethodGet).Body.Bytes(), &set)).To(Succeed())
			for _, key := range set.Keys {
				kids = append(kids, key.KeyID)
			}
			return kids
		}
		ring := rotate(keyring.Ring{}, start)
		current.Store(compile(ring))
		first := kids()
		Expect(first).To(HaveLen(2))

		now = start.Add(29*24*time.Hour + time.Minute)
		current.Store(compile(rotate(ring, now)))
		Expect(kids()).To(HaveLen(4))
		now = now.Add(26 * time.Hour) // without the set being replaced
		Expect(kids()).To(HaveLen(2))
		Expect(kids()).NotTo(ContainElements(first))
	})

	It("is no empty document while there are no keys: every token would look forged", func() {
		rec := get(metadata.KeySet(&keys.Current{}, nil), http.MethodGet)
		Expect(rec.Code).To(Equal(http.StatusServiceUnavailable))
		Expect(rec.Header().Get("Cache-Control")).To(Equal("no-store"))
	})
})
