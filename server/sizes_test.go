package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/registration"
)

// What RFC 6749 wants an authorization server to document (§2.2, §3.3, §4.1.2,
// §4.2.2, §5.1), measured and compared with the page that documents it.
var _ = Describe("docs/sizes.md", Ordered, func() {
	var page string
	BeforeAll(func() {
		raw, err := os.ReadFile("../docs/sizes.md")
		Expect(err).NotTo(HaveOccurred())
		page = string(raw)
	})
	// row returns the cells of the row that begins with what.
	row := func(what string) []string {
		GinkgoHelper()
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "| "+what+" |") {
				return strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
			}
		}
		Fail("no row of " + what)
		return nil
	}
	// about expects that a length is what the page calls "some" of it.
	about := func(length int, said string) {
		GinkgoHelper()
		number, err := strconv.Atoi(said)
		Expect(err).NotTo(HaveOccurred())
		Expect(float64(length)).To(BeNumerically("~", number, 0.2*float64(number)))
	}
	numbers := regexp.MustCompile(`[0-9]{2,}`)

	It("RFC 6749 §2.2, §4.1.2, §5.1: says how long identifiers, codes and tokens are", func() {
		d := newDiscovery()
		Expect(row("`client_id`")[2]).To(Equal("at most " + strconv.Itoa(len(v1alpha1.ClientID(strings.Repeat("n", 63), strings.Repeat("c", 63))))))
		Expect(row("client secret")[2]).To(HavePrefix(strconv.Itoa(len(credential.NewSecret())) + ";"))

		said := numbers.FindAllString(row("authorization code")[2], -1)
		code := grant.Code{
			GrantID: grant.NewID(), IssuedAt: d.now.Unix(), ExpiresAt: d.now.Add(time.Minute).Unix(),
			ClientID: "team.webapp", ClientUID: "3f1c8f0e-52d8-4c0c-9a3f-1f6f0f9a7b11", RedirectURI: "https://webapp.example.com/callback", RedirectURISent: true,
			Subject: "0b8f7a3e-9a54-4d70-a7fb-2f7cf0c9d7e2", Username: "alice", Scope: []string{"openid", "profile", "email"},
			SessionID: grant.NewID(), AuthTime: d.now.Unix(), Challenge: appChallenge, Nonce: grant.NewID(),
		}
		sealed, err := grant.SealCode(d.keys.Load(), code, d.now)
		Expect(err).NotTo(HaveOccurred())
		about(len(sealed), said[0])
		most, err := strconv.Atoi(said[1])
		Expect(err).NotTo(HaveOccurred())
		sealedOf := func(length int) (n int, err error) {
			code.Nonce = strings.Repeat("n", length)
			long, err := grant.SealCode(d.keys.Load(), code, d.now)
			return len(long), err
		}
		n, err := sealedOf(most * 3 / 4 * 9 / 10)
		Expect(err).NotTo(HaveOccurred())
		Expect(n).To(BeNumerically("<=", most))
		_, err = sealedOf(most * 3 / 4)
		Expect(err).To(HaveOccurred(), "no code is longer")

		tokens := d.redeem("openid", "profile", "email")
		Expect(row("refresh token")[2]).To(Equal(strconv.Itoa(len(tokens["refresh_token"].(string)))))
		about(len(tokens["access_token"].(string)), numbers.FindString(row("access token")[2]))
		said = regexp.MustCompile(`\b[0-9]{3}\b`).FindAllString(row("ID token")[2], -1)
		about(len(tokens["id_token"].(string)), said[0])
		d.clients["team.client_secret_basic"].OpenID.IDTokenAlg = "ES256"
		about(len(d.redeem("openid", "profile", "email")["id_token"].(string)), said[1])
	})

	It("says what a request may be long, and no longer", func() {
		d := newDiscovery()
		answer := func(form string) string {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, d.path("token_endpoint"), strings.NewReader(form))
			r.Host = "id.example.com"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			d.server.ServeHTTP(w, r)
			return w.Body.String()
		}
		Expect(page).To(ContainSubstring("A request to the token endpoint may have 64 KiB and 128 parameters."))
		limit := 64 << 10
		parameters := func(n int) string {
			v := url.Values{"client_id": {"team.none"}}
			for i := range n - 1 {
				v.Set("x"+strconv.Itoa(i), "1")
			}
			return v.Encode()
		}
		for form, tooMuch := range map[string]bool{
			"client_id=team.none&x=" + strings.Repeat("x", limit-22): false, "client_id=team.none&x=" + strings.Repeat("x", limit-21): true,
			parameters(128): false, parameters(129): true,
		} {
			if tooMuch {
				Expect(answer(form)).To(MatchRegexp("The request (is too large|has too many parameters)"))
			} else {
				Expect(answer(form)).To(ContainSubstring("The parameter grant_type is missing."))
			}
		}
		longest := numbers.FindString(row("`nonce`")[2])
		Expect(longest).To(Equal("1024"))
		Expect(d.authorize("nonce", strings.Repeat("n", 1024)).Get("error")).To(Equal("login_required"))
		Expect(d.authorize("nonce", strings.Repeat("n", 1025)).Get("error")).To(Equal("invalid_request"))
		Expect(row("`redirect_uri`")[2]).To(Equal("at most 1024")) // api/validation/redirect_test.go holds that
	})

	It("RFC 6749 §3.3: says what the default scope is", func() {
		settings := registration.Settings(&v1alpha1.AuthorizationServer{})
		var quoted []string
		for _, name := range settings.DefaultScope() {
			quoted = append(quoted, "`"+name+"`")
		}
		Expect(page).To(ContainSubstring("no scopes of its own, these are " + strings.Join(quoted, " and ") + "."))
	})

	It("RFC 6749 §4.1.2, §4.2.2, RFC 6750 §5.3: says how long each is good, by default and at most", func() {
		defaults := (v1alpha1.Lifetimes{}).Effective()
		for field, value := range map[string]time.Duration{
			"AuthorizationCode": defaults.Code, "AccessToken": defaults.AccessToken, "IDToken": defaults.IDToken, "RefreshToken": defaults.Refresh,
			"RefreshTokenIdle": defaults.RefreshIdle, "RefreshTokenGrace": defaults.RefreshGrace, "Session": defaults.Session,
		} {
			cells := lifetimeRow(page, field)
			Expect(duration(cells[2])).To(Equal(value), field)
			most := duration(cells[3])
			as := &v1alpha1.AuthorizationServer{Spec: v1alpha1.AuthorizationServerSpec{Issuer: "https://id.example.com"}}
			set := func(d time.Duration) []validation.Problem {
				reflect.ValueOf(&as.Spec.Lifetimes).Elem().FieldByName(field).Set(reflect.ValueOf(&metav1.Duration{Duration: d}))
				return validation.AuthorizationServer(as)
			}
			Expect(set(most)).To(BeEmpty(), field)
			Expect(set(most+time.Second)).NotTo(BeEmpty(), field)
		}
		Expect(defaults.AccessToken).To(BeNumerically("<=", time.Hour), "RFC 6750 §5.3: one hour or less")
		Expect(defaults.Code).To(BeNumerically("<=", 10*time.Minute), "RFC 6749 §4.1.2")
	})
})

// lifetimeRow returns the cells of the lifetime of that field.
func lifetimeRow(page, field string) []string {
	GinkgoHelper()
	for line := range strings.Lines(page) {
		if strings.Contains(strings.ToLower(line), "| `"+strings.ToLower(field)+"` |") {
			return strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
		}
	}
	Fail("no row of " + field)
	return nil
}

// duration reads a time as a page says it, such as 10 minutes.
func duration(said string) time.Duration {
	GinkgoHelper()
	number, unit, _ := strings.Cut(said, " ")
	n, err := strconv.Atoi(number)
	Expect(err).NotTo(HaveOccurred())
	units := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	Expect(units).To(HaveKey(strings.TrimSuffix(unit, "s")))
	return time.Duration(n) * units[strings.TrimSuffix(unit, "s")]
}
