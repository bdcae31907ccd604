package registration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/oauth"
)

// Bounds of live lookups. Strangers can name clients that do not exist as fast
// as they like: what they can make of it is liveRate requests a second.
const (
	liveRate    = 20 // a second
	liveBurst   = 50
	liveTimeout = 5 * time.Second

	// liveMemory is how long a live answer counts. It is short: whoever asks
	// for a client a moment too early should not have to wait for long.
	liveMemory = 2 * time.Second

	// Second looks at clients that the cache knows and would turn away are counted
	// apart: those that the policy has come to refuse go on asking, and new clients
	// must not suffer from that.
	doubtRate  = 10 // a second
	doubtBurst = 20
)

// maxName is the longest name of an OAuthClient.
const maxName = 63

// errBusy is the answer where a client is not in the cache and too many such
// have been asked for. Clients in the cache never get it.
var errBusy = oauth.NewError(oauth.CodeTemporarilyUnavailable,
	"The authorization server has been asked for too many clients that it does not know. Try again in a moment.")

// liveLookups asks the API server for clients that the cache does not know, or
// knows in a state in which they cannot be served: a cache can lag behind the
// controller, which has already called the client Ready.
type liveLookups struct {
	reader  client.Reader
	now     func() time.Time
	limiter *rate.Limiter // for clients that the cache does not know
	doubts  *rate.Limiter // for those that it would turn away
	flights singleflight.Group

	// namespaces are those that clients may be in: any, where there are none.
	namespaces []string

	// answers holds what was found lately, also by renewals. Each was paid for
	// with a limiter, which bounds their number to what those let through in
	// liveMemory.
	mu      sync.Mutex
	answers map[string]liveAnswer
	changes uint64 // counts what makes answers under way too old to keep
}

type liveAnswer struct {
	verdict *verdict
	until   time.Time
}

func newLiveLookups(reader client.Reader, now func() time.Time, namespaces []string) *liveLookups {
	return &liveLookups{
		reader:     reader,
		now:        now,
		limiter:    rate.NewLimiter(liveRate, liveBurst),
		doubts:     rate.NewLimiter(doubtRate, doubtBurst),
		namespaces: namespaces,
		answers:    map[string]liveAnswer{},
	}
}

// lookupLive returns what the API server knows of the client. All who ask for
// one client at a time share one request. Known says that the cache knows it.
func (c *Cluster) lookupLive(ctx context.Context, clientID string, known bool) (*verdict, error) {
	l := c.live
	if v := l.answered(clientID); v != nil {
		return v, nil
	}
	namespace, name, ok := splitID(clientID)
	if !ok || !l.serves(namespace) {
		return unknown, nil
	}
	flight := l.flights.DoChan(clientID, func() (any, error) {
		// The flight that was under way a moment ago may have just ended.
		if v := l.answered(clientID); v != nil {
			return v, nil
		}
		limiter := l.limiter
		if known {
			limiter = l.doubts
		}
		if !limiter.AllowN(l.now(), 1) {
			return nil, errBusy
		}
		// The one who came first may go away; the others still wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), liveTimeout)
		defer cancel()
		changes := l.changesSoFar()
		v, err := c.readLive(ctx, namespace, name)
		if err != nil {
			return nil, fmt.Errorf("registration: asking the API server for a client: %w", err)
		}
		l.remember(clientID, v, changes)
		return v, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-flight:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*verdict), nil
	}
}

// unknown is the verdict on a client that does not exist.
var unknown = &verdict{err: ErrUnknown}

// readLive asks the API server for the client and, where a policy looks at
// them, for the labels of its namespace.
func (c *Cluster) readLive(ctx context.Context, name, oauthClient string) (*verdict, error) {
	oac := &v1alpha1.OAuthClient{}
	if err := c.live.reader.Get(ctx, client.ObjectKey{Namespace: name, Name: oauthClient}, oac); err != nil {
		if apierrors.IsNotFound(err) {
			return unknown, nil
		}
		return nil, err
	}
	trimClient(oac)
	c.mu.RLock()
	servers, ns := c.servers, c.namespaces[name]
	c.mu.RUnlock()
	around := func() *neighbours { return c.neighboursIn(name) }
	v := compile(oac, servers, ns, around)
	if v.final() || v.server == "" {
		return v, nil
	}
	meta := namespaceMetadata()
	if err := c.live.reader.Get(ctx, client.ObjectKey{Name: name}, meta); err != nil {
		if apierrors.IsNotFound(err) {
			return unknown, nil
		}
		return nil, err
	}
	return compile(oac, servers, &namespace{uid: meta.UID, labels: meta.Labels}, around), nil
}

// splitID returns the namespace and the name of the OAuthClient whose client_id
// it is. It is false for what cannot be one, so nothing else that a stranger
// sends becomes part of a request.
func splitID(clientID string) (namespace, name string, ok bool) {
	namespace, name, ok = strings.Cut(clientID, ".")
	if !ok || len(name) > maxName ||
		len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return "", "", false
	}
	return namespace, name, true
}

// serves reports whether clients of the namespace are looked for.
func (l *liveLookups) serves(namespace string) bool {
	return len(l.namespaces) == 0 || slices.Contains(l.namespaces, namespace)
}

func (l *liveLookups) answered(clientID string) *verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a, ok := l.answers[clientID]; ok && l.now().Before(a.until) {
		return a.verdict
	}
	return nil
}

func (l *liveLookups) changesSoFar() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes
}

// remember keeps an answer, unless the cache has learnt something since it was
// asked for.
func (l *liveLookups) remember(clientID string, v *verdict, changes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for id, a := range l.answers {
		if !now.Before(a.until) {
			delete(l.answers, id)
		}
	}
	if l.changes == changes {
		l.answers[clientID] = liveAnswer{verdict: v, until: now.Add(liveMemory)}
	}
}

// forget drops the answer for a client of which the cache has heard.
func (l *liveLookups) forget(clientID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.answers, clientID)
	l.changes++
}

// forgetAll drops every answer, for a change that any of them may depend on.
func (l *liveLookups) forgetAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.answers)
	l.changes++
}
