package controllers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
)

// A client secret is replaced in three writes, so that the Secret never holds one
// that the server refuses:
//
//  1. the status gets the new credential beside the others, as Pending;
//  2. the Secret gets the new client secret;
//  3. the status makes it Current, and the former one Retiring.
//
// Every write is bound to the version that was decided on. What is under way is
// only ever carried forward: who comes to 2 again without the client secret of 1
// announces another, and the earlier ones stay until 3, because a write of 2 that
// timed out may still arrive before it.

const (
	// maxPending is how many credentials can be announced at the same time. Before
	// there would be another, the Secret is touched, so that no write that is still
	// under way can arrive, and the new one takes the place of all of them.
	maxPending = 3

	// maxRetiring is how many client secrets can be accepted that were replaced.
	// With the others they fit into the status, which holds 8.
	maxRetiring = 4

	// maxRequest is the size of status.rotation.lastRequest.
	maxRequest = 256

	// movesAhead is how long before its end a credential is given more time that
	// is still in use, so that the servers know of it before the end.
	movesAhead = 10 * time.Minute

	// useLag is for how long a use may be unknown here: the servers write uses of a
	// client every ten minutes at most, try once more if a write fails, and leave
	// out what is not the latest.
	useLag = 20 * time.Minute

	// warnAtMost and warnAtLeast bound how long before its end it is said that an
	// old client secret is still in use.
	warnAtMost  = 24 * time.Hour
	warnAtLeast = time.Minute
)

// rotation is what there is to be said about the replacement of a client secret
// that is intact.
type rotation struct {
	// cause is why it is replaced now: none if it is not.
	cause string

	// next is when the interval is over and the window open: zero for never.
	next time.Time

	// waits says why what is asked for is not done yet, for people to read.
	waits string
}

// rotationOf decides whether a client secret that was made at the time is to be
// replaced.
func rotationOf(c *v1alpha1.OAuthClient, created, now time.Time) rotation {
	var r rotation
	if c.Spec.Secret.Ref != nil {
		return r
	}
	r.next = nextByInterval(c, created, now)
	free := freeAt(c, now)
	if !r.next.IsZero() && r.next.Before(free) {
		r.next = nextByInterval(c, created, free)
	}
	switch {
	case !requested(c) && (r.next.IsZero() || r.next.After(now)):
	case free.After(now):
		r.waits = "the client secret is replaced once one of those has ended that were replaced before: " + free.UTC().Format(time.RFC3339)
	case requested(c):
		r.cause = causeRequest
	default:
		r.cause = causeInterval
	}
	return r
}

// nextByInterval returns the first time, from now on, at which the client secret
// is old enough and the window is open. It is zero for never, as it is for a
// window that validation.ClientSecret refuses.
func nextByInterval(c *v1alpha1.OAuthClient, created, now time.Time) time.Time {
	if c.Spec.Rotation == nil || c.Spec.Rotation.Interval == nil {
		return time.Time{}
	}
	w, err := newWindow(c.Spec.Rotation.Window)
	if err != nil {
		return time.Time{}
	}
	due := created.Add(c.Spec.Rotation.Interval.Duration)
	if due.Before(now) && !w.contains(now) {
		due = now
	}
	return w.next(due)
}

// freeAt returns when there is room for one more client secret that was replaced.
func freeAt(c *v1alpha1.OAuthClient, now time.Time) (free time.Time) {
	retiring := 0
	for _, p := range c.Status.Credentials {
		if p.State == v1alpha1.CredentialRetiring && p.ExpiresAt != nil && !ended(p, now) {
			retiring++
			free = earlier(free, p.ExpiresAt.Time)
		}
	}
	if _, untilUnused := c.RetiresUnused(); retiring < maxRetiring || (c.RotationOverlap() == 0 && !untilUnused) {
		return time.Time{}
	}
	return free
}

