package controllers

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/v1alpha1"
)

const (
	mounted  = "web-oauth"
	restarts = "oauth-operator-controller-rollout-restart"
)

// podOf returns a Pod that uses the Secret in this way and no other.
func podOf(edit func(*corev1.PodSpec)) corev1.PodTemplateSpec {
	pod := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}}
	pod.Spec.Containers = []corev1.Container{{Name: "web", Image: "web"}}
	pod.Spec.InitContainers = []corev1.Container{{Name: "init", Image: "web"}}
	edit(&pod.Spec)
	return pod
}

func volume(source corev1.VolumeSource) func(*corev1.PodSpec) {
	return func(pod *corev1.PodSpec) { pod.Volumes = []corev1.Volume{{Name: "credentials", VolumeSource: source}} }
}

func projected(secret string) func(*corev1.PodSpec) {
	return volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
		{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: secret}}},
	}}})
}

func variable(secret string) []corev1.EnvVar {
	return []corev1.EnvVar{
		{Name: "PLAIN", Value: "value"},
		{Name: "CLIENT_SECRET", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: v1alpha1.SecretKeyClientSecret,
		}}},
	}
}

func variables(secret string) []corev1.EnvFromSource {
	return []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: secret}}}}
}

// ways are all the ways in which a Pod can be near a Secret, and whether it uses
// that of the client.
var ways = []struct {
	name string
	uses bool
	edit func(*corev1.PodSpec)
}{
	{"volume", true, volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: mounted}})},
	{"projected", true, projected(mounted)},
	{"env", true, func(pod *corev1.PodSpec) { pod.Containers[0].Env = variable(mounted) }},
	{"env-from", true, func(pod *corev1.PodSpec) { pod.Containers[0].EnvFrom = variables(mounted) }},
	{"init-env", true, func(pod *corev1.PodSpec) { pod.InitContainers[0].Env = variable(mounted) }},
	{"init-env-from", true, func(pod *corev1.PodSpec) { pod.InitContainers[0].EnvFrom = variables(mounted) }},
	{"sidecar", true, func(pod *corev1.PodSpec) {
		pod.Containers = append(pod.Containers, corev1.Container{Name: "proxy", Image: "proxy", EnvFrom: variables(mounted)})
	}},
	{"nothing", false, func(*corev1.PodSpec) {}},
	{"other-volume", false, volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "other"}})},
	{"other-projected", false, projected("other")},
	{"other-env", false, func(pod *corev1.PodSpec) { pod.Containers[0].Env = variable("other") }},
	{"other-env-from", false, func(pod *corev1.PodSpec) { pod.Containers[0].EnvFrom = variables("other") }},
	{"config-map-of-the-name", false, volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: mounted},
	}})},
	{"pull-secret", false, func(pod *corev1.PodSpec) { pod.ImagePullSecrets = []corev1.LocalObjectReference{{Name: mounted}} }},
}

