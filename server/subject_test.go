package server

import (
	"encoding/json"
	"net/http"
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/uuid"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/oauth"
)

var _ = Describe("The subject of a token", func() {
	It("RFC 9700 §4.15.1: is never a person's and a client's: a client_id has a dot in it, and the sub of a person has none", func() {
		Expect(v1alpha1.ClientID("namespace", "name")).To(ContainSubstring("."))
		d := newDiscovery()
		client := d.clients["team.client_secret_basic"]
		own := d.as("client_secret_basic", d.path("token_endpoint"), url.Values{"grant_type": {oauth.GrantClientCredentials}, "scope": {"read"}})
		Expect(own.Code).To(Equal(http.StatusOK))
		Expect(part(tokenOf(own.Body.Bytes()), 1)).To(And(HaveKeyWithValue("sub", client.ID), HaveKeyWithValue("client_id", client.ID)))
		Expect(string(uuid.NewUUID())).NotTo(ContainSubstring("."), "the sub of an OAuthUser is its UID")
		client.OpenID.SubjectType, client.OpenID.Sector = oauth.SubjectTypePairwise, "app.example.com"
		sub := part(d.redeem("openid")["id_token"], 1)["sub"]
		Expect(sub).NotTo(ContainSubstring("."))
		// OpenID Connect Core §2: "MUST NOT exceed 255 ASCII characters in length".
		Expect(sub).To(MatchRegexp(`^[!-~]{1,255}$`))
	})
})

// tokenOf returns the access token of a token response.
func tokenOf(body []byte) (token any) {
	GinkgoHelper()
	var answer map[string]any
	Expect(json.Unmarshal(body, &answer)).To(Succeed())
	return answer["access_token"]
}