// requested reports whether the annotation asks for what was not done yet.
func requested(c *v1alpha1.OAuthClient) bool {
	asked := request(c)
	return asked != "" && (c.Status.Rotation == nil || c.Status.Rotation.LastRequest != asked)
}

// request is the value of the annotation, or what stands for it in the status if
// it is too long for that.
func request(c *v1alpha1.OAuthClient) string {
	asked := c.Annotations[v1alpha1.AnnotationRotate]
	if len(asked) > maxRequest {
		sum := sha256.Sum256([]byte(asked))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return asked
}

// announced returns the credentials as they are to be before the Secret gets the
// new one.
func announced(published []v1alpha1.ClientCredential, current v1alpha1.ClientCredential, anew bool, now time.Time) []v1alpha1.ClientCredential {
	all := slices.DeleteFunc(slices.Clone(published), func(p v1alpha1.ClientCredential) bool {
		return ended(p, now) || (anew && p.State == v1alpha1.CredentialPending)
	})
	current.State = v1alpha1.CredentialPending
	return append(all, current)
}

// pending reports whether a replacement is under way.
func pending(p v1alpha1.ClientCredential) bool { return p.State == v1alpha1.CredentialPending }

func countPending(published []v1alpha1.ClientCredential) (n int) {
	for _, p := range published {
		if pending(p) {
			n++
		}
	}
	return n
}

// replaces reports whether the credential takes the place of another, which the
// status names as current still.
func replaces(published []v1alpha1.ClientCredential, current v1alpha1.ClientCredential) bool {
	if p := find(published, current.ID); p != nil && !pending(*p) {
		return false
	}
	return slices.ContainsFunc(published, isCurrent)
}

// isCurrent knows that a credential of an earlier version had no state.
func isCurrent(p v1alpha1.ClientCredential) bool {
	return cmp.Or(p.State, v1alpha1.CredentialCurrent) == v1alpha1.CredentialCurrent
}

// settled returns the credentials once the Secret holds the current one: the
// former current one has the overlap to live, which may be over at once, and what
// was announced besides is dropped, unless it may still come to be in a Secret.
func settled(published []v1alpha1.ClientCredential, current v1alpha1.ClientCredential, overlap time.Duration, keepPending bool, now time.Time) []v1alpha1.ClientCredential {
	replaced := replaces(published, current)
	current.State, current.ExpiresAt = v1alpha1.CredentialCurrent, nil
	var retiring, others []v1alpha1.ClientCredential
	for _, p := range published {
		switch {
		case p.ID == current.ID || ended(p, now):
		case pending(p):
			if keepPending {
				others = append(others, p)
			}
		case p.State == v1alpha1.CredentialRetiring:
			retiring = append(retiring, p)
		case replaced:
			p.State = v1alpha1.CredentialRetiring
			p.ExpiresAt = seconds(now.Add(overlap))
			retiring = append(retiring, p)
		}
	}
	return append(append([]v1alpha1.ClientCredential{current}, retiring...), others...)
}

// fitting returns as many of the credentials as there is room for: a repair does
// not wait for it, so what ends first makes it.
func fitting(credentials []v1alpha1.ClientCredential) []v1alpha1.ClientCredential {
	for {
		first, retiring := -1, 0
		for i, p := range credentials {
			if p.State != v1alpha1.CredentialRetiring {
				continue
			}
			retiring++
			if first < 0 || p.ExpiresAt.Before(credentials[first].ExpiresAt) {
				first = i
			}
		}
		if retiring <= maxRetiring {
			return credentials
		}
		credentials = slices.Delete(credentials, first, first+1)
	}
}

// aged returns the credentials without those that have ended, and with more time
// for those that are not to end while they are in use. None that was replaced has
// more time ahead than rotation.overlap, or what its last use gives it: a status
// that somebody else wrote lengthens no life beyond that.
func aged(c *v1alpha1.OAuthClient, credentials []v1alpha1.ClientCredential, now time.Time) []v1alpha1.ClientCredential {
	var alive []v1alpha1.ClientCredential
	unusedFor, untilUnused := c.RetiresUnused()
	for _, p := range credentials {
		silent := silentAt(p, unusedFor, now)
		if last := now.Add(c.RotationOverlap()); p.State == v1alpha1.CredentialRetiring {
			if untilUnused && silent.After(last) {
				last = silent
			}
			if p.ExpiresAt == nil || p.ExpiresAt.After(last) {
				p.ExpiresAt = seconds(last)
			}
		}
		if untilUnused && silent.After(now) && movesAt(p, silent, now) {
			p.ExpiresAt = seconds(silent)
		}
		if !ended(p, now) {
			alive = append(alive, p)
		}
	}
	return alive
}

// silentAt is when it is known of a credential that was replaced that it has not
// been used for so long, and was not when its end had to be moved on: that is later
// than the last use that is known tells. One that was never used is silent since it
// was made, and no use is later than now, whatever the status says.
func silentAt(p v1alpha1.ClientCredential, unusedFor time.Duration, now time.Time) time.Time {
	if p.State != v1alpha1.CredentialRetiring {
		return time.Time{}
	}
	last := p.CreatedAt.Time
	if p.LastUsedAt != nil && p.LastUsedAt.After(last) {
		last = p.LastUsedAt.Time
	}
	if last.After(now) {
		last = now
	}
	return last.Add(unusedFor + useLag + movesAhead)
}

// movesAt reports whether the end of the credential is so near that it has to be
// moved on: not before, so that it is not written with every use.
func movesAt(p v1alpha1.ClientCredential, silent, now time.Time) bool {
	return p.ExpiresAt.Time.Before(silent.Truncate(time.Second)) && p.ExpiresAt.Sub(now) <= movesAhead
}

// ended reports whether a credential that was replaced is not accepted any more.
func ended(p v1alpha1.ClientCredential, now time.Time) bool {
	return p.State == v1alpha1.CredentialRetiring && p.ExpiresAt != nil && !now.Before(p.ExpiresAt.Time)
}

// warnAt is when it is said that an old client secret is still in use: that long
// before its end. It is zero where it does not end while it is in use.
func warnAt(c *v1alpha1.OAuthClient, p *v1alpha1.ClientCredential) time.Time {
	if _, untilUnused := c.RetiresUnused(); untilUnused || p.State != v1alpha1.CredentialRetiring || p.ExpiresAt == nil {
		return time.Time{}
	}
	const part = 10
	return p.ExpiresAt.Add(-max(min(c.RotationOverlap()/part, warnAtMost), warnAtLeast))
}

// nextLook returns when there is something to do that nothing that is watched will
// tell, as the time from now: 0 for never. Where the credentials are not as they
// should be, something else has to happen before there is a rotation.
func nextLook(c *v1alpha1.OAuthClient, ok bool, now time.Time) time.Duration {
	var next time.Time
	unusedFor, untilUnused := c.RetiresUnused()
	for i := range c.Status.Credentials {
		p := &c.Status.Credentials[i]
		switch {
		case pending(*p) && ok:
			next = earlier(next, now)
		case p.State != v1alpha1.CredentialRetiring || p.ExpiresAt == nil:
		case untilUnused && silentAt(*p, unusedFor, now).After(p.ExpiresAt.Time):
			next = earlier(next, p.ExpiresAt.Add(-movesAhead))
		default:
			next = earlier(next, p.ExpiresAt.Time)
			if warn := warnAt(c, p); warn.After(now) {
				next = earlier(next, warn)
			}
		}
	}
	if ok && c.Status.Rotation != nil && c.Status.Rotation.NextAt != nil {
		next = earlier(next, c.Status.Rotation.NextAt.Time)
	}
	return until(next, now)
}

// seconds is the time as the API holds it.
func seconds(t time.Time) *metav1.Time {
	rounded := metav1.NewTime(t.UTC().Truncate(time.Second))
	return &rounded
}
