package token_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The lifetimes of a client", func() {
	var w *world
	BeforeEach(func() {
		w = newWorld()
		own := &w.Clients["team.web"].Lifetimes
		own.AccessToken, own.IDToken = 20*time.Minute, 15*time.Minute
		own.Refresh, own.RefreshIdle = 48*time.Hour, 12*time.Hour
	})

	It("count for its tokens and its grant, and those of the issuer for other clients", func() {
		for clientID, want := range map[string]struct{ access, id, refresh, idle time.Duration }{
			"team.web":  {20 * time.Minute, 15 * time.Minute, 48 * time.Hour, 12 * time.Hour},
			"team.form": {10 * time.Minute, 5 * time.Minute, 30 * 24 * time.Hour, 7 * 24 * time.Hour},
		} {
			a := w.redeem(clientID, w.code(clientID))
			Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
			Expect(a.Body["expires_in"]).To(Equal(want.access.Seconds()))
			Expect(w.access(a).Lifetime()).To(Equal(int64(want.access.Seconds())))
			Expect(idTokenExpiry(a)).To(Equal(w.Now().Add(want.id).Unix()))
			g := w.grantOf(w.access(a))
			Expect(g.EndsAt).To(Equal(g.CreatedAt.Add(want.refresh)))
			Expect(g.ExpiresAt).To(Equal(g.CreatedAt.Add(want.idle)))
		}
	})

	It("count at every refresh, as they are then, but do not move the end of the grant", func() {
		a := w.redeem("team.web", w.code("team.web"))
		ends := w.grantOf(w.access(a)).EndsAt

		own := &w.Clients["team.web"].Lifetimes
		own.AccessToken, own.IDToken, own.Refresh, own.RefreshIdle = time.Minute, 2*time.Minute, time.Hour, 30*time.Minute
		w.Advance(11 * time.Hour)
		a = w.refresh("team.web", a.Text("refresh_token"))
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(a.Body["expires_in"]).To(Equal(60.0))
		Expect(idTokenExpiry(a)).To(Equal(w.Now().Add(2 * time.Minute).Unix()))
		g := w.grantOf(w.access(a))
		Expect(g.ExpiresAt).To(BeTemporally("~", w.Now().Add(30*time.Minute), time.Second))
		Expect(g.EndsAt).To(Equal(ends))

		w.Advance(31 * time.Minute)
		expectError(w.refresh("team.web", a.Text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})

	It("count for its own tokens", func() {
		w.Clients["team.job"].Lifetimes.AccessToken = time.Hour
		a := w.post("team.job", pairs("grant_type", "client_credentials", "scope", "read"))
		Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
		Expect(a.Body["expires_in"]).To(Equal(3600.0))
	})
})

// idTokenExpiry returns the claim exp of the ID token of an answer.
func idTokenExpiry(a answer) int64 {
	GinkgoHelper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(a.Text("id_token"), ".")[1])
	Expect(err).NotTo(HaveOccurred())
	var claims struct {
		ExpiresAt int64 `json:"exp"`
	}
	Expect(json.Unmarshal(payload, &claims)).To(Succeed())
	return claims.ExpiresAt
}
