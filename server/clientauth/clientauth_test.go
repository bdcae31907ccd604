package clientauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// clients is a registry.
type clients map[string]*registration.Client

func (c clients) Lookup(_ context.Context, id string) (*registration.Client, error) {
	switch client, ok := c[id]; {
	case id == "team.refused":
		return nil, registration.ErrRefused
	case id == "team.nobody-can-tell":
		return nil, errors.New("the cache is away")
	case ok:
		return client, nil
	}
	return nil, registration.ErrUnknown
}

// lagging is a registry that may know newer states of its clients.
type lagging struct {
	clients
	newer    map[*registration.Client]*registration.Client
	renewals int
}

func (l *lagging) Renew(_ context.Context, known *registration.Client) *registration.Client {
	l.renewals++
	return l.newer[known]
}

// uses is what an Authenticator has told of.
type uses []string

func (u *uses) Used(client *registration.Client, credentialID string) {
	*u = append(*u, client.ID+"/"+credentialID)
}

// world is an Authenticator with its clients.
type world struct {
	now       time.Time
	ring      keyring.Ring
	verifiers keys.Verifiers
	clients   clients
	registry  lagging
	uses      uses
	auth      *clientauth.Authenticator
}

func newWorld() *world {
	w := &world{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), clients: clients{}}
	w.ring = worldtest.Ring(w.now, keyring.UseVerifier)
	w.verifiers.Store(w.ring)
	w.registry = lagging{clients: w.clients, newer: map[*registration.Client]*registration.Client{}}
	w.auth = clientauth.New(clientauth.Options{
		Registry: &w.registry, Verifiers: &w.verifiers, Uses: &w.uses, Realm: "https://auth.example.com",
		Now: func() time.Time { return w.now },
	})
	return w
}

// register makes a client that accepts each of the secrets.
func (w *world) register(id, method string, secrets ...string) *registration.Client {
	w.clients[id] = w.client(id, method, secrets...)
	return w.clients[id]
}

// client returns a client that accepts each of the secrets, by credentials named
// a, b and so on.
func (w *world) client(id, method string, secrets ...string) *registration.Client {
	client := &registration.Client{ID: id, UID: "uid-of-" + id, AuthMethod: method}
	for i, secret := range secrets {
		client.Credentials = append(client.Credentials, worldtest.Credential(w.ring, w.now, client.UID, string(rune('a'+i)), secret))
	}
	return client
}

