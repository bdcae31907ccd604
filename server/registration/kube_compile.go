package registration

import (
	"fmt"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/oauth"
)

// verdict is what an OAuthClient comes to, and what that was made from.
type verdict struct {
	client *Client // nil if err is not
	server string  // the AuthorizationServer that the client belongs to
	err    error   // ErrUnknown, or wraps ErrRefused

	// What it was made from, by revision: a verdict that nobody asks for any more
	// must not keep clients and AuthorizationServers that are long gone.
	servers    uint64
	namespace  *namespace
	neighbours uint64 // 0 where no policy counts clients
}

// madeFrom reports whether the verdict was made from these, and so still holds.
func (v *verdict) madeFrom(known *servers, ns *namespace, around *neighbours) bool {
	return v.servers == known.revision && v.namespace == ns &&
		(v.neighbours == 0 || around != nil && v.neighbours == around.revision)
}

// final reports whether the verdict needs no second look at the API server. One
// that would turn a client away may come from a cache that lags behind the
// controller, which has just called the client Ready.
func (v *verdict) final() bool {
	return v != nil && v.err == nil && v.client.complete()
}

// compile judges an OAuthClient as the controller does, with the same functions,
// and prepares it for use. A client that is being deleted, or belongs to no
// AuthorizationServer, is unknown. The neighbours are asked for only where the
// policy counts them.
func compile(oac *v1alpha1.OAuthClient, known *servers, ns *namespace, around func() *neighbours) *verdict {
	v := &verdict{servers: known.revision, namespace: ns}
	as, problem := validation.ResolveAuthorizationServer(oac, known.all)
	if problem != nil || oac.DeletionTimestamp != nil {
		v.err = ErrUnknown
		return v
	}
	v.server = as.Name
	var labels map[string]string
	if ns != nil {
		labels = ns.labels
	}
	rank := 0
	if _, bounded := validation.MaxClients(as, labels); bounded {
		others := around()
		v.neighbours = others.revision
		rank = validation.Rank(oac, as, others.clients, known.all)
	}
	if problems := validation.Client(oac, as, labels, rank); len(problems) > 0 {
		v.err = fmt.Errorf("%w: %s", ErrRefused, validation.Message(problems))
		return v
	}
	v.client = compileClient(oac, as, labels)
	return v
}

// compileClient compiles a registration that was judged to be good. Its strings
// are those of the object.
func compileClient(oac *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, namespaceLabels map[string]string) *Client {
	catalogue := as.Catalogue()
	c := &Client{
		ID:            v1alpha1.ClientID(oac.Namespace, oac.Name),
		UID:           string(oac.UID),
		Name:          oac.Spec.ClientName,
		AuthMethod:    string(oac.EffectiveAuthMethod()),
		GrantTypes:    texts(oac.EffectiveGrantTypes()),
		ResponseTypes: texts(oac.EffectiveResponseTypes()),
		Scope:         oac.EffectiveScopes(catalogue),
		Resources:     oac.Spec.Resources,
		Exchanges:     compileExchanges(validation.Exchanges(oac, as, namespaceLabels)),
		OpenID:        compileOpenID(oac),
		Lifetimes:     issuer.Lifetimes(validation.ClientLifetimes(oac, as, namespaceLabels)),
		version:       oac.ResourceVersion,
	}
	if c.Name == "" {
		c.Name = c.ID
	}
	compileKeys(c, oac)
	c.DefaultScope = defaultScope(catalogue).Intersect(c.Scope)
	for _, uri := range oac.AllRedirectURIs() {
		c.RedirectURIs = append(c.RedirectURIs, CompileRedirectURI(uri, c.Public()))
	}
	for _, credential := range oac.Status.Credentials {
		compiled := Credential{ID: credential.ID, Verifier: credential.Verifier}
		if credential.ExpiresAt != nil {
			compiled.ExpiresAt = credential.ExpiresAt.Time
		}
		c.Credentials = append(c.Credentials, compiled)
	}
	return c
}

// defaultScope is what the issuer gives a client that sends no scope (RFC 6749
// §3.3), before what the client may ask for is considered.
func defaultScope(catalogue []v1alpha1.Scope) oauth.Scope {
	var scope oauth.Scope
	for _, s := range catalogue {
		if s.Default {
			scope = append(scope, s.Name)
		}
	}
	return scope
}

func texts[T ~string](values []T) []string {
	if len(values) == 0 {
		return nil
	}
	s := make([]string, len(values))
	for i, v := range values {
		s[i] = string(v)
	}
	return s
}
