package controllers

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/passwordhash"
	"oauth-operator.dev/api/v1alpha1"
)

var _ = Describe("An OAuthUser", func() {
	var hash string
	BeforeEach(func() {
		var err error
		hash, err = passwordhash.Generate("correct horse")
		Expect(err).NotTo(HaveOccurred())
	})

	user := func(change ...func(*v1alpha1.OAuthUser)) *v1alpha1.OAuthUser {
		u := &v1alpha1.OAuthUser{ObjectMeta: metav1.ObjectMeta{Name: unique("person")}}
		u.Spec.Username = u.Name
		u.Spec.PasswordSecretRef.Name = u.Name
		for _, c := range change {
			c(u)
		}
		return u
	}
	create := func(u *v1alpha1.OAuthUser) *v1alpha1.OAuthUser {
		GinkgoHelper()
		Expect(admin.Create(suiteCtx, u)).To(Succeed())
		return u
	}
	password := func(name, value string) *corev1.Secret {
		GinkgoHelper()
		s := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: operatorNS, Name: name},
			StringData: map[string]string{"password-hash": value},
		}
		Expect(admin.Create(suiteCtx, s)).To(Succeed())
		return s
	}

	It("can log in with a hash that is there, whichever comes first, and stands still then", func() {
		u := create(user())
		Expect(expectNot(u, v1alpha1.ConditionReady, v1alpha1.ReasonPasswordSecretNotFound)).To(ContainSubstring(u.Name))
		s := password(u.Name, hash)
		expectReady(u)
		Consistently(func() string { _ = conditions(u); return u.ResourceVersion }).Should(Equal(u.ResourceVersion))

		Expect(admin.Delete(suiteCtx, s)).To(Succeed())
		expectNot(u, v1alpha1.ConditionReady, v1alpha1.ReasonPasswordSecretNotFound)
	})

	It("cannot log in with what is no hash, and the value is not repeated", func() {
		u := user()
		s := password(u.Name, "hunter2")
		create(u)
		message := expectNot(u, v1alpha1.ConditionReady, v1alpha1.ReasonPasswordHashInvalid)
		Expect(message).To(ContainSubstring("hash-password"))
		Expect(message).NotTo(ContainSubstring("hunter2"))
		change(s, func(s *corev1.Secret) { s.Data["password-hash"] = []byte(hash) })
		expectReady(u)
	})

	It("reads the key that it names", func() {
		u := user(func(u *v1alpha1.OAuthUser) { u.Spec.PasswordSecretRef.Key = "other" })
		s := password(u.Name, hash)
		create(u)
		expectNot(u, v1alpha1.ConditionReady, v1alpha1.ReasonPasswordSecretNotFound)
		change(s, func(s *corev1.Secret) { s.Data["other"] = []byte(hash) })
		expectReady(u)
	})

	It("is kept out while disabled", func() {
		u := user(func(u *v1alpha1.OAuthUser) { u.Spec.Disabled = true })
		password(u.Name, hash)
		create(u)
		expectNot(u, v1alpha1.ConditionReady, v1alpha1.ReasonDisabled)
		change(u, func(u *v1alpha1.OAuthUser) { u.Spec.Disabled = false })
		expectReady(u)
	})

	It("has to leave its username to an older one, until that gives it up", func() {
		first := user()
		password(first.Name, hash)
		create(first)
		expectReady(first)
		second := create(user(func(u *v1alpha1.OAuthUser) {
			u.Spec.Username = first.Spec.Username
			u.Spec.PasswordSecretRef.Name = first.Name
		}))
		Expect(expectNot(second, v1alpha1.ConditionReady, v1alpha1.ReasonUsernameConflict)).To(ContainSubstring(first.Name))
		expectReady(first)
		change(first, func(u *v1alpha1.OAuthUser) { u.Spec.Username = unique("renamed") })
		expectReady(second)
	})
})
