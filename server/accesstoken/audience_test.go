package accesstoken_test

import (
	"encoding/json"
	"slices"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/accesstoken"
)

var _ = Describe("The claim aud", func() {
	It("RFC 7519 §4.1.3: is a string for one, an array for several, and is read in either form", func() {
		for text, audience := range map[string]accesstoken.Audience{
			`"urn:a"`: {"urn:a"}, `["urn:a","https://b"]`: {"urn:a", "https://b"},
		} {
			Expect(json.Marshal(audience)).To(BeEquivalentTo(text))
			var read accesstoken.Audience
			Expect(json.Unmarshal([]byte(text), &read)).To(Succeed())
			Expect(read).To(Equal(audience))
		}
		var read accesstoken.Audience
		Expect(json.Unmarshal([]byte(`["urn:a"]`), &read)).To(Succeed())
		Expect(read.Has("urn:a")).To(BeTrue())
		Expect(read.Has("URN:A")).To(BeFalse())
		for _, bad := range []string{`1`, `{}`, `[1]`, `["a",["b"]]`, `true`} {
			Expect(json.Unmarshal([]byte(bad), &read)).NotTo(Succeed(), bad)
		}
	})
})

// FuzzAudience holds that what was read is written so that it reads the same.
func FuzzAudience(f *testing.F) {
	for _, seed := range []string{`"a"`, `["a","b"]`, `[]`, `null`, `"`, `[["a"]]`, ` "a" `, `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var first, second accesstoken.Audience
		if json.Unmarshal(text, &first) != nil || len(first) == 0 {
			return
		}
		written, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &second); err != nil || !slices.Equal(first, second) {
			t.Fatalf("%q became %q: %v", first, second, err)
		}
	})
}
