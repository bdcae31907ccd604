package registration_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/registration"
)

// BenchmarkLookup measures what one lookup costs where the client is in the
// cache and has been asked for before: every request but the first.
func BenchmarkLookup(b *testing.B) {
	cluster := registration.NewLagging(nil, time.Now)
	cluster.Learn(people())
	cluster.Learn(web())
	registry := cluster.For("people")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := registry.Lookup(b.Context(), "shop.web.app"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompile measures the first lookup of a client.
func BenchmarkCompile(b *testing.B) {
	cluster := registration.NewLagging(nil, time.Now)
	cluster.Learn(people())
	registry := cluster.For("people")
	b.ReportAllocs()
	for b.Loop() {
		cluster.Learn(web())
		if _, err := registry.Lookup(b.Context(), "shop.web.app"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory measures the live heap of one registration of many: in the
// informer's store, trimmed, and compiled, as after each client was used once.
func BenchmarkMemory(b *testing.B) {
	const registrations = 10_000
	for b.Loop() {
		before := liveHeap()
		store := toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc,
			toolscache.Indexers{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc})
		cluster := registration.NewLagging(nil, time.Now)
		cluster.Learn(people())
		for i := range registrations {
			learnAsSent(b, store, cluster, i)
		}
		after := liveHeap()
		b.ReportMetric(float64(after-before)/registrations, "B/registration")
		runtime.KeepAlive(store)
		runtime.KeepAlive(cluster)
	}
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// learnAsSent takes one registration the way it comes from an API server:
// decoded from JSON with everything that has gathered on it, then trimmed.
func learnAsSent(b *testing.B, store toolscache.Indexer, cluster *registration.Cluster, i int) {
	oac := &v1alpha1.OAuthClient{}
	if err := json.Unmarshal(asSent(b, i), oac); err != nil {
		b.Fatal(err)
	}
	if _, err := registration.Trim(oac); err != nil {
		b.Fatal(err)
	}
	if err := store.Add(oac); err != nil {
		b.Fatal(err)
	}
	cluster.Learn(oac)
	if _, err := cluster.For("people").Lookup(b.Context(), v1alpha1.ClientID(oac.Namespace, oac.Name)); err != nil {
		b.Fatal(err)
	}
}

func asSent(b *testing.B, i int) []byte {
	now := metav1.Now()
	oac := web()
	oac.Namespace, oac.Name = fmt.Sprintf("team-%d", i/20), fmt.Sprintf("application-%d", i)
	oac.UID = types.UID(fmt.Sprintf("5a4d3f2e-0000-4000-8000-%012d", i))
	oac.ResourceVersion, oac.Generation, oac.CreationTimestamp = fmt.Sprint(1_000_000+i), 1, now
	oac.Labels = map[string]string{"app.kubernetes.io/name": oac.Name, "app.kubernetes.io/managed-by": "Helm"}
	oac.Spec.ClientName = fmt.Sprintf("Application %d", i)
	oac.Spec.RedirectURIs = []string{
		fmt.Sprintf("https://application-%d.example.com/oauth/callback", i),
		fmt.Sprintf("https://application-%d.example.org/oauth/callback", i),
	}
	oac.Spec.Scopes = []string{"openid", "orders:read", "orders:write"}
	manifest, err := json.Marshal(oac.Spec)
	if err != nil {
		b.Fatal(err)
	}
	oac.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": string(manifest)}
	oac.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: "helm", Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(string(manifest))},
		{Manager: "controller", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(string(manifest)), Subresource: "status"},
	}
	oac.Status = v1alpha1.OAuthClientStatus{
		ObservedGeneration: 1, ClientID: v1alpha1.ClientID(oac.Namespace, oac.Name),
		AuthorizationServer: "people", Issuer: "https://id.example.com", Binding: &v1alpha1.SecretBinding{Name: oac.SecretName()},
		Credentials: []v1alpha1.ClientCredential{{
			ID: fmt.Sprintf("c%011d", i), Verifier: fmt.Sprintf("v1.abcdefghijkl.%043d", i), CreatedAt: now,
		}},
	}
	for _, condition := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionAccepted, v1alpha1.ConditionCredentialsReady} {
		oac.Status.Conditions = append(oac.Status.Conditions, metav1.Condition{
			Type: condition, Status: metav1.ConditionTrue, ObservedGeneration: 1, LastTransitionTime: now,
			Reason: condition, Message: "The registration is valid and its credentials are in the Secret.",
		})
	}
	sent, err := json.Marshal(oac)
	if err != nil {
		b.Fatal(err)
	}
	return sent
}
