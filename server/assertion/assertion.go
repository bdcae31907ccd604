// Package assertion reads and verifies JWTs by which clients authenticate
// (RFC 7521 §4.2, RFC 7523 §3): functions of bytes, keys and a time, without
// clock, network and memory. It is a leaf.
//
// What a JWT says about how it is to be verified is believed in one thing only:
// which of the keys that are already trusted it names.
package assertion

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// TypeJWTBearer is the client_assertion_type of RFC 7523 §2.2.
const TypeJWTBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Bounds of what is read.
const (
	// MaxBytes is how long an assertion may be. It is checked before anything is
	// decoded.
	MaxBytes = 8 << 10

	maxDepth = 8   // of nesting in header and claims
	maxText  = 512 // bytes of kid, jti, iss and sub
)

// Errors of Parse and Verify: what nobody has signed learns no more than that it
// is not accepted.
var (
	ErrSize      = errors.New("assertion: longer than is read")
	ErrEncrypted = errors.New("assertion: encrypted, or not a compact JWS of three parts")
	ErrMalformed = errors.New("assertion: malformed")
	ErrHeader    = errors.New("assertion: the header has a parameter that is not accepted")
	ErrAlgorithm = errors.New("assertion: an algorithm that is not accepted")
	ErrKey       = errors.New("assertion: none of the keys fits its algorithm and kid")
	ErrSignature = errors.New("assertion: the signature does not verify")
)

// JWT is an assertion that was read. Until Verify has returned nil, nothing it
// says is true.
type JWT struct {
	raw   string
	alg   string
	keyID string

	issuer    string
	subject   string
	audience  []string
	array     bool // aud was an array
	id        string
	expiresAt time.Time // zero for none; so are the others
	issuedAt  time.Time
	notBefore time.Time
}

// Subject returns the sub that the assertion claims.
func (j *JWT) Subject() string { return j.subject }

// ID returns the jti that the assertion claims.
func (j *JWT) ID() string { return j.id }

// ExpiresAt returns the exp that the assertion claims.
func (j *JWT) ExpiresAt() time.Time { return j.expiresAt }

// Parse reads a compact JWS (RFC 7515 §7.1) whose payload is a JWT claims set. It
// refuses what would be read in one way here and in another elsewhere: spaces,
// padding, names that are there twice, text that is no UTF-8.
func Parse(raw string) (*JWT, error) {
	if len(raw) > MaxBytes {
		return nil, ErrSize
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 { // five are a JWE: nothing is ever decrypted or inflated
		return nil, ErrEncrypted
	}
	header, err := part(parts[0])
	if err != nil {
		return nil, err
	}
	claims, err := part(parts[1])
	if err != nil {
		return nil, err
	}
	if _, err := decode(parts[2]); err != nil {
		return nil, err
	}
	j := &JWT{raw: raw}
	if err := j.readHeader(header); err != nil {
		return nil, err
	}
	return j, j.readClaims(claims)
}

// part decodes one part that holds a JSON object.
func part(encoded string) (members, error) {
	text, err := decode(encoded)
	if err != nil {
		return nil, err
	}
	return object(text)
}

// decode reads base64url as RFC 7515 §2 has it: each text in one form only.
func decode(encoded string) ([]byte, error) {
	if strings.ContainsAny(encoded, "\r\n") { // which package base64 skips
		return nil, ErrMalformed
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, ErrMalformed
	}
	return text, nil
}

// refused are header parameters that bring a key or say where one is, or change
// what is signed (RFC 7515 §§4.1.2, 4.1.3, 4.1.5, 4.1.6, 4.1.11; RFC 7797 §3; RFC
// 7516 §4.1). The key is only ever one that was registered.
var refused = []string{"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk"}

func (j *JWT) readHeader(header members) error {
	for _, name := range refused {
		if _, there := header[name]; there {
			return ErrHeader
		}
	}
	var typ string
	for name, to := range map[string]*string{"alg": &j.alg, "kid": &j.keyID, "typ": &typ} {
		if err := header.text(name, to); err != nil {
			return err
		}
	}
	if _, known := algorithms[j.alg]; !known { // RFC 8725 §3.1: a list of our own
		return ErrAlgorithm
	}
	// RFC 8725 §3.11: a token of another kind is no assertion.
	switch strings.ToLower(typ) {
	case "", "jwt", "client-authentication+jwt":
		return nil
	}
	return ErrHeader
}

func (j *JWT) readClaims(claims members) error {
	for name, to := range map[string]*string{"iss": &j.issuer, "sub": &j.subject, "jti": &j.id} {
		if err := claims.text(name, to); err != nil {
			return err
		}
	}
	for name, to := range map[string]*time.Time{"exp": &j.expiresAt, "iat": &j.issuedAt, "nbf": &j.notBefore} {
		if err := claims.date(name, to); err != nil {
			return err
		}
	}
	raw, there := claims["aud"]
	if !there {
		return nil
	}
	if raw[0] != '[' {
		j.audience = make([]string, 1)
		return claims.text("aud", &j.audience[0])
	}
	j.array = true
	if json.Unmarshal(raw, &j.audience) != nil {
		return ErrMalformed
	}
	return nil
}
