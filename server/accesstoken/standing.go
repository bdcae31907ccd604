package accesstoken

import (
	"context"
	"errors"
	"time"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// Ground is where an issuer looks what its access tokens rest on: clients, grants
// and people. It is asked each time, so that a revocation is seen at once.
type Ground struct {
	Settings *issuer.Settings
	Registry registration.Registry
	Grants   grant.Store
	People   resourceowner.Directory
}

// Standing is what an access token rests on.
type Standing struct {
	// Origin is the client that the first of the tokens was issued to.
	Origin *registration.Client

	// Person is the subject that stands in the grant. "" for a token that a client
	// has for itself.
	Person string
}

// Standing returns what the claims of an access token rest on, and whether all of
// it still stands: the client that has the token and the one it came from, and
// where there is one, the grant and the person behind it. The errors are those of
// package oauth.
func (g Ground) Standing(ctx context.Context, set *keys.Set, claims Claims, now time.Time) (Standing, bool, error) {
	client, found, err := g.Client(ctx, claims.ClientID)
	if err != nil || !found {
		return Standing{}, false, err
	}
	origin := client
	if claims.Origin() != claims.ClientID {
		if origin, found, err = g.Client(ctx, claims.Origin()); err != nil || !found {
			return Standing{}, false, err
		}
	}
	if claims.GrantID == "" {
		return Standing{Origin: origin}, claims.Subject == origin.ID, nil // RFC 6749 §4.4
	}
	granted, found, err := g.Grant(ctx, origin, claims.GrantID, now)
	if err != nil || !found {
		return Standing{}, false, err
	}
	subject, err := Subject(set, client, granted.Subject)
	if err != nil {
		return Standing{}, false, oauth.Unavailable(err)
	}
	return Standing{Origin: origin, Person: granted.Subject}, subject == claims.Subject, nil
}

// Client returns a client, and whether there is one that is served.
func (g Ground) Client(ctx context.Context, id string) (*registration.Client, bool, error) {
	client, err := g.Registry.Lookup(ctx, id)
	switch {
	case errors.Is(err, registration.ErrUnknown), errors.Is(err, registration.ErrRefused):
		return nil, false, nil
	case err != nil:
		return nil, false, oauth.Unavailable(err)
	}
	return client, true, nil
}

// Grant returns a grant of the client, and whether it stands and is of a person
// who may still log in.
func (g Ground) Grant(ctx context.Context, client *registration.Client, id string, now time.Time) (grant.Grant, bool, error) {
	found, err := g.Grants.Get(ctx, grant.Key{ClientID: client.ID, ID: id})
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return grant.Grant{}, false, nil
	case err != nil:
		return grant.Grant{}, false, oauth.Unavailable(err)
	case !found.Active(now) || found.Issuer != g.Settings.Name || found.ClientUID != client.UID:
		return grant.Grant{}, false, nil
	}
	_, err = g.People.Person(ctx, found.Subject)
	switch {
	case errors.Is(err, resourceowner.ErrUnknown):
		return grant.Grant{}, false, nil
	case err != nil:
		return grant.Grant{}, false, oauth.Unavailable(err)
	}
	return found, true, nil
}
