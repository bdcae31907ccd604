package v1alpha1_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/passwordhash"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// manifests reads the objects of a file of config/.
func manifests(elements ...string) []*unstructured.Unstructured {
	GinkgoHelper()
	file, err := os.Open(filepath.Join(append([]string{"..", "..", "config"}, elements...)...))
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = file.Close() }()
	var objects []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(file, 4096); ; {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(o)
		if errors.Is(err, io.EOF) {
			return objects
		}
		Expect(err).NotTo(HaveOccurred())
		objects = append(objects, o)
	}
}

// create makes the objects, in place of what there may be already.
func create(ctx context.Context, objects []*unstructured.Unstructured) {
	GinkgoHelper()
	for _, o := range objects {
		if err := api.Create(ctx, o, client.FieldValidation(metav1.FieldValidationStrict)); !apierrors.IsAlreadyExists(err) {
			Expect(err).NotTo(HaveOccurred(), "%s %s", o.GetKind(), o.GetName())
		}
	}
}

var _ = Describe("the samples", Ordered, func() {
	BeforeAll(func(ctx SpecContext) {
		for _, file := range []string{"authorizationserver.yaml", "oauthuser.yaml", "oauthclient.yaml"} {
			create(ctx, manifests("samples", file))
		}
	})

	It("go together", func(ctx SpecContext) {
		var as v1alpha1.AuthorizationServer
		Expect(api.Get(ctx, client.ObjectKey{Name: "default"}, &as)).To(Succeed())
		Expect(validation.AuthorizationServer(&as)).To(BeEmpty())

		var c v1alpha1.OAuthClient
		Expect(api.Get(ctx, client.ObjectKey{Namespace: "demo", Name: "webapp"}, &c)).To(Succeed())
		found, problem := validation.ResolveAuthorizationServer(&c, []*v1alpha1.AuthorizationServer{&as})
		Expect(problem).To(BeNil())
		Expect(found.Name).To(Equal("default"))

		var namespace corev1.Namespace
		Expect(api.Get(ctx, client.ObjectKey{Name: "demo"}, &namespace)).To(Succeed())
		Expect(validation.Client(&c, &as, namespace.Labels, 0)).To(BeEmpty())
		problems := validation.Client(&c, &as, nil, 0)
		Expect(problems).To(HaveLen(1), "what the comments say of the label is true")
		Expect(problems[0].Field).To(Equal("spec.scopes[3]"))
	})

	It("have the password that their comment says", func(ctx SpecContext) {
		var u v1alpha1.OAuthUser
		Expect(api.Get(ctx, client.ObjectKey{Name: "alice"}, &u)).To(Succeed())
		Expect(validation.User(&u)).To(BeEmpty())
		var secret corev1.Secret
		ref := u.Spec.PasswordSecretRef
		Expect(api.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: ref.Name}, &secret)).To(Succeed())
		hash, err := passwordhash.Parse(string(secret.Data[ref.Key]))
		Expect(err).NotTo(HaveOccurred())
		Expect(hash.Verify("wonderland")).To(BeTrue())
	})
})

var _ = Describe("the examples", func() {
	It("are accepted, and allowed by the sample AuthorizationServer in the sample namespace", func(ctx SpecContext) {
		create(ctx, manifests("samples", "oauthclient.yaml"))
		as := &v1alpha1.AuthorizationServer{}
		Expect(api.Scheme().Convert(manifests("samples", "authorizationserver.yaml")[0], as, nil)).To(Succeed())
		for _, file := range []string{"rotated.yaml", "templated.yaml", "brought.yaml", "followed.yaml"} {
			for _, o := range manifests("examples", file) {
				Expect(api.Create(ctx, o.DeepCopy(), client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))).To(Succeed(), file)
				if o.GetKind() == "OAuthClient" {
					c := &v1alpha1.OAuthClient{}
					Expect(api.Scheme().Convert(o, c, nil)).To(Succeed())
					Expect(validation.Client(c, as, map[string]string{"example.com/audience": "internal"}, 0)).To(BeEmpty(), file)
				}
			}
		}
	})
})