var _ = Describe("restart", func() {
	var (
		c       *v1alpha1.OAuthClient
		restart func(credentialID string) error
		off     tools
	)

	BeforeEach(func() {
		c = &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: newNamespace(nil), Name: "web"}}
		asOperator, err := client.New(operator, client.Options{Scheme: newScheme(), FieldOwner: string(fieldOwner)})
		Expect(err).NotTo(HaveOccurred())
		off = tools{client: asOperator, live: asOperator}
		on := off
		on.rolloutRestart = true
		restart = func(credentialID string) error { return on.restart(suiteCtx, c, mounted, credentialID) }
	})

	// permit binds the role for restarts in the namespace, as an installation does.
	permit := func() {
		GinkgoHelper()
		Expect(admin.Create(suiteCtx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: restarts},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: restarts},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: operatorNS, Name: "oauth-operator-controller"}},
		})).To(Succeed())
		// The API server learns of a binding a moment later.
		Eventually(func() error { return off.live.List(suiteCtx, &appsv1.DaemonSetList{}, client.InNamespace(c.Namespace)) }).Should(Succeed())
	}

	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	deployment := func(namespace, name string, edit func(*corev1.PodSpec)) client.Object {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Spec:       appsv1.DeploymentSpec{Selector: selector, Template: podOf(edit)},
		}
	}
	statefulSet := func(namespace, name string, edit func(*corev1.PodSpec)) client.Object {
		return &appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Spec:       appsv1.StatefulSetSpec{Selector: selector, Template: podOf(edit)},
		}
	}
	daemonSet := func(namespace, name string, edit func(*corev1.PodSpec)) client.Object {
		return &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Spec:       appsv1.DaemonSetSpec{Selector: selector, Template: podOf(edit)},
		}
	}
	create := func(o client.Object) client.Object {
		GinkgoHelper()
		Expect(admin.Create(suiteCtx, o)).To(Succeed())
		return o
	}
	// restartedFor returns the credential that the workload was restarted for.
	restartedFor := func(o client.Object) string {
		GinkgoHelper()
		Expect(admin.Get(suiteCtx, client.ObjectKeyFromObject(o), o)).To(Succeed())
		switch o := o.(type) {
		case *appsv1.Deployment:
			return o.Spec.Template.Annotations[v1alpha1.AnnotationRestartedFor]
		case *appsv1.StatefulSet:
			return o.Spec.Template.Annotations[v1alpha1.AnnotationRestartedFor]
		case *appsv1.DaemonSet:
			return o.Spec.Template.Annotations[v1alpha1.AnnotationRestartedFor]
		}
		return "no workload"
	}

	for kind, workloadOf := range map[string]func(string, string, func(*corev1.PodSpec)) client.Object{
		"Deployments": deployment, "StatefulSets": statefulSet, "DaemonSets": daemonSet,
	} {
		It("restarts the "+kind+" that use the Secret, however they do, once for a credential", func() {
			permit()
			made := map[string]client.Object{}
			for _, way := range ways {
				made[way.name] = create(workloadOf(c.Namespace, way.name, way.edit))
			}
			elsewhere := create(workloadOf(newNamespace(nil), "elsewhere", ways[0].edit))
			Expect(restart("first")).To(Succeed())
			for _, way := range ways {
				if way.uses {
					Expect(restartedFor(made[way.name])).To(Equal("first"), way.name)
				} else {
					Expect(restartedFor(made[way.name])).To(BeEmpty(), way.name)
				}
			}
			Expect(restartedFor(elsewhere)).To(BeEmpty())

			By("a second time for the same credential, which writes nothing")
			before := len(audit.in("/" + c.Namespace + "/"))
			Expect(restart("first")).To(Succeed())
			Expect(audit.in("/" + c.Namespace + "/")).To(HaveLen(before))

			By("the next credential")
			Expect(restart("second")).To(Succeed())
			Expect(restartedFor(made["volume"])).To(Equal("second"))
		})
	}

	It("keeps what else the template has", func() {
		permit()
		d := deployment(c.Namespace, "annotated", ways[0].edit).(*appsv1.Deployment)
		d.Spec.Template.Annotations = map[string]string{"team": "web"}
		create(d)
		Expect(restart("first")).To(Succeed())
		Expect(restartedFor(d)).To(Equal("first"))
		Expect(d.Spec.Template.Annotations).To(HaveKeyWithValue("team", "web"))
		Expect(d.Spec.Template.Spec.Containers).To(HaveLen(1))
	})

	It("says which permission is missing, and what to do about it", func() {
		create(deployment(c.Namespace, "web", ways[0].edit))
		err := restart("first")
		Expect(apierrors.IsForbidden(err)).To(BeTrue())
		for _, resource := range []string{"deployments", "statefulsets", "daemonsets"} {
			Expect(err).To(MatchError(ContainSubstring("permission to list " + resource)))
		}
		Expect(err).To(MatchError(And(ContainSubstring(c.Namespace), ContainSubstring("remove spec.rotation.rolloutRestart"))))
	})

	It("restarts the kinds that it may, where one is missing", func() {
		Expect(admin.Create(suiteCtx, &rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: "some"},
			Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"apps"}, Resources: []string{"statefulsets"}, Verbs: []string{"list", "patch"}}},
		})).To(Succeed())
		Expect(admin.Create(suiteCtx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: "some"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "some"},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: operatorNS, Name: "oauth-operator-controller"}},
		})).To(Succeed())
		set := create(statefulSet(c.Namespace, "web", ways[0].edit))
		Eventually(func() string {
			Expect(restart("first")).NotTo(Succeed())
			return restartedFor(set)
		}).Should(Equal("first"))
	})

	It("does nothing, and asks for nothing, where it is off", func() {
		d := create(deployment(c.Namespace, "web", ways[0].edit))
		Expect(off.restart(suiteCtx, c, mounted, "first")).To(Succeed())
		Expect(restartedFor(d)).To(BeEmpty())
	})
})
