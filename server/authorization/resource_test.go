package authorization_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/registration"
)

const (
	calendarAPI = "https://calendar.example.com/api"
	filesAPI    = "urn:example:files" // it understands orders:read alone
)

var _ = Describe("Resource indicators", func() {
	var (
		w *world
		b *browser
	)
	BeforeEach(func() {
		w = newWorld("")
		b = w.browser().signIn()
	})
	ask := func(scope string, resources ...string) answer {
		v := request("scope", scope)
		for _, r := range resources {
			v.Add("resource", r)
		}
		return b.visit(v)
	}

	It("RFC 8707 §2.1: the code is bound to what was asked for, each once", func() {
		a := b.Submit(ask("openid orders:read", calendarAPI, filesAPI, calendarAPI), "allow")
		Expect(w.code(a).Resources).To(Equal([]string{calendarAPI, filesAPI}))
	})

	It("RFC 8707 §2: without one the code is for no resource in particular", func() {
		Expect(w.code(b.Submit(ask("openid"), "allow")).Resources).To(BeEmpty())
	})

	It("RFC 8707 §2: the issuer itself is a resource that every client may name", func() {
		w.Change(confidential, func(c *registration.Client) { c.Resources = nil })
		Expect(w.code(b.Submit(ask("openid", w.Settings.Issuer), "allow")).Resources).To(Equal([]string{w.Settings.Issuer}))
	})

	DescribeTable("RFC 8707 §2: invalid_target for a resource", func(resource string) {
		a := ask("openid", calendarAPI, resource)
		Expect(a.Query.Get("error")).To(Equal("invalid_target"))
		Expect(a.Query.Get("state")).To(Equal("xyz"))
		Expect(a.Query.Get("iss")).To(Equal(w.Settings.Issuer))
		Expect(a.Query.Has("code")).To(BeFalse())
	},
		Entry("that does not exist", "https://nowhere.example.com"),
		Entry("that the client is not registered for", "urn:other"),
		Entry("with a fragment", calendarAPI+"#x"),
		Entry("that is not absolute", "/api"),
		Entry("that is only nearly one", calendarAPI+"/"),
		Entry("in capitals", "HTTPS://calendar.example.com/api"),
		Entry("with a line break", calendarAPI+"\r\nX: y"),
	)

	It("RFC 8707 §2: invalid_scope where no resource understands any of the scope", func() {
		Expect(ask("openid", filesAPI).Query.Get("error")).To(Equal("invalid_scope"))
		Expect(ask("openid", filesAPI, calendarAPI).Query.Has("error")).To(BeFalse())
	})

	It("RFC 6749 §10.2: the person reads which resources it is for, and is asked for each", func() {
		page := ask("orders:read", calendarAPI)
		Expect(page.Body).To(ContainSubstring("Do so at The Calendar"))
		Expect(w.code(b.Submit(page, "allow")).Resources).To(HaveLen(1))
		Expect(ask("orders:read", calendarAPI).Query.Has("code")).To(BeTrue(), "allowed in this session")
		page = ask("orders:read", filesAPI)
		Expect(page.Query.Has("code")).To(BeFalse(), "never allowed there")
		Expect(page.Body).To(ContainSubstring("Do so at " + filesAPI))
		Expect(ask("orders:read").Query.Has("code")).To(BeFalse(), "nor at the issuer")
	})
})
