package server

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/clientdocument"
	"oauth-operator.dev/server/logout"
	"oauth-operator.dev/server/outbound"
	"oauth-operator.dev/server/registration"
)

// canary is a place that nobody has a reason to ask for anything. It answers with
// a JWK Set, so that whoever did ask would be content. A hit is a connection: who
// does not trust the certificate, or speaks no TLS, has asked as well.
type canary struct {
	*httptest.Server
	hits atomic.Int64
}

func newCanary(set func() any) *canary {
	c := &canary{}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(set())
	}))
	c.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			c.hits.Add(1)
		}
	}
	c.StartTLS()
	DeferCleanup(c.Close)
	return c
}

// fetching has a site fetch what clients publish, from this machine too.
func fetching(c *canary) func(*site, *Options) {
	return func(_ *site, o *Options) {
		roots := x509.NewCertPool()
		roots.AddCert(c.Certificate())
		strangers := outbound.New(outbound.Options{Networks: loopback, RootCAs: roots})
		documents := clientdocument.New(clientdocument.Options{Client: strangers, Log: logr.Discard()})
		o.KeySets, o.Sectors, o.Notifier = documents, documents, logout.NewNotifier(logout.NotifierOptions{Client: strangers})
	}
}

// asserted returns a client assertion of siteJWT, with more in its header.
func (s *site) asserted(header map[jose.HeaderKey]any) string {
	GinkgoHelper()
	options := &jose.SignerOptions{ExtraHeaders: header}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.key, KeyID: "one"}}, options)
	Expect(err).NotTo(HaveOccurred())
	claims, err := json.Marshal(map[string]any{
		"iss": siteJWT, "sub": siteJWT, "aud": s.settings.Issuer, "jti": time.Now().String(), "exp": time.Now().Add(time.Minute).Unix(),
	})
	Expect(err).NotTo(HaveOccurred())
	signed, err := signer.Sign(claims)
	Expect(err).NotTo(HaveOccurred())
	raw, err := signed.CompactSerialize()
	Expect(err).NotTo(HaveOccurred())
	return raw
}

var _ = Describe("SSRF: what a request names", func() {
	var (
		c *canary
		s *site
	)
	BeforeEach(func() {
		c = newCanary(func() any {
			return map[string]any{"keys": []any{jose.JSONWebKey{Key: s.key.Public(), KeyID: "one", Use: "sig"}}}
		})
		s = newSite(atRoot, quiet, fetching(c))
	})
	client := func(assertion string) url.Values {
		return url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}
	}

	It("jwksURI: is fetched if a registration names it, so that these specs can see it", func() {
		published := *s.clients[siteJWT]
		published.Keys, published.JWKSURI = nil, c.URL
		s.clients[siteJWT] = &published
		Expect(s.send("POST", "/token", client(s.asserted(nil)).Encode()).status).To(Equal(200))
		Expect(c.hits.Load()).To(Equal(int64(1)))
	})

	It("request_uri, logo_uri and every other address: is never fetched, at any endpoint", func() {
		names := []string{
			"request_uri", "logo_uri", "jwks_uri", "client_uri", "policy_uri", "tos_uri", "sector_identifier_uri", "backchannel_logout_uri",
			"frontchannel_logout_uri", "initiate_login_uri", "target_link_uri", "redirect_uri", "post_logout_redirect_uri", "resource", "audience",
			"iss", "issuer", "client_id", "id_token_hint", "login_hint", "registration", "request", "claims", "state", "scope", "token", "code",
		}
		values := []string{
			c.URL + "/x", "http" + strings.TrimPrefix(c.URL, "https") + "/x", `{"logo_uri":"` + c.URL + `","jwks_uri":"` + c.URL + `"}`,
			base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","jku":"`+c.URL+`"}`)) + ".e30.AA",
		}
		for _, name := range names {
			for _, value := range values {
				query := asking(name, value)
				s.send("GET", "/authorize?"+query.Encode(), "")
				query.Set("prompt", "none")
				s.send("GET", "/authorize?"+query.Encode(), "")
				s.send("POST", "/authorize", query.Encode())
				s.send("GET", "/logout?"+url.Values{name: {value}}.Encode(), "")
				form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "token": {"x"}}
				form.Set(name, value)
				for _, path := range []string{"/token", "/revoke", "/introspect", "/userinfo"} {
					s.as(siteWeb, path, form)
				}
			}
		}
		Expect(c.hits.Load()).To(BeZero())
	})

	It("jku, x5u, jwk in an assertion: is never fetched, nor believed", func() {
		for name, value := range map[jose.HeaderKey]any{"jku": c.URL, "x5u": c.URL, "iss": c.URL} {
			r := s.send("POST", "/token", client(s.asserted(map[jose.HeaderKey]any{name: value})).Encode())
			if name != "iss" { // which means nothing in a header
				Expect(r.status).To(Equal(401), string(name))
			}
		}
		Expect(c.hits.Load()).To(BeZero())
	})

	It("logoURI: is no part of a registration, so there is none to fetch or to show", func() {
		for _, t := range []reflect.Type{reflect.TypeFor[registration.Client](), reflect.TypeFor[registration.OpenID]()} {
			for i := range t.NumField() {
				Expect(strings.ToLower(t.Field(i).Name)).NotTo(ContainSubstring("logo" + "uri"))
			}
		}
	})

	It("backchannelLogoutURI: is told of a logout where the operator lets us reach it, and nothing on this machine otherwise", func() {
		// logsOut has the person leave a site whose client wants to know.
		logsOut := func(change ...func(*site, *Options)) *site {
			s := newSite(atRoot, change...)
			listening := *s.clients[siteWeb]
			listening.OpenID.BackchannelLogoutURI = c.URL + "/backchannel"
			s.clients[siteWeb] = &listening
			g := newVisitorOf(s)
			g.login()
			_, state := g.open("/authorize?" + asking().Encode())
			Expect(g.post("/consent", url.Values{"state": {state}, "decision": {"allow"}}).header.Get("Location")).To(HavePrefix(callback + "?code="))
			_, state = g.open("/logout")
			Expect(g.post("/logout/confirm", url.Values{"state": {state}, "decision": {"leave"}}).status).To(Equal(http.StatusOK))
			return s
		}
		shut := logsOut(func(_ *site, o *Options) {
			o.Notifier = logout.NewNotifier(logout.NotifierOptions{Client: outbound.New(outbound.Options{}), Pause: time.Millisecond})
		})
		Eventually(shut.logged).Should(And(ContainSubstring("could not be told of a logout"), ContainSubstring("in no public network")))
		Expect(c.hits.Load()).To(BeZero())
		logsOut(fetching(c))
		Eventually(c.hits.Load).Should(Equal(int64(1)))
	})

	It("jwksURI, sectorIdentifierURI: is not fetched from this machine, unless the operator says so", func(ctx SpecContext) {
		shut := clientdocument.New(clientdocument.Options{Client: outbound.New(outbound.Options{}), Log: logr.Discard()})
		_, port, _ := strings.Cut(strings.TrimPrefix(c.URL, "https://"), ":")
		for _, host := range []string{"127.0.0.1", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]"} {
			for _, fetch := range []func(context.Context, string) error{
				func(ctx context.Context, at string) error { _, err := shut.Keys(ctx, at, true); return err },
				func(ctx context.Context, at string) error { _, err := shut.RedirectURIs(ctx, at, true); return err },
			} {
				Expect(fetch(ctx, "https://"+host+":"+port+"/")).NotTo(Succeed(), host)
			}
		}
		Expect(c.hits.Load()).To(BeZero())
	}, SpecTimeout(time.Minute))
})
