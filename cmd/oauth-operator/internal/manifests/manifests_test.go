package manifests_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"oauth-operator.dev/cmd/oauth-operator/internal/manifests"
)

func TestManifests(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Manifests")
}

// written returns the path of a file with that content.
func written(name, content string) string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), name)
	Expect(os.WriteFile(path, []byte(content), 0o600)).To(Succeed())
	return path
}

const good = `# A comment alone.
---
apiVersion: oauth-operator.dev/v1alpha1
kind: OAuthClient
metadata:
  name: web
spec:
  redirectURIs:
  - https://web.example.com/callback
  secret:
    ref: {name: vault}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: vault, namespace: default, uid: made-up}
  stringData: {client-secret: plain}
- apiVersion: oauth-operator.dev/v1alpha1
  kind: OAuthUser
  metadata: {name: alice, namespace: ignored}
  spec: {username: alice, passwordSecretRef: {name: alice}}
`

var _ = Describe("manifests", func() {
	It("are read with the defaults of the CRDs, as an API server would keep them", func() {
		set, err := manifests.Read([]string{written("all.yaml", good)})
		Expect(err).NotTo(HaveOccurred())
		Expect(set.Objects).To(HaveLen(3))
		Expect(set.Skipped).To(ConsistOf(HaveSuffix("all.yaml:13: left out Deployment web")))

		client := set.Objects[0]
		Expect(client.Position).To(HaveSuffix("all.yaml:3"))
		Expect(client.GetNamespace()).To(Equal("default"))
		Expect(client.Object["spec"]).To(Equal(map[string]any{
			"redirectURIs":            []any{"https://web.example.com/callback"},
			"grantTypes":              []any{"authorization_code"},
			"tokenEndpointAuthMethod": "client_secret_basic",
			"secret":                  map[string]any{"deletionPolicy": "Delete", "ref": map[string]any{"name": "vault", "key": "client-secret"}},
		}))
		Expect(client.Object["status"]).To(Equal(map[string]any{"observedGeneration": int64(-1)}))

		secret := set.Objects[1]
		Expect(secret.GetUID()).To(BeEmpty())
		data, _, err := unstructured.NestedStringMap(secret.Object, "data")
		Expect(err).NotTo(HaveOccurred())
		Expect(data).To(Equal(map[string]string{"client-secret": base64.StdEncoding.EncodeToString([]byte("plain"))}))
		Expect(secret.Object).NotTo(HaveKey("stringData"))

		user := set.Objects[2]
		Expect(user.GetNamespace()).To(BeEmpty())
		key, _, err := unstructured.NestedString(user.Object, "spec", "passwordSecretRef", "key")
		Expect(err).NotTo(HaveOccurred())
		Expect(key).To(Equal("password-hash"))
	})

	It("are those directly in a folder", func() {
		dir := GinkgoT().TempDir()
		Expect(os.MkdirAll(filepath.Join(dir, "below"), 0o755)).To(Succeed())
		for _, name := range []string{"a.yaml", "b.yml", "c.json", "README.md", "below/d.yaml"} {
			Expect(os.WriteFile(filepath.Join(dir, name), nil, 0o600)).To(Succeed())
		}
		Expect(manifests.Files([]string{dir})).To(Equal([]string{
			filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yml"), filepath.Join(dir, "c.json"),
		}))
		_, err := manifests.Read([]string{filepath.Join(dir, "nothing")})
		Expect(err).To(MatchError(os.ErrNotExist))
		_, err = manifests.Read([]string{GinkgoT().TempDir()})
		Expect(err).To(MatchError(ContainSubstring("there is no manifest")))
	})

	It("of the repository are read, and each is one of ours", func() {
		for _, dir := range []string{"samples", "examples"} {
			set, err := manifests.Read([]string{"../../../../config/" + dir})
			Expect(err).NotTo(HaveOccurred())
			Expect(len(set.Objects)).To(BeNumerically(">", 4), dir)
			Expect(set.Skipped).To(ConsistOf(ContainSubstring("Kustomization")), dir)
		}
	})

	const head = "apiVersion: oauth-operator.dev/v1alpha1\nkind: OAuthClient\nmetadata: {name: web}\n"
	DescribeTable("that are wrong are refused, by file, line and field",
		func(content string, expected ...string) {
			_, err := manifests.Read([]string{written("bad.yaml", content)})
			Expect(err).To(HaveOccurred())
			lines := strings.Split(err.Error(), "\n")
			Expect(lines).To(HaveLen(len(expected)), err.Error())
			for i := range expected {
				Expect(lines[i]).To(ContainSubstring(string(filepath.Separator) + "bad.yaml:" + expected[i]))
			}
		},
		Entry("no YAML", "# x\n---\na: [\n", "3: "),
		Entry("a key twice", "\n---\napiVersion: v1\nkind: Secret\nkind: Secret\n", "5: "),
		Entry("no object", "# x\na: b\n", "2: this is no Kubernetes object"),
		Entry("no name", "apiVersion: v1\nkind: Secret\nmetadata: {}\n", "3: metadata.name is needed"),
		Entry("a name that is a path", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: ../x\n", "4: metadata.name"),
		Entry("an unknown field", head+"spec:\n  scopes: [openid]\n  redirectUris: []\n", "6: spec.redirectUris is no field that there is"),
		Entry("an unknown field in a list of a policy",
			strings.Replace(head, "OAuthClient", "AuthorizationServer", 1)+"spec:\n  issuer: https://a\n  policy:\n    rules:\n    - name: a\n      namespaceSelector: {}\n      scope: [x]\n",
			"10: spec.policy.rules[0].scope is no field that there is"),
		Entry("an unknown field of the metadata", "apiVersion: oauth-operator.dev/v1alpha1\nkind: OAuthClient\nmetadata:\n  name: web\n  label: {}\nspec: {}\n",
			"5: metadata.label is no field that there is"),
		Entry("an unknown field of somebody else's kind", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringdata: {}\n", "4: stringdata is no field"),
		Entry("another type", head+"spec:\n  scopes: openid\n", "5: spec.scopes must be of type array"),
		Entry("a word that is not known", head+"spec:\n  grantTypes:\n  - authorization_code\n  - password\n", "7: spec.grantTypes[1]"),
		Entry("a missing field", strings.Replace(head, "OAuthClient", "OAuthUser", 1)+"spec:\n  username: alice\n", "4: spec.passwordSecretRef is required"),
		Entry("two things at once", head+"spec:\n  one: 1\n---\n"+head+"spec:\n  two: 2\n", "5: spec.one", "11: spec.two"),
		Entry("one object twice", head+"spec: {}\n---\n"+head+"spec: {}\n", "6: OAuthClient default/web is in"),
		Entry("an item of a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n  dat: {}\n", "7: dat is no field"),
	)

	It("do not have the values of their Secrets quoted when they are wrong", func() {
		for _, content := range []string{
			"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: [hunter2]\n",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: hunter2\n",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: 'hunter2!'}\n",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: hunter2\n  a: hunter2\n",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: hunter2: x\n",
		} {
			_, err := manifests.Read([]string{written("secret.yaml", content)})
			Expect(err).To(HaveOccurred(), content)
			Expect(err.Error()).NotTo(ContainSubstring("hunter2"), content)
		}
	})
})
