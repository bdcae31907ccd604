// Package keys is the server's view of its keys: the ring that the controller
// keeps in a Secret (package api/keyring), compiled for use. It is the only
// place of the server that touches key material.
package keys

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"oauth-operator.dev/api/keyring"
)

// Set is the keys of one issuer at one moment. It does not change.
type Set struct {
	ring    keyring.Ring
	seals   map[string]cipher.AEAD
	signers map[string]signer
	public  []publicKey
}

type publicKey struct {
	notAfter time.Time
	jwk      jose.JSONWebKey
}

// Format keeps the key material out of whatever a Set is printed into.
func (*Set) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "keys.Set[redacted]") }

// Errors of a Set.
var (
	// ErrNoKey says that there is no key for the purpose.
	ErrNoKey = errors.New("keys: no key for this use")

	// ErrOpen says that a sealed value was not made by this issuer for this
	// purpose, or was changed, or that its key is gone.
	ErrOpen = errors.New("keys: cannot be opened")
)

// signing uses with their algorithms (RFC 7518 §3.1).
var signing = map[keyring.Use]jose.SignatureAlgorithm{
	keyring.UseSignES256: jose.ES256,
	keyring.UseSignRS256: jose.RS256,
}

// Compile prepares the keys of a ring for use. Keys of a use that is not known
// here are passed over, because a newer controller may have made them.
func Compile(ring keyring.Ring) (*Set, error) {
	s := &Set{ring: ring, seals: map[string]cipher.AEAD{}, signers: map[string]signer{}}
	seen := make(map[string]bool, len(ring.Keys))
	for i, k := range ring.Keys {
		if len(k.ID) != idLength || strings.Trim(k.ID, idCharacters) != "" || seen[k.ID] {
			return nil, fmt.Errorf("keys: key %d has an id that is not of %d characters of base32, or not its own", i, idLength)
		}
		seen[k.ID] = true
		if err := s.add(k); err != nil {
			return nil, fmt.Errorf("keys: key %s: %w", k.ID, err)
		}
	}
	return s, nil
}

// symmetricBytes is the size of a key that does not sign.
const symmetricBytes = 32

