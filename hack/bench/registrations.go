package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/installation"
)

// registrations measures n OAuthClients from allowed to Ready, beside a bare
// client-go loop that writes the same objects; and the memory of the server
// before and after.
func registrations(ctx context.Context, in *installation.Installation, n int) ([]row, error) {
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	clients, err := newWatch(ctx, in)
	if err != nil {
		return nil, err
	}
	heapBefore, err := liveHeap(ctx, in)
	if err != nil {
		return nil, err
	}
	// In a namespace that the policy does not allow yet, nothing is written but
	// their refusal: what is timed begins for all of them at once.
	const namespace = "bulk"
	if _, err := createClients(ctx, in.Client, clients, namespace, n, nil); err != nil {
		return nil, err
	}
	writesBefore, err := controllerWrites(ctx, in)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := allow(ctx, in.Client, namespace); err != nil {
		return nil, err
	}
	if _, err := clients.until(ctx, namespace, n, ready); err != nil {
		return nil, err
	}
	elapsed := time.Since(begin)
	writesAfter, err := controllerWrites(ctx, in)
	if err != nil {
		return nil, err
	}
	heapAfter, err := liveHeap(ctx, in)
	if err != nil {
		return nil, err
	}
	floor, err := bareLoop(ctx, in.Client, clients, namespace, n)
	if err != nil {
		return nil, err
	}
	return []row{
		{
			what: fmt.Sprintf("%d clients Ready", n), measured: elapsed.Seconds(), floor: floor.Seconds(), unit: "s", aim: "2",
			note: fmt.Sprintf("%.0f reconciles/s", float64(n)/elapsed.Seconds()),
		},
		{what: "writes per client", measured: (writesAfter - writesBefore) / float64(n), floor: 2, unit: "calls", aim: "1"},
		{what: "server's live heap per registration", measured: (heapAfter - heapBefore) / float64(n), unit: "bytes", aim: "≤ 4096 bytes"},
	}, nil
}

// measureTimeout ends a measurement that gets nowhere.
const measureTimeout = 20 * time.Minute

// writers is how many writes are under way at a time, as in the controller.
const writers = 16

// createClients creates the OAuthClients in a new namespace and waits until the
// controller has judged them.
func createClients(ctx context.Context, c client.Client, clients *watch, namespace string, n int, edit func(*v1alpha1.OAuthClient)) ([]*v1alpha1.OAuthClient, error) {
	if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return nil, err
	}
	err := inParallel(ctx, n, writers, func(ctx context.Context, i int) error {
		object := newClient(namespace, strconv.Itoa(i))
		if edit != nil {
			edit(object)
		}
		return c.Create(ctx, object)
	})
	if err != nil {
		return nil, err
	}
	return clients.until(ctx, namespace, n, judged)
}

func newClient(namespace, name string) *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "client-" + name},
		Spec: v1alpha1.OAuthClientSpec{
			ClientName:   "Client " + name,
			RedirectURIs: []string{callback},
			GrantTypes: []v1alpha1.GrantType{
				v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeRefreshToken, v1alpha1.GrantTypeClientCredentials,
			},
			Scopes: []string{"openid", "profile", "orders"},
		},
	}
}

// allow lets the policy of the benchmarks' issuer select the namespace.
func allow(ctx context.Context, c client.Client, namespace string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	return c.Patch(ctx, ns, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"team":"true"}}}`)))
}

// bareLoop writes what the controller wrote, as plainly as client-go can: each
// Secret is created, each status updated, and nothing is looked at.
func bareLoop(ctx context.Context, c client.Client, clients *watch, written string, n int) (time.Duration, error) {
	var secrets corev1.SecretList
	if err := c.List(ctx, &secrets, client.InNamespace(written), client.HasLabels{v1alpha1.LabelManaged}); err != nil {
		return 0, err
	}
	done, err := clients.until(ctx, written, n, ready)
	if err != nil {
		return 0, err
	}
	// They belong to an issuer that does not exist, so the controller has nothing
	// more to do with them once it has said so.
	const namespace = "bare"
	bare, err := createClients(ctx, c, clients, namespace, n, func(o *v1alpha1.OAuthClient) {
		o.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: "nobody"}
	})
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	err = inParallel(ctx, n, writers, func(ctx context.Context, i int) error {
		// Without the label it is not the controller's.
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: secrets.Items[i].Name, Annotations: secrets.Items[i].Annotations},
			Type:       secrets.Items[i].Type, Data: secrets.Items[i].Data,
		}
		if err := c.Create(ctx, secret); err != nil {
			return err
		}
		object := bare[i].DeepCopy()
		object.Status = done[i].Status
		return c.Status().Update(ctx, object)
	})
	return time.Since(begin), err
}
