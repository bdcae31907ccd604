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
	for _, r := range as.Spec.Resources {
		compiled := issuer.Resource{Identifier: r.Identifier, Name: r.DisplayName, Scope: r.Scopes}
		for _, client := range r.ServedBy {
			compiled.ServedBy = append(compiled.ServedBy, v1alpha1.ClientID(client.Namespace, client.Name))
		}
		s.Resources = append(s.Resources, compiled)
	}
	return s
}
