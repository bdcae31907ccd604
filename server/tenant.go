package server

import (
	"net/http"
	"strings"

	"oauth-operator.dev/server/authorization"
	"oauth-operator.dev/server/clientauth"
	"oauth-operator.dev/server/device"
	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/introspection"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/logout"
	"oauth-operator.dev/server/metadata"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
	"oauth-operator.dev/server/revocation"
	"oauth-operator.dev/server/token"
	"oauth-operator.dev/server/userinfo"
)

// tenant is one issuer and its endpoints.
type tenant struct {
	settings *issuer.Settings
	host     string                  // of the issuer
	base     string                  // path of the issuer, "" for none
	routes   map[string]http.Handler // by path; one that ends with a slash has all below it
}

// newTenant builds the endpoints of an issuer.
func (s *Server) newTenant(settings *issuer.Settings) *tenant {
	t := &tenant{settings: settings, routes: map[string]http.Handler{}}
	t.host, t.base = place(settings.Issuer)
	log := s.options.Log.WithValues("authorizationServer", settings.Name)
	mount := func(path, name string, handler http.Handler) {
		t.routes[t.base+path] = http.StripPrefix(t.base, s.endpoint(name, log, handler))
	}

	registry := registration.VerifySectors(s.options.Registry(settings), s.options.Sectors)
	current := s.options.Keys(settings.Name)
	authenticator := clientauth.New(clientauth.Options{
		Registry: registry, Verifiers: s.options.Verifiers, Uses: s.options.Uses, Realm: settings.Issuer,
		Issuer: settings.Issuer, Spent: s.options.Grants, ServiceAccounts: s.options.ServiceAccounts, KeySets: s.options.KeySets, Now: s.options.Now,
	})

	login := s.newLogin(settings, current)
	mount(issuer.PathLogin, "login", login)
	mount(issuer.PathAssets, "assets", pages.Assets())
	for path, handler := range authorization.New(authorization.Options{
		Settings: settings, Keys: current, Registry: registry, People: s.options.People, Login: login, Now: s.options.Now,
	}).Handlers() {
		mount(path, strings.Trim(path, "/"), handler)
	}
	desk := devicecode.New(devicecode.Options{Settings: settings, Keys: current, Notes: s.options.Grants, Now: s.options.Now})
	for path, handler := range device.New(device.Options{
		Settings: settings, Keys: current, Registry: registry, Authenticator: authenticator,
		People: s.options.People, Desk: desk, Login: login, Now: s.options.Now,
	}).Handlers() {
		mount(path, "device", handler)
	}
	for path, handler := range logout.New(logout.Options{
		Settings: settings, Keys: current, Registry: registry, People: s.options.People,
		Grants: s.options.Grants, Notifier: s.options.Notifier, Now: s.options.Now,
	}).Handlers() {
		mount(path, "logout", handler)
	}
	mount(issuer.PathToken, "token", token.New(token.Options{
		Settings: settings, Keys: current, Registry: registry, Authenticator: authenticator,
		Grants: s.options.Grants, People: s.options.People, Desk: desk, Now: s.options.Now,
	}))
	mount(issuer.PathRevocation, "revocation", revocation.New(revocation.Options{
		Settings: settings, Keys: current, Authenticator: authenticator, Grants: s.options.Grants, Now: s.options.Now,
	}))
	mount(issuer.PathIntrospection, "introspection", introspection.New(introspection.Options{
		Settings: settings, Keys: current, Registry: registry, Authenticator: authenticator,
		Grants: s.options.Grants, People: s.options.People, Now: s.options.Now,
	}))
	mount(issuer.PathUserinfo, "userinfo", userinfo.New(userinfo.Options{
		Settings: settings, Keys: current, Registry: registry, Grants: s.options.Grants, People: s.options.People, Now: s.options.Now,
	}))
	mount(issuer.PathJWKS, "jwks", metadata.KeySet(current, s.options.Now))

	about := s.endpoint("metadata", log, metadata.New(metadata.Options{
		Settings: settings, GrantTypes: token.GrantTypes(), AuthMethods: clientauth.Methods(), AuthAlgs: clientauth.Algorithms(),
		IntrospectionAlgs: introspection.SigningAlgs(),
		BackchannelLogout: s.options.Notifier != nil,
	}))
	// RFC 8414 §3.1 puts the well-known part before the path of the issuer,
	// OpenID Connect Discovery §4 behind it.
	t.routes["/.well-known/oauth-authorization-server"+t.base] = about
	t.routes[t.base+"/.well-known/openid-configuration"] = about
	return t
}

// newLogin builds the login of an issuer, which all its pages share.
func (s *Server) newLogin(settings *issuer.Settings, current *keys.Current) *resourceowner.Login {
	return resourceowner.NewLogin(resourceowner.LoginOptions{
		Settings:  settings,
		Pages:     resourceowner.NewPages(settings),
		Browsers:  resourceowner.NewBrowsers(settings, current, s.options.Now),
		Sessions:  resourceowner.NewSessions(settings, current, s.options.People, s.options.Now),
		Directory: s.options.People,
		Now:       s.options.Now,
	})
}

// route returns the handler of a path, or nil if it is none of the issuer's.
func (t *tenant) route(path string) http.Handler {
	if strings.HasPrefix(path, t.base+issuer.PathAssets) {
		path = t.base + issuer.PathAssets
	}
	return t.routes[path]
}
