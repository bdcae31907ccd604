package resourceowner_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/resourceowner"
)

// one is a directory of one person.
type one struct {
	person *resourceowner.Person
	fault  error
}

func (o *one) Authenticate(context.Context, string, string) (*resourceowner.Person, error) {
	return nil, resourceowner.ErrNoSuchLogin
}

func (o *one) Person(_ context.Context, subject string) (*resourceowner.Person, error) {
	if o.fault != nil {
		return nil, o.fault
	}
	if o.person == nil || o.person.Subject != subject {
		return nil, resourceowner.ErrUnknown
	}
	return o.person, nil
}

// carry returns a request with the cookies that the answer has set.
func carry(w *httptest.ResponseRecorder) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	return r
}

var _ = Describe("What a browser carries", func() {
	var (
		now       time.Time
		settings  *issuer.Settings
		current   *keys.Current
		directory *one
		sessions  *resourceowner.Sessions
		browsers  *resourceowner.Browsers
	)
	newKeys := func() *keys.Set {
		GinkgoHelper()
		ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{{Use: keyring.UseBrowser}}, now)
		Expect(err).NotTo(HaveOccurred())
		set, err := keys.Compile(ring)
		Expect(err).NotTo(HaveOccurred())
		return set
	}
	BeforeEach(func() {
		now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
		clock := func() time.Time { return now }
		settings = &issuer.Settings{Issuer: "https://login.example", Lifetimes: issuer.Lifetimes{Session: time.Hour}}
		current = &keys.Current{}
		current.Store(newKeys())
		directory = &one{person: &resourceowner.Person{Subject: "s", LoginTag: "t"}}
		sessions = resourceowner.NewSessions(settings, current, directory, clock)
		browsers = resourceowner.NewBrowsers(settings, current, clock)
	})

	Describe("as its session", func() {
		begin := func() (*resourceowner.Session, *http.Request) {
			GinkgoHelper()
			w := httptest.NewRecorder()
			s, err := sessions.Begin(w, directory.person, nil)
			Expect(err).NotTo(HaveOccurred())
			return s, carry(w)
		}

		It("is found again until it ends", func() {
			now = now.Add(123 * time.Millisecond)
			s, r := begin()
			now = now.Add(time.Hour - 124*time.Millisecond)
			found, err := sessions.Find(r)
			Expect(err).NotTo(HaveOccurred())
			Expect(found.ID).To(Equal(s.ID))
			Expect(found.Person).To(BeIdenticalTo(directory.person))
			Expect(found.AuthTime).To(Equal(s.AuthTime))
			Expect(found.AuthTime.Nanosecond()).To(BeZero())
			now = now.Add(time.Second)
			_, err = sessions.Find(r)
			Expect(err).To(MatchError(resourceowner.ErrNoSession))
		})

		It("is nobody's when the person is gone, and in doubt when nobody can say", func() {
			_, r := begin()
			directory.fault = errors.New("the cache is broken")
			_, err := sessions.Find(r)
			Expect(err).To(MatchError(directory.fault))
			directory.fault, directory.person = nil, nil
			_, err = sessions.Find(r)
			Expect(err).To(MatchError(resourceowner.ErrNoSession))
		})

		It("cannot be made up", func() {
			for _, value := range []string{"", "x", "AAAA", "%%%"} {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.AddCookie(&http.Cookie{Name: "__Host-oauth-session", Value: value})
				_, err := sessions.Find(r)
				Expect(err).To(MatchError(resourceowner.ErrNoSession))
			}
			// State of a page, which the same key seals, is no session.
			w := httptest.NewRecorder()
			state, err := browsers.Seal(w, httptest.NewRequest(http.MethodGet, "/", nil), "login", map[string]any{"o": "s", "t": "t", "e": 1 << 40})
			Expect(err).NotTo(HaveOccurred())
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.AddCookie(&http.Cookie{Name: "__Host-oauth-session", Value: state})
			_, err = sessions.Find(r)
			Expect(err).To(MatchError(resourceowner.ErrNoSession))
		})

		It("is found among the cookies of issuers that this one is nested in", func() {
			_, r := begin()
			other := httptest.NewRequest(http.MethodGet, "/", nil)
			other.AddCookie(&http.Cookie{Name: "__Host-oauth-session", Value: "not-ours"})
			for _, c := range r.Cookies() {
				other.AddCookie(c)
			}
			_, err := sessions.Find(other)
			Expect(err).NotTo(HaveOccurred())
		})

		It("session fixation, header pollution: of two sessions neither is the browser's, in whatever order they come", func() {
			_, own := begin()
			planted, foreign := begin()
			for _, order := range [][]*http.Request{{own, foreign}, {foreign, own}} {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				for _, from := range order {
					for _, c := range from.Cookies() {
						r.AddCookie(c)
					}
				}
				_, err := sessions.Find(r)
				Expect(err).To(MatchError(resourceowner.ErrNoSession))
			}
			for _, c := range foreign.Cookies() {
				foreign.AddCookie(c)
			}
			found, err := sessions.Find(foreign)
			Expect(err).NotTo(HaveOccurred(), "the same one twice")
			Expect(found.ID).To(Equal(planted.ID))
		})

		It("remembers what was allowed and writes no cookie when it knew", func() {
			s, _ := begin()
			w := httptest.NewRecorder()
			Expect(sessions.Remember(w, s, "client", oauth.Scope{"a", "b"})).To(Succeed())
			s, err := sessions.Find(carry(w))
			Expect(err).NotTo(HaveOccurred())
			Expect(s.Allowed("client", oauth.Scope{"b"})).To(BeTrue())
			Expect(s.Allowed("client", oauth.Scope{"b", "c"})).To(BeFalse())
			Expect(s.Allowed("other", oauth.Scope{"b"})).To(BeFalse())
			w = httptest.NewRecorder()
			Expect(sessions.Remember(w, s, "client", oauth.Scope{"b", "a"})).To(Succeed())
			Expect(w.Header()).NotTo(HaveKey("Set-Cookie"))
		})

		It("remembers the last visits, of one client the last four, in a cookie that browsers accept", func() {
			s, _ := begin()
			long := strings.Repeat("n", 63) + "." + strings.Repeat("c", 61)
			for i := range 40 {
				id := strings.Repeat("g", 24) + fmt.Sprintf("%02d", i)
				w := httptest.NewRecorder()
				Expect(sessions.Remember(w, s, fmt.Sprintf("uid-of-a-client-of-36-characters-%04d", i), oauth.Scope{"openid", "profile", "email"})).To(Succeed())
				Expect(sessions.Visit(w, s, resourceowner.Visit{ClientID: long + fmt.Sprintf("%02d", i%10), GrantID: id, SessionID: s.ID, Offline: i%2 == 0})).To(Succeed())
				Expect(w.Header().Values("Set-Cookie")).To(HaveLen(1), "one cookie for both")
				Expect(len(w.Header().Get("Set-Cookie"))).To(BeNumerically("<", 4096))
				var err error
				s, err = sessions.Find(carry(w))
				Expect(err).NotTo(HaveOccurred())
				Expect(s.Visits()[len(s.Visits())-1]).To(HaveField("GrantID", id))
			}
			Expect(len(s.Visits())).To(BeNumerically(">=", 8))
			Expect(len(s.Visits())).To(BeNumerically("<=", 16))
			for i := 34; i < 40; i++ {
				Expect(s.Allowed(fmt.Sprintf("uid-of-a-client-of-36-characters-%04d", i), oauth.Scope{"email"})).To(BeTrue(), "and consents beside them")
			}

			s, _ = begin()
			w := httptest.NewRecorder()
			Expect(sessions.Visit(w, s, resourceowner.Visit{ClientID: "other", GrantID: "0"})).To(Succeed())
			for i := range 30 {
				w = httptest.NewRecorder()
				Expect(sessions.Visit(w, s, resourceowner.Visit{ClientID: "busy", GrantID: fmt.Sprint(i)})).To(Succeed())
			}
			s, err := sessions.Find(carry(w))
			Expect(err).NotTo(HaveOccurred())
			var found []string
			for _, v := range s.Visits() {
				found = append(found, v.ClientID+" "+v.GrantID)
			}
			Expect(found).To(Equal([]string{"other 0", "busy 26", "busy 27", "busy 28", "busy 29"}), "one that is busy crowds nobody out")
		})

		It("is taken away with the attributes that it was given with", func() {
			w := httptest.NewRecorder()
			sessions.End(w)
			Expect(w.Header().Values("Set-Cookie")).To(ConsistOf("__Host-oauth-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"))
		})

		It("cannot begin without keys", func() {
			current.Store(&keys.Set{})
			w := httptest.NewRecorder()
			_, err := sessions.Begin(w, directory.person, nil)
			Expect(err).To(MatchError(keys.ErrNoKey))
			Expect(resourceowner.Trouble(err).Code).To(Equal("temporarily_unavailable"))
			Expect(w.Header()).NotTo(HaveKey("Set-Cookie"))
		})
	})

	DescribeTable("has the strictest cookie that the issuer allows",
		func(issuerURL, want string) {
			settings.Issuer = issuerURL
			w := httptest.NewRecorder()
			resourceowner.NewSessions(settings, current, directory, nil).End(w)
			Expect(w.Header().Get("Set-Cookie")).To(Equal(want))
		},
		Entry("https", "https://login.example", "__Host-oauth-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"),
		Entry("https with a path", "https://login.example/a/b", "__Secure-oauth-session=; Path=/a/b; Max-Age=0; HttpOnly; Secure; SameSite=Lax"),
		Entry("http on loopback", "http://127.0.0.1:8080", "oauth-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"),
		Entry("http with a path", "http://localhost:8080/a", "oauth-session=; Path=/a; Max-Age=0; HttpOnly; SameSite=Lax"),
	)

	Describe("as the state of a page", func() {
		It("opens for the same browser and purpose, for an hour", func() {
			w := httptest.NewRecorder()
			state, err := browsers.Seal(w, httptest.NewRequest(http.MethodGet, "/", nil), "login", "value")
			Expect(err).NotTo(HaveOccurred())
			r := carry(w)
			var got string
			Expect(browsers.Open(r, "login", state, &got)).To(Succeed())
			Expect(got).To(Equal("value"))
			Expect(browsers.Open(r, "consent", state, &got)).To(MatchError(resourceowner.ErrForeign))
			Expect(browsers.Open(httptest.NewRequest(http.MethodGet, "/", nil), "login", state, &got)).To(MatchError(resourceowner.ErrForeign))

			again := httptest.NewRecorder()
			_, err = browsers.Seal(again, r, "login", "value")
			Expect(err).NotTo(HaveOccurred())
			Expect(again.Header()).NotTo(HaveKey("Set-Cookie"), "it has its cookie")

			now = now.Add(time.Hour)
			Expect(browsers.Open(r, "login", state, &got)).To(MatchError(resourceowner.ErrExpired))
			current.Store(newKeys())
			Expect(browsers.Open(r, "login", state, &got)).To(MatchError(resourceowner.ErrForeign))
		})

		It("replaces a browser cookie that is not of our making", func() {
			for _, planted := range []string{"", "short", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.AddCookie(&http.Cookie{Name: "__Host-oauth-browser", Value: planted})
				w := httptest.NewRecorder()
				_, err := browsers.Seal(w, r, "login", "value")
				Expect(err).NotTo(HaveOccurred())
				Expect(w.Result().Cookies()).To(HaveLen(1))
				Expect(w.Result().Cookies()[0].Value).To(HaveLen(43))
			}
		})
	})
})
