package device_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/internal/worldtest"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

var _ = Describe("The device authorization endpoint", func() {
	var w *world
	BeforeEach(func() { w = newWorld("/path") })
	ask := func(client string, pairs ...string) reply {
		return w.send(0, "/device_authorization", client, worldtest.Pairs(pairs...))
	}

	for _, client := range []string{tv, printer} {
		It("RFC 8628 §3.2: gives codes to "+client+", which nobody keeps, and writes nothing", func() {
			a := w.begin(0, client, "scope", "openid films")
			Expect(a.Header.Get("Content-Type")).To(Equal("application/json"))
			Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
			page := w.Settings.Issuer + "/device"
			Expect(a.Body).To(And(HaveLen(6),
				HaveKeyWithValue("verification_uri", page),
				HaveKeyWithValue("verification_uri_complete", page+"?user_code="+a.Text("user_code")),
				HaveKeyWithValue("expires_in", BeNumerically("==", 600)),
				HaveKeyWithValue("interval", BeNumerically("==", 5)),
			))
			Expect(a.Text("user_code")).To(MatchRegexp(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`))
			c, err := devicecode.Open(w.Keys.Load(), a.Text("device_code"), w.Now())
			Expect(err).NotTo(HaveOccurred())
			Expect(c.Scope).To(Equal(oauth.Scope{"openid", "films"}))
			Expect(c.ClientUID).To(Equal("uid of " + client))
			Expect(w.Grants.Writes.Load()).To(BeZero())
		})
	}

	It("RFC 8628 §3.1: authenticates the client as the token endpoint does", func() {
		r := httptest.NewRequest(http.MethodPost, "/path/device_authorization", strings.NewReader("scope=openid"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(printer, "wrong")
		a := w.do(0, r)
		Expect(a.Status).To(Equal(http.StatusUnauthorized))
		Expect(a.Text("error")).To(Equal("invalid_client"))
		Expect(a.Header.Get("WWW-Authenticate")).To(HavePrefix("Basic "))
		Expect(ask("", "client_id", printer).Text("error")).To(Equal("invalid_client"), "its id alone")
		Expect(ask("", "client_id", "nobody").Text("error")).To(Equal("invalid_client"))
		Expect(ask("").Text("error")).To(Equal("invalid_client"), "none")
	})

	It("RFC 8628 §3.1: is used with POST, and parameters once", func() {
		a := w.do(0, httptest.NewRequest(http.MethodGet, "/path/device_authorization?client_id="+tv, nil))
		Expect(a.Status).To(Equal(http.StatusMethodNotAllowed))
		Expect(a.Header.Get("Allow")).To(Equal("POST"))
		told(ask(tv, "scope", "openid", "scope", "films"), "invalid_request")
		Expect(w.begin(0, tv, "vendor", "x", "scope", "").Text("device_code")).NotTo(BeEmpty(), "unknown and empty ones do not count")
	})

	It("tells the client what it may not have", func() {
		told(ask(web), "unauthorized_client")
		told(ask(tv, "scope", "admin"), "invalid_scope")
		told(ask(tv, "scope", `a"b`), "invalid_scope")
		told(ask(tv, "resource", "urn:example:other"), "invalid_target")
		told(ask(tv, "resource", "relative"), "invalid_target")
		w.Change(tv, func(c *registration.Client) { c.DefaultScope = nil })
		told(ask(tv), "invalid_scope")
		w.Change(tv, func(c *registration.Client) { c.Scope = oauth.Scope{strings.Repeat("x", 4000)} })
		told(ask(tv, "scope", strings.Repeat("x", 4000)), "invalid_request")
		Expect(w.Grants.Writes.Load()).To(BeZero())
	})

	It("unauthenticated flood: turns an address away for a while, and no other, and no client that shows who it is", func() {
		throttled := func() reply {
			for range 200 {
				if a := ask(tv); a.Status != http.StatusOK {
					return a
				}
			}
			return reply{}
		}
		a := throttled()
		Expect(a.Status).To(Equal(http.StatusTooManyRequests))
		Expect(a.Header.Get("Retry-After")).To(Equal("2"))
		Expect(a.Text("error")).To(Equal("temporarily_unavailable"))
		r := httptest.NewRequest(http.MethodPost, "/path/device_authorization", strings.NewReader("client_id="+tv))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = "198.51.100.7:1234"
		Expect(w.do(0, r).Status).To(Equal(http.StatusOK))
		Expect(ask(printer).Status).To(Equal(http.StatusOK))
		w.Advance(time.Second)
		Expect(ask(tv).Status).To(Equal(http.StatusOK))
		Expect(w.Grants.Writes.Load()).To(BeZero())
	})

	It("says that there are no keys yet", func() {
		w.Keys.Store(&keys.Set{})
		Expect(ask(tv).Status).To(Equal(http.StatusServiceUnavailable))
	})
})
