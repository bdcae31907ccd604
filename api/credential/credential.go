// Package credential makes and checks the keyed verifier of a client secret.
//
// The controller writes a verifier into the status of an OAuthClient and the
// authorization server checks secrets against it, so the server never has to
// read a client's Secret. A verifier is HMAC-SHA-256 under a key that lives in
// the operator's namespace: reading one gives nothing to attack, and without the
// key none can be made. It is bound to the client it was made for, so copying it
// to another OAuthClient is worth nothing either.
//
// Client secrets are 256 random bits, which is why a fast function is enough
// where a password would need a slow one (RFC 6749 §10.10).
package credential

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
)

// version is the first field of every verifier.
const version = "v1"

// secretBytes is the size of a client secret: 256 bits (RFC 6749 §10.10 asks
// for a guessing probability of at most 2^-160).
const secretBytes = 32

// KeyBytes is the size of a verifier key.
const KeyBytes = 32

// ErrMalformed says that a verifier is not of a form that this package knows.
var ErrMalformed = errors.New("credential: malformed verifier")

// Subject says which secret a verifier is for. All of it is covered by the HMAC.
type Subject struct {
	// ClientUID is the UID of the OAuthClient, so that a client made anew under
	// the same name does not accept its predecessor's secrets.
	ClientUID string

	// CredentialID is the id of the credential within the client.
	CredentialID string
}

// NewSecret returns a client secret: 256 random bits in unpadded base64url,
// 43 characters of the alphabet that RFC 6749 Appendix A.2 allows.
func NewSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails: crypto/rand aborts the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// NewID returns an id for a credential: 60 random bits, in characters that are
// good in a label.
func NewID() string {
	return strings.ToLower(rand.Text()[:12])
}

// Verifier returns the verifier of secret for subject under the key.
func Verifier(keyID string, key []byte, subject Subject, secret string) string {
	return version + "." + keyID + "." + base64.RawURLEncoding.EncodeToString(mac(key, subject, secret))
}

// KeyID returns the id of the key that the verifier was made with.
func KeyID(verifier string) (string, error) {
	keyID, _, err := parse(verifier)
	return keyID, err
}

// Matches reports whether verifier was made from secret for subject under the
// key. It takes the same time wherever the difference is.
func Matches(verifier string, key []byte, subject Subject, secret string) bool {
	_, sum, err := parse(verifier)
	return err == nil && hmac.Equal(sum, mac(key, subject, secret))
}

func parse(verifier string) (keyID string, sum []byte, err error) {
	fields := strings.Split(verifier, ".")
	if len(fields) != 3 || fields[0] != version || fields[1] == "" {
		return "", nil, ErrMalformed
	}
	sum, err = base64.RawURLEncoding.DecodeString(fields[2])
	// Of the ways to write the same bytes only the one that Verifier uses is good.
	if err != nil || len(sum) != sha256.Size || base64.RawURLEncoding.EncodeToString(sum) != fields[2] {
		return "", nil, ErrMalformed
	}
	return fields[1], sum, nil
}

// mac puts the length before each field, so that no two subjects and secrets
// run together into the same message.
func mac(key []byte, subject Subject, secret string) []byte {
	h := hmac.New(sha256.New, key)
	for _, field := range []string{"oauth-operator/client-secret/" + version, subject.ClientUID, subject.CredentialID, secret} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(field)))
		h.Write(n[:])
		h.Write([]byte(field))
	}
	return h.Sum(nil)
}
