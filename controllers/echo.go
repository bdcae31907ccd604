package controllers

import (
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// echo recognises the watch event of one's own write, so that a status that was
// just written is not read once more. To miss one costs a look and no more.
type echo struct {
	versions sync.Map // of types.NamespacedName -> resourceVersion
}

// wrote notes the object as it came back from the API server.
func (e *echo) wrote(o client.Object) {
	e.versions.Store(client.ObjectKeyFromObject(o), o.GetResourceVersion())
}

// heard reports whether the object is as it was written here.
func (e *echo) heard(o client.Object) bool {
	version, ok := e.versions.Load(client.ObjectKeyFromObject(o))
	return ok && version == o.GetResourceVersion()
}

// forget drops what was noted of an object.
func (e *echo) forget(o client.Object) {
	e.versions.Delete(client.ObjectKeyFromObject(o))
}
