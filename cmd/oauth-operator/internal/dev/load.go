package dev

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/cmd/oauth-operator/internal/manifests"
)

// world is what the manifests say, and what is made where they say nothing.
type world struct {
	objects []*unstructured.Unstructured // as they were read, and in the end all

	servers []*v1alpha1.AuthorizationServer
	clients []*v1alpha1.OAuthClient
	users   []*v1alpha1.OAuthUser
	secrets []*corev1.Secret

	namespaces map[string]bool
}

// load reads the manifests and makes them what is served. If anything is wrong
// with one, nothing changes.
func (d *development) load() error {
	set, err := manifests.Read(d.Paths)
	if err != nil {
		return err
	}
	w, err := worldOf(set)
	if err != nil {
		return err
	}
	if err := d.redirect(w); err != nil {
		return err
	}
	d.place(w)
	if err := d.people(w); err != nil {
		return err
	}
	objects, err := w.all(d.OperatorNamespace)
	if err != nil {
		return err
	}
	if err := d.restoreSecrets(w); err != nil {
		return err
	}
	for _, line := range set.Skipped {
		d.tellOnce("%s", line)
	}
	return d.api.Hold(objects)
}

// worldOf sorts objects by what they are here.
func worldOf(set *manifests.Set) (*world, error) {
	w := &world{namespaces: map[string]bool{}}
	for _, o := range set.Objects {
		var err error
		switch o.GroupVersionKind() {
		case v1alpha1.GroupVersion.WithKind("AuthorizationServer"):
			w.servers, err = typed(w.servers, o)
		case v1alpha1.GroupVersion.WithKind("OAuthClient"):
			w.clients, err = typed(w.clients, o)
		case v1alpha1.GroupVersion.WithKind("OAuthUser"):
			w.users, err = typed(w.users, o)
		case corev1.SchemeGroupVersion.WithKind("Secret"):
			w.secrets, err = typed(w.secrets, o)
		default:
			if o.GetKind() == "Namespace" {
				w.namespaces[o.GetName()] = true
			}
			w.objects = append(w.objects, o.Unstructured)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Position, err)
		}
	}
	return w, nil
}

func typed[T any](list []*T, o manifests.Object) ([]*T, error) {
	into := new(T)
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into)
	return append(list, into), err
}

// redirect adds the redirect URIs of the command line.
func (d *development) redirect(w *world) error {
	for id, uris := range d.RedirectURIs {
		i := slices.IndexFunc(w.clients, func(c *v1alpha1.OAuthClient) bool { return v1alpha1.ClientID(c.Namespace, c.Name) == id })
		if i < 0 {
			return fmt.Errorf("--redirect-uri: there is no OAuthClient with the client_id %s in the manifests", id)
		}
		for _, uri := range uris {
			if !slices.Contains(w.clients[i].Spec.RedirectURIs, uri) {
				w.clients[i].Spec.RedirectURIs = append(w.clients[i].Spec.RedirectURIs, uri)
			}
		}
	}
	return nil
}

// place has every issuer be where this process listens. One that is there already
// stays as it is spelled; of the others only the path stays, and of two with one
// path the second gets its name in addition.
func (d *development) place(w *world) {
	if len(w.servers) == 0 {
		d.tellOnce("There is no AuthorizationServer in the manifests: a default one is made, with the issuer %s", d.origin)
		w.servers = append(w.servers, &v1alpha1.AuthorizationServer{
			ObjectMeta: metav1.ObjectMeta{Name: "dev", Annotations: map[string]string{v1alpha1.AnnotationDefault: "true"}},
			Spec:       v1alpha1.AuthorizationServerSpec{Issuer: d.origin},
		})
		return
	}
	taken := map[string]bool{}
	for _, as := range w.servers {
		before := as.Spec.Issuer
		as.Spec.Issuer = d.placed(before)
		if taken[pathOf(as.Spec.Issuer)] {
			as.Spec.Issuer = d.origin + strings.TrimSuffix(pathOf(as.Spec.Issuer), "/") + "/" + as.Name
		}
		taken[pathOf(as.Spec.Issuer)] = true
		if as.Spec.Issuer != before {
			d.tellOnce("AuthorizationServer %s: the issuer is %s HERE, in place of %s", as.Name, as.Spec.Issuer, before)
		}
	}
}

func (d *development) placed(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return issuer // the controller says what is wrong with it
	}
	here, _ := url.Parse(d.origin)
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	if u.Scheme == "http" && local && u.Port() == here.Port() {
		return issuer
	}
	return d.origin + strings.TrimSuffix(u.EscapedPath(), "/")
}

func pathOf(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return issuer
	}
	return u.EscapedPath()
}

// all returns every object, with the namespaces that they are in.
func (w *world) all(operatorNamespace string) ([]*unstructured.Unstructured, error) {
	objects := w.objects
	var errs []error
	add := func(o any, gvk schema.GroupVersionKind) {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			errs = append(errs, err)
			return
		}
		u := &unstructured.Unstructured{Object: fields}
		u.SetGroupVersionKind(gvk)
		objects = append(objects, u)
	}
	for _, o := range w.secrets {
		add(o, corev1.SchemeGroupVersion.WithKind("Secret"))
	}
	for _, o := range w.servers {
		add(o, v1alpha1.GroupVersion.WithKind("AuthorizationServer"))
	}
	for _, o := range w.users {
		add(o, v1alpha1.GroupVersion.WithKind("OAuthUser"))
	}
	for _, o := range w.clients {
		add(o, v1alpha1.GroupVersion.WithKind("OAuthClient"))
	}
	for _, name := range w.neededNamespaces(objects, operatorNamespace) {
		add(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{corev1.LabelMetadataName: name},
		}}, corev1.SchemeGroupVersion.WithKind("Namespace"))
	}
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return objects, nil
}

// neededNamespaces are those that objects are in and no manifest makes.
func (w *world) neededNamespaces(objects []*unstructured.Unstructured, operatorNamespace string) []string {
	needed := []string{operatorNamespace}
	for _, o := range objects {
		if o.GetNamespace() != "" {
			needed = append(needed, o.GetNamespace())
		}
	}
	slices.Sort(needed)
	return slices.DeleteFunc(slices.Compact(needed), func(name string) bool { return w.namespaces[name] })
}
