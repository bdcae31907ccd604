package validation

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"oauth-operator.dev/api/v1alpha1"
)

// clientAssertions checks what verifies the assertions of a client with
// private_key_jwt, and that no other client has it.
func clientAssertions(c *v1alpha1.OAuthClient) []Problem {
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(field, v1alpha1.ReasonInvalid, format, args...))
	}
	jwks, uri, account, alg := c.Spec.JWKS, c.Spec.JWKSURI, c.Spec.ServiceAccountRef, c.Spec.TokenEndpointAuthSigningAlg
	sources := 0
	for _, there := range []bool{jwks != nil, uri != "", account != nil} {
		if there {
			sources++
		}
	}
	signs := c.EffectiveAuthMethod() == v1alpha1.AuthMethodPrivateKeyJWT
	switch {
	case signs && sources != 1:
		add("spec.tokenEndpointAuthMethod", "private_key_jwt needs exactly one of jwks, jwksURI and serviceAccountRef")
	case !signs && sources != 0:
		add("spec.tokenEndpointAuthMethod", "jwks, jwksURI and serviceAccountRef are for private_key_jwt: use that, or remove them")
	}
	if uri != "" && !document(uri) {
		add("spec.jwksURI", "%s must be an https URL with a host name and without a fragment", quote(uri))
	}
	if account != nil && !serviceAccountName(account.Name) {
		add("spec.serviceAccountRef.name", "%s is no name of a ServiceAccount", quote(account.Name))
	}
	if jwks == nil {
		switch {
		case alg != "" && uri == "":
			add("spec.tokenEndpointAuthSigningAlg", "it is the algorithm of assertions that keys of jwks or jwksURI verify: remove it")
		case alg != "" && !known(alg):
			add("spec.tokenEndpointAuthSigningAlg", "%s is not known: use RS256, PS256, ES256 or EdDSA", quote(string(alg)))
		}
		return problems
	}
	if n := len(jwks.Keys); n == 0 || n > maxKeys {
		add("spec.jwks.keys", "there must be 1 to %d keys", maxKeys)
		return problems
	}
	fits, ids := alg == "", map[string]bool{}
	for i := range jwks.Keys {
		k := &jwks.Keys[i]
		field := index("spec.jwks.keys", i)
		if _, err := PublicKey(k); err != nil {
			add(field, "%s", err.Error())
		}
		if k.KeyID != "" && ids[k.KeyID] {
			add(field, "another key has the same kid")
		}
		ids[k.KeyID] = true
		fits = fits || (slices.Contains(algorithmsOf[k.KeyType], alg) && (k.Algorithm == "" || k.Algorithm == alg))
	}
	if !fits {
		add("spec.tokenEndpointAuthSigningAlg", "no key of jwks is for %s", quote(string(alg)))
	}
	return problems
}

// Bounds of keys.
const (
	maxKeys    = 10
	maxKeyID   = 256
	minRSABits = 2048
	maxRSABits = 4096
)

// algorithmsOf are the algorithms that a type of key is for.
var algorithmsOf = map[string][]v1alpha1.AssertionAlgorithm{
	"RSA": {v1alpha1.AssertionRS256, v1alpha1.AssertionPS256},
	"EC":  {v1alpha1.AssertionES256},
	"OKP": {v1alpha1.AssertionEdDSA},
}

// known reports whether assertions can be signed with the algorithm.
func known(alg v1alpha1.AssertionAlgorithm) bool {
	for _, algorithms := range algorithmsOf {
		if slices.Contains(algorithms, alg) {
			return true
		}
	}
	return false
}

var errNoJWK = errors.New("this is no JWK")

// privateMembers are those of a private or a symmetric key (RFC 7518 §§6.2.2, 6.3.2,
// 6.4; RFC 8037 §2), and what the algorithms that are to come call theirs.
var privateMembers = []string{"d", "k", "p", "q", "dp", "dq", "qi", "oth", "priv"}

