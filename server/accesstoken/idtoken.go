package accesstoken

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// IDToken is what an ID token is made from (OpenID Connect Core §2).
type IDToken struct {
	// Client is who the ID token is for.
	Client *registration.Client

	// Grant names the person and when the person logged in.
	Grant grant.Grant

	// Person has the claims that the scope asks for. They are in the ID token
	// because there are relying parties that read nothing else.
	Person *resourceowner.Person

	// Scope is that of the access token.
	Scope oauth.Scope

	// Nonce is that of the authorization request, verbatim. It is absent from
	// an ID token that comes with a refresh (OpenID Connect Core §12.2).
	Nonce string

	// AccessToken is the one that comes with it.
	AccessToken string
}

// Sign returns the ID token, signed as the client's registration says, or the
// issuer's settings where it says nothing.
func (t IDToken) Sign(settings *issuer.Settings, set *keys.Set, now time.Time) (string, error) {
	subject, err := Subject(set, t.Client, t.Grant.Subject)
	if err != nil {
		return "", err
	}
	asked := resourceowner.Within(t.Grant.Claims.Of(oauth.ClaimsIDToken), t.Client.Scope)
	claims := t.Person.Claims(t.Scope, asked...)
	claims["iss"] = settings.Issuer
	claims["sub"] = subject
	claims["aud"] = t.Client.ID
	claims["exp"] = now.Add(t.Client.Lifetimes.IDToken).Unix()
	claims["iat"] = now.Unix()
	claims["auth_time"] = t.Grant.AuthTime.Unix()
	claims["at_hash"] = accessTokenHash(t.AccessToken)
	if t.Grant.SessionID != "" {
		claims["sid"] = t.Grant.SessionID
	}
	if t.Nonce != "" {
		claims["nonce"] = t.Nonce
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("accesstoken: encoding the claims of an ID token: %w", err)
	}
	return set.Sign(signingUse(cmp.Or(t.Client.OpenID.IDTokenAlg, settings.IDTokenAlg)), keys.TypeIDToken, payload, now)
}

// signingUse returns the use of the keys of an algorithm: RS256 unless it is
// ES256 (OpenID Connect Core §15.1).
func signingUse(alg string) keyring.Use {
	if alg == AlgES256 {
		return keyring.UseSignES256
	}
	return keyring.UseSignRS256
}

// Algorithms that tokens can be signed with (RFC 7518 §3.1).
const (
	AlgRS256 = "RS256"
	AlgES256 = "ES256"
)

// accessTokenHash is the claim at_hash of OpenID Connect Core §3.1.3.6: the left
// half of the hash that belongs to the algorithm, which is SHA-256 for RS256 and
// for ES256.
func accessTokenHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}
