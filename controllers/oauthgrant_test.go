package controllers

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("An OAuthGrant", func() {
	in := func(d time.Duration) metav1.Time { return metav1.NewTime(time.Now().Add(d).Truncate(time.Second)) }

	grant := func(ns string, created, expires, ends time.Duration) *v1alpha1.OAuthGrant {
		GinkgoHelper()
		g := &v1alpha1.OAuthGrant{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: unique("grant")}}
		g.Spec = v1alpha1.OAuthGrantSpec{
			AuthorizationServer: "main", ClientID: ns + ".web", ClientUID: "uid", Subject: "alice",
			AuthTime: in(created), CreatedAt: in(created), EndsAt: in(ends),
		}
		g.Status.ExpiresAt = in(expires)
		Expect(admin.Create(suiteCtx, g)).To(Succeed())
		return g
	}
	gone := func(g *v1alpha1.OAuthGrant) bool {
		return apierrors.IsNotFound(admin.Get(suiteCtx, client.ObjectKeyFromObject(g), &v1alpha1.OAuthGrant{}))
	}

	It("is cleared away once it has ended, in one way or the other", func() {
		ns := newNamespace(nil)
		for _, g := range []*v1alpha1.OAuthGrant{
			grant(ns, -time.Hour, -time.Minute, time.Hour),
			grant(ns, -time.Hour, time.Hour, -time.Minute),
			grant(ns, -time.Hour, 2*time.Second, time.Hour),
		} {
			Eventually(func() bool { return gone(g) }).Should(BeTrue())
			Expect(time.Now()).To(BeTemporally(">=", grantEnd(g)))
		}
	})

	It("stays untouched while it can be used, or its code presented again", func() {
		ns := newNamespace(nil)
		active := grant(ns, -time.Hour, time.Hour, time.Hour)
		fresh := grant(ns, -time.Minute, -time.Second, -time.Second)
		device := grant(ns, -30*time.Minute, -time.Second, time.Hour) // the longest that a device code is good
		revoked := grant(ns, -time.Hour, time.Hour, time.Hour)
		change(revoked, func(g *v1alpha1.OAuthGrant) {
			meta.SetStatusCondition(&g.Status.Conditions, metav1.Condition{
				Type: v1alpha1.ConditionActive, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonCodeReplayed,
			})
		})
		Consistently(func() []bool { return []bool{gone(active), gone(fresh), gone(device), gone(revoked)} }).
			Should(Equal([]bool{false, false, false, false}))
		Expect(audit.in("/namespaces/" + ns + "/oauthgrants")).To(BeEmpty())
	})

	It("lives on when it is refreshed before its end", func() {
		g := grant(newNamespace(nil), -time.Hour, 3*time.Second, time.Hour)
		change(g, func(g *v1alpha1.OAuthGrant) { g.Status.ExpiresAt = in(time.Hour) })
		Consistently(func() bool { return gone(g) }, 4*time.Second).Should(BeFalse())
	})
})
