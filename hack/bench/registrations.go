package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/installation"
)

// registrations measures n OAuthClients from created to Ready, beside a bare
// client-go loop that writes the same objects; and the memory of the server
// before and after.
func registrations(ctx context.Context, in *installation.Installation, n int) ([]row, error) {
	heapBefore, err := liveHeap(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := createClients(ctx, in.Client, "bulk", n); err != nil {
		return nil, err
	}
	// The controller was at work while they were created; a new namespace's
	// policy holds it back no longer than that, so both are timed as a whole.
	writesBefore, err := controllerWrites(ctx, in)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := allow(ctx, in.Client, "bulk"); err != nil {
		return nil, err
	}
	if err := allReady(ctx, in.Client, "bulk", n); err != nil {
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
	floor, err := bareLoop(ctx, in.Client, "bulk", n)
	if err != nil {
		return nil, err
	}
	return []row{
		{what: fmt.Sprintf("%d clients Ready", n), measured: elapsed.Seconds(), floor: floor.Seconds(), unit: "s", aim: "2",
			note: fmt.Sprintf("%.0f reconciles/s", float64(n)/elapsed.Seconds())},
		{what: "writes per client", measured: (writesAfter - writesBefore) / float64(n), floor: 2, unit: "calls", aim: "1"},
		{what: "server's live heap per registration", measured: (heapAfter - heapBefore) / float64(n), unit: "bytes", aim: "4096"},
	}, nil
}

// createClients creates the OAuthClients in a namespace that the policy does
// not allow yet, so that nothing but their refusal is written meanwhile.
func createClients(ctx context.Context, c client.Client, namespace string, n int) error {
	if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return err
	}
	err := inParallel(ctx, n, func(ctx context.Context, i int) error { return c.Create(ctx, newClient(namespace, strconv.Itoa(i))) })
	if err != nil {
		return err
	}
	return eventually(ctx, func(ctx context.Context) (bool, error) {
		judged, err := count(ctx, c, namespace, func(o *v1alpha1.OAuthClient) bool { return len(o.Status.Conditions) > 0 })
		return judged == n, err
	})
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

func allReady(ctx context.Context, c client.Client, namespace string, n int) error {
	return eventually(ctx, func(ctx context.Context) (bool, error) {
		ready, err := count(ctx, c, namespace, func(o *v1alpha1.OAuthClient) bool {
			for _, condition := range o.Status.Conditions {
				if condition.Type == v1alpha1.ConditionReady {
					return condition.Status == metav1.ConditionTrue
				}
			}
			return false
		})
		return ready == n, err
	})
}

func count(ctx context.Context, c client.Client, namespace string, is func(*v1alpha1.OAuthClient) bool) (int, error) {
	var list v1alpha1.OAuthClientList
	if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return 0, err
	}
	n := 0
	for i := range list.Items {
		if is(&list.Items[i]) {
			n++
		}
	}
	return n, nil
}

// bareLoop writes what the controller wrote, as plainly as client-go can: each
// Secret is created, each status updated, and nothing is looked at.
func bareLoop(ctx context.Context, c client.Client, namespace string, n int) (time.Duration, error) {
	var (
		clients v1alpha1.OAuthClientList
		secrets corev1.SecretList
	)
	if err := c.List(ctx, &clients, client.InNamespace(namespace)); err != nil {
		return 0, err
	}
	if err := c.List(ctx, &secrets, client.InNamespace(namespace), client.HasLabels{v1alpha1.LabelManaged}); err != nil {
		return 0, err
	}
	const target = "bare"
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: target}}
	if err := c.Create(ctx, ns); err != nil {
		return 0, err
	}
	bare := make([]*v1alpha1.OAuthClient, n)
	err := inParallel(ctx, n, func(ctx context.Context, i int) error {
		bare[i] = newClient(target, strconv.Itoa(i))
		// It belongs to an issuer that does not exist, so the controller has
		// nothing to do with it once it has said so.
		bare[i].Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: "nobody"}
		return c.Create(ctx, bare[i])
	})
	if err != nil {
		return 0, err
	}
	err = eventually(ctx, func(ctx context.Context) (bool, error) {
		judged, err := count(ctx, c, target, func(o *v1alpha1.OAuthClient) bool { return len(o.Status.Conditions) > 0 })
		return judged == n, err
	})
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	err = inParallel(ctx, n, func(ctx context.Context, i int) error {
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: target, Name: secrets.Items[i].Name, Labels: secrets.Items[i].Labels, Annotations: secrets.Items[i].Annotations,
			},
			Type: secrets.Items[i].Type, Data: secrets.Items[i].Data,
		}
		delete(secret.Labels, v1alpha1.LabelManaged) // it is not the controller's
		if err := c.Create(ctx, secret); err != nil {
			return err
		}
		bare[i].ResourceVersion = ""
		bare[i].Status = clients.Items[i].Status
		return c.Status().Update(ctx, bare[i])
	})
	return time.Since(begin), err
}

func eventually(ctx context.Context, condition wait.ConditionWithContextFunc) error {
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 10*time.Minute, true, condition)
}

// controllerWrites returns how many writing requests the controller has made.
func controllerWrites(ctx context.Context, in *installation.Installation) (float64, error) {
	return metric(ctx, in.MetricsURL("controller"), "rest_client_requests_total", func(labels string) bool {
		return !strings.Contains(labels, `method="GET"`)
	})
}

// liveHeap returns the bytes that were live after the server's last garbage
// collection. The server of the benchmarks collects often (GOGC).
func liveHeap(ctx context.Context, in *installation.Installation) (float64, error) {
	return metric(ctx, in.MetricsURL("server"), "go_gc_heap_live_bytes", func(string) bool { return true })
}

// metric returns the sum of a metric over the labels that count.
func metric(ctx context.Context, address, name string, counts func(labels string) bool) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	for line := range strings.Lines(string(body)) {
		metricName, labels, _ := strings.Cut(strings.TrimSpace(line), "{")
		series, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if labels == "" {
			metricName = series
		} else if i := strings.LastIndex(line, "} "); i >= 0 {
			value, ok = strings.TrimSpace(line[i+2:]), true
		}
		if metricName != name || !ok || !counts(labels) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+v, true
	}
	if !found {
		return 0, fmt.Errorf("%s has no metric %s", address, name)
	}
	return sum, nil
}