var _ = Describe("kubectl get", func() {
	set := func(conditions *[]metav1.Condition, kind, reason string) {
		apimeta.SetStatusCondition(conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: "Fine."})
	}

	It("shows what an OAuthClient has become", func(ctx SpecContext) {
		c := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "columns"}}
		c.Spec.RedirectURIs = []string{"https://a.example/cb"}
		Expect(api.Create(ctx, c)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, c)).To(Succeed()) })
		c.Status.ClientID, c.Status.Issuer = "default.columns", "https://id.example.com"
		c.Status.Binding, c.Status.AuthorizationServer = &v1alpha1.SecretBinding{Name: "columns-oauth"}, "main"
		rotated := metav1.NewTime(time.Now().Add(-49 * time.Hour))
		next := metav1.NewTime(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
		c.Status.Rotation = &v1alpha1.RotationStatus{LastAt: &rotated, NextAt: &next}
		set(&c.Status.Conditions, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		Expect(api.Status().Update(ctx, c)).To(Succeed())
		Expect(table(ctx, "namespaces/default/oauthclients/columns")).To(And(
			HaveKeyWithValue("Ready", "True"), HaveKeyWithValue("Reason", "Ready"),
			HaveKeyWithValue("Client ID", "default.columns"), HaveKeyWithValue("Secret", "columns-oauth"),
			HaveKeyWithValue("Issuer", "https://id.example.com"), HaveKeyWithValue("Auth Method", "client_secret_basic"),
			HaveKeyWithValue("Server", "main"), HaveKeyWithValue("Rotated", "2d1h"),
			// A time to come would be <invalid> where the API server counts from it.
			HaveKeyWithValue("Next Rotation", "2030-01-02T03:04:05Z"),
			HaveKeyWithValue("Message", "Fine."), HaveKey("Age")))
	})

	It("shows why an OAuthClient is not ready", func(ctx SpecContext) {
		c := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "refused"}}
		c.Spec.RedirectURIs = []string{"https://a.example/cb"}
		Expect(api.Create(ctx, c)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, c)).To(Succeed()) })
		Expect(table(ctx, "namespaces/default/oauthclients/refused")).To(And(
			HaveKeyWithValue("Ready", BeNil()), HaveKeyWithValue("Client ID", BeNil()), HaveKeyWithValue("Next Rotation", BeNil()),
		), "before anybody has judged it")
		apimeta.SetStatusCondition(&c.Status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNotAllowed, Message: "spec.scopes[0]: no.",
		})
		Expect(api.Status().Update(ctx, c)).To(Succeed())
		Expect(table(ctx, "namespaces/default/oauthclients/refused")).To(And(
			HaveKeyWithValue("Ready", "False"), HaveKeyWithValue("Reason", "NotAllowed"), HaveKeyWithValue("Message", "spec.scopes[0]: no.")))
	})

	It("shows which AuthorizationServer is the default", func(ctx SpecContext) {
		as := &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{
			Name: "columns", Annotations: map[string]string{v1alpha1.AnnotationDefault: "true"},
		}}
		as.Spec.Issuer = "https://columns.example.com"
		Expect(api.Create(ctx, as)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, as)).To(Succeed()) })
		set(&as.Status.Conditions, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		Expect(api.Status().Update(ctx, as)).To(Succeed())
		Expect(table(ctx, "authorizationservers/columns")).To(And(
			HaveKeyWithValue("Ready", "True"), HaveKeyWithValue("Issuer", "https://columns.example.com"),
			HaveKeyWithValue("Default", "true"), HaveKey("Age")))
	})

	It("shows who an OAuthUser is", func(ctx SpecContext) {
		u := &v1alpha1.OAuthUser{ObjectMeta: metav1.ObjectMeta{Name: "columns"}}
		u.Spec = v1alpha1.OAuthUserSpec{Username: "carol", Email: "carol@example.com", PasswordSecretRef: v1alpha1.SecretKeyReference{Name: "x"}}
		Expect(api.Create(ctx, u)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, u)).To(Succeed()) })
		set(&u.Status.Conditions, v1alpha1.ConditionReady, v1alpha1.ReasonUsable)
		Expect(api.Status().Update(ctx, u)).To(Succeed())
		Expect(table(ctx, "oauthusers/columns")).To(And(
			HaveKeyWithValue("Ready", "True"), HaveKeyWithValue("Username", "carol"), HaveKeyWithValue("Email", "carol@example.com")))
	})

	It("shows who has allowed what", func(ctx SpecContext) {
		g := &v1alpha1.OAuthGrant{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "columns"}}
		now := metav1.NewTime(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
		g.Spec = v1alpha1.OAuthGrantSpec{
			AuthorizationServer: "main", ClientID: "default.webapp", ClientUID: "u", Subject: "s", Username: "alice",
			Scopes: []string{"openid", "email"}, AuthTime: now, CreatedAt: now, EndsAt: now,
		}
		g.Status.ExpiresAt = now
		set(&g.Status.Conditions, v1alpha1.ConditionActive, v1alpha1.ReasonGranted)
		Expect(api.Create(ctx, g)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(api.Delete(ctx, g)).To(Succeed()) })
		Expect(table(ctx, "namespaces/default/oauthgrants/columns")).To(And(
			HaveKeyWithValue("Client", "default.webapp"), HaveKeyWithValue("User", "alice"),
			HaveKeyWithValue("Scopes", `["openid","email"]`), HaveKeyWithValue("Active", "True"),
			HaveKeyWithValue("Expires", "2030-01-02T03:04:05Z")))
	})

	It("knows the short names and the category", func() {
		for _, file := range []struct{ plural, short string }{
			{"authorizationservers", "oas"}, {"oauthclients", "oac"}, {"oauthgrants", "oag"}, {"oauthusers", "oau"},
		} {
			crd := manifests("crd", "bases", v1alpha1.GroupName+"_"+file.plural+".yaml")[0]
			names, _, _ := unstructured.NestedMap(crd.Object, "spec", "names")
			Expect(names).To(And(HaveKeyWithValue("shortNames", ConsistOf(file.short)), HaveKeyWithValue("categories", ConsistOf("oauth"))))
		}
	})
})

