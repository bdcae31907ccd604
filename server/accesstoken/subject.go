package accesstoken

import (
	"encoding/base64"

	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/registration"
)

// Subject returns the claim sub by which the client knows the person: the
// subject itself, or a pairwise one (OpenID Connect Core §8.1), which is a MAC
// of sector and subject under a key of the issuer that never changes. Nobody
// without that key can tell whom it stands for, or that two of two sectors stand
// for the same person.
//
// It returns an error that wraps keys.ErrNoKey where a pairwise one cannot be made.
func Subject(set *keys.Set, client *registration.Client, subject string) (string, error) {
	if !client.Pairwise() {
		return subject, nil
	}
	// Neither a host nor a subject has a NUL in it.
	sum, err := set.Pairwise([]byte("pairwise\x00" + client.OpenID.Sector + "\x00" + subject))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
