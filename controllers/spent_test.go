package controllers

import (
	"net/http"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("What is good only once", func() {
	It("is forgotten when its time is over, and other Leases stay", func() {
		ns := newNamespace(nil)
		now := time.Now()
		lease := func(name string, until time.Time) {
			l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
			if !until.IsZero() {
				l.Labels = map[string]string{v1alpha1.LabelSpentUntil: strconv.FormatInt(until.Unix(), 10)}
			}
			Expect(admin.Create(suiteCtx, l)).To(Succeed())
		}
		lease("over", now.Add(-skew-time.Second))
		lease("long-over", time.Unix(999, 0))
		lease("by-this-clock-alone", now.Add(-skew/2))
		lease("to-come", now.Add(time.Hour))
		lease("leader-election", time.Time{})

		sweeper := &spentSweeper{plain: admin, tools: tools{operatorNamespace: ns, now: func() time.Time { return now }}}
		Expect(sweeper.sweep(suiteCtx)).To(Succeed())
		var left coordinationv1.LeaseList
		Expect(admin.List(suiteCtx, &left, client.InNamespace(ns))).To(Succeed())
		names := []string{}
		for i := range left.Items {
			names = append(names, left.Items[i].Name)
		}
		Expect(names).To(ConsistOf("by-this-clock-alone", "to-come", "leader-election"))
	})

	It("is looked after by the controller, with the role that it has", func() {
		Eventually(func() []string { return audit.in("/namespaces/" + operatorNS + "/leases") }).
			Should(ContainElement(HavePrefix(http.MethodDelete)))
	})
})
