package main_test

import (
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant"
)

var _ = Describe("A client with OpenID metadata of its own", func() {
	It("knows people by its own sub, reads signed userinfo, and logs them out with the grant", func(ctx SpecContext) {
		const bye = "https://webapp.example.com/bye"
		webapp := newClient(ctx, newNamespace(ctx), func(s *v1alpha1.OAuthClientSpec) {
			s.SubjectType = v1alpha1.SubjectTypePairwise
			s.IDTokenSignedResponseAlg, s.UserinfoSignedResponseAlg = v1alpha1.SigningAlgES256, v1alpha1.SigningAlgRS256
			s.PostLogoutRedirectURIs = []string{bye}
		})
		alice := newPerson()
		token := webapp.tokens(ctx, alice)
		raw := token.Extra("id_token").(string)
		idToken, err := webapp.oidc.VerifierContext(spied(ctx), &oidc.Config{ClientID: webapp.oauth.ClientID, SupportedSigningAlgs: []string{"ES256"}}).Verify(ctx, raw)
		Expect(err).NotTo(HaveOccurred())
		info, err := webapp.oidc.UserInfo(spied(ctx), oauth2.StaticTokenSource(token))
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Subject).To(Equal(idToken.Subject))
		Expect(info.Email).To(Equal("alice@example.com"))

		var users v1alpha1.OAuthUserList
		Expect(k8s.List(ctx, &users)).To(Succeed())
		for _, user := range users.Items {
			Expect(idToken.Subject).NotTo(Equal(string(user.UID)))
		}

		leave := strings.TrimSuffix(webapp.oauth.Endpoint.AuthURL, "/authorize") + "/logout?" + url.Values{
			"id_token_hint": {raw}, "post_logout_redirect_uri": {bye}, "state": {"s"},
		}.Encode()
		page, err := alice.Visit(ctx, leave, func(u *url.URL) bool { return u.Host == "webapp.example.com" })
		Expect(err).NotTo(HaveOccurred())
		Expect(page.Location).NotTo(BeNil(), page.Body)
		Expect(page.Location.String()).To(Equal(bye + "?state=s"))

		_, err = webapp.refresh(ctx, token.RefreshToken)
		Expect(errorCode(err)).To(Equal("invalid_grant"))
		_, err = webapp.oidc.UserInfo(spied(ctx), oauth2.StaticTokenSource(token))
		Expect(err).To(HaveOccurred())
		var grants v1alpha1.OAuthGrantList
		Expect(k8s.List(ctx, &grants)).To(Succeed())
		found := false
		for i := range grants.Items {
			if g := &grants.Items[i]; g.Namespace == webapp.object.Namespace {
				found = true
				Expect(g.Status.Conditions).To(ContainElement(HaveField("Reason", string(grant.LoggedOut))))
			}
		}
		Expect(found).To(BeTrue())
	})
})
