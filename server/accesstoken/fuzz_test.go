package accesstoken_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
)

// FuzzRead reads anything, as a token and as the claims of one that the issuer has
// signed: what nobody has signed is never read, and what is read is complete and
// of the kind that was asked for.
func FuzzRead(f *testing.F) {
	set := theSet()
	settings := &issuer.Settings{Issuer: "https://login.example.com"}
	good := `{"iss":"https://login.example.com","sub":"ada-1","aud":"https://login.example.com","client_id":"team.web","exp":1893553500,"iat":1,"jti":"x"}`
	signed, err := set.Sign(keyring.UseSignES256, keys.TypeAccessToken, []byte(good), now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed, good)
	f.Add(strings.TrimRight(signed, "A")+"A", `{"iss":"https://login.example.com","iss":"https://evil.example"}`)
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))+".e30.", `{"aud":[["x"]],"exp":1e400}`)
	f.Add("a.b.c.d.e", `{"exp":"1893553500","aud":null,"sub":{}}`)
	f.Add("", strings.Repeat(`{"a":`, 1000))
	f.Fuzz(func(t *testing.T, token, claims string) {
		if token != signed {
			if c, err := accesstoken.Read(settings, set, token, now); err == nil {
				t.Errorf("%q was read as %+v, and nobody has signed it", token, c)
			}
			if hint, err := accesstoken.ReadHint(settings, set, token, now); err == nil {
				t.Errorf("%q was read as %+v, and nobody has signed it", token, hint)
			}
		}
		access, err := set.Sign(keyring.UseSignES256, keys.TypeAccessToken, []byte(claims), now)
		if err != nil {
			t.Fatal(err)
		}
		c, err := accesstoken.Read(settings, set, access, now)
		if err == nil && (c.Issuer != settings.Issuer || c.Subject == "" || c.ClientID == "" || len(c.Audience) == 0 || c.ExpiresAt <= now.Unix()) {
			t.Errorf("%q was read as %+v", claims, c)
		}
		if v, err := accesstoken.Verify(settings, set, access, now); err == nil && !slices.Contains(v.Audience, settings.Issuer) {
			t.Errorf("%q was verified as %+v", claims, v)
		}
		if hint, err := accesstoken.ReadHint(settings, set, access, now); err == nil {
			t.Errorf("an access token was read as the hint %+v", hint)
		}
		id, err := set.Sign(keyring.UseSignES256, keys.TypeIDToken, []byte(claims), now)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := accesstoken.Read(settings, set, id, now); err == nil {
			t.Errorf("an ID token was read as the access token %+v", c)
		}
		if hint, err := accesstoken.ReadHint(settings, set, id, now); err == nil && (hint.Subject == "" || hint.ClientID == "") {
			t.Errorf("%q was read as the hint %+v", claims, hint)
		}
	})
}
