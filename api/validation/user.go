package validation

import (
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"

	"oauth-operator.dev/api/v1alpha1"
)

// User returns what keeps an OAuthUser from being known. Usernames of several
// OAuthUsers that are the same are not its business.
func User(u *v1alpha1.OAuthUser) []Problem {
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(field, v1alpha1.ReasonInvalid, format, args...))
	}
	if u.Spec.Username == "" || !plainText(u.Spec.Username) {
		add("spec.username", badText)
	}
	if !plainText(u.Spec.Name) {
		add("spec.name", badText)
	}
	if u.Spec.Email != "" && !plausibleEmail(u.Spec.Email) {
		add("spec.email", "%s is no email address: write name@domain", quote(u.Spec.Email))
	}
	for i, group := range u.Spec.Groups {
		if group == "" || !plainText(group) {
			add(index("spec.groups", i), badText)
		}
	}
	if name := u.Spec.PasswordSecretRef.Name; len(validation.IsDNS1123Subdomain(name)) > 0 {
		add("spec.passwordSecretRef.name", "%s cannot name a Secret: use lower-case letters, digits, - and ., with a letter or digit at both ends", quote(name))
	}
	if key := u.Spec.PasswordSecretRef.Key; key != "" && len(validation.IsConfigMapKey(key)) > 0 {
		add("spec.passwordSecretRef.key", "%s cannot be a key of a Secret: use letters, digits, -, _ and .", quote(key))
	}
	return problems
}

// plausibleEmail reports whether the address has one @ with something on both
// sides and no space. Whether it exists only a message to it can tell.
func plausibleEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && !strings.Contains(domain, "@") &&
		plainText(s) && !strings.ContainsFunc(s, unicode.IsSpace)
}
