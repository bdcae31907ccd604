package worldtest

import (
	"context"
	"errors"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// Fault is what goes wrong when something of that name is to be done or looked up. Nil
// for nothing.
type Fault func(name string) error

func (f Fault) at(name string) error {
	if f == nil {
		return nil
	}
	return f(name)
}

// ErrAway is a reason that is for the log alone.
var ErrAway = errors.New("the store is at 10.0.0.7 and away")

// Away is a Fault in everything.
func Away(string) error { return ErrAway }

// Clients is a registration.Registry kept in a map, by client_id. A client that is nil
// is one whose registration is refused.
type Clients map[string]*registration.Client

// Lookup is that of registration.Registry.
func (c Clients) Lookup(_ context.Context, id string) (*registration.Client, error) {
	switch client, ok := c[id]; {
	case !ok:
		return nil, registration.ErrUnknown
	case client == nil:
		return nil, registration.ErrRefused
	default:
		return client, nil
	}
}

// Renew is that of registration.Registry: there is nothing newer.
func (Clients) Renew(context.Context, *registration.Client) *registration.Client { return nil }

// Change replaces a client by a changed copy, as a registry does.
func (c Clients) Change(id string, how func(*registration.Client)) {
	changed := *c[id]
	how(&changed)
	c[id] = &changed
}

// Registry is a registration.Registry that can fail.
type Registry struct {
	Clients
	Fault Fault // by client_id
}

// Lookup is that of registration.Registry.
func (r *Registry) Lookup(ctx context.Context, id string) (*registration.Client, error) {
	if err := r.Fault.at(id); err != nil {
		return nil, err
	}
	return r.Clients.Lookup(ctx, id)
}

// Register adds a client, with a secret if its method has one.
func (w *World) Register(client *registration.Client) {
	if client.AuthMethod == oauth.AuthMethodBasic || client.AuthMethod == oauth.AuthMethodPost {
		secret := credential.NewSecret()
		w.Secrets[client.ID] = secret
		client.Credentials = []registration.Credential{Credential(w.Ring, w.Now(), client.UID, "one", secret)}
	}
	w.Clients[client.ID] = client
}

// Directory is a resourceowner.Directory kept in maps.
type Directory struct {
	People     map[string]*resourceowner.Person // by subject
	Passwords  map[string]string                // by subject; who has none cannot log in
	Fault      Fault                            // by subject, when it is asked who that is
	LoginFault Fault                            // by username, when a password is to be checked
}

// Person is that of resourceowner.Directory.
func (d *Directory) Person(_ context.Context, subject string) (*resourceowner.Person, error) {
	if err := d.Fault.at(subject); err != nil {
		return nil, err
	}
	if person, ok := d.People[subject]; ok {
		return person, nil
	}
	return nil, resourceowner.ErrUnknown
}

// Authenticate is that of resourceowner.Directory.
func (d *Directory) Authenticate(_ context.Context, username, password string) (*resourceowner.Person, error) {
	if err := d.LoginFault.at(username); err != nil {
		return nil, err
	}
	for subject, person := range d.People {
		if own, ok := d.Passwords[subject]; ok && own == password && person.Username == username {
			return person, nil
		}
	}
	return nil, resourceowner.ErrNoSuchLogin
}
