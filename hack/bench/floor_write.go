package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant"
)

// writer does what a server that keeps its grants in the cluster cannot do
// without: it creates one object for a code, and reads and patches it for a
// refresh. It looks at nothing.
type writer struct {
	client    client.Client
	namespace string
}

func newWriter(kubeconfig, namespace string) (*writer, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 1e6, 1e6
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	return &writer{client: c, namespace: namespace}, err
}

// create writes a grant like those of the server, and returns its name.
func (w *writer) create(ctx context.Context) (string, error) {
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	ends := metav1.NewTime(now.Add(time.Hour))
	object := &v1alpha1.OAuthGrant{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: grant.NewID(), Labels: map[string]string{v1alpha1.LabelClient: "client-0"},
		},
		Spec: v1alpha1.OAuthGrantSpec{
			AuthorizationServer: "bench", ClientID: w.namespace + ".client-0", ClientUID: "c1d2", Subject: "s1d2",
			Username: username, Scopes: []string{"orders"}, SessionID: "s3", AuthTime: now, CreatedAt: now, EndsAt: ends,
		},
		Status: v1alpha1.OAuthGrantStatus{ObservedGeneration: 1, ExpiresAt: ends},
	}
	return object.Name, w.client.Create(ctx, object)
}

// refresh reads the grant and moves its generation.
func (w *writer) refresh(ctx context.Context, name string) error {
	object := &v1alpha1.OAuthGrant{}
	if err := w.client.Get(ctx, types.NamespacedName{Namespace: w.namespace, Name: name}, object); err != nil {
		return err
	}
	patch := fmt.Appendf(nil, `{"status":{"generation":%d}}`, object.Status.Generation+1)
	return w.client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch))
}

// handle does the write that the request is to cost, and answers with the name
// of the object as the refresh token.
func (w *writer) handle(r *http.Request) (refreshToken string, err error) {
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		return w.create(r.Context())
	case "refresh_token":
		name := r.PostFormValue("refresh_token")
		return name, w.refresh(r.Context(), name)
	}
	return "", nil
}
