package embedded

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// object is an object as the store keeps it: never changed, only replaced.
type object = *unstructured.Unstructured

// store keeps the objects, and the changes to them for those who watch.
type store struct {
	mu      sync.Mutex
	version int64
	objects map[*kind]map[types.NamespacedName]object
	births  map[string]int // how often there was an object of that kind and name
	changes []change
	changed chan struct{} // closed with the next change
}

// change is an object before and after one write. Before is nil for one that was
// created, after for one that was deleted.
type change struct {
	version       int64
	kind          *kind
	before, after object
}

// keptChanges is how many changes a watch may lag behind.
const keptChanges = 4096

func newStore() *store {
	return &store{
		objects: map[*kind]map[types.NamespacedName]object{},
		births:  map[string]int{},
		changed: make(chan struct{}),
	}
}

func keyOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

func (s *store) get(k *kind, key types.NamespacedName) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.objects[k][key]; o != nil {
		return o, nil
	}
	return nil, apierrors.NewNotFound(k.GroupVersion().WithResource(k.resource).GroupResource(), key.Name)
}

// list returns the objects that are selected, in the order of their names, and
// the version of the list.
func (s *store) list(k *kind, selected func(object) bool) ([]object, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := slices.DeleteFunc(slices.Collect(maps.Values(s.objects[k])), func(o object) bool { return !selected(o) })
	slices.SortFunc(found, func(a, b object) int {
		return cmp.Or(strings.Compare(a.GetNamespace(), b.GetNamespace()), strings.Compare(a.GetName(), b.GetName()))
	})
	return found, s.version
}

func (s *store) create(k *kind, o object) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(o)
	if s.objects[k][key] != nil {
		return nil, apierrors.NewAlreadyExists(k.GroupVersion().WithResource(k.resource).GroupResource(), key.Name)
	}
	o = o.DeepCopy()
	if _, typed := o.Object["type"]; k.Kind == "Secret" && !typed {
		o.Object["type"] = string(corev1.SecretTypeOpaque)
	}
	o.SetUID(s.newUID(k, key))
	o.SetCreationTimestamp(metav1.NewTime(time.Now().Truncate(time.Second)))
	o.SetGeneration(1)
	o.SetManagedFields(nil)
	if k.forgotten {
		return o, nil
	}
	s.put(k, nil, o)
	return o, nil
}

// newUID returns the UID of an object to be. It is the same each time the process
// runs, because the UID of a person is what clients know them by; and another one
// when an object was deleted and is made anew.
func (s *store) newUID(k *kind, key types.NamespacedName) types.UID {
	id := k.String() + "/" + key.String()
	s.births[id]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", id, s.births[id]))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // RFC 9562 §5.8: version 8
	return types.UID(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
}

// writing is a kind of write to an object that exists.
type writing struct {
	status bool // takes the status alone, and otherwise all but that
	patch  bool
}

// update has change make a new state of an object from the one that there is. What
// it returns may name the version or the UID that it is meant for.
func (s *store) update(k *kind, key types.NamespacedName, how writing, change func(object) (object, error)) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resource := k.GroupVersion().WithResource(k.resource).GroupResource()
	have := s.objects[k][key]
	if have == nil {
		return nil, apierrors.NewNotFound(resource, key.Name)
	}
	want, err := change(have.DeepCopy())
	if err != nil {
		return nil, err
	}
	if v := want.GetResourceVersion(); v != "" && v != have.GetResourceVersion() {
		return nil, apierrors.NewConflict(resource, key.Name, fmt.Errorf("the object is at version %s, not %s", have.GetResourceVersion(), v))
	}
	if uid := want.GetUID(); uid != "" && uid != have.GetUID() {
		if how.patch {
			return nil, apierrors.NewInvalid(k.GroupKind(), key.Name, field.ErrorList{
				field.Invalid(field.NewPath("metadata", "uid"), string(uid), "field is immutable"),
			})
		}
		return nil, apierrors.NewConflict(resource, key.Name, fmt.Errorf("the object has the UID %s, not %s", have.GetUID(), uid))
	}
	next := merge(k, have, want, how.status)
	next.SetResourceVersion(have.GetResourceVersion())
	if reflect.DeepEqual(next.Object, have.Object) {
		return have, nil
	}
	if !sameBut(next.Object, have.Object, "metadata", "status") {
		next.SetGeneration(have.GetGeneration() + 1)
	}
	s.put(k, have, next)
	return next, nil
}

