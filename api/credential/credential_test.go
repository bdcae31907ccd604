package credential_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/credential"
)

var (
	key     = bytes.Repeat([]byte{7}, credential.KeyBytes)
	subject = credential.Subject{ClientUID: "uid-1", CredentialID: "cred-1"}
)

const secret = "the-secret"

var _ = Describe("NewSecret", func() {
	It("is 256 bits, in characters that need no encoding", func() {
		seen := map[string]bool{}
		for range 100 {
			s := credential.NewSecret()
			Expect(s).To(MatchRegexp(`^[A-Za-z0-9_-]{43}$`))
			Expect(seen).NotTo(HaveKey(s))
			seen[s] = true
		}
	})
})

var _ = Describe("NewID", func() {
	It("is good in a label", func() {
		Expect(credential.NewID()).To(MatchRegexp(`^[a-z2-7]{12}$`))
		Expect(credential.NewID()).NotTo(Equal(credential.NewID()))
	})
})

var _ = Describe("Verifier", func() {
	verifier := credential.Verifier("key-1", key, subject, secret)

	It("matches what it was made from, and says its key", func() {
		Expect(credential.Matches(verifier, key, subject, secret)).To(BeTrue())
		Expect(credential.KeyID(verifier)).To(Equal("key-1"))
		Expect(verifier).To(Equal(credential.Verifier("key-1", key, subject, secret)), "writing it again changes nothing")
	})

	It("keeps the form that is in statuses already", func() {
		Expect(verifier).To(Equal("v1.key-1.IBYDMfGzlVESSSTKZzNym-6YkTES3tR6qrEu6-ujvPo"))
	})

	It("says nothing of the secret and fits into the status", func() {
		Expect(verifier).NotTo(ContainSubstring(secret))
		long := credential.Verifier("abcdefghijkl", key, subject, strings.Repeat("x", 5000))
		Expect(len(long)).To(BeNumerically("<=", 128))
	})

	DescribeTable("does not match", func(verifier string, key []byte, subject credential.Subject, secret string) {
		Expect(credential.Matches(verifier, key, subject, secret)).To(BeFalse())
	},
		Entry("another secret", verifier, key, subject, "the-secreT"),
		Entry("no secret", verifier, key, subject, ""),
		Entry("more of a secret", verifier, key, subject, secret+"x"),
		Entry("another key", verifier, bytes.Repeat([]byte{8}, credential.KeyBytes), subject, secret),
		Entry("another client", verifier, key, credential.Subject{ClientUID: "uid-2", CredentialID: "cred-1"}, secret),
		Entry("another credential", verifier, key, credential.Subject{ClientUID: "uid-1", CredentialID: "cred-2"}, secret),
		Entry("fields that run together", verifier, key, credential.Subject{ClientUID: "uid-1c", CredentialID: "red-1"}, secret),
		Entry("a secret that has taken from the id", verifier, key, credential.Subject{ClientUID: "uid-1", CredentialID: "cred-"}, "1"+secret),
		Entry("nothing", "", key, subject, secret),
	)

	DescribeTable("is refused in another form", func(broken string) {
		_, err := credential.KeyID(broken)
		Expect(errors.Is(err, credential.ErrMalformed)).To(BeTrue())
		Expect(credential.Matches(broken, key, subject, secret)).To(BeFalse())
	},
		Entry("nothing", ""),
		Entry("another version", "v2"+verifier[2:]),
		Entry("no version", verifier[3:]),
		Entry("no key", "v1.."+verifier[len("v1.key-1."):]),
		Entry("a field more", verifier+".x"),
		Entry("a field less", "v1.key-1"),
		Entry("too short", verifier[:len(verifier)-1]),
		Entry("too long", verifier+"AAAA"),
		Entry("padded", verifier+"="),
		Entry("with a line break", verifier+"\n"),
		Entry("of the other alphabet", "v1.key-1."+base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 32))),
		Entry("with bits that say nothing", verifier[:len(verifier)-1]+string(rune(verifier[len(verifier)-1]+1))),
	)
})

// FuzzVerifier holds that what is read as a verifier was written by Verifier's
// rules, and that no form of it lets a secret in that it was not made from.
func FuzzVerifier(f *testing.F) {
	good := credential.Verifier("key-1", key, subject, secret)
	f.Add(good)
	f.Add(good + "\n")
	f.Add("v1.a." + strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, verifier string) {
		keyID, err := credential.KeyID(verifier)
		matches := credential.Matches(verifier, key, subject, secret)
		if err != nil && matches {
			t.Fatalf("%q matches and cannot be read", verifier)
		}
		if matches && verifier != credential.Verifier(keyID, key, subject, secret) {
			t.Fatalf("%q matches and is not what Verifier makes", verifier)
		}
		if err == nil && (keyID == "" || !strings.HasPrefix(verifier, "v1."+keyID+".")) {
			t.Fatalf("%q has the key %q", verifier, keyID)
		}
	})
}

func BenchmarkMatches(b *testing.B) {
	verifier := credential.Verifier("key-1", key, subject, secret)
	b.ReportAllocs()
	for b.Loop() {
		if !credential.Matches(verifier, key, subject, secret) {
			b.Fatal("does not match")
		}
	}
}
