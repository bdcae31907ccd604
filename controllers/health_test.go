package controllers

import (
	"os"
	"path/filepath"
	"regexp"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/passwordhash"
	"oauth-operator.dev/api/v1alpha1"
)

// health is what the tools that read statuses make of an object.
type health struct {
	KStatus status.Status // Flux, Helm and others
	ArgoCD  string
	Message string // of kstatus
}

// The words of both for the same.
func inProgress(h health) bool {
	return h.KStatus == status.InProgressStatus && h.ArgoCD == "Progressing"
}
func current(h health) bool { return h.KStatus == status.CurrentStatus && h.ArgoCD == "Healthy" }
func failed(h health) bool  { return h.KStatus == status.FailedStatus && h.ArgoCD == "Degraded" }

// healthOf judges an object as the API server has answered it.
func healthOf(o client.Object) health {
	GinkgoHelper()
	u := asUnstructured(o)
	result, err := status.Compute(u)
	Expect(err).NotTo(HaveOccurred())
	return health{KStatus: result.Status, ArgoCD: argoHealth(u), Message: result.Message}
}

// healthNow reads an object and judges it.
func healthNow(o client.Object) func(Gomega) health {
	return func(g Gomega) health {
		gvk, err := apiutil.GVKForObject(o, admin.Scheme())
		g.Expect(err).NotTo(HaveOccurred())
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(gvk)
		g.Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(o), u)).To(Succeed())
		return healthOf(u)
	}
}

// applied creates an object as kubectl does, and returns what the API server
// answered at that moment.
func applied(o client.Object) *unstructured.Unstructured {
	GinkgoHelper()
	u := asUnstructured(o)
	unstructured.RemoveNestedField(u.Object, "status")
	Expect(admin.Create(suiteCtx, u)).To(Succeed())
	DeferCleanup(func() { Expect(client.IgnoreNotFound(admin.Delete(suiteCtx, u))).To(Succeed()) })
	return u
}

