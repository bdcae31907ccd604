package keys_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"k8s.io/client-go/rest"

	"oauth-operator.dev/server/assertion"
	"oauth-operator.dev/server/keys"
)

// answering is an API server that has two documents.
type answering struct{ issuer, keys []byte }

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	document := a.issuer
	if strings.HasSuffix(r.URL.Path, "/jwks") {
		document = a.keys
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(document)), ContentLength: int64(len(document)), Request: r,
	}, nil
}

// accounts returns what is read from such an API server.
func (a answering) accounts(t testing.TB) (issuer string, trusted []assertion.Key, err error) {
	t.Helper()
	known, err := keys.NewServiceAccounts(&rest.Config{Host: "https://api.example", QPS: -1}, &http.Client{Transport: a}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return known.Issuer(t.Context(), false)
}

// signedBy is a key of the cluster, and a token that is signed with it.
const (
	signedByJWK = `{"kty":"EC","crv":"P-256","kid":"own","use":"sig","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	signedByD   = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI" // RFC 7515 Appendix A.3
)

func signedBy(t testing.TB) string {
	t.Helper()
	var key jose.JSONWebKey
	if err := json.Unmarshal([]byte(strings.TrimSuffix(signedByJWK, "}")+`,"d":"`+signedByD+`"}`), &key); err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign([]byte(`{"iss":"https://kubernetes.default.svc","sub":"system:serviceaccount:team:web"}`))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// FuzzServiceAccounts has the API server publish anything as its issuer and its
// keys, alone and beside a key that is good. What is read has an issuer, public keys
// that another reader of the same JWK Set finds there too, and none of these verifies
// a token that was signed with another; and no key beside it takes the good one away
// (RFC 7517 §5).
func FuzzServiceAccounts(f *testing.F) {
	const issuer = `{"issuer":"https://kubernetes.default.svc","jwks_uri":"https://evil.example/jwks"}`
	f.Add([]byte(issuer), []byte(signedByJWK))
	f.Add([]byte(`{"issuer":""}`), []byte(`{"kty":"oct","kid":"own","k":"AAAA"}`))
	f.Add([]byte(`{"issuer":["a"]}`), []byte(`{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}`))
	f.Add([]byte(`[]`), []byte(`{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`))
	f.Add([]byte(`{"issuer":"a"}`), []byte(`{"kty":"EC","crv":"P-384","x":"AAAA","y":"AA","d":null}`))
	f.Add([]byte(`{"issuer":"a","Issuer":"b"}`), []byte(`{"kty":"RSA","e":"AQAB","n":"AA","use":"enc"}`))
	f.Add([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","code":403}`), []byte(strings.Repeat("[", 1000)))
	jwt, err := assertion.Parse(signedBy(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, about, jwk []byte) {
		for _, set := range [][]byte{jwk, []byte(`{"keys":` + string(jwk) + `}`), []byte(`{"keys":[` + string(jwk) + `]}`)} {
			name, trusted, err := answering{about, set}.accounts(t)
			if err != nil {
				continue
			}
			if name == "" {
				t.Errorf("%q is no issuer", about)
			}
			agree(t, set, trusted)
			if jwt.Verify(trusted) == nil && !bytes.Contains(set, []byte(`x_FEzRu9m36HLN`)) && !bytes.Contains(set, []byte(`\u`)) {
				t.Errorf("%q verified a token that was signed with another key", set)
			}
		}
		if _, err := json.Marshal(json.RawMessage(jwk)); err != nil || bytes.Contains(jwk, []byte("own")) {
			return
		}
		_, trusted, err := answering{[]byte(issuer), []byte(`{"keys":[` + string(jwk) + `,` + signedByJWK + `]}`)}.accounts(t)
		if err != nil {
			t.Fatalf("beside %q no key is read: %v", jwk, err)
		}
		if err := jwt.Verify(trusted); err != nil {
			t.Errorf("beside %q the good key is not used: %v", jwk, err)
		}
	})
}

// agree compares the keys with what go-jose reads of the set, one JWK at a time.
func agree(t *testing.T, set []byte, trusted []assertion.Key) {
	t.Helper()
	var published struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(set, &published); err != nil {
		t.Fatalf("%q was read, and is no JWK Set: %v", set, err)
	}
	for _, key := range trusted {
		found := false
		for _, text := range published.Keys {
			var jwk jose.JSONWebKey
			if json.Unmarshal(text, &jwk) != nil || !jwk.Valid() || !jwk.IsPublic() || jwk.Use == "enc" || jwk.KeyID != key.ID || jwk.Algorithm != key.Alg {
				continue
			}
			if public, ok := jwk.Key.(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(key.Public) {
				found = true
			}
		}
		if !found {
			t.Errorf("%q: the key %+v is not there", set, key)
		}
	}
}
