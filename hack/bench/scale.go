package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/installation"
)

// scale measures what life with n clients costs, all of them Ready.
type scale struct {
	in      *installation.Installation
	clients *watch
	n       int
}

func (s *scale) rows(ctx context.Context) ([]row, error) {
	var rows []row
	for _, measure := range []func(context.Context) ([]row, error){s.firstToken, s.policyChange, s.idle, s.restart} {
		measured, err := measure(ctx)
		if err != nil {
			return nil, err
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}

const (
	// firstTokens is how many clients are applied one after the other.
	firstTokens = 200

	// idleTime is for how long nothing is asked of the operator.
	idleTime = 30 * time.Second

	// quiet is how long a count has to stand still to be final.
	quiet = 3 * time.Second

	// recorded is after how long without a request the uses of client secrets are
	// recorded that were noted before: the server does that every ten seconds.
	recorded = 15 * time.Second
)

// firstToken measures from the moment in which an OAuthClient is applied to the
// first access tokens that are issued to it, by each of two replicas of the
// server. The client waits for Ready, as with kubectl wait.
func (s *scale) firstToken(ctx context.Context) ([]row, error) {
	replica, err := s.in.AddServer(ctx)
	if err != nil {
		return nil, err
	}
	const namespace = "late"
	if err := createNamespace(ctx, s.in.Client, namespace); err != nil {
		return nil, err
	}
	took := make([]time.Duration, 0, firstTokens)
	for i := range firstTokens {
		begin := time.Now()
		object := newClient(namespace, strconv.Itoa(i))
		if err := s.in.Client.Create(ctx, object); err != nil {
			return nil, err
		}
		name := client.ObjectKeyFromObject(object)
		if err := s.clients.one(ctx, name, ready); err != nil {
			return nil, err
		}
		var secret corev1.Secret
		if err := s.in.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: object.SecretName()}, &secret); err != nil {
			return nil, err
		}
		id, value := string(secret.Data[v1alpha1.SecretKeyClientID]), string(secret.Data[v1alpha1.SecretKeyClientSecret])
		for _, address := range []string{s.in.ServerAddress, replica} {
			form := url.Values{"grant_type": {"client_credentials"}, "scope": {"orders"}}
			if _, err := postTo(ctx, "http://"+address+"/token", s.in.ServerAddress, id, value, form); err != nil {
				return nil, fmt.Errorf("the first token of %s, at %s: %w", name, address, err)
			}
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	at := func(percent int) float64 { return float64(took[len(took)*percent/100-1].Microseconds()) / 1000 }
	return []row{{
		what: fmt.Sprintf("from apply to a token of each of 2 replicas, p99, beside %d clients", s.n), measured: at(99), unit: "ms", aim: "250 ms",
		note: fmt.Sprintf("p50 %.3g ms", at(50)),
	}}, nil
}

// policyChange takes one namespace out of the policy and counts how many clients
// are judged anew.
func (s *scale) policyChange(ctx context.Context) ([]row, error) {
	namespace := namespaceOf(0)
	concerned := min(s.n, perNamespace)
	before, err := s.settled(ctx)
	if err != nil {
		return nil, err
	}
	exclude := metav1.LabelSelectorRequirement{Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: []string{namespace}}
	err = s.changeSelector(ctx, exclude)
	if err != nil {
		return nil, err
	}
	refused := func(c *v1alpha1.OAuthClient) bool { return c.Namespace == namespace && !ready(c) }
	if _, err := s.clients.until(ctx, concerned, refused); err != nil {
		return nil, err
	}
	after, err := s.settled(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.changeSelector(ctx); err != nil {
		return nil, err
	}
	_, err = s.clients.until(ctx, s.n, func(c *v1alpha1.OAuthClient) bool { return ready(c) && c.Namespace != "late" })
	return []row{{
		what:     fmt.Sprintf("clients judged for a policy change that touches %d of %d", concerned, s.n),
		measured: after - before, floor: float64(concerned), unit: "reconciles", aim: "1",
	}}, err
}

func (s *scale) changeSelector(ctx context.Context, requirements ...metav1.LabelSelectorRequirement) error {
	server := &v1alpha1.AuthorizationServer{}
	if err := s.in.Client.Get(ctx, types.NamespacedName{Name: "bench"}, server); err != nil {
		return err
	}
	before := server.DeepCopy()
	server.Spec.Policy.Rules[0].NamespaceSelector.MatchExpressions = requirements
	return s.in.Client.Patch(ctx, server, client.MergeFrom(before))
}

// settled waits until the controller has nothing to do and returns how often it
// has looked at an OAuthClient.
func (s *scale) settled(ctx context.Context) (float64, error) {
	return still(ctx, quiet, func() (float64, error) { return reconciles(ctx, s.in) })
}

// still waits until a count has stood still for that long, and returns it.
func still(ctx context.Context, long time.Duration, count func() (float64, error)) (float64, error) {
	last, err := count()
	for err == nil {
		select {
		case <-time.After(long):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		var now float64
		if now, err = count(); err == nil && now == last {
			return now, nil
		}
		last = now
	}
	return 0, err
}

// idle counts the requests that nobody asked for.
func (s *scale) idle(ctx context.Context) ([]row, error) {
	if _, err := still(ctx, recorded, func() (float64, error) {
		all, _, err := apiCalls(ctx, s.in)
		return all, err
	}); err != nil {
		return nil, err
	}
	before, _, err := apiCalls(ctx, s.in)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(idleTime):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	after, _, err := apiCalls(ctx, s.in)
	return []row{{
		what:     fmt.Sprintf("requests to the API server in an hour, %d clients, nothing going on", s.n),
		measured: (after - before) * float64(time.Hour/idleTime), unit: "requests", aim: "near 0",
		note: fmt.Sprintf("from %s; lease renewals aside", idleTime),
	}}, err
}

// restart counts what a controller writes that starts and finds everything as it
// should be.
func (s *scale) restart(ctx context.Context) ([]row, error) {
	_, before, err := apiCalls(ctx, s.in)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := s.in.Restart(ctx, "controller"); err != nil {
		return nil, err
	}
	looked := 0.0
	for looked < float64(s.n) {
		if looked, err = s.settled(ctx); err != nil {
			return nil, err
		}
	}
	elapsed := time.Since(begin) - quiet
	_, after, err := apiCalls(ctx, s.in)
	return []row{{
		what: fmt.Sprintf("writes after a restart of the controller with %d clients", s.n), measured: after - before, unit: "calls", aim: "0",
		note: fmt.Sprintf("%.0f clients looked at in at most %.0f s", looked, elapsed.Seconds()),
	}}, err
}
