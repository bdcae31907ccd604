package controllers

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// What the API server has no rule against, and cannot be served.
var _ = Describe("A value that cannot be served", func() {
	It("in an AuthorizationServer is told, and what is wrong with it", func() {
		as := server(func(as *v1alpha1.AuthorizationServer) {
			as.Spec.Policy = &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{{Name: "odd", NamespaceSelector: metav1.LabelSelector{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: "Resembles", Values: []string{"a"}}},
			}}}}
		})
		applied(as)
		Expect(expectNot(as, v1alpha1.ConditionAccepted, v1alpha1.ReasonInvalid)).To(ContainSubstring("namespaceSelector"))
		Expect(healthNow(as)(Default)).To(Satisfy(failed))
	})

	It("in the rotation of an OAuthClient is told, and what is wrong with it", func() {
		c := newClient(newNamespace(nil), newServer(), func(c *v1alpha1.OAuthClient) {
			c.Spec.Rotation = &v1alpha1.Rotation{Interval: &metav1.Duration{Duration: time.Hour}, Window: &v1alpha1.RotationWindow{Start: "09:00", End: "16:00", TimeZone: "Europe/Nowhere"}}
		})
		Expect(expectNot(c, v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonInvalid)).To(ContainSubstring("Europe/Nowhere"))
		Expect(healthNow(c)(Default)).To(Satisfy(failed))
	})
})
