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

// registrations measures n OAuthClients from nothing to Ready, beside a bare
// client-go loop that writes the same objects; the memory of the server before
// and after; and what life with that many clients costs.
func registrations(ctx context.Context, in *installation.Installation, n int, pprof string) ([]row, error) {
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	clients, err := newWatch(ctx, in)
	if err != nil {
		return nil, err
	}
	before, err := observe(ctx, in, pprof)
	if err != nil {
		return nil, err
	}
	if err := createNamespaces(ctx, in.Client, n); err != nil {
		return nil, err
	}
	begin := time.Now()
	err = inParallel(ctx, n, writers, func(ctx context.Context, i int) error {
		return in.Client.Create(ctx, newClient(namespaceOf(i), strconv.Itoa(i)))
	})
	if err != nil {
		return nil, err
	}
	done, err := clients.until(ctx, n, ready)
	if err != nil {
		return nil, err
	}
	elapsed := time.Since(begin)
	after, err := observe(ctx, in, pprof)
	if err != nil {
		return nil, err
	}
	life, err := (&scale{in: in, clients: clients, n: n}).rows(ctx)
	if err != nil {
		return nil, err
	}
	// The floor has the API server to itself.
	if err := in.End("controller"); err != nil {
		return nil, err
	}
	floor, err := bareLoop(ctx, in.Client, done)
	if err != nil {
		return nil, err
	}
	return append([]row{
		{
			what: fmt.Sprintf("%d clients Ready", n), measured: elapsed.Seconds(), floor: floor.Seconds(), unit: "s", aim: "1.5",
			note: fmt.Sprintf("%.0f clients/s", float64(n)/elapsed.Seconds()),
		},
		{what: "controller's writes per client", measured: (after.writes - before.writes) / float64(n), floor: 2, unit: "calls", aim: "1"},
		{what: "server's live heap per registration", measured: (after.heap - before.heap) / float64(n), unit: "bytes", aim: "4096 bytes"},
	}, life...), nil
}

// observation is what the processes say of themselves.
type observation struct {
	writes float64 // of the controller, since it started
	heap   float64 // live bytes of the server
}

func observe(ctx context.Context, in *installation.Installation, pprof string) (o observation, err error) {
	if o.writes, err = controllerWrites(ctx, in); err != nil {
		return o, err
	}
	o.heap, err = liveHeap(ctx, in, pprof)
	return o, err
}

// measureTimeout ends a measurement that gets nowhere.
const measureTimeout = 20 * time.Minute

// writers is how many writes are under way at a time, as in the controller.
const writers = 16

// perNamespace is how many clients one namespace has.
const perNamespace = 100

func namespaceOf(i int) string { return fmt.Sprintf("team-%d", i/perNamespace) }

// createNamespaces creates the namespaces of n clients.
func createNamespaces(ctx context.Context, c client.Client, n int) error {
	return inParallel(ctx, (n+perNamespace-1)/perNamespace, writers, func(ctx context.Context, i int) error {
		return createNamespace(ctx, c, namespaceOf(i*perNamespace))
	})
}

// createNamespace creates a namespace that the policy of the benchmarks' issuer
// selects.
func createNamespace(ctx context.Context, c client.Client, name string) error {
	return c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": "true"}}})
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

// bareLoop writes the same objects again in another namespace, as plainly as
// client-go can: each OAuthClient and each Secret is created, each status
// updated, and nothing is looked at.
func bareLoop(ctx context.Context, c client.Client, like []*v1alpha1.OAuthClient) (time.Duration, error) {
	var secrets corev1.SecretList
	if err := c.List(ctx, &secrets, client.HasLabels{v1alpha1.LabelClient}); err != nil {
		return 0, err
	}
	const namespace = "bare"
	if err := createNamespace(ctx, c, namespace); err != nil {
		return 0, err
	}
	begin := time.Now()
	err := inParallel(ctx, len(like), writers, func(ctx context.Context, i int) error {
		object := newClient(namespace, strconv.Itoa(i))
		if err := c.Create(ctx, object); err != nil {
			return err
		}
		model := secrets.Items[i]
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: object.SecretName(), Labels: model.Labels, Annotations: model.Annotations},
			Type:       model.Type, Data: model.Data,
		}
		if err := c.Create(ctx, secret); err != nil {
			return err
		}
		object.Status = like[i].Status
		return c.Status().Update(ctx, object)
	})
	return time.Since(begin), err
}
