package controllers

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("The echo of a status", func() {
	var (
		r             *authorizationServerReconciler
		before, after *v1alpha1.AuthorizationServer
	)
	BeforeEach(func() {
		r = &authorizationServerReconciler{}
		before = server()
		before.Generation, before.ResourceVersion = 1, "1"
		after = before.DeepCopy()
		after.ResourceVersion = "2"
		after.Status.Conditions = []metav1.Condition{holds(v1alpha1.ConditionReady, v1alpha1.ReasonReady, "the issuer can be served")}
	})
	looks := func() bool { return r.serverChanged(event.UpdateEvent{ObjectOld: before, ObjectNew: after}) }

	It("is no reason to look, whether it comes before the response or after it", func() {
		Expect(looks()).To(BeTrue(), "a status that somebody else has written")
		r.echo.writes(after, *after.Status.DeepCopy())
		Expect(looks()).To(BeFalse(), "before the response")
		r.echo.wrote(after)
		Expect(looks()).To(BeFalse(), "after the response")
		after.ResourceVersion = "3"
		Expect(looks()).To(BeTrue(), "another write of the same status")
	})

	It("hides nothing that has changed with it", func() {
		r.echo.writes(after, *after.Status.DeepCopy())
		after.Generation = 2
		Expect(looks()).To(BeTrue(), "the spec")
		after.Generation, after.Annotations = 1, map[string]string{v1alpha1.AnnotationDefault: "true"}
		Expect(looks()).To(BeTrue(), "an annotation")
		after.Annotations = nil
		after.Status.Conditions[0].Message = "something else"
		Expect(looks()).To(BeTrue(), "another status")
		after.Status = before.Status
		Expect(looks()).To(BeTrue(), "the same status as before")
	})
})
