package server

import (
	"bufio"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// What a client library would tidy up is sent as it stands.
var _ = Describe("Header pollution:", func() {
	bounds := timeouts{header: 5 * time.Second, read: 5 * time.Second, write: 10 * time.Second, idle: 5 * time.Second, answer: 10 * time.Second}
	const (
		host    = "Host: id.example.com"
		form    = "Content-Type: application/x-www-form-urlencoded"
		good    = "grant_type=client_credentials&scope=read"
		patient = 30 * time.Second
	)
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(siteWeb+":"+secret))
	var (
		s       *site
		address string
	)
	BeforeEach(func() {
		s = newSite(atRoot, quiet)
		address = listen(s, bounds, nil)
	})

	// raw sends the lines and the body, and returns the statuses of all answers until
	// the server has closed the connection, and the last body.
	raw := func(body string, lines ...string) (statuses []int, last string) {
		GinkgoHelper()
		conn := dial(address)
		Expect(conn.SetDeadline(time.Now().Add(patient))).To(Succeed())
		_, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"+body)
		Expect(err).NotTo(HaveOccurred())
		for answers := bufio.NewReader(conn); ; {
			if _, err := answers.Peek(1); err != nil {
				return statuses, last
			}
			response, err := http.ReadResponse(answers, nil)
			Expect(err).NotTo(HaveOccurred())
			text, err := io.ReadAll(response.Body)
			Expect(err).NotTo(HaveOccurred())
			statuses, last = append(statuses, response.StatusCode), string(text)
		}
	}
	post := func(path, body string, lines ...string) (statuses []int, last string) {
		GinkgoHelper()
		return raw(body, append([]string{"POST " + path + " HTTP/1.1", "Connection: close", "Content-Length: " + strconv.Itoa(len(body))}, lines...)...)
	}

	It("one of each is good, so that these specs can see what is wrong", func() {
		statuses, body := post("/token", good, host, form, basic)
		Expect(statuses).To(Equal([]int{200}), body)
	})

	DescribeTable("two of one header are refused", func(lines ...string) {
		statuses, body := post("/token", good, lines...)
		Expect(statuses).To(Equal([]int{400}), body)
		Expect(body).NotTo(ContainSubstring("access_token"))
	},
		Entry("Host, another", host, "Host: evil.example", form, basic),
		Entry("Host, another before it", "Host: evil.example", host, form, basic),
		Entry("Host, the same", host, host, form, basic),
		Entry("Host, none", form, basic),
		Entry("Host, with a space before the colon", host, "Host : evil.example", form, basic),
		Entry("Authorization, another client's", host, form, basic, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(siteAPI+":"+secret))),
		Entry("Authorization, the same", host, form, basic, basic),
		Entry("Authorization, of another scheme", host, form, basic, "Authorization: Bearer x"),
		Entry("Authorization, in another case", host, form, basic, strings.ToLower(basic[:13])+basic[13:]),
		Entry("Content-Type, JSON behind it", host, form, "Content-Type: application/json", basic),
		Entry("Content-Type, JSON before it", host, "Content-Type: application/json", form, basic),
		Entry("Content-Type, the same", host, form, form, basic),
		Entry("Content-Length, another", host, form, basic, "Content-Length: 3"),
		Entry("a header that goes on in the next line", host, form, basic, "Content-Length:\r\n 3"),
		Entry("a header with a control character", host, form, basic, "X-A: a\x00b"),
	)

	It("two Authorization headers are refused wherever a client or a token is asked for", func() {
		access, _ := s.tokens(siteWeb)
		for _, path := range []string{"/token", "/revoke", "/introspect"} {
			statuses, _ := post(path, good+"&token=x", host, form, basic, basic)
			Expect(statuses).To(Equal([]int{400}), path)
		}
		bearer := "Authorization: Bearer " + access
		statuses, _ := post("/userinfo", "", host, bearer)
		Expect(statuses).To(Equal([]int{200}))
		statuses, _ = post("/userinfo", "", host, bearer, bearer)
		Expect(statuses).To(Equal([]int{400}))
	})

	DescribeTable("request smuggling: nothing behind a request whose length two readers could read in two ways is taken for another",
		func(body string, lines ...string) {
			smuggled := "GET /jwks HTTP/1.1\r\n" + host + "\r\n\r\n"
			statuses, last := raw(body+smuggled, append([]string{"POST /token HTTP/1.1", host, form, basic}, lines...)...)
			Expect(len(statuses)).To(BeNumerically("<=", 1), last)
			Expect(statuses).NotTo(ContainElement(200), last)
		},
		Entry("Content-Length and chunks", "0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"),
		Entry("chunks and Content-Length", "0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 5"),
		Entry("chunks and a Content-Length of nothing", "0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 0"),
		Entry("two Content-Lengths", good, "Content-Length: 40", "Content-Length: 5"),
		Entry("two Content-Lengths in one", good, "Content-Length: 40, 5"),
		Entry("a Content-Length with a sign", good, "Content-Length: +40"),
		Entry("a Content-Length in hexadecimal", good, "Content-Length: 0x28"),
		Entry("a coding that is not known", "0\r\n\r\n", "Transfer-Encoding: xchunked"),
		Entry("a coding before chunks", "0\r\n\r\n", "Transfer-Encoding: identity, chunked"),
		Entry("two headers of chunks", "0\r\n\r\n", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
		Entry("chunks with a tab", "0\r\n\r\n", "Transfer-Encoding:\x0bchunked"),
		Entry("a space before the colon", "0\r\n\r\n", "Transfer-Encoding : chunked", "Content-Length: 5"),
		Entry("a chunk with a sign", "+0\r\n\r\n", "Transfer-Encoding: chunked"),
	)

	It("Host: an address in the request line counts in its place (RFC 9112 §3.2.2)", func() {
		statuses, body := raw("", "GET http://evil.example/.well-known/openid-configuration HTTP/1.1", host, "Connection: close")
		Expect(statuses).To(Equal([]int{404}))
		Expect(body).NotTo(ContainSubstring("id.example.com"))
		statuses, body = raw("", "GET http://id.example.com/.well-known/openid-configuration HTTP/1.1", "Host: evil.example", "Connection: close")
		Expect(statuses).To(Equal([]int{200}))
		Expect(body).NotTo(ContainSubstring("evil.example"))
	})

	It("X-Forwarded-*, Forwarded: from a stranger change nothing: neither who asks, nor what for", func() {
		page := func(lines ...string) (string, string) {
			_, body := raw("", append([]string{"GET /authorize?" + asking().Encode() + " HTTP/1.1", host, "Connection: close"}, lines...)...)
			return body, stateOf(body)
		}
		plain, _ := page()
		forwarded, state := page("X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "X-Forwarded-Port: 8080", "X-Forwarded-Prefix: /evil",
			"Forwarded: for=1.2.3.4;host=evil.example;proto=http", "X-Original-URL: /evil", "X-HTTP-Method-Override: PUT")
		Expect(state).NotTo(BeEmpty())
		Expect(forwarded).NotTo(ContainSubstring("evil"))
		Expect(forwarded).To(HaveLen(len(plain)))
	})

	It("X-Forwarded-For: from a stranger gives nobody more tries at a password", func() {
		b := newVisitorOf(s)
		page, state := b.open("/authorize?" + asking().Encode())
		Expect(state).NotTo(BeEmpty(), page)
		status := 0
		for i := range 12 {
			status = b.post("/login", url.Values{"state": {state}, "username": {"ada"}, "password": {"guess"}},
				"X-Forwarded-For", "203.0.113."+strconv.Itoa(i), "X-Real-Ip", "203.0.113."+strconv.Itoa(i), "Forwarded", "for=203.0.113."+strconv.Itoa(i)).status
		}
		Expect(status).To(Equal(http.StatusTooManyRequests))
	})
})