// table returns the columns of one object as kubectl gets them from the API server.
func table(ctx context.Context, path string) map[string]any {
	GinkgoHelper()
	config := plane.Config()
	httpClient, err := rest.HTTPClientFor(config)
	Expect(err).NotTo(HaveOccurred())
	address := strings.TrimSuffix(config.Host, "/") + "/apis/" + v1alpha1.GroupVersion.String() + "/" + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	response, err := httpClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	Expect(response).To(HaveHTTPStatus(http.StatusOK))
	var t metav1.Table
	Expect(json.NewDecoder(response.Body).Decode(&t)).To(Succeed())
	Expect(t.Rows).To(HaveLen(1))
	columns := map[string]any{}
	for i, definition := range t.ColumnDefinitions {
		columns[definition.Name] = t.Rows[0].Cells[i]
	}
	return columns
}

var _ = Describe("the roles of people", Ordered, func() {
	BeforeAll(func(ctx SpecContext) {
		create(ctx, manifests("rbac", "people.yaml"))
		create(ctx, manifests("rbac", "service_binding.yaml"))
		// In a cluster the aggregation puts the rules into view and edit.
		for user, role := range map[string]string{
			"viewer": "oauth-operator-view", "editor": "oauth-operator-edit",
			"auditor": "oauth-operator-platform-view", "binder": "oauth-operator-service-binding",
		} {
			Expect(api.Create(ctx, &rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: user},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
				Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
			})).To(Succeed())
		}
	})

	may := func(ctx context.Context, user, verb, resource string) bool {
		resource, subresource, _ := strings.Cut(resource, "/")
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: "default", Verb: verb, Group: v1alpha1.GroupName, Resource: resource, Subresource: subresource,
			},
		}}
		Expect(api.Create(ctx, review)).To(Succeed())
		return review.Status.Allowed
	}

	DescribeTable("allow", func(ctx SpecContext, user, resource string, verbs ...string) {
		for _, verb := range verbs {
			Eventually(may).WithArguments(ctx, user, verb, resource).Should(BeTrue(), verb)
		}
	},
		Entry("viewers to read clients", "viewer", "oauthclients", "get", "list", "watch"),
		Entry("viewers to read grants", "viewer", "oauthgrants", "get", "list", "watch"),
		Entry("editors to write clients", "editor", "oauthclients", "create", "update", "patch", "delete", "deletecollection"),
		Entry("editors to revoke grants", "editor", "oauthgrants", "delete", "deletecollection"),
		Entry("auditors to read issuers", "auditor", "authorizationservers", "get", "list", "watch"),
		Entry("auditors to read people", "auditor", "oauthusers", "get", "list", "watch"),
		Entry("Service Binding to read clients", "binder", "oauthclients", "get", "list", "watch"),
	)

	DescribeTable("do not allow", func(ctx SpecContext, user, resource string, verbs ...string) {
		for _, verb := range verbs {
			Expect(may(ctx, user, verb, resource)).To(BeFalse(), verb)
		}
	},
		Entry("viewers to write", "viewer", "oauthclients", "create", "update", "patch", "delete"),
		Entry("viewers to revoke", "viewer", "oauthgrants", "delete", "update", "patch", "create"),
		Entry("editors to make or change grants", "editor", "oauthgrants", "create", "update", "patch"),
		Entry("editors to write the status of clients", "editor", "oauthclients/status", "update", "patch"),
		Entry("editors to write the status of grants", "editor", "oauthgrants/status", "update", "patch"),
		Entry("editors to touch issuers", "editor", "authorizationservers", "get", "create", "update", "patch", "delete"),
		Entry("editors to touch people", "editor", "oauthusers", "get", "create", "update", "patch", "delete"),
		Entry("auditors to write", "auditor", "oauthusers", "create", "update", "patch", "delete"),
		Entry("Service Binding to write", "binder", "oauthclients", "create", "update", "patch", "delete"),
	)

	It("reach people through the cluster's own roles", func() {
		labels := map[string]string{}
		for _, role := range append(manifests("rbac", "people.yaml"), manifests("rbac", "service_binding.yaml")...) {
			for key, value := range role.GetLabels() {
				if key != "app.kubernetes.io/name" {
					labels[role.GetName()] = key + "=" + value
				}
			}
		}
		Expect(labels).To(Equal(map[string]string{
			"oauth-operator-view":            "rbac.authorization.k8s.io/aggregate-to-view=true",
			"oauth-operator-edit":            "rbac.authorization.k8s.io/aggregate-to-edit=true",
			"oauth-operator-service-binding": "servicebinding.io/controller=true",
		}))
	})
})

var _ = Describe("the workloads", func() {
	It("are accepted in a namespace with restricted pod security, without a warning", func(ctx SpecContext) {
		warnings := &heard{}
		config := rest.CopyConfig(plane.Config())
		config.WarningHandlerWithContext = warnings
		strict, err := client.New(config, client.Options{Scheme: api.Scheme()})
		Expect(err).NotTo(HaveOccurred())
		for _, file := range []string{"namespace.yaml", "controller.yaml", "server.yaml"} {
			for _, o := range manifests("manager", file) {
				Expect(strict.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("test"), client.ForceOwnership)).To(Succeed())
			}
		}
		Expect(warnings.all).To(BeEmpty())
	})
})

// heard keeps the warnings of the API server.
type heard struct{ all []string }

func (h *heard) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	h.all = append(h.all, text)
}
