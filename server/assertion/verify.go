package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1).
const (
	RS256 = "RS256"
	PS256 = "PS256"
	ES256 = "ES256"
	EdDSA = "EdDSA"
)

// algorithms are those that are accepted, each for one type of key: none, and
// those with a shared secret, for no type.
var algorithms = map[string]func(crypto.PublicKey) bool{
	RS256: isRSA,
	PS256: isRSA,
	ES256: func(k crypto.PublicKey) bool {
		key, ok := k.(*ecdsa.PublicKey)
		return ok && key.Curve == elliptic.P256()
	},
	EdDSA: func(k crypto.PublicKey) bool {
		_, ok := k.(ed25519.PublicKey)
		return ok
	},
}

func isRSA(k crypto.PublicKey) bool {
	_, ok := k.(*rsa.PublicKey)
	return ok
}

// Algorithms returns the algorithms that are accepted, for the metadata.
func Algorithms() []string { return []string{RS256, PS256, ES256, EdDSA} }

// Key is a public key that is trusted.
type Key struct {
	ID     string // kid; "" for one that answers to any
	Alg    string // the one algorithm that it is for; "" for any that fits its type
	Public crypto.PublicKey
}

// Verify checks the signature with those of the keys that fit. A kid chooses
// among the keys, and is nothing else: no name, no path, no query.
func (j *JWT) Verify(keys []Key) error {
	var fitting []Key
	for _, k := range keys {
		if (k.Alg == "" || k.Alg == j.alg) && (j.keyID == "" || k.ID == "" || k.ID == j.keyID) && algorithms[j.alg](k.Public) {
			fitting = append(fitting, k)
		}
	}
	if len(fitting) == 0 {
		return ErrKey
	}
	jws, err := jose.ParseSignedCompact(j.raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(j.alg)})
	if err != nil {
		return ErrMalformed
	}
	for _, k := range fitting {
		if _, err := jws.Verify(k.Public); err == nil {
			return nil
		}
	}
	return ErrSignature
}

// Expected is what an assertion has to say.
type Expected struct {
	Issuer   string
	Subject  string
	Audience string // the issuer identifier of the authorization server

	// ArrayAudience accepts an aud that is an array of Audience alone, as
	// Kubernetes writes it. Otherwise it has to be a string: an array may hold
	// other servers, each of which could use the assertion here.
	ArrayAudience bool

	// Once asks for a jti, and for an exp at most MaxLifetime ahead: so long the
	// jti has to be remembered.
	Once bool
}

// MaxLifetime is how far the exp of an assertion that is good once may be ahead.
const MaxLifetime = time.Hour

// Leeway is by how much iat and nbf may be ahead, for clocks that differ (FAPI
// 2.0 Security Profile §5.3.2.1: 10 s have to be accepted, over 60 s must not).
const Leeway = 10 * time.Second

// RefusalError says what is wrong with an assertion that its issuer has signed. It
// is for the client to read, and repeats nothing of the assertion.
type RefusalError string

// Error implements error.
func (r RefusalError) Error() string { return "assertion: " + string(r) }

// Check compares what a verified assertion says with what it has to say at that
// time (RFC 7523 §3). It returns a RefusalError.
func (j *JWT) Check(e Expected, now time.Time) error {
	switch {
	case j.issuer != e.Issuer:
		return RefusalError("The iss of the client assertion is not what this client's has to be.")
	case j.subject != e.Subject:
		return RefusalError("The sub of the client assertion is not what this client's has to be.")
	case !slices.Equal(j.audience, []string{e.Audience}):
		return RefusalError("The aud of the client assertion has to be the issuer identifier of this server, and nothing else.")
	case j.array && !e.ArrayAudience:
		return RefusalError("The aud of the client assertion has to be a single string, not an array.")
	case j.expiresAt.IsZero():
		return RefusalError("The client assertion has no exp.")
	case !now.Before(j.expiresAt):
		return RefusalError("The client assertion has expired.")
	case e.Once && j.expiresAt.After(now.Add(MaxLifetime)):
		return RefusalError("The exp of the client assertion is too far ahead: an hour is the most.")
	case j.issuedAt.After(now.Add(Leeway)) || j.notBefore.After(now.Add(Leeway)):
		return RefusalError("The iat or nbf of the client assertion is in the future: compare the clocks.")
	case e.Once && j.id == "":
		return RefusalError("The client assertion has no jti.")
	}
	return nil
}
