package oauth_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

var _ = Describe("The parameter resource", func() {
	It("RFC 8707 §2: may be there several times, and counts once", func() {
		Expect(oauth.ParseResources([]string{"https://b", "urn:a", "https://b"})).To(Equal([]string{"https://b", "urn:a"}))
		Expect(oauth.ParseResources(nil)).To(BeEmpty())
	})

	DescribeTable("RFC 8707 §2: is invalid_target when it is", func(value string) {
		_, err := oauth.ParseResources([]string{"https://a", value})
		Expect(err).To(HaveField("Code", oauth.CodeInvalidTarget))
		Expect(err).To(HaveField("Description", Not(ContainSubstring("evil"))))
	},
		Entry("with a fragment", "https://evil#a"), Entry("with an empty fragment", "https://evil#"),
		Entry("relative", "/evil"), Entry("of another scheme's form", "//evil/x"), Entry("a word", "evil"),
		Entry("with a space", "https://evil x"), Entry("with a line break", "https://evil\r\n"),
		Entry("no ASCII", "https://evil/é"), Entry("with a NUL", "https://evil/\x00"), Entry("too long", "https://evil/"+strings.Repeat("a", 512)),
	)

	It("is bounded", func() {
		var many []string
		for i := range 33 {
			many = append(many, "urn:a:"+strconv.Itoa(i))
		}
		Expect(oauth.ParseResources(many[:32])).To(HaveLen(32))
		_, err := oauth.ParseResources(many)
		Expect(err).To(HaveField("Code", oauth.CodeInvalidTarget))
	})
})

// FuzzParseResources holds what is accepted to RFC 8707 §2.
func FuzzParseResources(f *testing.F) {
	for _, seed := range []string{"https://a.example.com/b?c=d", "urn:x", "//a", "https://a#", "a:b\nc", "http://[::1]:8/", "x:%zz"} {
		f.Add(seed, "urn:x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		resources, err := oauth.ParseResources([]string{a, b})
		if err != nil {
			return
		}
		for _, r := range resources {
			u, err := url.Parse(r)
			if err != nil || !u.IsAbs() || strings.ContainsAny(r, "# \r\n\t\x00\x7f") || len(r) > 512 {
				t.Fatalf("%q was accepted", r)
			}
		}
		if a == b && len(resources) != 1 {
			t.Fatalf("%q counts twice", a)
		}
	})
}
