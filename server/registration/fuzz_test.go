package registration_test

import (
	"context"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/registration"
)

// nowhere is an API server that has nothing, and remembers what it was asked for.
type nowhere struct {
	client.Reader

	asked []client.ObjectKey
}

func (n *nowhere) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	n.asked = append(n.asked, key)
	return apierrors.NewNotFound(schema.GroupResource{Resource: "oauthclients"}, key.Name)
}

// FuzzClientID asks for anything that a stranger may call a client: the API server
// is asked for nothing but the one object of that id, in a path of plain names.
func FuzzClientID(f *testing.F) {
	for _, id := range []string{
		"team.web", "team.web.v2", "team/../kube-system.web", "team.web/status", "team.web?watch=true", "team%2f.web", "..", "team.", "\x00.\xff",
		strings.Repeat("a", 63) + "." + strings.Repeat("b", 63),
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		api := &nowhere{}
		lagged := registration.NewLagging(api, time.Now)
		if _, err := lagged.For("main").Lookup(t.Context(), id); err == nil {
			t.Fatalf("%q is a client", id)
		}
		for _, key := range api.asked {
			if v1alpha1.ClientID(key.Namespace, key.Name) != id {
				t.Errorf("%q: the API server was asked for %v", id, key)
			}
			if len(content.IsPathSegmentName(key.Namespace)) > 0 || len(content.IsPathSegmentName(key.Name)) > 0 || strings.ContainsAny(id, "/?#% ") {
				t.Errorf("%q: the API server was asked for %v", id, key)
			}
		}
	})
}
