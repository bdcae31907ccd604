package charts_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
)

// field returns what an object has at a path.
func field(object *unstructured.Unstructured, path ...string) any {
	GinkgoHelper()
	value, found, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(BeTrue(), "%v", path)
	return value
}

var _ = Describe("A feature of the chart", func() {
	It("the default AuthorizationServer is a file of the controller", func(ctx SpecContext) {
		Expect(kinds(render(ctx))).NotTo(ContainElement("ConfigMap"))
		rendered := render(ctx, withDefault, `authorizationServer.name="people"`)
		configMap := as[corev1.ConfigMap](find(rendered, "ConfigMap", "oauth-operator-default"))
		var told v1alpha1.AuthorizationServer
		Expect(yaml.UnmarshalStrict([]byte(configMap.Data["authorizationserver.yaml"]), &told)).To(Succeed())
		Expect(told.Name).To(Equal("people"))
		Expect(told.Spec.Issuer).To(Equal("https://auth.example.com"))
		Expect(told.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationDefault, "true"))
		pod := deployment(rendered, "controller").Spec.Template.Spec
		Expect(pod.Volumes[0].ConfigMap.Name).To(Equal(configMap.Name))
		Expect(pod.Containers[0].Args).To(ContainElement(
			"--default-authorization-server=" + pod.Containers[0].VolumeMounts[0].MountPath + "/authorizationserver.yaml"))

		// A change of it is a change of the Pods.
		checksum := func(values ...string) string {
			return deployment(render(ctx, values...), "controller").Spec.Template.Annotations["checksum/authorization-server"]
		}
		Expect(checksum(withDefault)).To(And(HaveLen(64), Equal(checksum(withDefault)), Not(Equal(checksum(withDefault, "authorizationServer.default=false")))))
	})

	It("an autoscaler decides on the replicas", func(ctx SpecContext) {
		rendered := render(ctx, "server.autoscaling.enabled=true", "server.autoscaling.minReplicas=3")
		scaler := as[autoscalingv2.HorizontalPodAutoscaler](find(rendered, "HorizontalPodAutoscaler", "oauth-operator-server"))
		Expect(*scaler.Spec.MinReplicas).To(BeEquivalentTo(3))
		Expect(scaler.Spec.ScaleTargetRef.Name).To(Equal("oauth-operator-server"))
		Expect(deployment(rendered, "server").Spec.Replicas).To(BeNil(), "an upgrade would set them back")
		find(rendered, "PodDisruptionBudget", "oauth-operator-server")
		Expect(kinds(render(ctx, "server.autoscaling.enabled=true", "server.autoscaling.minReplicas=1"))).NotTo(ContainElement("PodDisruptionBudget"))
	})

	It("several controllers have a PodDisruptionBudget too", func(ctx SpecContext) {
		budget := as[policyv1.PodDisruptionBudget](find(render(ctx, "controller.replicas=2"), "PodDisruptionBudget", "oauth-operator-controller"))
		Expect(budget.Spec.Selector.MatchLabels).To(HaveKeyWithValue("app.kubernetes.io/component", "controller"))
	})

	It("the Pods of each half are spread, each version of them by itself", func(ctx SpecContext) {
		rendered := render(ctx)
		for _, component := range []string{"controller", "server"} {
			half := deployment(rendered, component)
			Expect(half.Spec.Template.Spec.TopologySpreadConstraints).To(HaveLen(2))
			for _, constraint := range half.Spec.Template.Spec.TopologySpreadConstraints {
				Expect(constraint.MatchLabelKeys).To(ConsistOf("pod-template-hash"))
				Expect(constraint.LabelSelector.MatchLabels).To(Equal(half.Spec.Selector.MatchLabels))
			}
		}
	})

	It("a Pod goes on for a while before it stops, and is given the time for it", func(ctx SpecContext) {
		pod := deployment(render(ctx), "server").Spec.Template.Spec
		sleep := pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds
		Expect(sleep).To(BeNumerically(">", 0))
		Expect(*pod.TerminationGracePeriodSeconds).To(BeNumerically(">", sleep+20))
		Expect(pod.Containers[0].Args).To(ContainElement("--drain-timeout=20s"))
	})

	It("cert-manager makes the certificate, for the hosts of the issuer and of what leads to it", func(ctx SpecContext) {
		manager := []string{"server.tls.certManager.enabled=true", `server.tls.certManager.issuerRef.name="letsencrypt"`}
		rendered := render(ctx, append(manager, `authorizationServer.spec.issuer="https://auth.example.com:8443/tenant"`,
			`server.ingress.hosts=["id.example.com","auth.example.com"]`)...)
		certificate := find(rendered, "Certificate", "oauth-operator-server")
		Expect(field(certificate, "spec", "dnsNames")).To(ConsistOf("auth.example.com", "id.example.com"))
		Expect(field(certificate, "spec", "issuerRef")).To(Equal(map[string]any{"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "letsencrypt"}))
		pod := deployment(rendered, "server").Spec.Template.Spec
		Expect(pod.Volumes[0].Secret.SecretName).To(Equal(field(certificate, "spec", "secretName")))
		Expect(pod.Containers[0].Args).To(ContainElement("--tls-cert-file=/etc/oauth-operator/tls/tls.crt"))

		named := render(ctx, append(manager, `server.tls.certManager.dnsNames=["one.example.com"]`, `server.tls.secretName="mine"`)...)
		Expect(field(find(named, "Certificate", "oauth-operator-server"), "spec", "dnsNames")).To(ConsistOf("one.example.com"))
		Expect(field(find(named, "Certificate", "oauth-operator-server"), "spec", "secretName")).To(Equal("mine"))
	})

	It("an HTTPRoute leads from a Gateway to the server, by TLS where that speaks it", func(ctx SpecContext) {
		route := []string{
			"server.httpRoute.enabled=true", `server.httpRoute.hostnames=["auth.example.com"]`,
			`server.httpRoute.parentRefs=[{"name":"public","namespace":"gateways"}]`,
		}
		plain := render(ctx, route...)
		rules := field(find(plain, "HTTPRoute", "oauth-operator-server"), "spec", "rules").([]any)
		Expect(rules[0].(map[string]any)["backendRefs"]).To(ConsistOf(map[string]any{"name": "oauth-operator-server", "port": int64(80)}))
		Expect(kinds(plain)).NotTo(ContainElement("BackendTLSPolicy"))

		secure := render(ctx, append(route, `server.tls.secretName="certificate"`)...)
		policy := find(secure, "BackendTLSPolicy", "oauth-operator-server")
		Expect(field(policy, "spec", "validation")).To(Equal(map[string]any{"hostname": "auth.example.com", "wellKnownCACertificates": "System"}))
		internal := render(ctx, append(route, `server.tls.secretName="certificate"`, `server.httpRoute.backendTLSPolicy.hostname="internal.example.com"`,
			`server.httpRoute.backendTLSPolicy.caCertificateRefs=[{"group":"","kind":"ConfigMap","name":"ca"}]`)...)
		Expect(field(find(internal, "BackendTLSPolicy", "oauth-operator-server"), "spec", "validation")).To(
			And(HaveKeyWithValue("hostname", "internal.example.com"), HaveKey("caCertificateRefs"), Not(HaveKey("wellKnownCACertificates"))))
		Expect(kinds(render(ctx, append(route, `server.tls.secretName="certificate"`, "server.httpRoute.backendTLSPolicy.create=false")...))).
			NotTo(ContainElement("BackendTLSPolicy"))
	})

	It("NetworkPolicies let through what is needed, and nothing else", func(ctx SpecContext) {
		Expect(kinds(render(ctx))).NotTo(ContainElement("NetworkPolicy"))
		policies := func(values ...string) (controller, server *networkingv1.NetworkPolicy) {
			rendered := render(ctx, append(values, "networkPolicy.enabled=true")...)
			for _, component := range []string{"controller", "server"} {
				policy := as[networkingv1.NetworkPolicy](find(rendered, "NetworkPolicy", "oauth-operator-"+component))
				Expect(policy.Spec.PodSelector.MatchLabels).To(Equal(deployment(rendered, component).Spec.Selector.MatchLabels))
				Expect(policy.Spec.PolicyTypes).To(ConsistOf(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress))
				controller, server = server, policy
			}
			return controller, server
		}
		controller, server := policies()
		Expect(controller.Spec.Ingress).To(BeEmpty())
		Expect(ingressPorts(server)).To(Equal([]string{"http"}))
		Expect(egressPorts(controller)).To(Equal([]string{"53", "53", "443", "6443"}))
		Expect(egressPorts(server)).To(Equal([]string{"53", "53", "443", "6443", "443"}))

		controller, server = policies(`networkPolicy.metricsFrom=[{"namespaceSelector":{}}]`, `networkPolicy.serverFrom=[{"podSelector":{}}]`,
			`networkPolicy.apiServer=["10.0.0.1/32"]`, `networkPolicy.clients=[]`, `server.tls.secretName="certificate"`,
			`server.grantStore="postgres"`, `server.postgres.secretName="database"`)
		Expect(ingressPorts(controller)).To(Equal([]string{"metrics"}))
		Expect(ingressPorts(server)).To(Equal([]string{"https", "metrics"}))
		Expect(server.Spec.Ingress[0].From).To(HaveLen(1))
		Expect(egressPorts(server)).To(Equal([]string{"53", "53", "443", "6443", "5432"}))
		Expect(server.Spec.Egress[1].To[0].IPBlock.CIDR).To(Equal("10.0.0.1/32"))
	})

	It("grants can be in PostgreSQL, with a connection string that is mounted", func(ctx SpecContext) {
		pod := deployment(render(ctx, `server.grantStore="postgres"`, `server.postgres.secretName="database"`, `server.postgres.secretKey="uri"`), "server").Spec.Template.Spec
		Expect(pod.Containers[0].Args).To(ContainElements("--grant-store=postgres", "--postgres-dsn-file=/etc/oauth-operator/postgres/dsn"))
		Expect(pod.Containers[0].VolumeMounts[0].MountPath).To(Equal("/etc/oauth-operator/postgres"))
		Expect(pod.Volumes[0].Secret.SecretName).To(Equal("database"))
		Expect(pod.Volumes[0].Secret.Items).To(ConsistOf(corev1.KeyToPath{Key: "uri", Path: "dsn"}))

		pod = deployment(render(ctx, `server.grantStore="postgres"`, `server.postgres.secretName="database"`, `server.postgres.caKey="ca"`), "server").Spec.Template.Spec
		Expect(pod.Volumes[0].Secret.Items).To(ConsistOf(corev1.KeyToPath{Key: "dsn", Path: "dsn"}, corev1.KeyToPath{Key: "ca", Path: "ca.crt"}))
	})

	It("a ServiceMonitor finds the metrics of both halves, which no Service leads to from outside", func(ctx SpecContext) {
		rendered := render(ctx, "metrics.serviceMonitor.enabled=true", `metrics.serviceMonitor.labels={"release":"prometheus"}`, `server.service.type="LoadBalancer"`)
		monitor := find(rendered, "ServiceMonitor", "oauth-operator")
		Expect(monitor.GetLabels()).To(HaveKeyWithValue("release", "prometheus"))
		selector := field(monitor, "spec", "selector", "matchLabels").(map[string]any)
		found := 0
		for _, object := range rendered {
			if object.GetKind() != "Service" {
				continue
			}
			service := as[corev1.Service](object)
			selected := true
			for label, value := range selector {
				selected = selected && service.Labels[label] == value
			}
			if !selected {
				Expect(service.Spec.Ports).To(HaveEach(HaveField("TargetPort", Not(Equal(intstr.FromString("metrics"))))))
				continue
			}
			found++
			Expect(service.Spec.ClusterIP).To(Equal("None"))
			Expect(service.Spec.Ports).To(ConsistOf(And(HaveField("Name", "metrics"), HaveField("TargetPort", intstr.FromString("metrics")))))
		}
		Expect(found).To(Equal(2))
	})

	DescribeTable("NOTES.txt tells the next three commands, for the values that were chosen",
		func(ctx SpecContext, want, not string, values ...string) {
			args := []string{"install", release, chart, "--namespace", namespace, "--dry-run=client"}
			for _, value := range values {
				args = append(args, "--set-json", value)
			}
			out, err := run(ctx, helmBinary, args...)
			Expect(err).NotTo(HaveOccurred())
			_, notes, found := strings.Cut(out, "NOTES:")
			Expect(found).To(BeTrue())
			for _, number := range []string{"\n1. ", "\n2. ", "\n3. "} {
				Expect(strings.Count(notes, number)).To(Equal(1), notes)
			}
			Expect(notes).To(And(ContainSubstring(want), Not(ContainSubstring(not))))
		},
		Entry("nothing chosen", "kubectl apply --server-side -f -", "wait --for=create"),
		Entry("an AuthorizationServer", "authorizationserver/main", "kubectl apply", withDefault),
		Entry("an Ingress", "issuer: https://id.example.com", "plain HTTP", "server.ingress.enabled=true", `server.ingress.hosts=["id.example.com"]`),
		Entry("a certificate of cert-manager", "get certificate", "plain HTTP", withDefault, "server.tls.certManager.enabled=true", `server.tls.certManager.issuerRef.name="a"`),
		Entry("memory", "Every login is lost", "plain TLS", `server.grantStore="memory"`, "server.replicas=1"),
	)
})

func ingressPorts(policy *networkingv1.NetworkPolicy) []string {
	var ports []string
	for _, rule := range policy.Spec.Ingress {
		for _, port := range rule.Ports {
			ports = append(ports, port.Port.String())
		}
	}
	return ports
}

func egressPorts(policy *networkingv1.NetworkPolicy) []string {
	var ports []string
	for _, rule := range policy.Spec.Egress {
		for _, port := range rule.Ports {
			ports = append(ports, port.Port.String())
		}
	}
	return ports
}
