package grant

import (
	"context"
	"errors"
	"fmt"
)

// Archive is what the tools of administrators need of a Store beyond its contract.
// No request that a server answers comes here.
type Archive interface {
	Store

	// Each visits the grants that match, in no order, each once. One that is created,
	// changed or cleared away meanwhile is visited as it was before or after, or not.
	// It returns the first error of visit.
	Each(ctx context.Context, filter Filter, visit func(Grant) error) error

	// Replace sets how far a grant has been used (Generation, RefreshedAt, ExpiresAt
	// and Revoked) to what is says, if generation and reason still are what was says,
	// and otherwise returns ErrMoved and changes nothing. ErrNotFound if there is no
	// grant.
	Replace(ctx context.Context, was, is Grant) error
}

// Filter chooses grants: those of which everything is true that it says.
type Filter struct {
	ID       string
	ClientID string
	Subject  string
	Username string
}

// Matches reports whether the filter chooses the grant.
func (f Filter) Matches(g Grant) bool {
	return (f.ID == "" || f.ID == g.ID) && (f.ClientID == "" || f.ClientID == g.ClientID) &&
		(f.Subject == "" || f.Subject == g.Subject) && (f.Username == "" || f.Username == g.Username)
}

// ErrOther says that two stores have different grants under one key.
var ErrOther = errors.New("grant: another grant has that key")

// Merge returns what is known of a grant by two stores that have it: the later
// generation, and revoked if it is in either. One store's word that the grant has
// moved to another store gives way to what that other one says. ErrOther if they say
// different things of what was allowed.
func Merge(here, there Grant) (Grant, error) {
	if here.Key() != there.Key() || here.digest() != there.digest() {
		return Grant{}, ErrOther
	}
	merged := here
	if there.Generation > here.Generation {
		merged.Generation, merged.RefreshedAt, merged.ExpiresAt = there.Generation, there.RefreshedAt, there.ExpiresAt
	}
	switch here.Revoked {
	case "":
		// That it has moved away is no news to the store that it has moved to.
		if there.Revoked != Moved || there.Generation > here.Generation {
			merged.Revoked = there.Revoked
		}
	case Moved:
		// An older copy does not bring back what has moved on since.
		if there.Revoked != "" || there.Generation >= here.Generation {
			merged.Revoked = there.Revoked
		}
	default: // the first reason stays
	}
	return merged, nil
}

// maxImports bounds how often an Import starts anew because the grant was used
// meanwhile.
const maxImports = 8

// Import keeps a grant of another store in this one, merged with what it has of it.
// It reports whether that has changed anything, so importing the same grant again
// is nothing.
func Import(ctx context.Context, to Archive, g Grant) (changed bool, err error) {
	g = g.Normal()
	if err := to.Create(ctx, g); !errors.Is(err, ErrExists) {
		return err == nil, err
	}
	for range maxImports {
		here, err := to.Get(ctx, g.Key())
		if err != nil {
			return false, err
		}
		merged, err := Merge(here, g)
		if err != nil {
			return false, err
		}
		if merged.Same(here) {
			return false, nil
		}
		if err = to.Replace(ctx, here, merged); !errors.Is(err, ErrMoved) {
			return err == nil, err
		}
	}
	return false, fmt.Errorf("grant: importing a grant that is in use all the time: %w", ErrMoved)
}

// Same reports whether two states of one grant are the same.
func (g Grant) Same(other Grant) bool {
	return g.Generation == other.Generation && g.Revoked == other.Revoked &&
		g.RefreshedAt.Equal(other.RefreshedAt) && g.ExpiresAt.Equal(other.ExpiresAt)
}

// HandOver takes a grant away from one store and gives it to another. It is ended in
// the first before it stands in the second, so no refresh token is ever good in both;
// broken off between the two and done again, it goes on. A grant that was ended for
// another reason arrives ended.
func HandOver(ctx context.Context, from, to Archive, key Key) (changed bool, err error) {
	if err := from.Revoke(ctx, key, Moved); err != nil {
		return false, err
	}
	g, err := from.Get(ctx, key) // which cannot be refreshed any more
	if err != nil {
		return false, err
	}
	if g.Revoked == Moved {
		g.Revoked = ""
	}
	return Import(ctx, to, g)
}
