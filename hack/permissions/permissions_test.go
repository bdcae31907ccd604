package permissions_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/hack/permissions"
)

func TestPermissions(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "permissions")
}

// objects reads manifests.
func objects(texts ...string) []*unstructured.Unstructured {
	GinkgoHelper()
	all := make([]*unstructured.Unstructured, 0, len(texts))
	for _, text := range texts {
		o := &unstructured.Unstructured{}
		Expect(yaml.Unmarshal([]byte(text), &o.Object)).To(Succeed())
		all = append(all, o)
	}
	return all
}

const (
	everywhere = `{kind: ClusterRole, metadata: {name: wide}, rules: [{apiGroups: [""], resources: [secrets, events], verbs: [get, list]}]}`
	boundWide  = `{kind: ClusterRoleBinding, metadata: {name: wide}, roleRef: {kind: ClusterRole, name: wide}, subjects: [{kind: ServiceAccount, namespace: own, name: worker}]}`
	boundHere  = `{kind: RoleBinding, metadata: {name: wide, namespace: here}, roleRef: {kind: ClusterRole, name: wide}, subjects: [{kind: ServiceAccount, namespace: own, name: worker}]}`
	own        = `{kind: Role, metadata: {name: narrow, namespace: own}, rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]}`
	boundOwn   = `{kind: RoleBinding, metadata: {name: narrow, namespace: own}, roleRef: {kind: Role, name: narrow}, subjects: [{kind: Group, name: "system:serviceaccounts:own"}]}`
)

var _ = Describe("Granted", func() {
	It("is what the bound roles say, where they are bound", func() {
		grants, err := permissions.Granted(objects(everywhere, boundHere, own, boundOwn), "own", "worker")
		Expect(err).NotTo(HaveOccurred())
		Expect(grants).To(ConsistOf(
			permissions.Grant{Role: "wide", Namespace: "here", Verb: "get", Resource: "secrets"},
			permissions.Grant{Role: "wide", Namespace: "here", Verb: "list", Resource: "secrets"},
			permissions.Grant{Role: "wide", Namespace: "here", Verb: "get", Resource: "events"},
			permissions.Grant{Role: "wide", Namespace: "here", Verb: "list", Resource: "events"},
			permissions.Grant{Role: "narrow", Namespace: "own", Verb: "get", Resource: "secrets"},
		))
		grants, err = permissions.Granted(objects(everywhere, boundWide), "other", "worker")
		Expect(err).NotTo(HaveOccurred())
		Expect(grants).To(BeEmpty())
	})

	It("is not known for a role that is not there", func() {
		_, err := permissions.Granted(objects(boundWide), "own", "worker")
		Expect(err).To(MatchError(ContainSubstring("wide")))
	})
})

var _ = Describe("Unused", func() {
	It("is what no request needed, if a narrower role allows it too", func() {
		grants, err := permissions.Granted(objects(everywhere, boundWide, own, boundOwn), "own", "worker")
		Expect(err).NotTo(HaveOccurred())
		left := permissions.Unused(grants, []permissions.Request{
			{Verb: "get", Resource: "secrets", Namespace: "own", Name: "a"},
			{Verb: "list", Resource: "events", Namespace: "here"},
			{Verb: "watch", Resource: "events", Namespace: "here"},
		})
		Expect(left).To(ConsistOf(
			permissions.Grant{Role: "wide", Verb: "get", Resource: "secrets"},
			permissions.Grant{Role: "wide", Verb: "list", Resource: "secrets"},
			permissions.Grant{Role: "wide", Verb: "get", Resource: "events"},
		))
	})
})
