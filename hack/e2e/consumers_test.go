package e2e_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// published is what a consumer without discovery has to be told.
type published struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Userinfo      string `json:"userinfo_endpoint"`
	JWKS          string `json:"jwks_uri"`
}

func theConsumers() {
	var metadata published

	BeforeAll(func(ctx SpecContext) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/.well-known/openid-configuration", http.NoBody)
		Expect(err).NotTo(HaveOccurred())
		response, err := outside.http().Do(request)
		Expect(err).NotTo(HaveOccurred())
		defer func() { _ = response.Body.Close() }()
		Expect(json.NewDecoder(response.Body).Decode(&metadata)).To(Succeed())
	})

	It("such as Grafana finds its environment in the Secret, by name and value", func(ctx SpecContext) {
		secret := consumer(ctx, "grafana.yaml", "monitoring")
		Expect(secret).To(Equal(map[string]string{
			"client-secret":                              secret["client-secret"],
			"GF_AUTH_GENERIC_OAUTH_ENABLED":              "true",
			"GF_AUTH_GENERIC_OAUTH_NAME":                 "Example Corporation",
			"GF_AUTH_GENERIC_OAUTH_CLIENT_ID":            "oauth-e2e-monitoring.grafana",
			"GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET":        secret["client-secret"],
			"GF_AUTH_GENERIC_OAUTH_AUTH_STYLE":           "InHeader",
			"GF_AUTH_GENERIC_OAUTH_USE_PKCE":             "true",
			"GF_AUTH_GENERIC_OAUTH_USE_REFRESH_TOKEN":    "true",
			"GF_AUTH_GENERIC_OAUTH_SCOPES":               "openid profile email groups",
			"GF_AUTH_GENERIC_OAUTH_AUTH_URL":             metadata.Authorization,
			"GF_AUTH_GENERIC_OAUTH_TOKEN_URL":            metadata.Token,
			"GF_AUTH_GENERIC_OAUTH_API_URL":              metadata.Userinfo,
			"GF_AUTH_GENERIC_OAUTH_LOGIN_ATTRIBUTE_PATH": "preferred_username",
			"GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_PATH":  "contains(groups[*], 'grafana-admins') && 'Admin' || 'Viewer'",
		}))
		accepted(ctx, secret, secret["GF_AUTH_GENERIC_OAUTH_CLIENT_ID"])
	}, SpecTimeout(2*time.Minute))

	It("such as Headlamp finds its environment in the Secret, by name and value", func(ctx SpecContext) {
		secret := consumer(ctx, "headlamp.yaml", "headlamp")
		Expect(secret).To(Equal(map[string]string{
			"client-secret":                       secret["client-secret"],
			"HEADLAMP_CONFIG_OIDC_CLIENT_ID":      "oauth-e2e-headlamp.headlamp",
			"HEADLAMP_CONFIG_OIDC_CLIENT_SECRET":  secret["client-secret"],
			"HEADLAMP_CONFIG_OIDC_IDP_ISSUER_URL": metadata.Issuer,
			"HEADLAMP_CONFIG_OIDC_SCOPES":         "openid,profile,email,groups",
			"HEADLAMP_CONFIG_OIDC_USE_PKCE":       "true",
		}))
		accepted(ctx, secret, secret["HEADLAMP_CONFIG_OIDC_CLIENT_ID"])
	}, SpecTimeout(2*time.Minute))

	It("such as Argo CD finds what its configuration refers to", func(ctx SpecContext) {
		secret := consumer(ctx, "argocd.yaml", "argocd")
		var settings corev1.ConfigMap
		Expect(k8s.Get(ctx, client.ObjectKey{Namespace: consumerPrefix + "argocd", Name: "argocd-cm"}, &settings)).To(Succeed())
		var read struct {
			Name, Issuer, ClientID, ClientSecret string
			RequestedScopes                      []string
		}
		Expect(yaml.UnmarshalStrict([]byte(resolved(ctx, settings.Data["oidc.config"])), &read)).To(Succeed())
		Expect(read.Issuer).To(Equal(metadata.Issuer))
		Expect(read.ClientID).To(Equal("oauth-e2e-argocd.argocd"))
		Expect(read.ClientSecret).To(Equal(secret["client-secret"]))
		Expect(read.RequestedScopes).To(Equal([]string{"openid", "profile", "email", "groups"}))
		accepted(ctx, secret, read.ClientID)
	}, SpecTimeout(2*time.Minute))

	It("such as Spring Boot reads the service binding, by Spring Cloud Bindings", func(ctx SpecContext) {
		secret := consumer(ctx, "spring-boot.yaml", "shop")
		Expect(springProperties(ctx, secret)).To(Equal(map[string]string{
			"spring.security.oauth2.client.registration.login.client-id":                    "oauth-e2e-shop.spring",
			"spring.security.oauth2.client.registration.login.client-secret":                secret["client-secret"],
			"spring.security.oauth2.client.registration.login.client-name":                  "The shop",
			"spring.security.oauth2.client.registration.login.provider":                     "oauth-operator",
			"spring.security.oauth2.client.registration.login.client-authentication-method": "client_secret_basic",
			"spring.security.oauth2.client.registration.login.authorization-grant-type":     "authorization_code",
			"spring.security.oauth2.client.registration.login.redirect-uri":                 "https://shop.example.com/login/oauth2/code/login",
			"spring.security.oauth2.client.registration.login.scope":                        "openid,profile,email",
			"spring.security.oauth2.client.provider.oauth-operator.issuer-uri":              metadata.Issuer,
		}))
	}, SpecTimeout(5*time.Minute))

	It("such as oauth2-proxy runs, and lets through who has logged in", func(ctx SpecContext) {
		namespace := consumerPrefix + "protected"
		makeNamespace(ctx, namespace, restricted)
		k8s.create(ctx, ca.configMap(namespace))
		k8s.create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "oauth2-proxy-cookie"},
			StringData: map[string]string{"OAUTH2_PROXY_COOKIE_SECRET": rand.Text() + "123456"}, // 32 bytes: AES-256
		})
		for _, object := range k8s.apply(ctx, samples("consumers", "oauth2-proxy.yaml"), moved, withImages, func(object *unstructured.Unstructured) {
			edit(object, "http://application.protected.svc", "http://webapp."+demoNamespace+".svc")
		}) {
			if object.GetKind() == "OAuthClient" {
				k8s.ready(ctx, object)
			}
		}
		k8s.available(ctx, namespace, "oauth2-proxy")
		tab := newTab()
		open(tab, "https://"+protectedHost+"/")
		agree(tab)
		shows(tab, "h1", Equal("Demo client"))
	}, SpecTimeout(4*time.Minute))
}

