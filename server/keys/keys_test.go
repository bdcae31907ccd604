package keys_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/keys"
)

var _ = Describe("the keys of an issuer", Ordered, func() {
	// Making RSA keys takes its time, so the specs share a ring and the one that
	// follows it a day later.
	var (
		ring, next keyring.Ring
		set        *keys.Set
		takeover   = start.Add(day) // when the second keys take over from the first
	)
	BeforeAll(func() {
		ring = rotate(keyring.Ring{}, start)
		next = rotate(ring, takeover.Add(-time.Hour))
		set = compile(ring)
	})

	Describe("sealing", func() {
		It("gives back what was sealed", func() {
			sealed, err := set.Seal(keyring.UseCode, "purpose", map[string]int{"a": 1}, start)
			Expect(err).NotTo(HaveOccurred())
			Expect(sealed[0]).To(Equal(byte(1)), "the version")
			Expect(string(sealed[1:13])).To(Equal(active(ring, keyring.UseCode, start)))
			var got map[string]int
			Expect(set.Open(keyring.UseCode, "purpose", sealed, &got, start)).To(Succeed())
			Expect(got).To(Equal(map[string]int{"a": 1}))
		})

		It("opens for the same use and purpose alone, with no bit changed", func() {
			sealed, err := set.Seal(keyring.UseCode, "purpose", "secret", start)
			Expect(err).NotTo(HaveOccurred())
			var got string
			Expect(set.Open(keyring.UseBrowser, "purpose", sealed, &got, start)).To(MatchError(keys.ErrOpen))
			Expect(set.Open(keyring.UseRefresh, "purpose", sealed, &got, start)).To(MatchError(keys.ErrOpen))
			Expect(set.Open(keyring.UseCode, "purpose ", sealed, &got, start)).To(MatchError(keys.ErrOpen))
			Expect(set.Open(keyring.UseCode, "", sealed, &got, start)).To(MatchError(keys.ErrOpen))
			for i := range len(sealed) * 8 {
				changed := bytes.Clone(sealed)
				changed[i/8] ^= 1 << (i % 8)
				Expect(set.Open(keyring.UseCode, "purpose", changed, &got, start)).To(MatchError(keys.ErrOpen))
			}
			for n := range len(sealed) {
				Expect(set.Open(keyring.UseCode, "purpose", sealed[:n], &got, start)).To(MatchError(keys.ErrOpen))
			}
			Expect(got).To(BeEmpty())
		})

		It("does not open into what it is not", func() {
			sealed, err := set.Seal(keyring.UseCode, "purpose", "text", start)
			Expect(err).NotTo(HaveOccurred())
			var number int
			Expect(set.Open(keyring.UseCode, "purpose", sealed, &number, start)).To(MatchError(keys.ErrOpen))
		})
	})

	Describe("authenticating", func() {
		It("accepts its own sum for the same use and message alone", func() {
			message := []byte("message")
			id, sum, err := set.MAC(keyring.UseRefresh, message, start)
			Expect(err).NotTo(HaveOccurred())
			Expect(id).To(Equal(active(ring, keyring.UseRefresh, start)))
			Expect(set.CheckMAC(keyring.UseRefresh, id, message, sum, start)).To(BeTrue())
			Expect(set.CheckMAC(keyring.UseRefresh, id, []byte("massage"), sum, start)).To(BeFalse())
			Expect(set.CheckMAC(keyring.UseRefresh, id, message, sum[:31], start)).To(BeFalse())
			Expect(set.CheckMAC(keyring.UseRefresh, id, message, nil, start)).To(BeFalse())
			Expect(set.CheckMAC(keyring.UseRefresh, "", message, sum, start)).To(BeFalse())
			Expect(set.CheckMAC(keyring.UseCode, id, message, sum, start)).To(BeFalse())
			Expect(set.CheckMAC(keyring.UseVerifier, id, message, sum, start)).To(BeFalse())
		})
	})

	Describe("signing", func() {
		DescribeTable("makes what others can verify with the public key",
			func(use keyring.Use, alg jose.SignatureAlgorithm, typ string) {
				token, err := set.Sign(use, typ, []byte(`{"sub":"alice"}`), start)
				Expect(err).NotTo(HaveOccurred())
				jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
				Expect(err).NotTo(HaveOccurred())
				header := jws.Signatures[0].Protected
				Expect(header.KeyID).To(Equal(active(ring, use, start)))
				Expect(header.ExtraHeaders).To(HaveKeyWithValue(jose.HeaderKey("typ"), typ))
				public := set.Public(start)
				jwk := public.Key(header.KeyID)
				Expect(jwk).To(HaveLen(1))
				Expect(jws.Verify(jwk[0].Key)).To(BeEquivalentTo(`{"sub":"alice"}`))
				Expect(set.Verify(use, typ, token, start)).To(BeEquivalentTo(`{"sub":"alice"}`))
			},
			Entry("access tokens", keyring.UseSignES256, jose.ES256, keys.TypeAccessToken),
			Entry("ID tokens", keyring.UseSignRS256, jose.RS256, keys.TypeIDToken),
			Entry("ID tokens with ES256", keyring.UseSignES256, jose.ES256, keys.TypeIDToken),
		)

		It("is not verified as of another use or typ, or with a bit changed", func() {
			token, err := set.Sign(keyring.UseSignES256, keys.TypeAccessToken, []byte(`{}`), start)
			Expect(err).NotTo(HaveOccurred())
			Expect(set.Verify(keyring.UseSignRS256, keys.TypeAccessToken, token, start)).Error().To(MatchError(keys.ErrVerify))
			Expect(set.Verify(keyring.UseSignES256, keys.TypeIDToken, token, start)).Error().To(MatchError(keys.ErrVerify))
			changed := []byte(token)
			changed[len(changed)/2] ^= 1
			Expect(set.Verify(keyring.UseSignES256, keys.TypeAccessToken, string(changed), start)).Error().To(HaveOccurred())
		})

		It("has no other typ, and no other key", func() {
			Expect(set.Sign(keyring.UseSignES256, "secevent+jwt", []byte(`{}`), start)).Error().To(MatchError(keys.ErrNoKey))
			Expect(set.Sign(keyring.UseCode, keys.TypeIDToken, []byte(`{}`), start)).Error().To(MatchError(keys.ErrNoKey))
		})

		It("publishes public keys alone, each with its own kid", func() {
			public := set.Public(start)
			Expect(public.Keys).To(HaveLen(2))
			Expect(public.Keys).To(HaveEach(And(HaveField("IsPublic()", true), HaveField("Use", "sig"))))
			Expect(public.Keys[0].KeyID).NotTo(Equal(public.Keys[1].KeyID))
			text, err := json.Marshal(public)
			Expect(err).NotTo(HaveOccurred())
			var document struct {
				Keys []map[string]any `json:"keys"`
			}
			Expect(json.Unmarshal(text, &document)).To(Succeed())
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} { // RFC 7518 §6
				Expect(document.Keys).To(HaveEach(Not(HaveKey(private))))
			}
		})
	})

	Describe("rotation", func() {
		It("publishes the successor before it signs", func() {
			early := takeover.Add(-time.Hour)
			Expect(compile(next).Public(early).Keys).To(HaveLen(4))
			Expect(active(next, keyring.UseSignES256, takeover.Add(-time.Second))).To(Equal(active(ring, keyring.UseSignES256, start)))
		})

		It("takes the successor by the clock, and keeps the first until its work has expired", func() {
			successor := compile(next)
			before, err := successor.Sign(keyring.UseSignES256, keys.TypeAccessToken, []byte(`{}`), takeover.Add(-time.Second))
			Expect(err).NotTo(HaveOccurred())
			after, err := successor.Sign(keyring.UseSignES256, keys.TypeAccessToken, []byte(`{}`), takeover)
			Expect(err).NotTo(HaveOccurred())
			Expect(kid(before)).To(Equal(active(ring, keyring.UseSignES256, start)))
			Expect(kid(after)).NotTo(Equal(kid(before)))

			end := takeover.Add(day)
			Expect(successor.Verify(keyring.UseSignES256, keys.TypeAccessToken, before, end.Add(-time.Second))).Error().NotTo(HaveOccurred())
			Expect(published(successor, before, end.Add(-time.Second))).To(BeTrue())
			Expect(successor.Verify(keyring.UseSignES256, keys.TypeAccessToken, before, end)).Error().To(MatchError(keys.ErrVerify))
			Expect(published(successor, before, end)).To(BeFalse())
			Expect(successor.Verify(keyring.UseSignES256, keys.TypeAccessToken, after, end)).Error().NotTo(HaveOccurred())
		})

		It("opens what the first key has sealed until that is dropped", func() {
			sealed, err := set.Seal(keyring.UseCode, "purpose", "secret", start)
			Expect(err).NotTo(HaveOccurred())
			var got string
			end := takeover.Add(day)
			Expect(compile(next).Open(keyring.UseCode, "purpose", sealed, &got, end.Add(-time.Second))).To(Succeed())
			Expect(compile(next).Open(keyring.UseCode, "purpose", sealed, &got, end)).To(MatchError(keys.ErrOpen))
			Expect(compile(rotate(next, end)).Open(keyring.UseCode, "purpose", sealed, &got, start)).To(MatchError(keys.ErrOpen))
		})

		It("takes the first key where the clock here is behind", func() {
			early := start.Add(-time.Second)
			sealed, err := set.Seal(keyring.UseCode, "purpose", "secret", early)
			Expect(err).NotTo(HaveOccurred())
			var got string
			Expect(set.Open(keyring.UseCode, "purpose", sealed, &got, start)).To(Succeed())
		})
	})

	DescribeTable("a ring that is damaged is refused, and its keys are not told",
		func(use keyring.Use, damage func(*keyring.Key)) {
			damaged := keyring.Ring{Keys: slices.Clone(ring.Keys)}
			i := slices.IndexFunc(damaged.Keys, func(k keyring.Key) bool { return k.Use == use })
			damage(&damaged.Keys[i])
			_, err := keys.Compile(damaged)
			Expect(err).To(HaveOccurred())
			Expect(err.Error()).NotTo(ContainSubstring("damaged material"))
		},
		Entry("a seal of another size", keyring.UseCode, func(k *keyring.Key) { k.Material = k.Material[:16] }),
		Entry("a MAC key of another size", keyring.UseRefresh, func(k *keyring.Key) { k.Material = k.Material[:1] }),
		Entry("a signing key that is none", keyring.UseSignES256, func(k *keyring.Key) { k.Material = []byte("damaged material") }),
		Entry("a signing key of another algorithm", keyring.UseSignES256, func(k *keyring.Key) { k.Use = keyring.UseSignRS256 }),
		Entry("an RSA key for ECDSA", keyring.UseSignRS256, func(k *keyring.Key) { k.Use = keyring.UseSignES256 }),
		Entry("an id of another length", keyring.UseCode, func(k *keyring.Key) { k.ID = "short" }),
		Entry("an id that another key has", keyring.UseCode, func(k *keyring.Key) { k.ID = active(ring, keyring.UseRefresh, start) }),
	)

	It("passes over keys of a use that it does not know", func() {
		newer := keyring.Ring{Keys: append(slices.Clone(ring.Keys), keyring.Key{
			ID: "abcdefghijkl", Use: "sign-of-the-future", NotBefore: start, Material: []byte{1},
		})}
		Expect(compile(newer).Public(start)).To(Equal(set.Public(start)))
	})
})

