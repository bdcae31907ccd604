package clientdocument_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/clientdocument"
)

var _ = Describe("RFC 7591 §2: the keys at a jwks_uri", func() {
	var s *site
	BeforeEach(func() {
		s = newSite()
		s.publish(says(set(jwk("one"))))
	})

	It("are fetched once and known then, for ten minutes where the answer does not say", func(ctx SpecContext) {
		for range 3 {
			Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"one"}))
		}
		Expect(s.requests()).To(Equal(1))
		s.publish(says(set(jwk("two"))))
		s.sleep(clientdocument.Fresh - time.Second)
		Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"one"}))
		s.sleep(time.Second)
		Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"two"}))
		Expect(s.requests()).To(Equal(2))
	})

	DescribeTable("are fresh for as long as the answer says, within bounds", func(ctx SpecContext, fresh time.Duration, header ...string) {
		s.publish(says(set(jwk("one")), header...))
		Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"one"}))
		s.sleep(fresh - time.Second)
		Expect(s.keys(ctx, "/jwks", false)).Error().NotTo(HaveOccurred())
		Expect(s.requests()).To(Equal(1))
		s.sleep(time.Second)
		Expect(s.keys(ctx, "/jwks", false)).Error().NotTo(HaveOccurred())
		Expect(s.requests()).To(Equal(2))
	},
		Entry("an hour", time.Hour, "Cache-Control", "public, max-age=3600"),
		Entry("in capitals and quotes", time.Hour, "Cache-Control", `Max-Age="3600"`),
		Entry("an hour, of which half is over", 30*time.Minute, "Cache-Control", "max-age=3600", "Age", "1800"),
		Entry("not at all", time.Minute, "Cache-Control", "max-age=0"),
		Entry("not to be kept", time.Minute, "Cache-Control", "max-age=3600, no-store"),
		Entry("for ever", 24*time.Hour, "Cache-Control", "max-age=99999999999999999999"),
		Entry("something else", time.Minute, "Cache-Control", "max-age=soon"),
	)

	It("are looked at anew once a minute at most, whoever asks how often", func(ctx SpecContext) {
		Expect(s.keys(ctx, "/jwks", true)).To(Equal([]string{"one"}))
		s.publish(says(set(jwk("two"))))
		for range 100 {
			Expect(s.keys(ctx, "/jwks", true)).To(Equal([]string{"one"}))
		}
		Expect(s.requests()).To(Equal(1))
		s.sleep(clientdocument.Pause)
		for range 100 {
			Expect(s.keys(ctx, "/jwks", true)).To(Equal([]string{"two"}))
		}
		Expect(s.requests()).To(Equal(2))
	})

	It("are asked for in vain once a minute at most", func(ctx SpecContext) {
		s.publish(status(http.StatusNotFound))
		for range 10 {
			Expect(s.keys(ctx, "/jwks", true)).Error().To(MatchError(ContainSubstring("status 404")))
		}
		Expect(s.requests()).To(Equal(1))
		s.publish(says(set(jwk("one"))))
		s.sleep(clientdocument.Pause)
		Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"one"}))
	})

	It("count for a day more where they cannot be had, and no longer", func(ctx SpecContext) {
		Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"one"}))
		s.publish(status(http.StatusInternalServerError))
		s.sleep(clientdocument.Fresh + clientdocument.Stale - time.Second)
		Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"one"}))
		Expect(s.requests()).To(Equal(2), "it was asked before")
		s.sleep(time.Second)
		Expect(s.keys(ctx, "/jwks", false)).Error().To(MatchError(ContainSubstring("status 500")))
	})

	It("are gone when the client has withdrawn them all", func(ctx SpecContext) {
		Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"one"}))
		s.publish(says(`{"keys":[]}`))
		s.sleep(clientdocument.Pause)
		Expect(s.keys(ctx, "/jwks", true)).To(BeEmpty())
	})

	It("are fetched once for all who ask at a time, also when the first of them goes away", func(ctx SpecContext) {
		started, release := make(chan struct{}), make(chan struct{})
		s.publish(func(w http.ResponseWriter, r *http.Request) {
			close(started)
			<-release
			says(set(jwk("one")))(w, r)
		})
		first, leave := context.WithCancel(ctx)
		var all sync.WaitGroup
		all.Go(func() {
			defer GinkgoRecover()
			Expect(s.keys(first, "/jwks", false)).Error().To(MatchError(context.Canceled))
		})
		<-started
		leave()
		all.Wait()
		for range 20 {
			all.Go(func() {
				defer GinkgoRecover()
				Expect(s.keys(ctx, "/jwks", true)).To(Equal([]string{"one"}))
			})
		}
		close(release)
		all.Wait()
		Expect(s.requests()).To(Equal(1))
	})

	It("are at hand while somebody has them looked at anew: nobody waits for what strangers start", func(ctx SpecContext) {
		Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"one"}))
		started, release := make(chan struct{}), make(chan struct{})
		let := sync.OnceFunc(func() { close(release) })
		DeferCleanup(let)
		s.publish(func(w http.ResponseWriter, r *http.Request) {
			close(started)
			<-release
			says(set(jwk("two")))(w, r)
		})
		s.sleep(clientdocument.Pause)
		var stranger sync.WaitGroup
		stranger.Go(func() {
			defer GinkgoRecover()
			Expect(s.keys(ctx, "/jwks", true)).To(Equal([]string{"two"}))
		})
		<-started
		soon, cancel := context.WithCancel(ctx)
		cancel() // who would wait gets nothing
		Expect(s.keys(soon, "/jwks", false)).To(Equal([]string{"one"}))
		let()
		stranger.Wait()
	})

	DescribeTable("are not taken from", func(ctx SpecContext, words string, handler http.HandlerFunc) {
		s.publish(handler)
		Expect(s.keys(ctx, "/jwks?token=s3cret", false)).Error().To(MatchError(ContainSubstring(words)))
		Expect(s.logged()).To(And(ContainSubstring(words), ContainSubstring(s.url+"/jwks")))
		Expect(s.logged()).NotTo(ContainSubstring("s3cret"), "neither the query nor the document is logged")
		Expect(s.requests()).To(Equal(1))
	},
		Entry("an answer that is none", "status 204", status(http.StatusNoContent)),
		Entry("a redirect", "status 302", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })),
		Entry("a long answer", "longer than", says(set(jwk("one"))+strings.Repeat(" ", clientdocument.MaxBytes))),
		Entry("an answer that breaks off", "broke off", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"keys":`))
		})),
		Entry("a page", "no JWK Set", says("<html>s3cret")),
		Entry("an object of something else", "no JWK Set", says(`{"s3cret":[]}`)),
		Entry("a single key", "no JWK Set", says(`{"kty":"OKP"}`)),
		Entry("text that is no UTF-8", "no JWK Set", says("{\"keys\":[],\"\xff\":1}")),
		Entry("deep nesting", "no JWK Set", says(`{"keys":`+strings.Repeat("[", 60000)+"}")),
		Entry("eleven keys", "more than 10 keys", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var keys []string
			for i := range 11 {
				keys = append(keys, jwk(fmt.Sprint(i)))
			}
			says(set(keys...))(w, r)
		})),
	)

	It("are those of the set that are public keys for our signatures", func(ctx SpecContext) {
		s.publish(says(set(
			jwk("good", "use", `"sig"`, "alg", `"ES256"`, "x5t", `"unknown"`),
			jwk("private", "d", `"AAAA"`), `{"kty":"oct","kid":"shared","k":"AAAA"}`, jwk("for encryption", "use", `"enc"`),
			jwk("of another curve", "crv", `"P-384"`), jwk("on no curve", "x", `"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"`),
			jwk("of an unknown type", "kty", `"AKP"`), jwk("to sign", "key_ops", `["sign"]`), jwk("for another algorithm", "alg", `"RS256"`),
			jwk(strings.Repeat("long", 100)), `{"kty":7}`, `"text"`, "null",
			jwk("to verify", "key_ops", `["verify"]`),
		)))
		Expect(s.keys(ctx, "/jwks", false)).To(Equal([]string{"good", "to verify"}))
	})

	It("leave nothing of the query in the log where nobody answers", func(ctx SpecContext) {
		_, err := s.fetcher.Keys(ctx, "https://169.254.169.254/jwks?token=s3cret", false)
		Expect(err).To(MatchError(And(ContainSubstring("/jwks"), Not(ContainSubstring("s3cret")))))
		Expect(s.logged()).To(ContainSubstring("https://169.254.169.254/jwks"))
		Expect(s.logged()).NotTo(ContainSubstring("s3cret"))
	})

	It("are fetched on https alone, and not from where a client must not send us", func(ctx SpecContext) {
		for address, words := range map[string]string{
			"http" + strings.TrimPrefix(s.url, "https"): "only https",
			"https://169.254.169.254/latest":            "no public network",
			"https://[::ffff:10.0.0.1]/":                "no public network",
			"file:///etc/passwd":                        "only https",
			"https://%zz":                               "cannot be read",
		} {
			_, err := s.fetcher.Keys(ctx, address, false)
			Expect(err).To(MatchError(ContainSubstring(words)), address)
		}
		Expect(s.requests()).To(BeZero())
	})
})

var _ = Describe("OpenID Connect Registration §5: the redirect URIs at a sector_identifier_uri", func() {
	It("are those of a JSON array of texts", func(ctx SpecContext) {
		s := newSite()
		s.publish(says(`["https://a.example/cb","https://b.example/cb"]`))
		Expect(s.fetcher.RedirectURIs(ctx, s.url, false)).To(And(HaveLen(2), HaveKey("https://b.example/cb")))
	})

	DescribeTable("are not taken from", func(ctx SpecContext, document string) {
		s := newSite()
		s.publish(says(document))
		Expect(s.fetcher.RedirectURIs(ctx, s.url, false)).Error().To(MatchError(ContainSubstring("no JSON array")))
	},
		Entry("an object", `{"redirect_uris":["https://a.example/cb"]}`),
		Entry("nothing", `null`),
		Entry("something beside", `["https://a.example/cb",1]`),
		Entry("two documents", `["https://a.example/cb"][]`),
	)
})