// moved puts a sample into a namespace of these tests: what has its own name may be
// somebody's.
func moved(object *unstructured.Unstructured) {
	object.SetNamespace(consumerPrefix + object.GetNamespace())
}

// edit replaces a text wherever it stands in an object.
func edit(object *unstructured.Unstructured, old, with string) {
	GinkgoHelper()
	content, err := object.MarshalJSON()
	Expect(err).NotTo(HaveOccurred())
	Expect(object.UnmarshalJSON([]byte(strings.ReplaceAll(string(content), old, with)))).To(Succeed())
}

// consumer applies a sample and returns the Secret that its OAuthClient became.
func consumer(ctx context.Context, file, namespace string) map[string]string {
	GinkgoHelper()
	makeNamespace(ctx, consumerPrefix+namespace, restricted)
	var found map[string]string
	for _, object := range k8s.apply(ctx, samples("consumers", file), moved) {
		if object.GetKind() != "OAuthClient" {
			continue
		}
		k8s.ready(ctx, object)
		found = map[string]string{}
		var secret corev1.Secret
		Expect(k8s.Get(ctx, client.ObjectKey{Namespace: object.GetNamespace(), Name: object.GetName() + "-oauth"}, &secret)).To(Succeed())
		for key, value := range secret.Data {
			found[key] = string(value)
		}
	}
	Expect(found["client-secret"]).To(HaveLen(43))
	return found
}

// accepted shows that the credentials are good: the token endpoint knows the client,
// and refuses a code that nobody has issued.
func accepted(ctx context.Context, secret map[string]string, clientID string) {
	GinkgoHelper()
	config := configOf(nil)
	config.ClientID, config.ClientSecret = clientID, secret["client-secret"]
	_, err := config.Exchange(outward(ctx), "no-code")
	Expect(err).To(MatchError(ContainSubstring("invalid_grant")))
	config.ClientSecret = "another"
	_, err = config.Exchange(outward(ctx), "no-code")
	Expect(err).To(MatchError(ContainSubstring("invalid_client")))
}

var reference = regexp.MustCompile(`\$([a-z0-9.-]+):([A-Za-z0-9._-]+)`)

// resolved replaces references as Argo CD's documentation says: $<secret>:<key>, of a
// Secret of its namespace with the label app.kubernetes.io/part-of: argocd.
func resolved(ctx context.Context, text string) string {
	GinkgoHelper()
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		parts := reference.FindStringSubmatch(found)
		var secret corev1.Secret
		Expect(k8s.Get(ctx, client.ObjectKey{Namespace: consumerPrefix + "argocd", Name: parts[1]}, &secret)).To(Succeed())
		Expect(secret.Labels).To(HaveKeyWithValue("app.kubernetes.io/part-of", "argocd"))
		Expect(secret.Data).To(HaveKey(parts[2]))
		return string(secret.Data[parts[2]])
	})
}

// springProperties are what Spring Cloud Bindings makes of the Secret, mounted as a
// service binding with the name login.
func springProperties(ctx context.Context, secret map[string]string) map[string]string {
	GinkgoHelper()
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			Skip("NOT TESTED: Spring Cloud Bindings needs Java and Maven, and there is no " + program + " on this machine")
		}
	}
	bindings := GinkgoT().TempDir()
	Expect(os.Mkdir(filepath.Join(bindings, "login"), 0o700)).To(Succeed())
	for key, value := range secret {
		Expect(os.WriteFile(filepath.Join(bindings, "login", key), []byte(value), 0o600)).To(Succeed())
	}
	project := filepath.Join("hack", "foreign", "spring-bindings")
	libraries := filepath.Join(GinkgoT().TempDir(), "libraries")
	_, err := run(ctx, "mvn", "--quiet", "--batch-mode", "--file", filepath.Join(project, "pom.xml"),
		"dependency:copy-dependencies", "-DoutputDirectory="+libraries)
	Expect(err).NotTo(HaveOccurred())
	out, err := run(ctx, "env", "SERVICE_BINDING_ROOT="+bindings, "java", "-Dorg.springframework.cloud.bindings.boot.enable=true",
		"-cp", filepath.Join(libraries, "*"), filepath.Join(project, "Properties.java"))
	Expect(err).NotTo(HaveOccurred())
	properties := map[string]string{}
	Expect(json.Unmarshal([]byte(out), &properties)).To(Succeed(), out)
	return properties
}
