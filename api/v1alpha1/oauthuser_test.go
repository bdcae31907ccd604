package v1alpha1_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var _ = Describe("OAuthUser", func() {
	const full = `{username: alice, name: Alice Liddell, email: alice@example.com, groups: [tea-party, "a b"], passwordSecretRef: {name: alice-password}}`

	It("is accepted, with a default for the key", func(ctx SpecContext) {
		o := object("OAuthUser", "some", full)
		Expect(offer(ctx, o)).To(Succeed())
		key, _, _ := unstructured.NestedString(o.Object, "spec", "passwordSecretRef", "key")
		Expect(key).To(Equal("password-hash"))
	})

	DescribeTable("is accepted", func(ctx SpecContext, value any, path ...string) {
		o := object("OAuthUser", "some", full)
		Expect(unstructured.SetNestedField(o.Object, value, append([]string{"spec"}, path...)...)).To(Succeed())
		Expect(offer(ctx, o)).To(Succeed())
	},
		Entry("with an address for a username", "alice@example.com", "username"),
		Entry("with a username of two words", "Alice Liddell", "username"),
		Entry("with a username in another writing", "Алиса", "username"),
		Entry("with an address at a single host", "alice@localhost", "email"),
		Entry("with a key of the Secret", "pass.word_hash-1", "passwordSecretRef", "key"),
	)

	DescribeTable("is refused, with the field and the fix",
		func(ctx SpecContext, value any, field, fix string, path ...string) {
			o := object("OAuthUser", "some", full)
			Expect(unstructured.SetNestedField(o.Object, value, append([]string{"spec"}, path...)...)).To(Succeed())
			err := offer(ctx, o)
			Expect(causes(err)).To(ContainElement(And(HavePrefix("spec."+field+": "), ContainSubstring(fix))), "%v", err)
		},
		Entry("without a username", "", "username", "at least 1", "username"),
		Entry("with space before the username", " alice", "username", "space before or after", "username"),
		Entry("with a no-break space after it", "alice\u00a0", "username", "space before or after", "username"),
		Entry("with a control character in it", "al\x7fice", "username", "without control characters", "username"),
		Entry("with a line separator in it", "al\u2028ice", "username", "on one line", "username"),
		Entry("with a turn of the writing in it", "al\u2066ice", "username", "without control characters", "username"),
		Entry("with a name of two lines", "a\nb", "name", "on one line", "name"),
		Entry("without @ in the address", "alice", "email", "name@domain", "email"),
		Entry("with two @", "a@b@c", "email", "name@domain", "email"),
		Entry("with a space in the address", "a b@c", "email", "name@domain", "email"),
		Entry("with nothing after the @", "a@", "email", "name@domain", "email"),
		Entry("with space after a group", []any{"a", "b "}, "groups[1]", "space before or after", "groups"),
		Entry("with a group twice", []any{"a", "a"}, "groups[1]", "Duplicate value", "groups"),
		Entry("with a bad name for the Secret", "Alice", "passwordSecretRef.name", "lower-case letters", "passwordSecretRef", "name"),
		Entry("with a bad key for the Secret", "a/b", "passwordSecretRef.key", "letters, digits, -, _ and .", "passwordSecretRef", "key"),
		Entry("with a key that is a path", "..", "passwordSecretRef.key", "letters, digits, -, _ and .", "passwordSecretRef", "key"),
	)
})
