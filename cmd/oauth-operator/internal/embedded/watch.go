package embedded

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// watcher sends what changes to one who watches.
type watcher struct {
	in       request
	selected func(object) bool
	out      *json.Encoder
	flush    func()
}

// event is one line of a watch.
type event struct {
	Type   watch.EventType `json:"type"`
	Object any             `json:"object"`
}

func (a *API) watch(w http.ResponseWriter, in request) {
	selected, err := in.selector()
	if err != nil {
		fail(w, err)
		return
	}
	out := watcher{in: in, selected: selected, out: json.NewEncoder(w), flush: func() { _ = http.NewResponseController(w).Flush() }}
	query := in.URL.Query()
	version, _ := strconv.ParseInt(query.Get("resourceVersion"), 10, 64)
	var ended <-chan time.Time
	if seconds, err := strconv.Atoi(query.Get("timeoutSeconds")); err == nil {
		timer := time.NewTimer(time.Duration(seconds) * time.Second)
		defer timer.Stop()
		ended = timer.C
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	if query.Get("sendInitialEvents") == "true" {
		version, err = out.begin(a.store)
	}
	for err == nil {
		found, now, more, ok := a.store.since(in.kind, version)
		if !ok {
			status := apierrors.NewResourceExpired("too much has changed since").Status()
			_ = out.send(watch.Error, &status)
			return
		}
		for _, c := range found {
			if err = out.tell(c); err != nil {
				return
			}
		}
		version = now
		out.flush()
		select {
		case <-in.Context().Done():
			return
		case <-ended:
			return
		case <-more:
		}
	}
}

// begin sends what there is, and a bookmark that says that this was all.
func (w watcher) begin(s *store) (int64, error) {
	found, version := s.list(w.in.kind, w.selected)
	for _, o := range found {
		if err := w.send(watch.Added, w.in.form(o)); err != nil {
			return version, err
		}
	}
	bookmark := map[string]any{
		"apiVersion": w.in.kind.GroupVersion().String(), "kind": w.in.kind.Kind,
		"metadata": map[string]any{
			"resourceVersion": strconv.FormatInt(version, 10),
			"annotations":     map[string]any{metav1.InitialEventsAnnotationKey: "true"},
		},
	}
	if w.in.metadataOnly() {
		bookmark["apiVersion"], bookmark["kind"] = metadataVersion, "PartialObjectMetadata"
	}
	return version, w.send(watch.Bookmark, bookmark)
}

// tell sends a change as it is for those who see the selected objects alone.
func (w watcher) tell(c change) error {
	before, after := c.before != nil && w.selected(c.before), c.after != nil && w.selected(c.after)
	switch {
	case before && after:
		return w.send(watch.Modified, w.in.form(c.after))
	case after:
		return w.send(watch.Added, w.in.form(c.after))
	case before:
		gone := c.before.DeepCopy()
		gone.SetResourceVersion(strconv.FormatInt(c.version, 10))
		return w.send(watch.Deleted, w.in.form(gone))
	default:
		return nil
	}
}

func (w watcher) send(what watch.EventType, o any) error {
	return w.out.Encode(event{Type: what, Object: o})
}
