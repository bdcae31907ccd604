package oauth

import "strings"

// Where a claim can be asked for (OpenID Connect Core §5.5).
const (
	ClaimsIDToken  = "id_token"
	ClaimsUserinfo = "userinfo"
)

// Claims are claims that a client has asked for one by one, each as
// "id_token:email" or "userinfo:email".
type Claims []string

// Of returns the names of the claims that were asked for in that place.
func (c Claims) Of(place string) []string {
	var names []string
	for _, claim := range c {
		if at, name, ok := strings.Cut(claim, ":"); ok && at == place {
			names = append(names, name)
		}
	}
	return names
}
