package embedded

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// held names an object that Hold has put in.
type held struct {
	kind *kind
	key  types.NamespacedName
}

// Hold makes the objects be there as they are given, as kubectl apply --prune does:
// it creates and updates, and deletes what it has put in before and is not given
// any more. The status of an object, and objects that others have made, stay.
func (a *API) Hold(objects []*unstructured.Unstructured) error {
	a.holding.Lock()
	defer a.holding.Unlock()
	now := map[held]bool{}
	for _, o := range objects {
		k := kindOf(o.GroupVersionKind())
		if k == nil {
			return fmt.Errorf("objects of the kind %s are not kept here", o.GroupVersionKind())
		}
		now[held{k, keyOf(o)}] = true
		if err := a.put(k, o); err != nil {
			return err
		}
	}
	for h := range a.held {
		if !now[h] {
			if err := a.store.remove(h.kind, h.key, nil); err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
	a.held = now
	return nil
}

func (a *API) put(k *kind, o *unstructured.Unstructured) error {
	_, err := a.store.create(k, o)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	_, err = a.store.update(k, keyOf(o), writing{}, func(object) (object, error) { return o.DeepCopy(), nil })
	return err
}

// Add puts in an object that is not there yet, for good. It reports whether it was
// not.
func (a *API) Add(o *unstructured.Unstructured) (bool, error) {
	k := kindOf(o.GroupVersionKind())
	if k == nil {
		return false, fmt.Errorf("objects of the kind %s are not kept here", o.GroupVersionKind())
	}
	_, err := a.store.create(k, o)
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	return err == nil, err
}

// Follow tells of every object of a kind that there is, and of every change to
// one, in order, until ctx ends: the object before and after it, nil where there
// is none. What it hands over must not be changed.
func (a *API) Follow(ctx context.Context, gvk schema.GroupVersionKind, tell func(before, after *unstructured.Unstructured)) {
	k := kindOf(gvk)
	found, version := a.store.list(k, func(object) bool { return true })
	for _, o := range found {
		tell(nil, o)
	}
	for {
		changes, now, more, ok := a.store.since(k, version)
		if !ok {
			// So far behind that changes are forgotten: begin anew.
			found, version = a.store.list(k, func(object) bool { return true })
			for _, o := range found {
				tell(nil, o)
			}
			continue
		}
		for _, c := range changes {
			tell(c.before, c.after)
		}
		version = now
		select {
		case <-ctx.Done():
			return
		case <-more:
		}
	}
}
