package introspection

import (
	"strings"
	"testing"
)

// FuzzAccept holds that a signed response is made only for who names its media type.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{
		"application/token-introspection+jwt", "application/json, */*;q=0.1", "application/token-introspection+jwt;q=0.5;v=\"a,b\"",
		";q=", "application/token-introspection+jwt;q=1e309", strings.Repeat("a/b,", 40) + "application/token-introspection+jwt",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if wantsJWT([]string{accept}) && !strings.Contains(strings.ToLower(accept), mediaType) {
			t.Fatalf("%q does not ask for it", accept)
		}
	})
}