// send authenticates a request with the header, unless that is empty, and the body.
func (w *world) send(header, body string) (clientauth.Result, error) {
	r := httptest.NewRequest(http.MethodPost, "/token?client_id=team.web&client_secret=s3cret", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if header != "" {
		r.Header.Set("Authorization", header)
	}
	return w.authenticate(r)
}

func (w *world) authenticate(r *http.Request) (clientauth.Result, error) {
	params, err := oauth.ParseForm(r)
	if err != nil {
		return clientauth.Result{}, err
	}
	return w.auth.Authenticate(r, params)
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// haveCode matches an *oauth.Error by its code.
func haveCode(code oauth.Code) OmegaMatcher {
	return WithTransform(func(err error) oauth.Code {
		var e *oauth.Error
		errors.As(err, &e)
		return e.Code
	}, Equal(code))
}

var _ = Describe("Client authentication", func() {
	const secret = "p%:+ é/=&"

	var w *world

	BeforeEach(func() {
		w = newWorld()
		w.register("team.web", oauth.AuthMethodBasic, "s3cret")
		w.register("team.form", oauth.AuthMethodPost, "s3cret")
		w.register("team.spa", oauth.AuthMethodNone)
		w.register("team.odd", oauth.AuthMethodBasic, secret)
		w.register("team.new", oauth.AuthMethodBasic)
	})

	It("RFC 6749 §2.3.1: takes HTTP Basic, whatever the case of its name", func() {
		for _, scheme := range []string{"Basic", "basic", "BASIC", "bAsIc"} {
			header := strings.Replace(basic("team.web:s3cret"), "Basic", scheme, 1)
			result, err := w.send(header, "")
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Client).To(BeIdenticalTo(w.clients["team.web"]))
			Expect(result.Method).To(Equal("client_secret_basic"))
			Expect(result.Authenticated).To(BeTrue())
		}
		_, err := w.send(basic("team.web:s3cret"), "client_id=team.web")
		Expect(err).NotTo(HaveOccurred(), "the same client_id in the body does no harm")
	})

	It("RFC 6749 §2.3.1: takes credentials in the body", func() {
		result, err := w.send("", "client_id=team.form&client_secret=s3cret")
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Client).To(BeIdenticalTo(w.clients["team.form"]))
		Expect(result.Method).To(Equal("client_secret_post"))
		Expect(result.Authenticated).To(BeTrue())
	})

	It("RFC 6749 §2.3: a public client names itself, and is not authenticated by that", func() {
		result, err := w.send("", "client_id=team.spa")
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Client).To(BeIdenticalTo(w.clients["team.spa"]))
		Expect(result.Method).To(Equal("none"))
		Expect(result.Authenticated).To(BeFalse())
	})

	It("RFC 6749 §2.3.1, Appendix B: decodes id and secret of HTTP Basic as a form", func() {
		for _, credentials := range []string{
			"team.odd:" + url.QueryEscape(secret),
			"team%2Eodd:p%25%3A%2b%20%C3%A9%2F%3D%26",
			"team.odd:p%25:%2B+é/=&",
		} {
			_, err := w.send(basic(credentials), "")
			Expect(err).NotTo(HaveOccurred(), credentials)
		}
		w.register("team:odd", oauth.AuthMethodBasic, "s3cret")
		_, err := w.send(basic("team%3Aodd:s3cret"), "")
		Expect(err).NotTo(HaveOccurred())
	})

	DescribeTable("RFC 6749 §5.2: is invalid_client, and nothing worse,",
		func(header, body string) {
			_, err := w.send(header, body)
			Expect(err).To(haveCode(oauth.CodeInvalidClient))
		},
		Entry("without anything (and what is in the URL does not count)", "", ""),
		Entry("RFC 6749 §2.2: with the client_id of a confidential client alone", "", "client_id=team.web"),
		Entry("with an empty secret", "", "client_id=team.web&client_secret="),
		Entry("with an empty secret in the header", basic("team.web:"), ""),
		Entry("with a wrong secret", basic("team.web:S3cret"), ""),
		Entry("with a wrong secret in the body", "", "client_id=team.form&client_secret=wrong"),
		Entry("with another client's secret", basic("team.odd:s3cret"), ""),
		Entry("with a secret and no client_id", "", "client_secret=s3cret"),
		Entry("with an unknown client", basic("team.unknown:s3cret"), ""),
		Entry("with an unknown public client", "", "client_id=team.unknown"),
		Entry("with a refused client", basic("team.refused:s3cret"), ""),
		Entry("with a client that has no credential yet", basic("team.new:s3cret"), ""),
		Entry("with a client that has no credential yet, and an empty secret", basic("team.new:"), ""),
		Entry("RFC 6749 §2.3: by a method that is not the registered one", "", "client_id=team.web&client_secret=s3cret"),
		Entry("RFC 6749 §2.3: by Basic for a client of the body", basic("team.form:s3cret"), ""),
		Entry("RFC 6749 §2.3: by Basic for a public client", basic("team.spa:"), ""),
		Entry("RFC 6749 §2.3: by a secret for a public client", "", "client_id=team.spa&client_secret=s3cret"),
		Entry("with an assertion", "", "client_id=team.web&client_assertion_type=x&client_assertion=y"),
		Entry("with bad base64", "Basic %%%", ""),
		Entry("with base64 of another alphabet", "Basic "+base64.RawURLEncoding.EncodeToString([]byte("team.web:s3cret~~~")), ""),
		Entry("without a colon", basic("team.web"), ""),
		Entry("with bad escapes in the secret", basic("team.web:%zz"), ""),
		Entry("with bad escapes in the id", basic("%zz:s3cret"), ""),
		Entry("without an id", basic(":s3cret"), ""),
		Entry("with control characters", basic("team.web%00:s3cret"), ""),
		Entry("with bytes that are no UTF-8", basic("\xff\xfe:\xff"), ""),
		Entry("with the name of the scheme alone", "Basic", ""),
		Entry("with another scheme", "Bearer abc", ""),
		Entry("with Digest", `Digest username="team.web"`, ""),
	)

	DescribeTable("RFC 6749 §2.3, §5.2: is invalid_request",
		func(header, body string) {
			_, err := w.send(header, body)
			Expect(err).To(haveCode(oauth.CodeInvalidRequest))
		},
		Entry("with Basic and a secret in the body", basic("team.web:s3cret"), "client_id=team.web&client_secret=s3cret"),
		Entry("with Basic and an assertion", basic("team.web:s3cret"), "client_assertion=x"),
		Entry("with a secret and an assertion", "", "client_id=team.form&client_secret=s3cret&client_assertion=x"),
		Entry("with another client_id in the body", basic("team.web:s3cret"), "client_id=team.form"),
	)

	It("RFC 9110 §11.6.2: has one Authorization header at most", func() {
		r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader("a=b"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header["Authorization"] = []string{basic("team.web:s3cret"), basic("team.web:s3cret")}
		_, err := w.authenticate(r)
		Expect(err).To(haveCode(oauth.CodeInvalidRequest))
	})

	It("says the same of an unknown client, a refused one and a wrong secret", func() {
		var said []string
		for _, id := range []string{"team.unknown", "team.refused", "team.new", "team.web", "team.form"} {
			_, err := w.send(basic(id+":wrong"), "")
			rec := httptest.NewRecorder()
			var e *oauth.Error
			Expect(errors.As(err, &e)).To(BeTrue())
			Expect(w.auth.WriteError(rec, e)).To(Succeed())
			Expect(rec.Code).To(Equal(http.StatusUnauthorized))
			Expect(rec.Header().Get("WWW-Authenticate")).To(Equal(`Basic realm="https://auth.example.com"`))
			said = append(said, rec.Body.String())
		}
		Expect(said).To(HaveEach(said[0]))
	})

	It("is temporarily_unavailable while the registry cannot tell", func() {
		_, err := w.send(basic("team.nobody-can-tell:s3cret"), "")
		Expect(err).To(haveCode(oauth.CodeTemporarilyUnavailable))
		Expect(err).To(MatchError(ContainSubstring("the cache is away")))
	})

	It("accepts every secret of a client, and none whose key is gone", func() {
		w.register("team.two", oauth.AuthMethodBasic, "old", "new")
		for _, s := range []string{"old", "new"} {
			_, err := w.send(basic("team.two:"+s), "")
			Expect(err).NotTo(HaveOccurred())
		}
		w.ring.Keys[0].NotAfter = w.now
		w.verifiers.Store(w.ring)
		_, err := w.send(basic("team.two:new"), "")
		Expect(err).To(haveCode(oauth.CodeInvalidClient))
	})

	It("believes no verifier that was copied, broken, or made without the key", func() {
		victim, thief := w.clients["team.web"], w.register("team.thief", oauth.AuthMethodBasic, "mine")
		mine := thief.Credentials
		victim.Credentials = mine
		_, err := w.send(basic("team.web:mine"), "")
		Expect(err).To(haveCode(oauth.CodeInvalidClient))

		subject := credential.Subject{ClientUID: victim.UID, CredentialID: "x"}
		for _, keyID := range []string{"none", w.ring.Keys[0].ID} {
			victim.Credentials = []registration.Credential{
				{ID: "x", Verifier: credential.Verifier(keyID, make([]byte, credential.KeyBytes), subject, "mine")},
				{ID: "x", Verifier: "v1.x"},
			}
			_, err = w.send(basic("team.web:mine"), "")
			Expect(err).To(haveCode(oauth.CodeInvalidClient))
		}
	})

	It("RFC 6749 §2.3.1: slows down who guesses, without locking the client out", func() {
		for _, id := range []string{"team.web", "team.unknown"} {
			var last error
			for range 11 {
				_, last = w.send(basic(id+":guess"), "")
				Expect(last).To(haveCode(oauth.CodeInvalidClient))
			}
			Expect(last).To(MatchError(clientauth.ErrThrottled))
		}
		_, err := w.send(basic("team.web:s3cret"), "")
		Expect(err).NotTo(HaveOccurred())
		w.now = w.now.Add(6 * time.Second)
		_, err = w.send(basic("team.web:guess"), "")
		Expect(err).NotTo(MatchError(clientauth.ErrThrottled))
	})

	It("holds a client's probing for its method against nobody", func() {
		for range 50 {
			_, err := w.send(basic("team.form:s3cret"), "")
			Expect(err).To(haveCode(oauth.CodeInvalidClient))
			Expect(err).NotTo(MatchError(clientauth.ErrThrottled))
		}
	})
})
