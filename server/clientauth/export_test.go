package clientauth

import "oauth-operator.dev/api/credential"

// Count has the Authenticator add to count for each secret that it compares with a
// verifier.
func (a *Authenticator) Count(count *int) {
	compare := a.matches
	a.matches = func(verifier string, key []byte, subject credential.Subject, secret string) bool {
		*count++
		return compare(verifier, key, subject, secret)
	}
}
