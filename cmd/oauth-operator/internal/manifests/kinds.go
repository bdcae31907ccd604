package manifests

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/json"

	"oauth-operator.dev/api/v1alpha1"
)

// path leads to a field: names, and the indexes of lists.
type path []any

func (p path) String() string {
	var text strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&text, "[%d]", step)
		default:
			if text.Len() > 0 {
				text.WriteByte('.')
			}
			fmt.Fprint(&text, step)
		}
	}
	return text.String()
}

// httpRoute is the kind that redirect URIs can be taken from beside Ingress.
var httpRoute = schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: "v1", Kind: "HTTPRoute"}

var pathStep = regexp.MustCompile(`[^.\[\]]+|\[\d+\]`)

// parsePath reads a path as others write it.
func parsePath(text string) path {
	var p path
	for _, step := range pathStep.FindAllString(text, -1) {
		if n, err := strconv.Atoi(strings.Trim(step, "[]")); err == nil {
			p = append(p, n)
		} else {
			p = append(p, step)
		}
	}
	return p
}

// problem is what is wrong with a field.
type problem struct {
	path    path
	message string
}

// kind is a kind of object that means something here.
type kind struct {
	namespaced bool

	// crd is the schema, of our own kinds.
	crd *crdSchema

	// typed makes an empty object, of the kinds of others.
	typed func() any
}

var kinds = map[schema.GroupVersionKind]*kind{
	v1alpha1.GroupVersion.WithKind("AuthorizationServer"): {crd: schemaOf("authorizationservers")},
	v1alpha1.GroupVersion.WithKind("OAuthClient"):         {crd: schemaOf("oauthclients"), namespaced: true},
	v1alpha1.GroupVersion.WithKind("OAuthUser"):           {crd: schemaOf("oauthusers")},

	corev1.SchemeGroupVersion.WithKind("Namespace"):     {typed: func() any { return &corev1.Namespace{} }},
	corev1.SchemeGroupVersion.WithKind("Secret"):        {typed: func() any { return &corev1.Secret{} }, namespaced: true},
	networkingv1.SchemeGroupVersion.WithKind("Ingress"): {typed: func() any { return &networkingv1.Ingress{} }, namespaced: true},
	httpRoute: {typed: func() any { return &gatewayv1.HTTPRoute{} }, namespaced: true},
}

// problems returns what an API server would refuse.
func (k *kind) problems(o *unstructured.Unstructured) []problem {
	var found []problem
	if o.GetName() == "" {
		found = append(found, problem{path{"metadata", "name"}, "is needed"})
	}
	for _, fault := range validation.IsDNS1123Subdomain(o.GetName()) {
		if o.GetName() != "" {
			found = append(found, problem{path{"metadata", "name"}, fault})
		}
	}
	if k.crd == nil {
		return append(found, strictly(o.Object, k.typed(), nil)...)
	}
	metadata, _ := o.Object["metadata"].(map[string]any)
	found = append(found, strictly(metadata, &metav1.ObjectMeta{}, path{"metadata"})...)
	return append(found, k.crd.problems(o.Object)...)
}

var unknownField = regexp.MustCompile(`^unknown field "(.*)"$`)

// strictly reads fields into a Go type and returns what does not fit. A value that
// does not fit is not quoted: it may be a Secret's.
func strictly(fields map[string]any, into any, at path) []problem {
	raw, err := (&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "x", "in": fields}}).MarshalJSON()
	if err != nil {
		return []problem{{at, "is no object"}}
	}
	wrapped := struct {
		In any `json:"in"`
		metav1.TypeMeta
	}{In: into}
	strict, err := json.UnmarshalStrict(raw, &wrapped)
	var found []problem
	for _, one := range strict {
		if name := unknownField.FindStringSubmatch(one.Error()); name != nil {
			found = append(found, problem{append(append(path{}, at...), parsePath(strings.TrimPrefix(name[1], "in."))...), "is no field that there is"})
		}
	}
	if err != nil {
		found = append(found, problem{at, "has a field of the wrong type" + typeFault(err)})
	}
	return found
}

var goField = regexp.MustCompile(`Go struct field \S*?\.in\.(\S+) of type`)

// typeFault names the field that does not fit, where the decoder does.
func typeFault(err error) string {
	if field := goField.FindStringSubmatch(err.Error()); field != nil {
		return ": " + field[1]
	}
	return ""
}

// complete makes of an object what the API server would store.
func (k *kind) complete(o *unstructured.Unstructured) {
	if k.namespaced && o.GetNamespace() == "" {
		o.SetNamespace(metav1.NamespaceDefault)
	}
	if !k.namespaced {
		o.SetNamespace("")
	}
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "ownerReferences"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	if k.crd != nil {
		unstructured.RemoveNestedField(o.Object, "status") // nobody applies one
		k.crd.complete(o.Object)
	}
	if o.GetKind() == "Secret" {
		decode(o)
	}
}
