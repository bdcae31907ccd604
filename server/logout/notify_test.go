package logout_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/logout"
	"oauth-operator.dev/server/oauth"
)

// Back-Channel Logout 1.0.
var _ = Describe("Back-Channel Logout", func() {
	var (
		w      *world
		b      *browser
		client *httptest.Server // where logout tokens arrive
		answer atomic.Int64     // with this status; after that with 200
		mutex  sync.Mutex
		seen   []*http.Request
		tokens []string
	)
	BeforeEach(func() {
		answer.Store(http.StatusOK)
		seen, tokens = nil, nil
		client = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mutex.Lock()
			defer mutex.Unlock()
			_ = r.ParseForm()
			seen, tokens = append(seen, r), append(tokens, r.PostForm.Get("logout_token"))
			rw.Header().Set("Location", "/elsewhere")
			rw.WriteHeader(int(answer.Load()))
		}))
		DeferCleanup(client.Close)
		fetch := *client.Client()
		fetch.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		w = newWorld(logout.NewNotifier(logout.NotifierOptions{Client: &fetch, Pause: time.Millisecond}))
		w.Clients[wiki].OpenID.BackchannelLogoutURI = client.URL + "/logout?tenant=1"
		b = w.browser()
	})
	arrived := func() []string {
		mutex.Lock()
		defer mutex.Unlock()
		return append([]string(nil), tokens...)
	}
	claimsOf := func(token string) (string, map[string]any) {
		GinkgoHelper()
		jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
		Expect(err).NotTo(HaveOccurred())
		header := jws.Signatures[0].Header
		public := w.Keys.Load().Public(w.Now())
		payload, err := jws.Verify(public.Key(header.KeyID)[0])
		Expect(err).NotTo(HaveOccurred())
		var claims map[string]any
		Expect(json.Unmarshal(payload, &claims)).To(Succeed())
		return header.ExtraHeaders[jose.HeaderType].(string), claims
	}

	It("§2.4, §2.5: tells every client that was visited in the session, by POST", func() {
		g, _ := b.visit(wiki)
		_, hint := b.visit(shop)
		b.leave("id_token_hint", hint)
		Eventually(arrived).Should(HaveLen(1))
		mutex.Lock()
		r := seen[0]
		mutex.Unlock()
		Expect(r.Method).To(Equal(http.MethodPost))
		Expect(r.Header.Get("Content-Type")).To(Equal("application/x-www-form-urlencoded"))
		Expect(r.URL.RawQuery).To(Equal("tenant=1"))
		Expect(r.PostForm).To(HaveLen(1))

		typ, claims := claimsOf(arrived()[0])
		Expect(typ).To(Equal("logout+jwt"))
		Expect(claims).To(HaveKeyWithValue("jti", MatchRegexp(`^.{22,}$`)))
		delete(claims, "jti")
		now := float64(w.Now().Unix())
		Expect(claims).To(Equal(map[string]any{
			"iss": w.Settings.Issuer, "aud": wiki, "sub": alice, "sid": g.SessionID, "iat": now, "exp": now + 120,
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		}), "and no nonce")
	})

	It("§2.4: is no ID token: it is not taken as a hint", func() {
		b.visit(wiki)
		_, hint := b.visit(shop)
		b.leave("id_token_hint", hint)
		Eventually(arrived).Should(HaveLen(1))
		_, err := accesstoken.ReadHint(w.Settings, w.Keys.Load(), arrived()[0], w.Now())
		Expect(err).To(MatchError(accesstoken.ErrHint))
	})

	It("§2.4: names the sub and the sid that the client knows", func() {
		w.Clients[wiki].OpenID.SubjectType, w.Clients[wiki].OpenID.Sector = oauth.SubjectTypePairwise, "shop.example"
		first, _ := b.visit(wiki)
		second, hint := b.visit(wiki, "prompt", "login")
		Expect(first.SessionID).NotTo(Equal(second.SessionID))
		b.leave("id_token_hint", hint)
		Eventually(arrived).Should(HaveLen(2))
		var sids []any
		for _, token := range arrived() {
			_, claims := claimsOf(token)
			sids = append(sids, claims["sid"])
			Expect(claims["sub"]).NotTo(Equal(alice))
		}
		Expect(sids).To(ConsistOf(first.SessionID, second.SessionID))
	})

	It("§2.5: tells each once, and nobody who was not visited", func() {
		b.visit(wiki)
		b.visit(wiki)
		other := w.browser()
		_, hint := other.visit(shop)
		other.leave("id_token_hint", hint)
		b.press(b.leave(), "leave")
		Eventually(arrived).Should(HaveLen(1))
		Consistently(arrived, "100ms").Should(HaveLen(1))
	})

	It("tries again where the client is in trouble, three times in all", func() {
		answer.Store(http.StatusServiceUnavailable)
		b.visit(wiki)
		b.press(b.leave(), "leave")
		Eventually(arrived).Should(HaveLen(3))
		Consistently(arrived, "100ms").Should(HaveLen(3))
	})

	It("§2.8: does not try again where the client refuses, nor follows a redirect", func() {
		for _, status := range []int64{http.StatusBadRequest, http.StatusFound, http.StatusTemporaryRedirect} {
			answer.Store(status)
			before := len(arrived())
			b.visit(wiki)
			b.press(b.leave(), "leave")
			Eventually(arrived).Should(HaveLen(before + 1))
			Consistently(arrived, "100ms").Should(HaveLen(before + 1))
		}
		for _, r := range seen {
			Expect(strings.HasPrefix(r.URL.Path, "/logout")).To(BeTrue())
		}
	})

	It("tells nobody while the person stays", func() {
		b.visit(wiki)
		b.press(b.leave(), "stay")
		Consistently(arrived, "50ms").Should(BeEmpty())
	})
})
