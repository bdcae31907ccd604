package oauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/oauth"
)

var _ = Describe("Error", func() {
	It("RFC 6749 §5.2: describes itself in %x20-21 / %x23-5B / %x5D-7E, whatever it is given", func() {
		var everything []byte
		for c := range 256 {
			everything = append(everything, byte(c))
		}
		description := oauth.NewError(oauth.CodeInvalidRequest, string(everything)+"é€\U0001F600").Description
		Expect(description).To(MatchRegexp(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`))
		Expect(description).To(ContainSubstring("ABC"))
	})

	It("keeps its private half to the log", func() {
		cause := errors.New("the password of the database is hunter2")
		public := oauth.ServerError(cause)
		rec := httptest.NewRecorder()
		Expect(oauth.WriteError(rec, public.Status(), public)).To(Succeed())
		Expect(rec.Body.String()).NotTo(ContainSubstring("hunter2"))
		Expect(public.Error()).To(ContainSubstring("hunter2"))
		Expect(public).To(MatchError(cause))
	})

	It("is not changed by being given a cause", func() {
		e := oauth.NewError(oauth.CodeInvalidScope, "x")
		Expect(e.WithCause(errors.New("y")).Error()).To(Equal("invalid_scope: x: y"))
		Expect(e.Error()).To(Equal("invalid_scope: x"))
	})

	DescribeTable("RFC 6749 §5.2, RFC 6750 §3.1: has a status",
		func(code oauth.Code, status int) {
			Expect(oauth.NewError(code, "x").Status()).To(Equal(status))
		},
		Entry(nil, oauth.CodeInvalidRequest, 400),
		Entry(nil, oauth.CodeInvalidGrant, 400),
		Entry(nil, oauth.CodeUnauthorizedClient, 400),
		Entry(nil, oauth.CodeUnsupportedGrantType, 400),
		Entry(nil, oauth.CodeInvalidScope, 400),
		Entry(nil, oauth.CodeInvalidClient, 401),
		Entry(nil, oauth.CodeInvalidToken, 401),
		Entry(nil, oauth.CodeInsufficientScope, 403),
		Entry(nil, oauth.CodeServerError, 500),
		Entry(nil, oauth.CodeTemporarilyUnavailable, 503),
	)

	It("RFC 6749 §5.2: is JSON that nobody keeps", func() {
		rec := httptest.NewRecorder()
		Expect(oauth.WriteError(rec, 503, oauth.Unavailable(nil))).To(Succeed())
		Expect(rec.Code).To(Equal(http.StatusServiceUnavailable))
		Expect(rec.Header().Get("Content-Type")).To(Equal("application/json"))
		Expect(rec.Header().Get("Cache-Control")).To(Equal("no-store"))
		Expect(rec.Header().Get("Pragma")).To(Equal("no-cache"))
		Expect(rec.Header().Get("Retry-After")).To(Equal("2"))
		var body map[string]string
		Expect(json.Unmarshal(rec.Body.Bytes(), &body)).To(Succeed())
		Expect(body).To(HaveLen(2))
		Expect(body).To(HaveKeyWithValue("error", "temporarily_unavailable"))
	})

	It("answers nothing at all rather than half of what cannot be encoded", func() {
		rec := httptest.NewRecorder()
		Expect(oauth.WriteJSON(rec, 200, func() {})).NotTo(Succeed())
		Expect(rec.Body.Len()).To(BeZero())
	})
})
