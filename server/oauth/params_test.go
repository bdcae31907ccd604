package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing/iotest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

// codeOf returns the code of an *oauth.Error.
func codeOf(err error) oauth.Code {
	GinkgoHelper()
	var e *oauth.Error
	Expect(errors.As(err, &e)).To(BeTrue(), "%v", err)
	return e.Code
}

func form(mediaType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/token?a=query", strings.NewReader(body))
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	return r
}

const formType = "application/x-www-form-urlencoded"

var _ = Describe("Parameters", func() {
	It("RFC 6749 Appendix B: are UTF-8 in the form encoding", func() {
		p, err := oauth.ParseQuery("a=+%25%26%2B%C2%A3%E2%82%AC&%C3%A9=1&b=a=b")
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Get("a")).To(Equal(" %&+£€"))
		Expect(p.Get("é")).To(Equal("1"))
		Expect(p.Get("b")).To(Equal("a=b"))
		Expect(p.Encode()).To(Equal("a=+%25%26%2B%C2%A3%E2%82%AC&b=a%3Db&%C3%A9=1"))
	})

	It("RFC 6749 §3.1: without a value they count as omitted", func() {
		p, err := oauth.ParseQuery("a=&b&=c&&d=1&a=&d=")
		Expect(err).NotTo(HaveOccurred())
		for _, name := range []string{"a", "b", "", "x"} {
			Expect(p.Has(name)).To(BeFalse(), name)
			Expect(p.Get(name)).To(BeEmpty(), name)
			Expect(p.All(name)).To(BeEmpty(), name)
		}
		Expect(p.Get("d")).To(Equal("1"))
		Expect(p.OnlyOnce()).To(Succeed())
	})

	It("RFC 6749 §3.1: must not be sent twice, but for those that may", func() {
		p, err := oauth.ParseQuery("resource=1&a=1&resource=2")
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Repeated("resource")).To(BeTrue())
		Expect(p.Repeated("a")).To(BeFalse())
		Expect(p.All("resource")).To(Equal([]string{"1", "2"}))
		Expect(p.OnlyOnce("resource")).To(Succeed())
		Expect(codeOf(p.OnlyOnce())).To(Equal(oauth.CodeInvalidRequest))
		Expect(codeOf(p.OnlyOnce("a"))).To(Equal(oauth.CodeInvalidRequest))

		p, err = oauth.ParseQuery("a=1&A=1&a=1")
		Expect(err).NotTo(HaveOccurred())
		Expect(codeOf(p.OnlyOnce("resource"))).To(Equal(oauth.CodeInvalidRequest), "the same value twice is twice")
	})

	It("cannot be changed through what All returns", func() {
		p, _ := oauth.ParseQuery("a=1")
		p.All("a")[0] = "2"
		Expect(p.Get("a")).To(Equal("1"))
	})

	DescribeTable("are all lost if one is broken",
		func(query string) {
			p, err := oauth.ParseQuery(query)
			Expect(codeOf(err)).To(Equal(oauth.CodeInvalidRequest))
			Expect(p.Has("good")).To(BeFalse())
		},
		Entry("a bad escape in a value", "good=1&a=%zz"),
		Entry("a bad escape in a name", "good=1&%zz=1"),
		Entry("half an escape", "good=1&a=%2"),
		Entry("bytes that are no UTF-8", "good=1&a=%ff%fe"),
		Entry("a name that is no UTF-8", "good=1&%C3%28=1"),
		Entry("a surrogate", "good=1&a=%ED%A0%80"),
		Entry("too many", "good=1"+strings.Repeat("&a=1", 200)),
		Entry("thousands, all empty", "good=1"+strings.Repeat("&", 5000)),
		Entry("too large", "good=1&a="+strings.Repeat("x", oauth.MaxFormBytes)),
	)

	It("may be as many as anybody needs", func() {
		var query strings.Builder
		for i := range 100 {
			query.WriteString("&p" + strconv.Itoa(i) + "=v")
		}
		p, err := oauth.ParseQuery(query.String()[1:])
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Get("p99")).To(Equal("v"))
	})

	It("RFC 6749 §3.2: of a form are in the body and not in the URL", func() {
		p, err := oauth.ParseForm(form(formType, "b=body"))
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Get("b")).To(Equal("body"))
		Expect(p.Has("a")).To(BeFalse())
	})

	It("RFC 6749 §3.2: of a form need its media type, with or without a charset", func() {
		for _, mediaType := range []string{formType, formType + ";charset=UTF-8", "APPLICATION/X-WWW-FORM-URLENCODED ; charset=utf-8"} {
			_, err := oauth.ParseForm(form(mediaType, "b=body"))
			Expect(err).NotTo(HaveOccurred(), mediaType)
		}
		for _, mediaType := range []string{"", "application/json", "text/plain", "multipart/form-data; boundary=x", formType + "; =", "x"} {
			_, err := oauth.ParseForm(form(mediaType, "b=body"))
			Expect(codeOf(err)).To(Equal(oauth.CodeInvalidRequest), mediaType)
		}
	})

	It("of a form are bounded, also when the length is not known", func() {
		_, err := oauth.ParseForm(form(formType, "a="+strings.Repeat("x", oauth.MaxFormBytes-2)))
		Expect(err).NotTo(HaveOccurred())
		r := form(formType, "a="+strings.Repeat("x", oauth.MaxFormBytes-1))
		r.ContentLength = -1
		_, err = oauth.ParseForm(r)
		Expect(codeOf(err)).To(Equal(oauth.CodeInvalidRequest))
	})

	It("huge bodies: of a form whose length is said and is too much are refused without reading any of it", func() {
		r := form(formType, "")
		r.ContentLength = oauth.MaxFormBytes + 1
		r.Body = io.NopCloser(iotest.ErrReader(errors.New("was read")))
		_, err := oauth.ParseForm(r)
		Expect(codeOf(err)).To(Equal(oauth.CodeInvalidRequest))
		Expect(err).NotTo(MatchError(ContainSubstring("was read")))
	})

	It("reads no more of a body than it may have, whoever has sent it and however long it is", func() {
		r := form(formType, "")
		left := &io.LimitedReader{R: strings.NewReader(strings.Repeat("a", 1<<20)), N: 1 << 20}
		r.Body, r.ContentLength = io.NopCloser(left), -1
		_, err := oauth.ParseForm(r)
		Expect(err).To(HaveOccurred())
		Expect(1<<20 - left.N).To(BeNumerically("<=", oauth.MaxFormBytes+1))
	})

	It("huge bodies: of a form that is compressed are refused, and nothing is inflated", func() {
		for _, coding := range []string{"gzip", "x-gzip", "deflate", "br", "identity, gzip", ""} {
			r := form(formType, "a=b")
			r.Header["Content-Encoding"] = []string{coding}
			_, err := oauth.ParseForm(r)
			Expect(codeOf(err)).To(Equal(oauth.CodeInvalidRequest), coding)
		}
	})

	It("header pollution: of a form with two media types are refused, in whatever order they come", func() {
		for _, types := range [][]string{{formType, "application/json"}, {"application/json", formType}, {formType, formType}, {formType, ""}} {
			r := form("", "a=b")
			r.Header["Content-Type"] = types
			_, err := oauth.ParseForm(r)
			Expect(codeOf(err)).To(Equal(oauth.CodeInvalidRequest))
		}
		_, err := oauth.ParseForm(form(formType+", application/json", "a=b"))
		Expect(codeOf(err)).To(Equal(oauth.CodeInvalidRequest))
	})

	It("of a form that cannot be read are invalid_request", func() {
		r := httptest.NewRequest(http.MethodPost, "/token", iotest.ErrReader(errors.New("gone")))
		r.Header.Set("Content-Type", formType)
		_, err := oauth.ParseForm(r)
		Expect(codeOf(err)).To(Equal(oauth.CodeInvalidRequest))
	})
})
