package validation_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// smallOrder are the points of a small order on Ed25519, in each encoding that is
// decoded to one but for the sign: y = 0, 1, the two of order 8, -1, and 0 and 1 again.
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

var _ = Describe("a public key as a JWK", func() {
	It("is none that anybody can sign with: no point of a small order (RFC 8032 §5.1.7)", func() {
		forgery := make([]byte, ed25519.SignatureSize)
		forgery[0] = 1 // R is the neutral element, S is 0: nobody needs a private key for it
		for _, text := range smallOrder {
			for _, sign := range []byte{0, 0x80} {
				point, err := hex.DecodeString(text)
				Expect(err).NotTo(HaveOccurred())
				point[31] |= sign
				forged := 0
				for i := range 256 {
					if ed25519.Verify(point, []byte{byte(i)}, forgery) {
						forged++
					}
				}
				Expect(forged).To(BeNumerically(">", 0), "%s is none of them", text)
				_, err = validation.PublicKey(&v1alpha1.JSONWebKey{KeyType: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(point)})
				Expect(err).To(MatchError(ContainSubstring("small order")), text)
			}
		}
	})

	DescribeTable("is not read from a JWK with a part of a private key, which everybody has then", func(member string) {
		const public = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
		_, _, _, err := validation.ParseJWK([]byte(public + "}"))
		Expect(err).NotTo(HaveOccurred())
		for _, value := range []string{`"AAAA"`, `""`, "[]", "7"} {
			_, _, _, err = validation.ParseJWK([]byte(public + `,"` + member + `":` + value + "}"))
			Expect(err).To(MatchError(ContainSubstring("private")), value)
		}
	},
		Entry("d", "d"), Entry("k", "k"), Entry("p", "p"), Entry("q", "q"), Entry("dp", "dp"), Entry("dq", "dq"),
		Entry("qi", "qi"), Entry("oth", "oth"), Entry("priv", "priv"),
	)
})

// FuzzParseJWK reads anything as a JWK that somebody has published: what is taken is
// a public key for one of our signatures, and another reader of JWKs takes it for the
// same.
func FuzzParseJWK(f *testing.F) {
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","d":""}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`))
	f.Add([]byte(`{"kty":"RSA","e":"AQAB","use":"sig","alg":"PS256","key_ops":["verify"],"n":"` + strings.Repeat("_", 341) + `w"}`))
	f.Add([]byte(`{"kty":"RSA","e":"AQABAQAB","n":"` + strings.Repeat("_", 683) + `","p":"AQAB"}`))
	f.Add([]byte(`{"KTY":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a","Kid":"b","D":"AAAA"}`))
	f.Add([]byte(`{"kty":"oct","k":"AAAA","alg":"HS256"}`))
	f.Add([]byte(`{"kty":"OKP","crv":"X25519","x":"\r\nAA=="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		public, kid, alg, err := validation.ParseJWK(text)
		if err != nil {
			if public != nil {
				t.Fatalf("%q: a key with the error %v", text, err)
			}
			return
		}
		if n, ok := public.(*rsa.PublicKey); ok && (n.N.BitLen() < 2048 || n.N.BitLen() > 4096) {
			t.Errorf("%q: an RSA key of %d bits", text, n.N.BitLen())
		}
		// Of two members of one name the last counts, and the other reader takes none.
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		once, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		var other jose.JSONWebKey
		if err := json.Unmarshal(once, &other); err != nil {
			t.Fatalf("%q: was read, but %v", text, err)
		}
		same, ok := public.(interface{ Equal(crypto.PublicKey) bool })
		if !ok || !other.IsPublic() || !same.Equal(other.Key) || other.KeyID != kid || other.Algorithm != alg || other.Use == "enc" {
			t.Errorf("%q: read as %v, and by another as %v", text, public, other)
		}
	})
}
