package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// request is what a URL asks for.
type request struct {
	*http.Request

	kind   *kind
	key    types.NamespacedName // without a name: all of the namespace, or of every one
	status bool
}

// parse reads the path of a request:
// /api/v1 or /apis/GROUP/VERSION, then [/namespaces/NAMESPACE]/RESOURCE[/NAME[/status]].
func parse(r *http.Request) (request, bool) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var group, version string
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		version, parts = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		group, version, parts = parts[1], parts[2], parts[3:]
	default:
		return request{}, false
	}
	out := request{Request: r}
	if parts[0] == "namespaces" && len(parts) >= 3 {
		out.key.Namespace, parts = parts[1], parts[2:]
	}
	out.kind = kindOfResource(group, version, parts[0])
	if len(parts) > 1 {
		out.key.Name = parts[1]
	}
	out.status = len(parts) == 3 && parts[2] == "status"
	return out, out.kind != nil && (len(parts) <= 2 || (out.status && out.kind.status))
}

// ServeHTTP answers as an API server does.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, ok := parse(r)
	if !ok {
		fail(w, apierrors.NewGenericServerResponse(http.StatusNotFound, r.Method, metav1.Unversioned.WithResource("").GroupResource(),
			r.URL.Path, errNoSuchResource.Error(), 0, true))
		return
	}
	var answer any
	var err error
	switch {
	case r.Method == http.MethodGet && in.key.Name == "" && r.URL.Query().Get("watch") != "":
		a.watch(w, in)
		return
	case r.Method == http.MethodGet && in.key.Name == "":
		answer, err = a.list(in)
	case r.Method == http.MethodGet:
		answer, err = a.get(in)
	case r.Method == http.MethodPost:
		answer, err = a.create(in)
	case r.Method == http.MethodPut:
		answer, err = a.update(in)
	case r.Method == http.MethodPatch:
		answer, err = a.patch(in)
	case r.Method == http.MethodDelete:
		answer, err = a.remove(in)
	default:
		err = apierrors.NewMethodNotSupported(in.kind.GroupVersion().WithResource(in.kind.resource).GroupResource(), r.Method)
	}
	if err != nil {
		fail(w, err)
		return
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusCreated
	}
	write(w, status, answer)
}

func (a *API) get(in request) (any, error) {
	o, err := a.store.get(in.kind, in.key)
	if err != nil {
		return nil, err
	}
	return in.form(o), nil
}

func (a *API) list(in request) (any, error) {
	selected, err := in.selector()
	if err != nil {
		return nil, err
	}
	found, version := a.store.list(in.kind, selected)
	items := make([]any, 0, len(found))
	for _, o := range found {
		items = append(items, in.form(o))
	}
	list := map[string]any{
		"apiVersion": in.kind.GroupVersion().String(), "kind": in.kind.Kind + "List",
		"metadata": map[string]any{"resourceVersion": strconv.FormatInt(version, 10)},
		"items":    items,
	}
	if in.metadataOnly() {
		list["apiVersion"], list["kind"] = metadataVersion, "PartialObjectMetadataList"
	}
	return list, nil
}

func (a *API) create(in request) (any, error) {
	o, err := in.body()
	if err != nil {
		return nil, err
	}
	return a.store.create(in.kind, o)
}

func (a *API) update(in request) (any, error) {
	want, err := in.body()
	if err != nil {
		return nil, err
	}
	return a.store.update(in.kind, in.key, writing{status: in.status}, func(object) (object, error) { return want, nil })
}

func (a *API) remove(in request) (any, error) {
	if in.key.Name != "" {
		var options metav1.DeleteOptions
		if err := json.NewDecoder(in.Body).Decode(&options); err != nil && !errors.Is(err, io.EOF) {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return done(a.store.remove(in.kind, in.key, options.Preconditions))
	}
	selected, err := in.selector()
	if err != nil {
		return nil, err
	}
	found, _ := a.store.list(in.kind, selected)
	for _, o := range found {
		if err := a.store.remove(in.kind, keyOf(o), nil); err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
	}
	return done(nil)
}

func done(err error) (any, error) {
	return &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusSuccess}, err
}

// body reads an object of the kind and place that the path says.
func (in request) body() (object, error) {
	raw, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(raw); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if o.GroupVersionKind() != in.kind.GroupVersionKind {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%s is not %s", o.GroupVersionKind(), in.kind))
	}
	if in.key.Namespace != "" {
		o.SetNamespace(in.key.Namespace)
	}
	if in.key.Name != "" {
		o.SetName(in.key.Name)
	}
	return o, nil
}

// selector says which objects a list or a watch is about.
func (in request) selector() (func(object) bool, error) {
	query := in.URL.Query()
	byLabel, err := labels.Parse(query.Get("labelSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	byField, err := fields.ParseSelector(query.Get("fieldSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return func(o object) bool {
		if in.key.Namespace != "" && o.GetNamespace() != in.key.Namespace {
			return false
		}
		typ, _, _ := unstructured.NestedString(o.Object, "type") // of a Secret
		return byLabel.Matches(labels.Set(o.GetLabels())) && byField.Matches(fields.Set{
			"metadata.name": o.GetName(), "metadata.namespace": o.GetNamespace(), "type": typ,
		})
	}, nil
}

const metadataVersion = "meta.k8s.io/v1"

func (in request) metadataOnly() bool {
	return strings.Contains(in.Header.Get("Accept"), "as=PartialObjectMetadata")
}

// form is the object in the form that the caller asks for.
func (in request) form(o object) any {
	if !in.metadataOnly() {
		return o
	}
	return map[string]any{"apiVersion": metadataVersion, "kind": "PartialObjectMetadata", "metadata": o.Object["metadata"]}
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // whoever has gone away needs no answer
}

func fail(w http.ResponseWriter, err error) {
	status := apierrors.NewInternalError(err).Status()
	if known := apierrors.APIStatus(nil); errors.As(err, &known) {
		status = known.Status()
	}
	status.APIVersion, status.Kind = "v1", "Status"
	write(w, int(status.Code), status)
}
