package registration

import (
	"context"
	"errors"
	"fmt"
)

// SectorDocuments knows what is at the sector identifier URIs of clients;
// clientdocument.Fetcher is one.
type SectorDocuments interface {
	// RedirectURIs returns the redirect URIs that are listed at the address. With
	// anew it looks whether there are others by now, if that was not done a moment
	// ago.
	RedirectURIs(ctx context.Context, address string, anew bool) (map[string]struct{}, error)
}

// VerifySectors returns the registry without the clients that have a sector
// identifier URI at which not all of their redirect URIs are listed: they are
// refused, because the host of that address has not said that they are of its
// sector (OpenID Connect Core §8.1, Registration §5). Without documents each that
// has one is refused.
func VerifySectors(next Registry, documents SectorDocuments) Registry {
	return verifiedSectors{next: next, documents: documents}
}

type verifiedSectors struct {
	next      Registry
	documents SectorDocuments
}

// Lookup implements Registry.
func (v verifiedSectors) Lookup(ctx context.Context, clientID string) (*Client, error) {
	client, err := v.next.Lookup(ctx, clientID)
	if err != nil || client.OpenID.SectorIdentifierURI == "" {
		return client, err
	}
	if err := v.verify(ctx, client); err != nil {
		return nil, fmt.Errorf("%w: spec.sectorIdentifierURI: %w", ErrRefused, err)
	}
	return client, nil
}

// Renew implements Registry. A newer state that is not verified is none.
func (v verifiedSectors) Renew(ctx context.Context, known *Client) *Client {
	newer := v.next.Renew(ctx, known)
	if newer == nil || newer.OpenID.SectorIdentifierURI == "" {
		return newer
	}
	if v.verify(ctx, newer) != nil {
		return nil
	}
	return newer
}

// verify finds each redirect URI of the client in the document. OpenID Connect
// Registration §5: "The values MUST be included in the elements of the array".
func (v verifiedSectors) verify(ctx context.Context, client *Client) error {
	if v.documents == nil {
		return errors.New("nothing is fetched here")
	}
	missing := ""
	for _, anew := range []bool{false, true} {
		listed, err := v.documents.RedirectURIs(ctx, client.OpenID.SectorIdentifierURI, anew)
		if err != nil {
			return err
		}
		if missing = notListed(client.RedirectURIs, listed); missing == "" {
			return nil
		}
	}
	return fmt.Errorf("the document does not list the redirect URI %q", missing)
}

// notListed returns the first of the redirect URIs that is not listed, or "".
func notListed(uris []RedirectURI, listed map[string]struct{}) string {
	for _, uri := range uris {
		if _, there := listed[uri.String()]; !there {
			return uri.String()
		}
	}
	return ""
}
