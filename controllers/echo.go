package controllers

import (
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// echo recognises the watch event of one's own write, so that a status that was
// just written is not read once more. To miss one costs a look and no more.
type echo struct {
	sent sync.Map // of types.NamespacedName -> sent
}

// sent is a status on its way, until it is known which version of the object it
// has become.
type sent struct {
	status  any
	version string
}

// writes notes the status that is about to be written. The watch may have it
// before the response is read.
func (e *echo) writes(o client.Object, status any) {
	e.sent.Store(client.ObjectKeyFromObject(o), sent{status: status})
}

// wrote notes the object as it came back from the API server.
func (e *echo) wrote(o client.Object) {
	e.sent.Store(client.ObjectKeyFromObject(o), sent{version: o.GetResourceVersion()})
}

// heard reports whether the object, which has this status, is as it was written
// here.
func (e *echo) heard(o client.Object, status any) bool {
	stored, ok := e.sent.Load(client.ObjectKeyFromObject(o))
	if !ok {
		return false
	}
	last := stored.(sent)
	if last.version != "" {
		return last.version == o.GetResourceVersion()
	}
	return equality.Semantic.DeepEqual(last.status, status)
}

// forget drops what was noted of an object.
func (e *echo) forget(o client.Object) {
	e.sent.Delete(client.ObjectKeyFromObject(o))
}