// ParseJWK reads a JWK (RFC 7517 §4) that somebody has published, with the rules
// of PublicKey, its kid and alg. Members that are not known are ignored; a JWK with
// those of a private key is refused, because everybody has it.
func ParseJWK(text []byte) (public crypto.PublicKey, kid, alg string, err error) {
	var members map[string]json.RawMessage // of which no two names are the same in another case
	var operations []string
	var jwk v1alpha1.JSONWebKey
	if json.Unmarshal(text, &members) != nil {
		return nil, "", "", errNoJWK
	}
	for name, to := range map[string]any{
		"kty": &jwk.KeyType, "kid": &jwk.KeyID, "use": &jwk.Use, "alg": &jwk.Algorithm, "crv": &jwk.Curve,
		"x": &jwk.X, "y": &jwk.Y, "n": &jwk.N, "e": &jwk.E, "key_ops": &operations,
	} {
		if value, there := members[name]; there && json.Unmarshal(value, to) != nil {
			return nil, "", "", errNoJWK
		}
	}
	switch {
	case slices.ContainsFunc(privateMembers, func(name string) bool { _, there := members[name]; return there }):
		return nil, "", "", errors.New("it has a private or a symmetric key")
	case len(jwk.KeyID) > maxKeyID:
		return nil, "", "", errors.New("its kid is longer than 256 characters")
	case operations != nil && !slices.Contains(operations, "verify"):
		return nil, "", "", errors.New("its key_ops do not have verify")
	}
	public, err = PublicKey(&jwk)
	return public, jwk.KeyID, string(jwk.Algorithm), err
}

// PublicKey returns the key that a JWK describes: an *rsa.PublicKey, an
// *ecdsa.PublicKey on P-256, or an ed25519.PublicKey. Its error is a sentence for
// the one who wrote the JWK.
func PublicKey(k *v1alpha1.JSONWebKey) (crypto.PublicKey, error) {
	algorithms, known := algorithmsOf[k.KeyType]
	switch {
	case !known:
		return nil, errors.New("kty must be RSA, EC or OKP")
	case k.Algorithm != "" && !slices.Contains(algorithms, k.Algorithm):
		return nil, errors.New("alg does not fit kty: RSA is for RS256 and PS256, EC for ES256, OKP for EdDSA")
	case k.Use != "" && k.Use != "sig":
		return nil, errors.New("use must be sig")
	}
	var numbers [4][]byte
	for i, encoded := range []string{k.X, k.Y, k.N, k.E} {
		number, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
		if err != nil {
			return nil, errors.New("x, y, n and e must be base64url without padding")
		}
		numbers[i] = number
	}
	x, y, n, e := numbers[0], numbers[1], numbers[2], numbers[3]
	switch k.KeyType {
	case "RSA":
		return rsaKey(n, e)
	case "EC":
		return ecKey(k.Curve, x, y)
	default:
		return edKey(k.Curve, x)
	}
}

func edKey(curve string, x []byte) (crypto.PublicKey, error) {
	if curve != "Ed25519" || len(x) != ed25519.PublicKeySize {
		return nil, errors.New("a key with kty OKP has crv Ed25519, and x of 32 bytes")
	}
	const sign = 0x80 // of the other coordinate, in the last byte (RFC 8032 §5.1.2)
	y := [ed25519.PublicKeySize]byte(x)
	y[len(y)-1] &^= sign
	if slices.Contains(smallOrder, hex.EncodeToString(y[:])) {
		return nil, errors.New("x of the key with kty OKP is a point of a small order: anybody could sign for it")
	}
	return ed25519.PublicKey(x), nil
}

// smallOrder are the coordinates of the points whose order divides 8, also where
// their encoding is not reduced.
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func rsaKey(n, e []byte) (crypto.PublicKey, error) {
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	switch bits := modulus.BitLen(); {
	case bits < minRSABits || bits > maxRSABits:
		return nil, errors.New("a key with kty RSA has a modulus n of 2048 to 4096 bits")
	case modulus.Bit(0) == 0:
		return nil, errors.New("the modulus n of a key with kty RSA is odd: this one is none")
	case exponent.BitLen() > 31 || exponent.BitLen() < 2 || exponent.Bit(0) == 0:
		return nil, errors.New("a key with kty RSA has an odd exponent e of at least 3: mostly AQAB")
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}

func ecKey(curve string, x, y []byte) (crypto.PublicKey, error) {
	const size = 32
	if curve != "P-256" || len(x) != size || len(y) != size {
		return nil, errors.New("a key with kty EC has crv P-256, and x and y of 32 bytes each")
	}
	point := append(append([]byte{4}, x...), y...) // SEC 1 §2.3.3, uncompressed
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, errors.New("x and y of the key are no point of the curve P-256")
	}
	return key, nil
}

// serviceAccountName reports whether s can be the name of a ServiceAccount. It has
// no colon, so none can pretend to be of another namespace.
func serviceAccountName(s string) bool { return len(validation.IsDNS1123Subdomain(s)) == 0 }
