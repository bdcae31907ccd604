package v1alpha1_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// The rules stand in two places, in CEL and in Go. Here the API server and the
// validator are asked the same questions.
var _ = Describe("the API server and the validator", func() {
	It("agree on the redirect URIs of the tables", func(ctx SpecContext) {
		accepted, refused := lines("accepted.txt"), lines("refused.txt")
		compare(ctx, accepted)
		compare(ctx, refused)
	})

	It("agree on redirect URIs that nobody has thought of", func(ctx SpecContext) {
		compare(ctx, mutants(slices.Concat(lines("accepted.txt"), lines("refused.txt")), 3000))
	})

	It("agree on the length of redirect URIs", func(ctx SpecContext) {
		for _, length := range []int{1024, 1025} {
			uri := "https://app.example.com/"
			uri += strings.Repeat("x", length-len(uri))
			err := offer(ctx, clientWith([]string{uri}))
			Expect(err == nil).To(Equal(validation.RedirectURI(uri) == nil))
		}
	})

	It("agree on the paths of sources", func(ctx SpecContext) {
		seeds := []string{"/", "/cb", "/a/b.c?d=e&f", "/%2e", "/?code=x", "/cb?a&%73tate", "/@a:80", "//x", "/;a=b"}
		for batch := range slices.Chunk(mutants(seeds, 800), 8) {
			c := &v1alpha1.OAuthClient{}
			sources := make([]any, len(batch))
			for i, path := range batch {
				c.Spec.RedirectURIsFrom = append(c.Spec.RedirectURIsFrom, v1alpha1.RedirectURISource{Kind: "Ingress", Name: "web", Path: path})
				sources[i] = map[string]any{"kind": "Ingress", "name": "web", "path": path}
			}
			o := object("OAuthClient", "some", "")
			o.Object["spec"] = map[string]any{"redirectURIsFrom": sources}
			Expect(fields(offer(ctx, o))).To(Equal(fieldsOf(validation.Client(c, nil, nil, 0))), "%q", batch)
		}
	})

	It("agree on what is plain text", func(ctx SpecContext) {
		for _, r := range []rune{
			' ', '\t', '\n', '\u007f', '\u0085', '\u00a0', '\u00ad', '\u034f', '\u061c', '\u115f', '\u180e', '\u2003', '\u200b', '\u200c', '\u200d',
			'\u200e', '\u200f', '\u2028', '\u2029', '\u202a', '\u202e', '\u2060', '\u2064', '\u2066', '\u2069', '\u206f', '\u3000', '\ufe0f', '\ufeff',
			'\ufff9', '\ufffd', 'é', '日', 0x1F469, 0xE0001, 0xE0061,
		} {
			for _, name := range []string{"a" + string(r) + "b", string(r) + "b", "a" + string(r)} {
				c := &v1alpha1.OAuthClient{Spec: v1alpha1.OAuthClientSpec{
					ClientName: name, RedirectURIs: []string{"https://a.example/cb"},
				}}
				o := clientWith(c.Spec.RedirectURIs)
				Expect(unstructured.SetNestedField(o.Object, name, "spec", "clientName")).To(Succeed())
				Expect(fields(offer(ctx, o))).To(Equal(fieldsOf(validation.Client(c, nil, nil, 0))), "%+q", name)
			}
		}
	})

	It("agree on issuers", func(ctx SpecContext) {
		table := slices.Concat(lines("issuers-accepted.txt"), lines("issuers-refused.txt"))
		for _, issuer := range slices.Concat(table, mutants(table, 300)) {
			o := object("AuthorizationServer", "some", "")
			o.Object["spec"] = map[string]any{"issuer": issuer}
			err := offer(ctx, o)
			Expect(err == nil).To(Equal(validation.Issuer(issuer) == nil),
				"%q: the API server says %v, the validator %v", issuer, err, validation.Issuer(issuer))
		}
	})
})

// fields are those that the API server has something against, each once.
func fields(err error) []string {
	var all []string
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		for _, c := range status.Status().Details.Causes {
			all = append(all, c.Field)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// fieldsOf are those that the validator has something against, each once.
func fieldsOf(problems []validation.Problem) []string {
	var all []string
	for _, p := range problems {
		all = append(all, p.Field)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// compare asks both about each of the URIs.
func compare(ctx context.Context, uris []string) {
	GinkgoHelper()
	for batch := range slices.Chunk(uris, 32) {
		err := offer(ctx, clientWith(batch))
		against := map[string][]string{}
		var status apierrors.APIStatus
		if errors.As(err, &status) {
			for _, c := range status.Status().Details.Causes {
				against[c.Field] = append(against[c.Field], c.Message)
			}
		}
		for i, uri := range batch {
			field := "spec.redirectURIs[" + strconv.Itoa(i) + "]"
			_, refused := against[field]
			Expect(refused).To(Equal(validation.RedirectURI(uri) != nil),
				"%q: the API server says %q, the validator %v", uri, against[field], validation.RedirectURI(uri))
			delete(against, field)
		}
		Expect(against).To(BeEmpty(), "nothing else was wrong")
	}
}

func clientWith(uris []string) *unstructured.Unstructured {
	o := object("OAuthClient", "some", "")
	list := make([]any, len(uris))
	for i, uri := range uris {
		list[i] = uri
	}
	o.Object["spec"] = map[string]any{"redirectURIs": list}
	return o
}

// mutants makes n different URIs from parts of those that are given. It is the
// same n every time.
func mutants(seeds []string, n int) []string {
	random := rand.New(rand.NewPCG(6749, 3))
	bits := []string{
		"/", "//", "?", "#", "@", ":", "\\", ".", "..", "%2e", "%2F", "%", "%0a", "*", "[", "]", "::1", "-", "_", "~",
		"&", "=", "code", "state=", "80", "443", "65536", "a", "Z", "0", "é", "\t", "\n", " ", "\u00a0", "\u2028",
		"localhost", "127.0.0.1", "https://", "http://", "com.example.app:",
	}
	var all []string
	seen := map[string]bool{"": true}
	for len(all) < n {
		uri := seeds[random.IntN(len(seeds))]
		for range 1 + random.IntN(3) {
			at, bit := random.IntN(len(uri)+1), bits[random.IntN(len(bits))]
			switch end := min(len(uri), at+random.IntN(4)); random.IntN(3) {
			case 0:
				uri = uri[:at] + bit + uri[at:]
			case 1:
				uri = uri[:at] + bit + uri[end:]
			default:
				uri = uri[:at] + uri[end:]
			}
		}
		if !seen[uri] && utf8.ValidString(uri) {
			seen[uri] = true
			all = append(all, uri)
		}
	}
	return all
}
