// Package clientdocument fetches what clients publish: the JWK Set at a jwks_uri
// (RFC 7591 §2), and the redirect URIs at a sector_identifier_uri (OpenID Connect
// Registration §5). What was fetched is remembered by its address.
//
// An address is fetched only because a registration names it, at most once in a
// minute, whoever asks how often. All who ask at a time share one request, which
// goes on when they go away.
package clientdocument

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/assertion"
)

// Bounds of what is fetched.
const (
	// Pause is how long an address is left alone after it was asked.
	Pause = time.Minute

	// MinFresh and MaxFresh bound the max-age of an answer, and Fresh is that of
	// one without.
	MinFresh = time.Minute
	Fresh    = 10 * time.Minute
	MaxFresh = 24 * time.Hour

	// Stale is how long an answer is used when it is fresh no more, and there is no
	// other.
	Stale = 24 * time.Hour

	// MaxBytes is how long a document may be.
	MaxBytes = 64 << 10

	// MaxKeys is how many keys of a JWK Set can be used.
	MaxKeys = 10

	// patience is how long an answer may take.
	patience = 5 * time.Second

	// maxFetches bounds how many are under way.
	maxFetches = 256

	// maxKeySets and maxSectors bound how many addresses are remembered: with keys
	// that takes 6 KiB each at most, and 64 KiB with redirect URIs.
	maxKeySets = 4096
	maxSectors = 1024
)

// ErrBusy says that more addresses are asked than there is room for.
var ErrBusy = errors.New("clientdocument: too many documents are being fetched")

// Options of a Fetcher.
type Options struct {
	// Client fetches nothing but what strangers may have fetched, as one of package
	// outbound does.
	Client *http.Client

	// Log is told of each document that could not be had.
	Log logr.Logger

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Fetcher fetches the documents of clients. It is safe for concurrent use.
type Fetcher struct {
	options Options
	keySets *cache[[]assertion.Key]
	sectors *cache[map[string]struct{}]
}

// New returns a Fetcher that knows nothing yet.
func New(o Options) *Fetcher {
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Fetcher{options: o}
	slots := make(chan struct{}, maxFetches)
	f.keySets = newCache(maxKeySets, slots, o.Now, func(address string) ([]assertion.Key, time.Duration, error) {
		return fetch(f, address, parseKeys)
	})
	f.sectors = newCache(maxSectors, slots, o.Now, func(address string) (map[string]struct{}, time.Duration, error) {
		return fetch(f, address, parseRedirectURIs)
	})
	return f
}

// Keys returns the keys of the JWK Set at the address, which a registration names
// as jwks_uri. With anew it looks whether there are others by now, if that was not
// done in the last minute. Where they cannot be fetched, those that were known
// count for a day more; without any there is an error, which is for the log.
func (f *Fetcher) Keys(ctx context.Context, address string, anew bool) ([]assertion.Key, error) {
	return f.keySets.get(ctx, address, anew)
}

// RedirectURIs returns the redirect URIs at the address, which a registration names
// as sector_identifier_uri, in the way of Keys. They must not be changed.
func (f *Fetcher) RedirectURIs(ctx context.Context, address string, anew bool) (map[string]struct{}, error) {
	return f.sectors.get(ctx, address, anew)
}