// merge makes the next state of an object from what is there and what is wanted.
func merge(k *kind, have, want object, status bool) object {
	next, other := want.DeepCopy(), have.DeepCopy()
	if status {
		next, other = other, next
	}
	if k.status {
		if s, ok := other.Object["status"]; ok {
			next.Object["status"] = s
		} else {
			delete(next.Object, "status")
		}
	}
	next.SetNamespace(have.GetNamespace())
	next.SetName(have.GetName())
	next.SetUID(have.GetUID())
	next.SetCreationTimestamp(have.GetCreationTimestamp())
	next.SetGeneration(have.GetGeneration())
	next.SetManagedFields(nil)
	return next
}

func sameBut(a, b map[string]any, fields ...string) bool {
	a, b = maps.Clone(a), maps.Clone(b)
	for _, field := range fields {
		delete(a, field)
		delete(b, field)
	}
	return reflect.DeepEqual(a, b)
}

// remove deletes an object, if it is still the one that the preconditions name,
// and what it owned.
func (s *store) remove(k *kind, key types.NamespacedName, only *metav1.Preconditions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	resource := k.GroupVersion().WithResource(k.resource).GroupResource()
	have := s.objects[k][key]
	if have == nil {
		return apierrors.NewNotFound(resource, key.Name)
	}
	if only != nil && only.UID != nil && *only.UID != have.GetUID() {
		return apierrors.NewConflict(resource, key.Name, fmt.Errorf("the object has the UID %s, not %s", have.GetUID(), *only.UID))
	}
	if only != nil && only.ResourceVersion != nil && *only.ResourceVersion != have.GetResourceVersion() {
		return apierrors.NewConflict(resource, key.Name, fmt.Errorf("the object is at version %s, not %s", have.GetResourceVersion(), *only.ResourceVersion))
	}
	s.put(k, have, nil)
	s.collect(have.GetUID())
	return nil
}

// collect deletes what an object that is gone owned. The caller holds the lock.
func (s *store) collect(owner types.UID) {
	for k, all := range s.objects {
		for _, o := range all {
			if controller := metav1.GetControllerOfNoCopy(o); controller != nil && controller.UID == owner {
				s.put(k, o, nil)
				s.collect(o.GetUID())
			}
		}
	}
}

// put makes a change. The caller holds the lock.
func (s *store) put(k *kind, before, after object) {
	s.version++
	if after != nil {
		after.SetResourceVersion(strconv.FormatInt(s.version, 10))
		if s.objects[k] == nil {
			s.objects[k] = map[types.NamespacedName]object{}
		}
		s.objects[k][keyOf(after)] = after
	} else {
		delete(s.objects[k], keyOf(before))
	}
	s.changes = append(s.changes, change{version: s.version, kind: k, before: before, after: after})
	if len(s.changes) >= 2*keptChanges {
		s.changes = slices.Clone(s.changes[keptChanges:])
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// since returns the changes to a kind after a version, the version that they lead
// up to, and what is closed when there are more. It is not ok if some are
// forgotten already.
func (s *store) since(k *kind, version int64) (found []change, now int64, more <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version < s.version-int64(len(s.changes)) {
		return nil, s.version, nil, false
	}
	for _, c := range s.changes {
		if c.version > version && c.kind == k {
			found = append(found, c)
		}
	}
	return found, s.version, s.changed, true
}
