package dev

import (
	"crypto/rand"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/passwordhash"
	"oauth-operator.dev/api/v1alpha1"
)

const (
	developer       = "dev"
	passwordHashKey = "password-hash"
)

// people sees to it that everybody can log in: who has no password hash in a
// manifest gets a password, and if there is nobody, somebody is made.
func (d *development) people(w *world) error {
	if len(w.users) == 0 {
		w.users = append(w.users, &v1alpha1.OAuthUser{
			ObjectMeta: metav1.ObjectMeta{Name: developer},
			Spec: v1alpha1.OAuthUserSpec{
				Username: developer, Name: "Dev Eloper", Email: "dev@example.com", Groups: []string{"developers"},
				PasswordSecretRef: v1alpha1.SecretKeyReference{Name: "dev-password", Key: passwordHashKey},
			},
		})
	}
	for _, user := range w.users {
		ref := user.Spec.PasswordSecretRef
		if slices.ContainsFunc(w.secrets, func(s *corev1.Secret) bool {
			return s.Namespace == d.OperatorNamespace && s.Name == ref.Name
		}) {
			continue
		}
		hash, ok := d.passwords[user.Name]
		if !ok {
			password := rand.Text()
			var err error
			if hash, err = passwordhash.Generate(password); err != nil {
				return err
			}
			d.passwords[user.Name] = hash
			d.tell("OAuthUser %s has no password in the manifests. Log in as %q with the password %s", user.Name, user.Spec.Username, password)
		}
		w.secrets = append(w.secrets, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: d.OperatorNamespace, Name: ref.Name},
			Data:       map[string][]byte{ref.Key: []byte(hash)},
		})
	}
	return nil
}