// changed patches the spec and returns what the API server answered.
func changed(o client.Object, patch string) *unstructured.Unstructured {
	GinkgoHelper()
	u := asUnstructured(o)
	Expect(admin.Patch(suiteCtx, u, client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
	return u
}

func asUnstructured(o client.Object) *unstructured.Unstructured {
	GinkgoHelper()
	if u, ok := o.(*unstructured.Unstructured); ok {
		return u.DeepCopy()
	}
	u := &unstructured.Unstructured{}
	Expect(admin.Scheme().Convert(o, u, nil)).To(Succeed())
	return u
}

var _ = Describe("Tools that wait for objects", func() {
	It("know the life of an OAuthClient", func() {
		as := newServer()
		c := oauthClient(newNamespace(nil), as)
		Expect(healthOf(applied(c))).To(Satisfy(inProgress), "before the controller has seen it")
		Eventually(healthNow(c)).Should(Satisfy(current))

		Expect(healthOf(changed(c, `{"spec":{"clientName":"Another"}}`))).To(Satisfy(inProgress), "before the controller has seen the change")
		Eventually(healthNow(c)).Should(Satisfy(current))

		changed(c, `{"spec":{"scopes":["unheard-of"]}}`)
		Eventually(healthNow(c)).Should(And(Satisfy(failed), HaveField("Message", ContainSubstring("unheard-of"))))
		changed(c, `{"spec":{"scopes":null}}`)
		Eventually(healthNow(c)).Should(Satisfy(current))
	})

	It("wait for an AuthorizationServer that may come", func() {
		as := server()
		c := oauthClient(newNamespace(nil), as)
		applied(c)
		expectNot(c, v1alpha1.ConditionAccepted, v1alpha1.ReasonAuthorizationServerNotFound)
		Expect(healthNow(c)(Default)).To(Satisfy(inProgress))
		applied(as)
		Eventually(healthNow(c)).Should(Satisfy(current))
	})

	It("do not wait for a Secret that is somebody else's", func() {
		c := oauthClient(newNamespace(nil), newServer())
		foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: c.SecretName()}}
		Expect(admin.Create(suiteCtx, foreign)).To(Succeed())
		applied(c)
		Eventually(healthNow(c)).Should(Satisfy(failed))
	})

	It("know the life of an AuthorizationServer", func() {
		first := server()
		Expect(healthOf(applied(first))).To(Satisfy(inProgress))
		Eventually(healthNow(first)).Should(Satisfy(current))

		second := server(func(as *v1alpha1.AuthorizationServer) { as.Spec.Issuer = first.Spec.Issuer })
		applied(second)
		Eventually(healthNow(second)).Should(And(Satisfy(failed), HaveField("Message", ContainSubstring(first.Name))))
		Expect(admin.Delete(suiteCtx, first)).To(Succeed())
		Eventually(healthNow(second)).Should(Satisfy(current))
	})

	// As the server writes it, in one piece: see the tests of its store.
	It("know an OAuthGrant, of which there is nothing to wait for", func() {
		g := &v1alpha1.OAuthGrant{ObjectMeta: metav1.ObjectMeta{Namespace: newNamespace(nil), Name: unique("grant")}}
		now, end := metav1.Now(), metav1.NewTime(time.Now().Add(time.Hour))
		g.Spec = v1alpha1.OAuthGrantSpec{
			AuthorizationServer: "main", ClientID: "demo.webapp", ClientUID: "u", Subject: "s", AuthTime: now, CreatedAt: now, EndsAt: end,
		}
		g.Status.ExpiresAt, g.Status.ObservedGeneration = end, 1
		g.Status.Conditions = []metav1.Condition{holds(v1alpha1.ConditionActive, v1alpha1.ReasonGranted, "Granted.")}
		g.Status.Conditions[0].LastTransitionTime = now
		Expect(admin.Create(suiteCtx, g)).To(Succeed())
		kstatus := func() status.Status {
			result, err := status.Compute(asUnstructured(g))
			Expect(err).NotTo(HaveOccurred())
			return result.Status
		}
		Expect(kstatus()).To(Equal(status.CurrentStatus))

		g.Status.ObservedGeneration = g.Generation + 1
		g.Status.Conditions[0] = fails(v1alpha1.ConditionActive, v1alpha1.ReasonCodeReplayed, "The code came twice.")
		g.Status.Conditions[0].LastTransitionTime = now
		Expect(admin.Update(suiteCtx, g)).To(Succeed())
		Expect(g.Generation).To(Equal(g.Status.ObservedGeneration))
		Expect(kstatus()).To(Equal(status.CurrentStatus), "that it was revoked is no failure of what was applied")
	})

	It("know the life of an OAuthUser", func() {
		u := &v1alpha1.OAuthUser{ObjectMeta: metav1.ObjectMeta{Name: unique("person")}}
		u.Spec.Username, u.Spec.PasswordSecretRef.Name = u.Name, u.Name
		Expect(healthOf(applied(u))).To(Satisfy(inProgress))
		expectNot(u, v1alpha1.ConditionReady, v1alpha1.ReasonPasswordSecretNotFound)
		Expect(healthNow(u)(Default)).To(Satisfy(inProgress), "the Secret may come")

		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNS, Name: u.Name}, StringData: map[string]string{"password-hash": "x"}}
		Expect(admin.Create(suiteCtx, s)).To(Succeed())
		Eventually(healthNow(u)).Should(Satisfy(failed), "this is no hash")
		hash, err := passwordhash.Generate("correct horse")
		Expect(err).NotTo(HaveOccurred())
		s.StringData = map[string]string{"password-hash": hash}
		Expect(admin.Update(suiteCtx, s)).To(Succeed())
		Eventually(healthNow(u)).Should(Satisfy(current))

		changed(u, `{"spec":{"disabled":true}}`)
		Eventually(healthNow(u)).Should(And(HaveField("ArgoCD", "Suspended"), HaveField("KStatus", status.InProgressStatus)))
	})
})

var argoPage = regexp.MustCompile("(?s)```yaml\n(apiVersion: v1\nkind: ConfigMap\n.*?)```")

// argoHealth runs the health check of docs/argocd.md, with the interpreter of Argo
// CD and no more of its libraries than that opens.
func argoHealth(u *unstructured.Unstructured) string {
	GinkgoHelper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "argocd.md"))
	Expect(err).NotTo(HaveOccurred())
	var settings corev1.ConfigMap
	Expect(yaml.UnmarshalStrict(argoPage.FindSubmatch(page)[1], &settings)).To(Succeed())
	script := settings.Data["resource.customizations.health."+v1alpha1.GroupName+"_"+u.GetKind()]
	Expect(script).NotTo(BeEmpty())

	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		Expect(l.CallByParam(lua.P{Fn: l.NewFunction(open), Protect: true}, lua.LString(name))).To(Succeed())
	}
	l.SetGlobal("obj", luaValue(l, u.Object))
	Expect(l.DoString(script)).To(Succeed())
	answer, ok := l.Get(-1).(*lua.LTable)
	Expect(ok).To(BeTrue())
	Expect(answer.RawGetString("message").String()).NotTo(BeElementOf("", "nil"))
	return answer.RawGetString("status").String()
}

func luaValue(l *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := l.NewTable()
		for key, v := range value {
			table.RawSetString(key, luaValue(l, v))
		}
		return table
	case []any:
		table := l.NewTable()
		for _, v := range value {
			table.Append(luaValue(l, v))
		}
		return table
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	}
	return lua.LNil
}
