package validation_test

import (
	"net/url"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/validation"
)

var _ = Describe("RedirectURI", func() {
	It("accepts what has one reading only", func() {
		uris, err := lines("accepted.txt")
		Expect(err).NotTo(HaveOccurred())
		Expect(len(uris)).To(BeNumerically(">", 30))
		for _, uri := range uris {
			Expect(validation.RedirectURI(uri)).To(Succeed(), uri)
		}
	})

	It("refuses what has not", func() {
		uris, err := lines("refused.txt")
		Expect(err).NotTo(HaveOccurred())
		Expect(len(uris)).To(BeNumerically(">", 130))
		for _, uri := range uris {
			Expect(validation.RedirectURI(uri)).NotTo(Succeed(), uri)
		}
	})

	DescribeTable("says what is wrong and what to do", func(uri, words string) {
		Expect(validation.RedirectURI(uri)).To(MatchError(ContainSubstring(words)))
	},
		Entry("nothing", "", "1 to 1024 characters"),
		Entry("too much", "https://a.example/"+strings.Repeat("x", 1024), "1 to 1024 characters"),
		Entry("a wildcard", "https://*.example.com/", "list each in full"),
		Entry("a fragment", "https://a.example/#x", "remove # and what follows"),
		Entry("a user", "https://u@a.example/", "remove what stands before the @"),
		Entry("http", "http://a.example/", "must be https://host/path"),
		Entry("a scheme without a dot", "myapp:/cb", "with a dot in it"),
		Entry("a space", "https://a.example/a b", "percent-encode"),
		Entry("dot segments", "https://a.example/../b", "write the path that is meant"),
		Entry("an encoded line break", "https://a.example/%0a", "remove %00 to %1F"),
		Entry("a parameter of the response", "https://a.example/?state=x", "remove code, state, iss"),
	)

	It("accepts 1024 characters and no more", func() {
		uri := "https://a.example/"
		uri += strings.Repeat("x", 1024-len(uri))
		Expect(validation.RedirectURI(uri)).To(Succeed())
		Expect(validation.RedirectURI(uri + "x")).NotTo(Succeed())
	})
})

// FuzzRedirectURI holds what the server relies on: a URI that is accepted is
// absolute, without fragment and userinfo, and net/url reads it as it stands.
func FuzzRedirectURI(f *testing.F) {
	for _, name := range []string{"accepted.txt", "refused.txt"} {
		uris, err := lines(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, uri := range uris {
			f.Add(uri)
		}
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if validation.RedirectURI(uri) != nil {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("accepted %q, which net/url cannot read: %v", uri, err)
		}
		local := u.Host == "" || u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
		switch {
		case !u.IsAbs() || u.Opaque != "":
			t.Errorf("accepted %q, which is not absolute", uri)
		case u.User != nil:
			t.Errorf("accepted %q, which has userinfo", uri)
		case u.Fragment != "" || strings.ContainsAny(uri, "#*\\ "):
			t.Errorf("accepted %q, which has a character that it must not have", uri)
		case strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' }):
			t.Errorf("accepted %q, which is not printable ASCII", uri)
		case u.Scheme != "https" && u.Scheme != "http" && !strings.Contains(u.Scheme, "."):
			t.Errorf("accepted %q, which has a scheme of its own meaning", uri)
		case u.Scheme == "http" && !local:
			t.Errorf("accepted %q, which is in the clear to another machine", uri)
		case (u.Scheme == "http" || u.Scheme == "https") && u.Host == "":
			t.Errorf("accepted %q, which has no host", uri)
		case u.Path != "" && u.JoinPath().Path != u.Path && !strings.Contains(u.Path, "//"):
			t.Errorf("accepted %q, whose path becomes another when it is cleaned: %q", uri, u.JoinPath().Path)
		case !strings.HasPrefix(uri, u.Scheme+":"):
			t.Errorf("accepted %q, whose scheme is read as %q", uri, u.Scheme)
		}
		for parameter := range strings.SplitSeq(u.RawQuery, "&") {
			name, _, _ := strings.Cut(parameter, "=")
			if name == "code" || name == "state" || name == "iss" || name == "error" {
				t.Errorf("accepted %q, which has a parameter of the response", uri)
			}
		}
	})
}

func BenchmarkRedirectURI(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := validation.RedirectURI("https://app.example.com/oauth2/callback?tenant=7"); err != nil {
			b.Fatal(err)
		}
	}
}
