package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"oauth-operator.dev/server/oauth"
)

// checkVerifier compares the code_verifier with the challenge of the
// authorization request (RFC 7636 §4.6), in both directions: a challenge without
// a verifier is as wrong as a verifier without a challenge, which is what
// somebody has who took the challenge out of the authorization request
// (RFC 9700 §2.1.1).
func checkVerifier(challenge, verifier string, public bool) error {
	switch {
	case challenge == "" && public:
		// The authorization endpoint refuses such requests (RFC 9700 §2.1.1).
		return invalidGrant(badVerifier, "a public client's code without a code_challenge")
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		return invalidGrant(badVerifier, "code_verifier without code_challenge")
	case verifier == "":
		return invalidGrant(badVerifier, "code_challenge without code_verifier")
	case !validVerifier(verifier):
		return invalidGrant(badVerifier, "malformed code_verifier")
	}
	sum := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(computed), []byte(challenge)) != 1 {
		return invalidGrant(badVerifier, "wrong code_verifier")
	}
	return nil
}

const badVerifier = "The " + oauth.ParamCodeVerifier + " does not match the authorization request."

// validVerifier checks the grammar of RFC 7636 §4.1: 43 to 128 characters of
// ALPHA / DIGIT / "-" / "." / "_" / "~".
func validVerifier(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}
