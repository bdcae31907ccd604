package keys

import (
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"

	"oauth-operator.dev/api/keyring"
)

// ErrVerify says that a token was not signed by this issuer for this use and
// type, or that the key that signed it is gone.
var ErrVerify = errors.New("keys: cannot be verified")

// Verify returns the payload of a compact JWS (RFC 7515 §7.1) that Sign made for
// the same use and typ. What the payload says, and until when, is for the
// caller to check.
//
// The algorithm is that of the use, whatever the token says of itself (RFC 8725
// §3.1), and the typ keeps one kind of token from being taken for another
// (RFC 8725 §3.11).
func (s *Set) Verify(use keyring.Use, typ, token string, now time.Time) ([]byte, error) {
	alg, ok := signing[use]
	if !ok {
		return nil, ErrNoKey
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil || len(jws.Signatures) != 1 {
		return nil, ErrVerify
	}
	header := jws.Signatures[0].Protected
	if header.ExtraHeaders[jose.HeaderType] != typ {
		return nil, ErrVerify
	}
	if _, ok := s.ring.Find(use, header.KeyID, now); !ok {
		return nil, ErrVerify
	}
	for _, k := range s.public {
		if k.jwk.KeyID == header.KeyID {
			payload, err := jws.Verify(k.jwk.Key)
			if err != nil {
				return nil, ErrVerify
			}
			return payload, nil
		}
	}
	return nil, ErrVerify
}
