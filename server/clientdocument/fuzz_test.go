package clientdocument

import (
	"net/http"
	"testing"
)

// FuzzDocuments holds that whatever is published is read or refused, within bounds.
func FuzzDocuments(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","e":"AQAB","n":"AA"},{"kty":"EC","crv":"P-256","x":"","y":"AA","d":null}]}`))
	f.Add([]byte(`["https://a.example/cb"]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseKeys(text)
		if len(keys) > MaxKeys || (err != nil && keys != nil) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if k.Public == nil {
				t.Fatal("a key that is none")
			}
		}
		if uris, err := parseRedirectURIs(text); err != nil && uris != nil {
			t.Fatalf("%d redirect URIs, %v", len(uris), err)
		}
	})
}

// FuzzFreshness holds that whatever a client's site says, its document is neither
// asked for at every request nor kept for good.
func FuzzFreshness(f *testing.F) {
	f.Add("max-age=600", "30")
	f.Add(`public, MAX-AGE="99999999999999999999"`, "-99999999999999999999")
	f.Add("no-store, max-age=1", "")
	f.Add("max-age, =,,max-age=-1", "x")
	f.Fuzz(func(t *testing.T, cacheControl, age string) {
		if fresh := freshness(http.Header{"Cache-Control": {cacheControl}, "Age": {age}}); fresh < MinFresh || fresh > MaxFresh {
			t.Fatalf("%q, %q: fresh for %s", cacheControl, age, fresh)
		}
	})
}