// published reports whether others can find the key that signed the token.
func published(set *keys.Set, token string, now time.Time) bool {
	public := set.Public(now)
	return len(public.Key(kid(token))) == 1
}

func kid(token string) string {
	GinkgoHelper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	Expect(err).NotTo(HaveOccurred())
	return jws.Signatures[0].Protected.KeyID
}

var _ = Describe("an issuer without keys", func() {
	It("makes nothing, opens nothing, publishes nothing and does not break", func() {
		var current keys.Current
		set := current.Load()
		Expect(set.Sign(keyring.UseSignES256, keys.TypeAccessToken, []byte(`{}`), start)).Error().To(MatchError(keys.ErrNoKey))
		Expect(set.Seal(keyring.UseCode, "purpose", "secret", start)).Error().To(MatchError(keys.ErrNoKey))
		_, _, err := set.MAC(keyring.UseRefresh, nil, start)
		Expect(err).To(MatchError(keys.ErrNoKey))
		Expect(set.CheckMAC(keyring.UseRefresh, "", nil, nil, start)).To(BeFalse())
		Expect(set.Open(keyring.UseCode, "purpose", append([]byte{1}, make([]byte, 60)...), nil, start)).To(MatchError(keys.ErrOpen))
		Expect(set.Verify(keyring.UseSignES256, keys.TypeAccessToken, "a.b.c", start)).Error().To(MatchError(keys.ErrVerify))
		Expect(json.Marshal(set.Public(start))).To(MatchJSON(`{"keys":[]}`))
		var verifiers keys.Verifiers
		_, ok := verifiers.VerifierKey("", start)
		Expect(ok).To(BeFalse())
	})

	It("has those that were stored last", func() {
		var current keys.Current
		one := compile(keyring.Ring{})
		current.Store(one)
		Expect(current.Load()).To(BeIdenticalTo(one))
	})
})
