package registration_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/json"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// FuzzRegistration has a team and a platform write anything into an OAuthClient and an
// AuthorizationServer, past every rule of the CRDs. A client that is served may use
// nothing that it did not ask for, that its issuer does not have, or that no rule of the
// policy allows; and it authenticates in one way, with keys that are some.
func FuzzRegistration(f *testing.F) {
	const jwk = `{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	const credentials = `"status":{"credentials":[{"id":"a","verifier":"v1.k.s","expiresAt":"2026-01-02T03:04:05Z"}]}`
	seeds := [][3]string{
		{
			`{"spec":{"redirectURIs":["https://shop.example.com/cb"],"scopes":["openid"],"grantTypes":["authorization_code","refresh_token"]},` + credentials + `}`,
			`{"policy":{"rules":[{"name":"a","namespaceSelector":{"matchLabels":{"team":"shop"}},"scopes":["openid"],"redirectHosts":["*.example.com"],"maxLifetimes":{"accessToken":"1h"}}]}}`, "team=shop",
		},
		{
			`{"spec":{"redirectURIs":["https://evil.example/cb"],"scopes":["admin"]},` + credentials + `}`,
			`{"scopes":[{"name":"admin"}],"policy":{"rules":[{"name":"a","namespaceSelector":{},"scopes":[],"redirectHosts":["shop.example"]}]}}`, "",
		},
		{`{"spec":{"tokenEndpointAuthMethod":"private_key_jwt","grantTypes":["client_credentials"],"tokenEndpointAuthSigningAlg":"ES256","jwks":{"keys":[` + jwk + `,{"kty":"RSA","n":"AQAB","e":"AQAB"}]}}}`, `{}`, ""},
		{`{"spec":{"tokenEndpointAuthMethod":"private_key_jwt","grantTypes":["client_credentials"],"jwks":{"keys":[` + jwk + `]}}}`, `{}`, ""},
		{`{"spec":{"tokenEndpointAuthMethod":"private_key_jwt","grantTypes":["client_credentials"],"serviceAccountRef":{"name":"web:other"}}}`, `{}`, ""},
		{`{"spec":{"tokenEndpointAuthMethod":"private_key_jwt","grantTypes":["client_credentials"],"serviceAccountRef":{"name":"web"}}}`, `{}`, ""},
		{`{"spec":{"tokenEndpointAuthMethod":"private_key_jwt","grantTypes":["client_credentials"],"jwksURI":"https://u@evil.example/#x"}}`, `{}`, ""},
		{`{"spec":{"tokenEndpointAuthMethod":"none","redirectURIs":["http://localhost/cb","com.example.app:/cb"],"subjectType":"pairwise","sectorIdentifierURI":"https://a.example/s"}}`, `{}`, "a=b"},
		{
			`{"spec":{"resources":["https://api.example/","urn:x"],"grantTypes":["client_credentials","urn:ietf:params:oauth:grant-type:token-exchange"],"lifetimes":{"accessToken":"-1s","refresh":"9999999h"}},` + credentials + `}`,
			`{"resources":[{"identifier":"https://api.example/","scopes":["read"]}],"scopes":[{"name":"read"}],"tokenExchange":{"rules":[{"name":"r","clients":{"refs":[{"namespace":"shop","name":"web"}]},"from":["https://api.example/"],"to":["https://api.example/"]}]},` +
				`"policy":{"rules":[{"name":"a","namespaceSelector":{"matchExpressions":[{"key":"k","operator":"NotIn","values":["v"]}]},"resources":["urn:x"],"maxClientsPerNamespace":0}]}}`, "k=w",
		},
	}
	for _, s := range seeds {
		f.Add(s[0], s[1], s[2])
	}
	for i, expected := range []bool{true, false, false, true, false, true, false, true, false} {
		if c, _, _, _ := compiled(f, seeds[i][0], seeds[i][1], seeds[i][2]); (c != nil) != expected {
			f.Fatalf("%s: %+v", seeds[i], c)
		}
	}
	f.Fuzz(func(t *testing.T, client, server, namespace string) {
		if c, oac, as, named := compiled(t, client, server, namespace); c != nil {
			asked(t, c, oac, as)
			authenticates(t, c, oac)
			permitted(t, c, oac, as, named)
		}
	})
}

// compiled returns the client that is served, if one is, and what it was made of.
func compiled(t testing.TB, client, server, namespace string) (*registration.Client, *v1alpha1.OAuthClient, *v1alpha1.AuthorizationServer, labels.Set) {
	t.Helper()
	oac, as := &v1alpha1.OAuthClient{}, &v1alpha1.AuthorizationServer{}
	if json.UnmarshalCaseSensitivePreserveInts([]byte(client), oac) != nil || json.UnmarshalCaseSensitivePreserveInts([]byte(server), &as.Spec) != nil {
		return nil, nil, nil, nil
	}
	oac.ObjectMeta = metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1", ResourceVersion: "1"}
	oac.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: "people"}
	as.ObjectMeta, as.Spec.Issuer = metav1.ObjectMeta{Name: "people", UID: "2", Generation: 1}, "https://id.example.com"

	cluster := registration.NewLagging(&nowhere{}, time.Now)
	cluster.Learn(as.DeepCopy())
	cluster.Learn(oac.DeepCopy())
	var named labels.Set
	if namespace != "" {
		var err error
		if named, err = labels.ConvertSelectorToLabelsMap(namespace); err != nil {
			return nil, nil, nil, nil
		}
		ns := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "3", Labels: named}}
		ns.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
		cluster.Learn(ns)
	}
	_ = registration.Settings(as)
	c, err := cluster.For("people").Lookup(t.Context(), "shop.web")
	if err != nil {
		return nil, nil, nil, nil
	}
	return c, oac, as, named
}

// asked holds a client to what it asks for, and to what its issuer has.
func asked(t *testing.T, c *registration.Client, oac *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer) {
	t.Helper()
	if c.ID != "shop.web" || c.UID != "1" {
		t.Errorf("is the client %s, %s", c.ID, c.UID)
	}
	for _, scope := range c.Scope {
		if _, err := oauth.ParseScope(scope); err != nil || strings.Contains(scope, " ") || len(oac.Spec.Scopes) > 0 && !slices.Contains(oac.Spec.Scopes, scope) ||
			!slices.ContainsFunc(as.Catalogue(), func(s v1alpha1.Scope) bool { return s.Name == scope }) {
			t.Errorf("has the scope %q", scope)
		}
	}
	if !c.DefaultScope.In(c.Scope) {
		t.Errorf("has the scope %q by default, of %q", c.DefaultScope, c.Scope)
	}
	for _, resource := range c.Resources {
		if !slices.Contains(oac.Spec.Resources, resource) || !slices.ContainsFunc(as.Spec.Resources, func(r v1alpha1.Resource) bool { return r.Identifier == resource }) {
			t.Errorf("has the resource %q", resource)
		}
	}
	for _, uri := range c.RedirectURIs {
		u, err := url.Parse(uri.String())
		if !slices.Contains(slices.Concat(oac.Spec.RedirectURIs, oac.Status.RedirectURIs), uri.String()) || err != nil || u.Fragment != "" || u.User != nil ||
			u.Scheme == "javascript" || u.Scheme == "data" || strings.ContainsAny(uri.String(), "*\\ \r\n<>\"") {
			t.Errorf("has the redirect URI %q", uri)
		}
		if !uri.Matches(uri.String()) || uri.Matches("https://evil.example/") && uri.String() != "https://evil.example/" {
			t.Errorf("compares the redirect URI %q wrongly", uri)
		}
	}
	for _, each := range []time.Duration{c.Lifetimes.Code, c.Lifetimes.AccessToken, c.Lifetimes.IDToken, c.Lifetimes.Refresh} {
		if each <= 0 {
			t.Errorf("has the lifetimes %+v", c.Lifetimes)
		}
	}
	if len(c.Exchanges) > 0 && (as.Spec.TokenExchange == nil || !c.MayUse(oauth.GrantTokenExchange) || c.Public()) {
		t.Errorf("may exchange tokens: %+v", c.Exchanges)
	}
	if c.Public() && c.MayUse(oauth.GrantClientCredentials) { // RFC 6749 §4.4
		t.Error("is public and has client_credentials")
	}
}

// authenticates holds a client to one way to authenticate, with what that needs.
func authenticates(t *testing.T, c *registration.Client, oac *v1alpha1.OAuthClient) {
	t.Helper()
	sources := 0
	for _, there := range []bool{len(c.Keys) > 0, c.JWKSURI != "", c.ServiceAccount != ""} {
		if there {
			sources++
		}
	}
	if signs := c.AuthMethod == oauth.AuthMethodPrivateKeyJWT; signs && sources != 1 || !signs && sources != 0 {
		t.Errorf("authenticates by %s with the keys %v, %q, %q", c.AuthMethod, c.Keys, c.JWKSURI, c.ServiceAccount)
	}
	if c.ServiceAccount != "" && (strings.Count(c.ServiceAccount, ":") != 3 || !strings.HasPrefix(c.ServiceAccount, "system:serviceaccount:shop:")) {
		t.Errorf("is the ServiceAccount %q", c.ServiceAccount)
	}
	if u, err := url.Parse(c.JWKSURI); c.JWKSURI != "" && (err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "") {
		t.Errorf("has its keys at %q", c.JWKSURI)
	}
	for _, key := range c.Keys {
		if key.Public == nil || oac.Spec.TokenEndpointAuthSigningAlg != "" && key.Alg != string(oac.Spec.TokenEndpointAuthSigningAlg) {
			t.Errorf("has the key %+v for %q", key, oac.Spec.TokenEndpointAuthSigningAlg)
		}
		if !slices.ContainsFunc(oac.Spec.JWKS.Keys, func(k v1alpha1.JSONWebKey) bool {
			_, err := validation.PublicKey(&k)
			return err == nil && k.KeyID == key.ID
		}) {
			t.Errorf("has the key %+v, which is not in its jwks", key)
		}
	}
}

// permitted holds a client to the policy, rule by rule, as another reads it.
func permitted(t *testing.T, c *registration.Client, oac *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, named labels.Set) {
	t.Helper()
	if as.Spec.Policy == nil {
		return
	}
	var rules []v1alpha1.PolicyRule
	for _, rule := range as.Spec.Policy.Rules {
		selector, err := metav1.LabelSelectorAsSelector(&rule.NamespaceSelector)
		if err == nil && (selector.Empty() || named != nil && selector.Matches(named)) {
			rules = append(rules, rule)
		}
	}
	allowed := func(what string, rule func(v1alpha1.PolicyRule) bool) {
		if !slices.ContainsFunc(rules, rule) {
			t.Errorf("%s is allowed by no rule of %+v", what, rules)
		}
	}
	for _, scope := range c.Scope {
		allowed("scope "+scope, func(r v1alpha1.PolicyRule) bool { return r.Scopes == nil || slices.Contains(r.Scopes, scope) })
	}
	for _, grant := range c.GrantTypes {
		allowed("grant type "+grant, func(r v1alpha1.PolicyRule) bool {
			return r.GrantTypes == nil || slices.Contains(r.GrantTypes, v1alpha1.GrantType(grant))
		})
	}
	for _, resource := range c.Resources {
		allowed("resource "+resource, func(r v1alpha1.PolicyRule) bool { return r.Resources == nil || slices.Contains(r.Resources, resource) })
	}
	allowed("method "+c.AuthMethod, func(r v1alpha1.PolicyRule) bool {
		return r.TokenEndpointAuthMethods == nil || slices.Contains(r.TokenEndpointAuthMethods, v1alpha1.TokenEndpointAuthMethod(c.AuthMethod))
	})
	for _, uri := range oac.AllRedirectURIs() {
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "https" {
			continue // apps by their schemes
		}
		allowed("redirect URI "+uri, func(r v1alpha1.PolicyRule) bool {
			return r.RedirectHosts == nil || slices.ContainsFunc(r.RedirectHosts, func(pattern string) bool {
				_, domain, found := strings.Cut(u.Hostname(), ".")
				return strings.EqualFold(strings.Trim(pattern, "[]"), u.Hostname()) || found && strings.EqualFold(pattern, "*."+domain)
			})
		})
	}
	allowed("lifetime", func(r v1alpha1.PolicyRule) bool {
		most := r.MaxLifetimes.AccessToken
		return most == nil || c.Lifetimes.AccessToken <= most.Duration
	})
}
