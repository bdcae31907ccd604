package assertion_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/assertion"
)

func TestAssertion(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "server/assertion")
}

const server = "https://auth.example.com/main"

var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// keys of one client, and one of somebody else. They are made once.
var (
	rsaKey     = must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey      = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	foreignKey = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	edPub, ed  = edKey()
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func edKey() (ed25519.PublicKey, ed25519.PrivateKey) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return public, private
}

// registered are the keys that the client has.
func registered() []assertion.Key {
	return []assertion.Key{{ID: "rsa", Public: rsaKey.Public()}, {ID: "ec", Public: ecKey.Public()}, {ID: "ed", Public: edPub}}
}

type object = map[string]any

// good are the claims of a good assertion, with changes. A nil takes a claim out.
func good(changes object) object {
	claims := object{
		"iss": "team.web", "sub": "team.web", "aud": server, "jti": "an-id",
		"exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "nbf": now.Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func encode(v any) string {
	text, ok := v.(string)
	if !ok {
		text = string(must(json.Marshal(v)))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// sign makes an assertion of any header and claims: as they stand, if they are
// texts.
func sign(key, header, claims any) string {
	input := encode(header) + "." + encode(claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(signature(key, header, []byte(input)))
}

func signature(key, header any, input []byte) []byte {
	digest := sha256.Sum256(input)
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if h, ok := header.(object); ok && h["alg"] == "PS256" {
			return must(rsa.SignPSS(rand.Reader, k, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 32}))
		}
		return must(rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest[:]))
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, digest[:])
		if err != nil {
			panic(err)
		}
		both := make([]byte, 64)
		r.FillBytes(both[:32])
		s.FillBytes(both[32:])
		return both
	case ed25519.PrivateKey:
		return ed25519.Sign(k, input)
	case []byte:
		mac := hmac.New(sha256.New, k)
		mac.Write(input)
		return mac.Sum(nil)
	default:
		return nil
	}
}

// judge does with an assertion what the server does.
func judge(raw string, keys []assertion.Key) error {
	jwt, err := assertion.Parse(raw)
	if err != nil {
		return err
	}
	if err := jwt.Verify(keys); err != nil {
		return err
	}
	return jwt.Check(assertion.Expected{Issuer: "team.web", Subject: "team.web", Audience: server, Once: true}, now)
}

// jwkOf is a public key as a client library would embed it.
func jwkOf(key crypto.PublicKey) json.RawMessage {
	return must(jose.JSONWebKey{Key: key}.MarshalJSON())
}
