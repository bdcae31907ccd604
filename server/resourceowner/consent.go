package resourceowner

import (
	"net/http"
	"slices"

	"oauth-operator.dev/server/oauth"
)

// consent is what a person has allowed a client in a session.
type consent struct {
	ClientUID string      `json:"u"`
	Scope     oauth.Scope `json:"s"`
}

// maxConsents bounds how many clients a session remembers.
const maxConsents = 16

// Allowed reports whether the person has allowed the client all of that scope
// in this session.
func (s *Session) Allowed(clientUID string, scope oauth.Scope) bool {
	i := s.consent(clientUID)
	return i >= 0 && scope.In(s.consents[i].Scope)
}

func (s *Session) consent(clientUID string) int {
	return slices.IndexFunc(s.consents, func(c consent) bool { return c.ClientUID == clientUID })
}

// Remember notes in the session that the person has allowed the client that
// scope, so that they are not asked for it again. It is not for public clients:
// anybody can pretend to be one (RFC 6749 §10.2).
func (s *Sessions) Remember(w http.ResponseWriter, session *Session, clientUID string, scope oauth.Scope) error {
	if session.Allowed(clientUID, scope) {
		return nil
	}
	all := slices.Clone(scope)
	consents := slices.Clone(session.consents)
	if i := session.consent(clientUID); i >= 0 {
		for _, token := range consents[i].Scope {
			if !all.Has(token) {
				all = append(all, token)
			}
		}
		consents = slices.Delete(consents, i, i+1)
	}
	consents = append(consents, consent{ClientUID: clientUID, Scope: all})
	if excess := len(consents) - maxConsents; excess > 0 {
		consents = consents[excess:]
	}
	session.consents = consents
	return s.write(w, session)
}
