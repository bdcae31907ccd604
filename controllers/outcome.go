package controllers

import (
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// What happens next, where something did not work:
//
//   - An error of the API server or of the network is returned: it is tried
//     again, later and later.
//   - errMoved says that somebody else has written at the same time. That is no
//     fault: the decision is made again on what there is now.
//   - What only a human, or something that is watched, can change is a
//     condition, and no error.

// errMoved says that what was observed is not what there is any more.
var errMoved = errors.New("the object has been changed by somebody else at the same time")

const (
	// soon is when a decision is made again that was overtaken.
	soon = 250 * time.Millisecond

	// unwatched is how often it is looked whether something has changed that
	// cannot be watched: whether the API server still refuses an object, and
	// whether a Secret is still there that is not ours to cache.
	unwatched = time.Minute
)

// next returns the result of a Reconcile that ended with err.
func next(again time.Duration, err error) (reconcile.Result, error) {
	switch {
	case errors.Is(err, errMoved):
		return reconcile.Result{RequeueAfter: soon}, nil
	case err != nil:
		return reconcile.Result{}, err
	default:
		return reconcile.Result{RequeueAfter: again}, nil
	}
}

// overtaken turns the error of a write that came too late into errMoved.
func overtaken(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) {
		return errMoved
	}
	return err
}

// refused reports whether the API server has understood a write and will not
// have it, so that trying again at once is of no use.
func refused(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) ||
		apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// until returns the time from now until then, and at least a second. It is zero
// for the zero time, which means never.
func until(then, now time.Time) time.Duration {
	if then.IsZero() {
		return 0
	}
	return max(then.Sub(now), time.Second)
}

// sooner returns the shorter of two times to wait, of which 0 is for ever.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || (b > 0 && b < a) {
		return b
	}
	return a
}
