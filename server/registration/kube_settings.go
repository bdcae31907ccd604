package registration

import (
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/issuer"
)

// Settings returns what an AuthorizationServer comes to, with nothing left out.
// Whether it can be served is for package api/validation to say.
func Settings(as *v1alpha1.AuthorizationServer) *issuer.Settings {
	s := &issuer.Settings{
		Name:        as.Name,
		Issuer:      as.Spec.Issuer,
		DisplayName: as.Spec.DisplayName,
		Lifetimes:   issuer.Lifetimes(as.Spec.Lifetimes.Effective()),
		IDTokenAlg:  string(as.SigningAlg()),
	}
	if s.DisplayName == "" {
		s.DisplayName = as.Name
	}
	for _, scope := range as.Catalogue() {
		s.Catalogue = append(s.Catalogue, issuer.Scope(scope))
	}
	return s
}
