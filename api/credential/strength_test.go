package credential_test

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/credential"
)

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

var _ = DescribeTable("A client secret from elsewhere is good", func(secret func() string) {
	const tries = 2000
	refused := 0
	for range tries {
		if credential.Check(secret()) != nil {
			refused++
		}
	}
	// An estimate that errs on the safe side may refuse one in a thousand of what is
	// just long enough.
	Expect(refused).To(BeNumerically("<=", tries/200))
},
	Entry("as the controller makes them", credential.NewSecret),
	Entry("of 128 bits in hexadecimal", func() string { return hex.EncodeToString(random(16)) }),
	Entry("of 256 bits in hexadecimal", func() string { return strings.ToUpper(hex.EncodeToString(random(32))) }),
	Entry("of 144 bits in base64", func() string { return base64.StdEncoding.EncodeToString(random(18)) }),
	Entry("of 256 bits in base32", func() string { return base32.StdEncoding.EncodeToString(random(32)) }),
	Entry("of 160 bits in lower-case base32", func() string {
		return strings.ToLower(base32.StdEncoding.EncodeToString(random(20)))
	}),
	Entry("of two UUIDs", func() string {
		h := hex.EncodeToString(random(32))
		return h[:8] + "-" + h[8:12] + "-" + h[12:32] + h[32:40] + "-" + h[40:]
	}),
	Entry("of three parts with dots, as of a token", func() string {
		return "sec.v1." + base64.RawURLEncoding.EncodeToString(random(24))
	}),
)

var _ = DescribeTable("A client secret from elsewhere is refused", func(value, because string) {
	err := credential.Check(value)
	Expect(err).To(MatchError(ContainSubstring(because)))
	if len(value) > 3 {
		Expect(err.Error()).NotTo(ContainSubstring(value))
	}
},
	Entry("that is empty", "", "empty"),
	Entry("that is longer than any", strings.Repeat("a", 1025), "1025 bytes"),
	Entry("with the line break of echo", hex.EncodeToString(random(32))+"\n", "line break"),
	Entry("with a tab", "\t"+hex.EncodeToString(random(32)), "printable"),
	Entry("with an umlaut", "ü"+hex.EncodeToString(random(32)), "printable"),
	Entry("that people type in", "hunter2", "guessed"),
	Entry("that satisfies the rules of an office", "Passw0rd!2026Passw0rd!", "guessed"),
	Entry("of words", "correct horse battery staple", "guessed"),
	Entry("of many words", "the client secret of the web application of our team, do not share", "guessed"),
	Entry("of words in another language", "das geheime kennwort der anwendung unserer abteilung", "guessed"),
	Entry("of one character", strings.Repeat("x", 1000), "guessed"),
	Entry("of a few, again and again", strings.Repeat("aB3$", 200), "guessed"),
	Entry("that counts", "0123456789abcdef0123456789abcdef", "guessed"),
	Entry("that goes through the alphabet", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ9876543210", "guessed"),
	Entry("of 112 bits in hexadecimal", hex.EncodeToString(random(14)), "guessed"),
	Entry("of a UUID, which has 122 bits", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "guessed"),
	Entry("of 112 bits in hexadecimal, in groups", "f47a-c10b-58cc-4372-a567-0e02-b2c3", "guessed"),
	Entry("of digits alone, 30 of them", "314159265358979323846264338327", "guessed"),
)
