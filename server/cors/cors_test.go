package cors_test

import (
	"net/http"
	"net/http/httptest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/cors"
)

var _ = Describe("Allow", func() {
	handler := cors.Allow(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	}), http.MethodGet, http.MethodPost)

	send := func(method string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		return rec
	}

	It("opens every answer alike, because a cache may keep one and give it to anybody", func() {
		for _, method := range []string{"GET", "OPTIONS"} {
			plain, script := send(method), send(method, "Origin", "https://app.example.com")
			Expect(plain.Code).To(Equal(http.StatusTeapot))
			Expect(plain.Header().Get("Access-Control-Allow-Origin")).To(Equal("*"))
			Expect(plain.Header()).To(Equal(script.Header()))
		}
	})

	It("Fetch §3.3.6: answers a preflight request itself", func() {
		rec := send("OPTIONS", "Origin", "https://app.example.com", "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization")
		Expect(rec.Code).To(Equal(http.StatusNoContent))
		Expect(rec.Header().Get("Access-Control-Allow-Origin")).To(Equal("*"))
		Expect(rec.Header().Get("Access-Control-Allow-Methods")).To(Equal("GET, POST"))
		Expect(rec.Header().Get("Access-Control-Allow-Headers")).To(ContainSubstring("Authorization"))
	})

	It("opens the answer, and never to cookies", func() {
		rec := send("GET", "Origin", "null")
		Expect(rec.Code).To(Equal(http.StatusTeapot))
		Expect(rec.Header().Get("Access-Control-Allow-Origin")).To(Equal("*"))
		Expect(rec.Header().Get("Access-Control-Expose-Headers")).To(ContainSubstring("WWW-Authenticate"))
		Expect(rec.Header()).NotTo(HaveKey("Access-Control-Allow-Credentials"))
	})

	It("takes an OPTIONS request that is no preflight for what it is", func() {
		Expect(send("OPTIONS", "Origin", "https://app.example.com").Code).To(Equal(http.StatusTeapot))
	})
})