func (s *Set) add(k keyring.Key) error {
	switch k.Use {
	case keyring.UseSignES256, keyring.UseSignRS256:
		return s.addSigner(k, signing[k.Use])
	case keyring.UseCode, keyring.UseBrowser, keyring.UseRefresh, keyring.UsePairwise:
		if len(k.Material) != symmetricBytes {
			return fmt.Errorf("not of %d bytes", symmetricBytes)
		}
		if k.Use == keyring.UseRefresh || k.Use == keyring.UsePairwise {
			return nil
		}
		aead, err := newAEAD(k.Material)
		if err != nil {
			return err
		}
		s.seals[k.ID] = aead
	case keyring.UseVerifier: // theirs is another ring: Verifiers
	}
	return nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (s *Set) addSigner(k keyring.Key, alg jose.SignatureAlgorithm) error {
	private, err := x509.ParsePKCS8PrivateKey(k.Material)
	if err != nil {
		return errors.New("no PKCS #8 private key")
	}
	public, ok := private.(crypto.Signer)
	if !ok {
		return errors.New("no signing key")
	}
	jwk := jose.JSONWebKey{Key: public.Public(), KeyID: k.ID, Algorithm: string(alg), Use: "sig"}
	if !jwk.Valid() {
		return errors.New("not valid for its algorithm")
	}
	for _, typ := range types {
		signer, err := newSigner(private, alg, k.ID, typ)
		if err != nil {
			return err
		}
		s.signers[k.ID+" "+typ] = signer
	}
	s.public = append(s.public, publicKey{notAfter: k.NotAfter, jwk: jwk})
	return nil
}

// Values of the typ header of what is signed.
const (
	TypeAccessToken = "at+jwt" // RFC 9068 §2.1
	TypeIDToken     = "JWT"
	TypeUserinfo    = "userinfo+jwt" // so that it is never taken for an ID token (RFC 8725 §3.11)
	TypeLogoutToken = "logout+jwt"   // Back-Channel Logout §2.4

	TypeIntrospection = "token-introspection+jwt" // RFC 9701 §5
)

// types are those that signers are made for.
var types = []string{TypeAccessToken, TypeIDToken, TypeUserinfo, TypeLogoutToken, TypeIntrospection}

// Sign returns the compact JWS (RFC 7515 §7.1) of the payload under the active
// key of that use. It returns ErrNoKey if there is none.
func (s *Set) Sign(use keyring.Use, typ string, payload []byte, now time.Time) (string, error) {
	k, ok := s.ring.Active(use, now)
	if !ok {
		return "", ErrNoKey
	}
	signer, ok := s.signers[k.ID+" "+typ]
	if !ok {
		return "", ErrNoKey
	}
	token, err := signer.token(payload)
	if err != nil {
		return "", fmt.Errorf("keys: signing with %s: %w", k.ID, err)
	}
	return token, nil
}

// Public returns the public signing keys that others have to know now, as a JWK
// Set (RFC 7517 §5).
func (s *Set) Public(now time.Time) jose.JSONWebKeySet {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range s.public {
		if k.notAfter.IsZero() || now.Before(k.notAfter) {
			set.Keys = append(set.Keys, k.jwk)
		}
	}
	return set
}

// sealVersion is the first byte of everything that is sealed.
const sealVersion = 1

// idLength is the length of the id of a key in what is sealed, and idCharacters are
// those of its base32: each is written in a JOSE header as it is.
const (
	idLength     = 12
	idCharacters = "abcdefghijklmnopqrstuvwxyz234567"
)

// Seal encrypts and authenticates the JSON of v with AES-256-GCM under the
// active key of that use. The purpose is authenticated too: what was sealed for
// one cannot be opened for another.
func (s *Set) Seal(use keyring.Use, purpose string, v any, now time.Time) ([]byte, error) {
	k, ok := s.ring.Active(use, now)
	if !ok || len(k.ID) != idLength {
		return nil, ErrNoKey
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("keys: encoding what is to be sealed: %w", err)
	}
	head := append([]byte{sealVersion}, k.ID...)
	return s.seals[k.ID].Seal(head, nil, plain, additional(head, purpose)), nil
}

// Open reverses Seal. It returns ErrOpen for whatever it cannot open.
func (s *Set) Open(use keyring.Use, purpose string, sealed []byte, v any, now time.Time) error {
	if len(sealed) < 1+idLength || sealed[0] != sealVersion {
		return ErrOpen
	}
	head, box := sealed[:1+idLength], sealed[1+idLength:]
	k, ok := s.ring.Find(use, string(head[1:]), now)
	if !ok {
		return ErrOpen
	}
	plain, err := s.seals[k.ID].Open(nil, nil, box, additional(head, purpose))
	if err != nil {
		return ErrOpen
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return ErrOpen
	}
	return nil
}

func additional(head []byte, purpose string) []byte {
	return append(append(make([]byte, 0, len(head)+len(purpose)), head...), purpose...)
}

// MAC returns HMAC-SHA-256 of the message under the active key of that use, and
// the key's id.
func (s *Set) MAC(use keyring.Use, message []byte, now time.Time) (keyID string, sum []byte, err error) {
	k, ok := s.ring.Active(use, now)
	if !ok || len(k.ID) != idLength {
		return "", nil, ErrNoKey
	}
	return k.ID, hmacSHA256(k.Material, message), nil
}

// Pairwise returns HMAC-SHA-256 of the message under the issuer's key for
// pairwise subjects (OpenID Connect Core §8.1): always the same for the same
// message. It returns ErrNoKey if there is none.
func (s *Set) Pairwise(message []byte) ([]byte, error) {
	for _, k := range s.ring.Keys { // the oldest: there is one
		if k.Use == keyring.UsePairwise {
			return hmacSHA256(k.Material, message), nil
		}
	}
	return nil, ErrNoKey
}

// CheckMAC reports whether MAC made the sum for the message under the key of
// that id. It takes the same time wherever the difference is.
func (s *Set) CheckMAC(use keyring.Use, keyID string, message, sum []byte, now time.Time) bool {
	k, ok := s.ring.Find(use, keyID, now)
	return ok && hmac.Equal(sum, hmacSHA256(k.Material, message))
}

func hmacSHA256(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

// Current is the Set in use, which may be replaced at any time.
type Current struct {
	set atomic.Pointer[Set]
}

// Load returns the Set in use: never nil, but empty until the first Store.
func (c *Current) Load() *Set {
	if s := c.set.Load(); s != nil {
		return s
	}
	return &Set{}
}

// Store replaces the Set in use.
func (c *Current) Store(s *Set) { c.set.Store(s) }
