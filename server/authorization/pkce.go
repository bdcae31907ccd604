package authorization

import (
	"strings"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// challengeLength is that of a SHA-256 in base64url without padding
// (RFC 7636 §4.2).
const challengeLength = 43

// base64url is the alphabet of RFC 4648 §5.
const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// challenge returns the code_challenge of the request (RFC 7636 §4.3, §4.4.1).
//
// S256 is the only method: plain protects against nobody who can see the request
// (RFC 9700 §2.1.1), and leaving the method out means plain.
//
// Every client needs one, with one exception. RFC 9700 §2.1.1 demands it of
// public clients and recommends it to the others, for which a nonce that the
// client checks protects against injected codes as well: so a confidential client
// may leave it out of an OpenID request with a nonce. Clients of OpenID Connect
// that know nothing of PKCE depend on that.
func challenge(client *registration.Client, params oauth.Params) (string, *oauth.Error) {
	c, method := params.Get(oauth.ParamCodeChallenge), params.Get(oauth.ParamCodeChallengeMethod)
	if c == "" {
		switch {
		case method != "":
			return "", oauth.NewError(oauth.CodeInvalidRequest, "There is a code_challenge_method, but no code_challenge.")
		case !client.Public() && isOpenID(params) && params.Has(oauth.ParamNonce):
			return "", nil
		}
		return "", oauth.NewError(oauth.CodeInvalidRequest, "A code_challenge with the code_challenge_method S256 is required.")
	}
	if method != oauth.MethodS256 {
		return "", oauth.NewError(oauth.CodeInvalidRequest, "The only code_challenge_method here is S256, and it has to be named.")
	}
	if len(c) != challengeLength || strings.Trim(c, base64url) != "" {
		return "", oauth.NewError(oauth.CodeInvalidRequest, "The code_challenge is not the base64url of a SHA-256: 43 characters without padding.")
	}
	return c, nil
}
