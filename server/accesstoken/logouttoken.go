package accesstoken

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/registration"
)

// LogoutToken is what a logout token is made from (Back-Channel Logout §2.4).
type LogoutToken struct {
	Client *registration.Client

	// Subject is that of the person, as the issuer knows it.
	Subject string

	// SessionID is the claim sid that the client was told.
	SessionID string
}

// logoutTokenLifetime is how long a logout token is good: "it is RECOMMENDED that
// expiration times of at most two minutes in the future be used".
const logoutTokenLifetime = 2 * time.Minute

// logoutEvent says what has happened (Back-Channel Logout §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// Sign returns the logout token, signed like the client's ID tokens. It never has
// a nonce, so that nobody takes it for an ID token.
func (t LogoutToken) Sign(settings *issuer.Settings, set *keys.Set, now time.Time) (string, error) {
	subject, err := Subject(set, t.Client, t.Subject)
	if err != nil {
		return "", err
	}
	claims := map[string]any{
		"iss":    settings.Issuer,
		"sub":    subject,
		"aud":    t.Client.ID,
		"iat":    now.Unix(),
		"exp":    now.Add(logoutTokenLifetime).Unix(),
		"jti":    rand.Text(),
		"sid":    t.SessionID,
		"events": map[string]any{logoutEvent: struct{}{}},
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("accesstoken: encoding the claims of a logout token: %w", err)
	}
	return set.Sign(signingUse(cmp.Or(t.Client.OpenID.IDTokenAlg, settings.IDTokenAlg)), keys.TypeLogoutToken, payload, now)
}
