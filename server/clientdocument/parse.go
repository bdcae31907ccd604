package clientdocument

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/assertion"
)

// parseKeys reads a JWK Set (RFC 7517 §5), of which it leaves out what is no public
// key for one of our signatures, as that section asks for. A set may have no key
// that can be used: its client has withdrawn them.
func parseKeys(text []byte) ([]assertion.Key, error) {
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if !utf8.Valid(text) || json.Unmarshal(text, &set) != nil || set.Keys == nil {
		return nil, errors.New("the document is no JWK Set")
	}
	var keys []assertion.Key
	for _, jwk := range *set.Keys {
		public, id, alg, err := validation.ParseJWK(jwk)
		if err != nil {
			continue
		}
		if len(keys) == MaxKeys {
			return nil, fmt.Errorf("the JWK Set has more than %d keys that can be used", MaxKeys)
		}
		keys = append(keys, assertion.Key{ID: id, Alg: alg, Public: public})
	}
	return keys, nil
}

// parseRedirectURIs reads a JSON array of redirect URIs (OpenID Connect Registration
// §5: "a single JSON array of redirect_uri values").
func parseRedirectURIs(text []byte) (map[string]struct{}, error) {
	var list *[]string
	if !utf8.Valid(text) || json.Unmarshal(text, &list) != nil || list == nil {
		return nil, errors.New("the document is no JSON array of redirect URIs")
	}
	uris := make(map[string]struct{}, len(*list))
	for _, uri := range *list {
		uris[uri] = struct{}{}
	}
	return uris, nil
}
