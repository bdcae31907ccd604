package registration

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"oauth-operator.dev/api/v1alpha1"
)

// When a client secret was used is the one thing that the server writes about a
// registration.
//
// +kubebuilder:rbac:groups=oauth-operator.dev,resources=oauthclients/status,verbs=patch,roleName=oauth-operator-server-clients

// Bounds of what is written about uses. What happens in between is not missed:
// the latest use is the one that is written.
const (
	// useInterval is the time between two writes about one client, by whichever
	// replica.
	useInterval = 10 * time.Minute

	// useAge is how old a use can be that is still written. It is shorter than
	// useInterval by more than a write can take.
	useAge = useInterval - time.Minute

	useRate    = 10 // writes a second by one replica, whatever the clients are
	usePass    = 10 * time.Second
	useTimeout = 5 * time.Second

	// useTries is how often a write is tried that meets another one.
	useTries = 3

	// maxUses is how many credentials of one client are remembered: as many as a
	// status can have.
	maxUses = 8
)

// useManager is the name under which the API server records these writes.
const useManager = "oauth-operator-server"

// Recorder writes into the status of clients when their secrets were last used.
// It remembers uses of clients that have authenticated, and writes them behind
// the requests' back; what it does not get written is lost, and what it
// remembers at the end of the process too.
type Recorder struct {
	cluster *Cluster
	client  client.Client
	log     logr.Logger
	now     func() time.Time
	pass    time.Duration
	limiter *rate.Limiter

	mu    sync.Mutex
	noted map[string]*uses // by client_id
}

// uses are those of one client that are not written yet.
type uses struct {
	uid   string
	last  []use
	tries int
}

type use struct {
	credential string
	at         time.Time
}

// NewRecorder returns a Recorder for the clients of the Cluster, to be started
// with the manager.
func NewRecorder(mgr cluster.Cluster, registrations *Cluster, log logr.Logger) *Recorder {
	return &Recorder{
		cluster: registrations,
		client:  mgr.GetClient(),
		log:     log,
		now:     registrations.live.now,
		pass:    usePass,
		limiter: rate.NewLimiter(useRate, useRate),
		noted:   map[string]*uses{},
	}
}

// Used implements clientauth.Uses.
func (r *Recorder) Used(c *Client, credentialID string) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.noted[c.ID]
	if u == nil || u.uid != c.UID {
		u = &uses{uid: c.UID}
		r.noted[c.ID] = u
	}
	u.note(credentialID, now)
}

// note remembers a use. Of more credentials than there can be, it forgets the one
// that was used least recently.
func (u *uses) note(credential string, at time.Time) {
	for i := range u.last {
		if u.last[i].credential == credential {
			u.last[i].at = at
			return
		}
	}
	if len(u.last) < maxUses {
		u.last = append(u.last, use{credential, at})
		return
	}
	oldest := slices.MinFunc(u.last, func(a, b use) int { return a.at.Compare(b.at) })
	u.last[slices.Index(u.last, oldest)] = use{credential, at}
}

// Start writes what is noted, every now and then, until ctx ends. Replicas are
// out of step, so that as a rule one is first and the others see it.
func (r *Recorder) Start(ctx context.Context) error {
	timer := time.NewTimer(rand.N(r.pass)) // #nosec G404 -- nobody gains from guessing it
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			r.record(ctx)
			timer.Reset(r.pass)
		}
	}
}

// NeedLeaderElection says that every replica records what it sees.
func (r *Recorder) NeedLeaderElection() bool { return false }

// record writes what may be written now.
func (r *Recorder) record(ctx context.Context) {
	for _, id := range r.clients() {
		if !r.due(id) {
			continue
		}
		if r.limiter.Wait(ctx) != nil {
			return
		}
		r.write(ctx, id)
	}
}

// clients returns of which clients there is something to be written, in no order.
func (r *Recorder) clients() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.noted))
	for id := range r.noted {
		ids = append(ids, id)
	}
	return ids
}

// due reports whether something may be written about the client now, and drops
// what never will be.
func (r *Recorder) due(id string) bool {
	oac, recorded := r.cluster.recorded(id)
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.noted[id]
	if u == nil {
		return false
	}
	if oac == nil || string(oac.UID) != u.uid || len(u.unwritten(oac, now)) == 0 {
		delete(r.noted, id)
		return false
	}
	return !now.Before(nextRecord(oac, recorded))
}

// write writes what is noted about one client, if its status is still the one
// that is known here. Where another replica was faster, the status is not.
func (r *Recorder) write(ctx context.Context, id string) {
	oac, u := r.take(id)
	if u == nil {
		return
	}
	patch, err := usePatch(oac, u.unwritten(oac, r.now()))
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, useTimeout)
		defer cancel()
		target := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: oac.Namespace, Name: oac.Name}}
		err = r.client.Status().Patch(ctx, target, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(useManager))
	}
	if apierrors.IsInvalid(err) || apierrors.IsConflict(err) {
		u.tries++
		if u.tries < useTries {
			r.giveBack(id, u)
			return
		}
	}
	if err != nil {
		r.log.V(1).Info("The use of a client secret was not recorded.", "client", id, "reason", apierrors.ReasonForError(err))
	}
	// Also where nobody knows whether it was written.
	r.cluster.noteRecorded(id)
}

// take returns the client and what is noted about it, which is then forgotten.
func (r *Recorder) take(id string) (*v1alpha1.OAuthClient, *uses) {
	oac, _ := r.cluster.recorded(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.noted[id]
	delete(r.noted, id)
	if oac == nil || u == nil || string(oac.UID) != u.uid {
		return nil, nil
	}
	return oac, u
}

// giveBack notes again what could not be written, beside what has come since.
func (r *Recorder) giveBack(id string, u *uses) {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := r.noted[id]
	if since != nil && since.uid != u.uid {
		return
	}
	r.noted[id] = u
	if since == nil {
		return
	}
	for _, later := range since.last {
		u.note(later.credential, later.at)
	}
}
