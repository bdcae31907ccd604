package keys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/assertion"
)

// ServiceAccounts knows who vouches for the service accounts of the cluster, and
// the public keys that their tokens are signed with. It reads them from the API
// server, whom we trust with everything, by the connection that we have: nothing
// is taken from an address that a token or a document names. Every service account
// may read both documents (ClusterRole system:service-account-issuer-discovery).
type ServiceAccounts struct {
	api rest.Interface
	now func() time.Time

	known atomic.Pointer[clusterIssuer]

	reading sync.Mutex // held while the API server is asked
	asked   time.Time
	failed  error // what the last question came to
}

// clusterIssuer is who signs the tokens of service accounts.
type clusterIssuer struct {
	issuer string
	keys   []assertion.Key
	at     time.Time
}

const (
	// serviceAccountKeysAge is for how long keys are believed to be all there are.
	// A key that the cluster has taken away is used no longer than that.
	serviceAccountKeysAge = 5 * time.Minute

	// serviceAccountKeysPause is how often anybody can make us ask.
	serviceAccountKeysPause = 10 * time.Second

	// serviceAccountKeysPatience is how long an answer may take.
	serviceAccountKeysPatience = 5 * time.Second
)

// NewServiceAccounts returns ServiceAccounts of the cluster that config reaches.
// With httpClient nil it makes one from config.
func NewServiceAccounts(config *rest.Config, httpClient *http.Client, now func() time.Time) (*ServiceAccounts, error) {
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	if httpClient == nil {
		var err error
		if httpClient, err = rest.HTTPClientFor(config); err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
	}
	api, err := rest.UnversionedRESTClientForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if now == nil {
		now = time.Now
	}
	return &ServiceAccounts{api: api, now: now}, nil
}

// Issuer returns the issuer identifier of the cluster and its keys. With anew it
// asks whether there are others by now, but not more often than every ten
// seconds. Where the API server does not answer, what is known goes on to count.
func (s *ServiceAccounts) Issuer(ctx context.Context, anew bool) (string, []assertion.Key, error) {
	known := s.known.Load()
	if known == nil || anew || s.now().Sub(known.at) >= serviceAccountKeysAge {
		if err := s.read(ctx); err != nil && known == nil {
			return "", nil, err
		}
		known = s.known.Load()
	}
	return known.issuer, known.keys, nil
}

// read asks the API server, unless that was done a moment ago.
func (s *ServiceAccounts) read(ctx context.Context) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	now := s.now()
	if !s.asked.IsZero() && now.Sub(s.asked) < serviceAccountKeysPause {
		return s.failed
	}
	// Whoever is waiting here does not decide for the others when to give up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), serviceAccountKeysPatience)
	defer cancel()
	read, err := s.fetch(ctx)
	s.asked, s.failed = now, err
	if err == nil {
		read.at = now
		s.known.Store(read)
	}
	return err
}

func (s *ServiceAccounts) fetch(ctx context.Context) (*clusterIssuer, error) {
	document, err := s.api.Get().AbsPath("/.well-known/openid-configuration").Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("keys: reading the issuer of service accounts: %w", err)
	}
	var metadata struct {
		Issuer string `json:"issuer"`
	}
	if err := json.Unmarshal(document, &metadata); err != nil || metadata.Issuer == "" {
		return nil, errors.New("keys: the API server names no issuer of service accounts")
	}
	document, err = s.api.Get().AbsPath("/openid/v1/jwks").Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("keys: reading the keys of service accounts: %w", err)
	}
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil || set.Keys == nil {
		return nil, errors.New("keys: the API server's keys of service accounts cannot be read")
	}
	read := &clusterIssuer{issuer: metadata.Issuer}
	for _, jwk := range *set.Keys {
		// RFC 7517 §5: what is not understood is left out, and takes no other key with
		// it. A cluster that tries a new type of key beside the old one goes on working.
		if public, id, alg, err := validation.ParseJWK(jwk); err == nil {
			read.keys = append(read.keys, assertion.Key{ID: id, Alg: alg, Public: public})
		}
	}
	return read, nil
}
