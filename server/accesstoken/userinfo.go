package accesstoken

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/registration"
)

// SignUserinfo returns a userinfo response for the client as a JWT, signed as its
// registration says (OpenID Connect Core §5.3.2: "the Claims [...] SHOULD include
// the Claims iss and aud"). It has no exp, so that nobody takes it for an ID token,
// and a typ of its own.
func SignUserinfo(settings *issuer.Settings, set *keys.Set, client *registration.Client, claims map[string]any, now time.Time) (string, error) {
	claims = maps.Clone(claims)
	claims["iss"] = settings.Issuer
	claims["aud"] = client.ID
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("accesstoken: encoding the claims of a userinfo response: %w", err)
	}
	return set.Sign(signingUse(client.OpenID.UserinfoAlg), keys.TypeUserinfo, payload, now)
}
