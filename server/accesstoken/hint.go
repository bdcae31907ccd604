package accesstoken

import (
	"encoding/json"
	"errors"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
)

// Hint is what an ID token says that comes back as id_token_hint (OpenID Connect
// Core §3.1.2.1, RP-Initiated Logout §2).
type Hint struct {
	Subject   string // as the client knows the person
	ClientID  string
	SessionID string
}

// ErrHint says that something is not an ID token of this issuer.
var ErrHint = errors.New("accesstoken: not an ID token of this issuer")

// ReadHint reads an ID token of this issuer. It may have expired: RP-Initiated
// Logout §2 wants "ID Tokens [...] accepted [...] even when the exp time has
// passed". It is good for as long as the key that signed it is known. It returns
// ErrHint for whatever else.
func ReadHint(settings *issuer.Settings, set *keys.Set, token string, now time.Time) (Hint, error) {
	for _, use := range []keyring.Use{keyring.UseSignRS256, keyring.UseSignES256} {
		payload, err := set.Verify(use, keys.TypeIDToken, token, now)
		if err != nil {
			continue
		}
		var claims struct {
			Issuer    string `json:"iss"`
			Subject   string `json:"sub"`
			Audience  string `json:"aud"`
			SessionID string `json:"sid"`
		}
		if err := json.Unmarshal(payload, &claims); err != nil {
			return Hint{}, ErrHint
		}
		if claims.Issuer != settings.Issuer || claims.Subject == "" || claims.Audience == "" {
			return Hint{}, ErrHint
		}
		return Hint{Subject: claims.Subject, ClientID: claims.Audience, SessionID: claims.SessionID}, nil
	}
	return Hint{}, ErrHint
}
