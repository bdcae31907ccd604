package passwordhash_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/bcrypt"

	"oauth-operator.dev/api/passwordhash"
)

const (
	salt = "c29tZXNhbHRzb21lc2FsdA"
	tag  = "RdescudvJCsgt3ub+b3dWRWJTmaaJObGRdescudvJCs"
)

// argon2id makes a PHC string of those parameters; its tag belongs to nothing.
func argon2id(version, m, t, p, salt, tag string) string {
	return fmt.Sprintf("$argon2id$v=%s$m=%s,t=%s,p=%s$%s$%s", version, m, t, p, salt, tag)
}

func bcryptHash(password string, cost int) string {
	GinkgoHelper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	Expect(err).NotTo(HaveOccurred())
	return string(hash)
}

var _ = Describe("Parse", func() {
	DescribeTable("refuses, with a sentence that names the fault",
		func(encoded, fault string) {
			hash, err := passwordhash.Parse(encoded)
			Expect(err).To(MatchError(ContainSubstring(fault)))
			Expect(hash.Verify("")).To(BeFalse())
		},
		Entry("nothing", "", "neither"),
		Entry("a password", "correct horse battery staple", "neither"),
		Entry("another scheme", "$6$salt$digest", "neither"),
		Entry("argon2i", "$argon2i$v=19$m=19456,t=2,p=1$"+salt+"$"+tag, "neither"),
		Entry("a cut bcrypt hash", bcryptHash("x", bcrypt.MinCost)[:59], "neither"),
		Entry("a cheap bcrypt hash", bcryptHash("x", bcrypt.MinCost), "cost 4"),
		Entry("a dear bcrypt hash", "$2b$15$"+strings.Repeat("a", 53), "cost 15"),
		Entry("a bcrypt hash of an impossible cost", "$2b$99$"+strings.Repeat("a", 53), "cost"),
		Entry("no parameters", "$argon2id$v=19$"+salt+"$"+tag, "form"),
		Entry("another version", argon2id("16", "19456", "2", "1", salt, tag), "version 16"),
		Entry("64 GiB", argon2id("19", "67108864", "1", "1", salt, tag), "m=67108864"),
		Entry("more memory than 32 bits count", argon2id("19", "4294986752", "2", "1", salt, tag), "m=4294986752"),
		Entry("little memory", argon2id("19", "1024", "2", "1", salt, tag), "m=1024"),
		Entry("no passes", argon2id("19", "19456", "0", "1", salt, tag), "form"),
		Entry("many passes", argon2id("19", "19456", "17", "1", salt, tag), "t=17"),
		Entry("much of both", argon2id("19", "262144", "5", "1", salt, tag), "product"),
		Entry("no lanes", argon2id("19", "19456", "2", "0", salt, tag), "form"),
		Entry("lanes that would overflow", argon2id("19", "19456", "2", "257", salt, tag), "p=257"),
		Entry("a negative number", argon2id("19", "19456", "-2", "1", salt, tag), "form"),
		Entry("a short salt", argon2id("19", "19456", "2", "1", "c2FsdA", tag), "salt of 4 bytes"),
		Entry("a short tag", argon2id("19", "19456", "2", "1", salt, "c2FsdA"), "hash of 4 bytes"),
		Entry("padded base64", argon2id("19", "19456", "2", "1", salt+"==", tag), "form"),
		Entry("base64 with stray bits", argon2id("19", "19456", "2", "1", "c29tZXNhbHR", tag), "base64"),
	)

	It("says nothing of the value", func() {
		_, err := passwordhash.Parse("hunter2")
		Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
	})

	It("passes over a newline at the end of a file", func() {
		hash, err := passwordhash.Parse(bcryptHash("x", 10) + "\r\n")
		Expect(err).NotTo(HaveOccurred())
		Expect(hash.Verify("x")).To(BeTrue())
	})
})

var _ = Describe("Verify", func() {
	It("accepts the password that Generate hashed, and no other", func() {
		encoded, err := passwordhash.Generate("correct horse")
		Expect(err).NotTo(HaveOccurred())
		Expect(encoded).To(HavePrefix("$argon2id$v=19$m=19456,t=2,p=1$"))
		hash, err := passwordhash.Parse(encoded)
		Expect(err).NotTo(HaveOccurred())
		Expect(hash.Kind()).To(Equal(passwordhash.Argon2id))
		Expect(hash.Verify("correct horse")).To(BeTrue())
		Expect(hash.Verify("correct horsf")).To(BeFalse())
		Expect(hash.Verify("")).To(BeFalse())
	})

	It("makes each hash with a salt of its own", func() {
		a, err := passwordhash.Generate("x")
		Expect(err).NotTo(HaveOccurred())
		b, err := passwordhash.Generate("x")
		Expect(err).NotTo(HaveOccurred())
		Expect(a).NotTo(Equal(b))
	})

	It("refuses to hash the empty password", func() {
		_, err := passwordhash.Generate("")
		Expect(err).To(MatchError(ContainSubstring("empty")))
	})

	// The string is what the reference program `argon2` prints for
	// `echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1`.
	It("accepts what the reference implementation made", func() {
		hash, err := passwordhash.Parse("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
		Expect(err).NotTo(HaveOccurred())
		Expect(hash.Verify("password")).To(BeTrue())
		Expect(hash.Verify("Password")).To(BeFalse())
	})

	DescribeTable("accepts each version of bcrypt", func(version string) {
		hash, err := passwordhash.Parse("$" + version + bcryptHash("correct horse", 10)[3:])
		Expect(err).NotTo(HaveOccurred())
		Expect(hash.Kind()).To(Equal(passwordhash.Bcrypt))
		Expect(hash.Verify("correct horse")).To(BeTrue())
		Expect(hash.Verify("correct hors")).To(BeFalse())
	}, Entry(nil, "2a"), Entry(nil, "2b"), Entry(nil, "2y"))

	It("does not let bcrypt's terminator stand for a repeated password", func() {
		hash, err := passwordhash.Parse(bcryptHash("a", 10))
		Expect(err).NotTo(HaveOccurred())
		Expect(hash.Verify("a\x00a")).To(BeFalse())
	})

	It("does not print the hash", func() {
		encoded := bcryptHash("a", 10)
		hash, err := passwordhash.Parse(encoded)
		Expect(err).NotTo(HaveOccurred())
		for _, printed := range []string{hash.String(), fmt.Sprintf("%+v", hash), fmt.Sprintf("%#v", hash)} {
			Expect(printed).To(Equal("[bcrypt hash]"))
		}
	})
})

// FuzzParse looks for input that makes Parse panic, or accept parameters that
// would cost more than the bounds allow.
func FuzzParse(f *testing.F) {
	f.Add(argon2id("19", "19456", "2", "1", salt, tag))
	f.Add("$2b$10$" + strings.Repeat("a", 53))
	f.Fuzz(func(t *testing.T, encoded string) {
		hash, err := passwordhash.Parse(encoded)
		if err == nil && hash.Kind() == "" {
			t.Fatalf("accepted %q as no kind of hash", encoded)
		}
	})
}
