package manifests_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/cmd/oauth-operator/internal/manifests"
)

// position is where something is wrong.
var position = regexp.MustCompile(`fuzz\.yaml:(\d+)`)

// FuzzRead reads anything as a file of manifests, beside a Secret that is wrong in one
// field: what is read is what an API server could keep, and is read into our types;
// what is wrong is said with a line of the file, and no value of a Secret is repeated.
func FuzzRead(f *testing.F) {
	const hidden = "hush-hush"
	f.Add(good)
	f.Add("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {k: !!binary x}\nstringData: {k: [" + hidden + "]}\n")
	f.Add("apiVersion: v1\nkind: List\nitems:\n- 7\n- null\n- {apiVersion: v1, kind: List, items: [{}]}\n")
	f.Add("apiVersion: oauth-operator.dev/v1alpha1\nkind: AuthorizationServer\nmetadata: {name: a, labels: {a: 1}}\nspec: {issuer: 7, policy: null}\nstatus: {}\n")
	f.Add("apiVersion: oauth-operator.dev/v1alpha1\nkind: OAuthClient\nmetadata: {name: a}\nstatus: {redirectURIs: [\"https://applied.example/\"]}\n")
	f.Add("a: &a [*a]\n--- \n%YAML 1.2\n---\n!!map {? [a] : b}\n")
	f.Add("{\"apiVersion\":\"oauth-operator.dev/v1alpha1\",\"kind\":\"OAuthUser\",\"metadata\":{\"name\":\"..\",\"namespace\":\"x\"},\"spec\":{\"username\":\"\\ud800\"}}")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "fuzz.yaml")
		whole := text + "\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: fuzz-fuzz}\nstringData: {a: " + hidden + ", b: [" + hidden + "]}\n"
		for _, content := range []string{text, whole} {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			set, err := manifests.Read([]string{file})
			if err == nil {
				kept(t, set)
				continue
			}
			if strings.Contains(err.Error(), hidden) && !strings.Contains(text, "hush") {
				t.Errorf("%q: %v", content, err)
			}
			for _, at := range position.FindAllStringSubmatch(err.Error(), -1) {
				if n, _ := strconv.Atoi(at[1]); n < 1 || n > strings.Count(content, "\n")+1 {
					t.Errorf("%q has no line %d: %v", content, n, err)
				}
			}
		}
	})
}

// kept holds objects to what an API server could have kept.
func kept(t *testing.T, set *manifests.Set) {
	t.Helper()
	seen := map[string]bool{}
	for _, o := range set.Objects {
		id := o.GetKind() + "/" + o.GetNamespace() + "/" + o.GetName()
		if seen[id] || o.GetName() == "" || o.GetUID() != "" || strings.ContainsAny(id, "\x00\n") {
			t.Errorf("%s: %v", id, o.Object)
		}
		seen[id] = true
		var into any
		switch o.GetKind() {
		case "AuthorizationServer":
			into = &v1alpha1.AuthorizationServer{}
		case "OAuthClient":
			into = &v1alpha1.OAuthClient{}
		case "OAuthUser":
			into = &v1alpha1.OAuthUser{}
		case "Secret":
			into = &corev1.Secret{}
		default:
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if status := fmt.Sprint(o.Object["status"]); strings.Contains(status, "applied") {
			t.Errorf("%s: has the status that somebody has applied: %s", id, status)
		}
	}
}
