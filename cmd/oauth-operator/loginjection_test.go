package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// textEntry is what a line of the log format text begins with.
var textEntry = regexp.MustCompile(`^\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d{4})\t(ERROR|INFO|DEBUG|DEBUG-\d|LEVEL\(-\d+\))\t`)

var _ = Describe("Log injection", func() {
	// injections are what a stranger would like to have in the log as it stands.
	injections := []string{
		"forged\r\n{\"level\":\"info\",\"msg\":\"forged\"}", "forged\n2026-01-02T03:04:05Z\tINFO\tforged", "forged\x1b[2J\x1b]0;x\x07",
		"forged\u0085\u009b31m", "forged\u2028\u2029\u202e\u2066", `forged"} {"msg":"forged`, "forged\x00\x7f", "forged\xff\xfe", `forged\n`,
	}

	for _, format := range []string{"json", "text"} {
		It("every field of a stranger's: one event a line, and no character that is more than a character: "+format, func(ctx SpecContext) {
			address, err := in.AddServer(ctx, "--log-format", format, "--trusted-proxies", "127.0.0.0/8")
			Expect(err).NotTo(HaveOccurred())
			// It ends with the spec. Who asks all replicas later must not find it in the list.
			DeferCleanup(func() { Expect(in.EndServer(address)).To(Succeed()) })
			before := len(output.String())
			host := strings.TrimPrefix(issuer, "http://")
			send := func(head, body string, lines ...string) {
				conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
				Expect(err).NotTo(HaveOccurred())
				defer func() { _ = conn.Close() }()
				Expect(conn.SetDeadline(time.Now().Add(30 * time.Second))).To(Succeed())
				_, err = fmt.Fprintf(conn, "%s\r\n%s\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
					head, strings.Join(lines, "\r\n"), len(body), body)
				Expect(err).NotTo(HaveOccurred())
				_, _ = io.Copy(io.Discard, conn)
			}
			for _, text := range injections {
				own, escaped := "Host: "+host, url.QueryEscape(text)
				assertion := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":`+quoted(text)+`}`)) + ".e30.AA"
				basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(escaped+":"+escaped))
				for _, header := range []string{"User-Agent", "X-Forwarded-For", "Referer", "Origin", "Cookie", "Authorization", "Accept", "X-Request-Id"} {
					send("GET /authorize?client_id="+escaped+" HTTP/1.1", "", own, header+": "+text)
					send("POST /token HTTP/1.1", "grant_type="+escaped+"&client_id="+escaped, own, header+": "+text)
				}
				send("GET /"+url.PathEscape(text)+" HTTP/1.1", "", own)
				send("GET / HTTP/1.1", "", "Host: "+text)
				send(text+" /authorize HTTP/1.1", "", own)
				send("GET /authorize?client_id=team-1.webapp&redirect_uri="+escaped+"&state="+escaped+" HTTP/1.1", "", own)
				send("POST /login HTTP/1.1", "username="+escaped+"&password="+escaped+"&state="+escaped, own)
				send("GET /logout?client_id="+escaped+"&id_token_hint="+escaped+"&post_logout_redirect_uri="+escaped+" HTTP/1.1", "", own)
				for _, path := range []string{"/token", "/revoke", "/introspect", "/userinfo"} {
					send("POST "+path+" HTTP/1.1", "token="+escaped, own, basic)
					send("POST "+path+" HTTP/1.1", "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_id="+escaped+"&client_assertion="+assertion, own)
				}
			}
			log := output.String()[before:]
			Expect(strings.Count(log, "\n")).To(BeNumerically(">", len(injections)*10), "what was refused is in the log")
			whole := log[:strings.LastIndexByte(log, '\n')]
			for line := range strings.SplitSeq(whole, "\n") {
				Expect(strings.ContainsFunc(line, func(r rune) bool {
					return r != '\t' && unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf)
				})).To(BeFalse(), "%q", line)
				var event struct{ Msg string }
				if json.Unmarshal([]byte(line), &event) == nil {
					Expect(event.Msg).NotTo(ContainSubstring("forged"), line)
					continue // the controller and the other replica write JSON
				}
				Expect(format).To(Equal("text"), "%q", line)
				Expect(textEntry.MatchString(line)).To(BeTrue(), "%q", line)
				Expect(line).NotTo(MatchRegexp(`^[^\t]*\t[^\t]*\t(server\t)?forged`))
			}
		}, SpecTimeout(3*time.Minute))
	}
})

// quoted returns the text in JSON.
func quoted(text string) string {
	b, err := json.Marshal(text)
	Expect(err).NotTo(HaveOccurred())
	return string(b)
}
