package credential_test

import (
	"strings"
	"testing"

	"oauth-operator.dev/api/credential"
)

// FuzzCheck brings anything as a client secret: what is accepted can be sent (RFC 6749
// Appendix A.2), and has no more bits than characters can hold; what is said of the
// others repeats nothing of them.
func FuzzCheck(f *testing.F) {
	for _, value := range []string{
		"", "secret", strings.Repeat("a", 1025), strings.Repeat("ab", 64), "correct horse battery staple correct horse battery staple",
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk\n", "\x00\xff\u202e",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		err := credential.Check(value)
		bits := credential.Bits(value)
		if bits < 0 || float64(bits) > 8*float64(len(value)) {
			t.Errorf("%q has %d bits", value, bits)
		}
		if err == nil {
			if bits < credential.MinSecretBits || len(value) < credential.MinSecretBits/8 || len(value) > credential.MaxSecretBytes ||
				strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q is a client secret", value)
			}
			return
		}
		if len(value) > 16 && strings.Contains(err.Error(), value) {
			t.Errorf("%v repeats %q", err, value)
		}
	})
}