// Parameters that are sent twice are what RFC 6749 §3.1 and §3.2 refuse; here are
// the forms of our own.
var _ = Describe("Parameter pollution:", func() {
	It("a form of ours with a field twice is answered with a refusal, whichever of them is right", func() {
		s := newSite(atRoot, quiet)
		b := newVisitorOf(s)
		_, state := b.open("/authorize?" + asking().Encode())
		right := url.Values{"state": {state}, "username": {"ada"}, "password": {secret}}
		for name := range right {
			for _, two := range [][]string{{right.Get(name), "x"}, {"x", right.Get(name)}, {right.Get(name), right.Get(name)}} {
				form := url.Values{"state": {state}, "username": {"ada"}, "password": {secret}}
				form[name] = two
				Expect(b.post("/login", form).status).To(Equal(http.StatusForbidden), name)
			}
		}
		Expect(b.post("/login", right).status).To(Equal(http.StatusSeeOther))

		_, state = b.open("/authorize?" + asking().Encode())
		for _, decisions := range [][]string{{"allow", "deny"}, {"deny", "allow"}, {"allow", "allow"}} {
			r := b.post("/consent", url.Values{"state": {state}, "decision": decisions})
			Expect(r.status).To(Equal(http.StatusForbidden))
			Expect(r.header).NotTo(HaveKey("Location"))
		}
		_, state = b.open("/logout")
		for _, decisions := range [][]string{{"leave", "stay"}, {"stay", "leave"}} {
			r := b.post("/logout/confirm", url.Values{"state": {state}, "decision": decisions})
			Expect(r.status).To(Equal(http.StatusForbidden))
			Expect(r.header).NotTo(HaveKey("Set-Cookie"))
		}
		Expect(b.post("/logout/confirm", url.Values{"state": {state}, "decision": {"leave"}}).status).To(Equal(http.StatusOK))
	})
})
