package introspection

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

// SigningAlgs are the algorithms of signed responses, for the metadata. RS256 is
// the default of RFC 9701 §6.
func SigningAlgs() []string { return []string{accesstoken.AlgRS256} }

// mediaType is that of signed responses (RFC 9701 §4).
const mediaType = "application/" + keys.TypeIntrospection

// signedAnswer are the claims of a signed response (RFC 9701 §5). There is no sub
// and no exp, so that nobody takes it for an access token or an ID token.
type signedAnswer struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Answer   answer `json:"token_introspection"`
}

// writeSigned answers with a JWT for the caller alone.
func (e *endpoint) writeSigned(w http.ResponseWriter, r *http.Request, q question, a answer) error {
	payload, err := json.Marshal(signedAnswer{
		Issuer: e.Settings.Issuer, Audience: q.caller.ID, IssuedAt: q.now.Unix(), Answer: a,
	})
	if err != nil {
		e.refuse(w, r, oauth.ServerError(err))
		return nil
	}
	token, err := q.set.Sign(keyring.UseSignRS256, keys.TypeIntrospection, payload, q.now)
	if err != nil {
		e.refuse(w, r, oauth.Unavailable(err))
		return nil
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	_, err = io.WriteString(w, token)
	return err
}

// maxRanges bounds how much of Accept is read.
const maxRanges = 32

// wantsJWT reports whether the caller asks for a signed response (RFC 9701 §4) and
// does not like plain JSON better (RFC 9110 §12.5.1). It has to ask by name: a
// wildcard means nothing but that the caller does not care.
func wantsJWT(accept []string) bool {
	signed, plain, n := 0.0, 0.0, 0
	for _, value := range accept {
		for item := range strings.SplitSeq(value, ",") {
			n++
			if n > maxRanges {
				return false
			}
			name, params, err := mime.ParseMediaType(item)
			if err != nil {
				continue
			}
			switch name {
			case mediaType:
				signed = max(signed, weight(params))
			case "application/json":
				plain = max(plain, weight(params))
			}
		}
	}
	return signed > 0 && signed >= plain
}

// weight returns the parameter q (RFC 9110 §12.4.2), or 0 for one that is none.
func weight(params map[string]string) float64 {
	text, ok := params["q"]
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
