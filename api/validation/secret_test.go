package validation_test

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

func hours(n int) *metav1.Duration { return &metav1.Duration{Duration: time.Duration(n) * time.Hour} }

// rotated returns a client that uses everything there is about its Secret.
func rotated() *v1alpha1.OAuthClient {
	c := webapp()
	c.Spec.Secret.Template = &v1alpha1.SecretTemplate{
		Type:        "Opaque",
		Labels:      map[string]string{"team": "a", "example.com/part": "b"},
		Annotations: map[string]string{"example.com/Note": "any text, and more: of it"},
		Data:        map[string]v1alpha1.TemplateText{"config.yaml": "id: {{ .ClientID }}"},
	}
	c.Spec.Secret.DeletionPolicy = v1alpha1.DeletionPolicyRetain
	c.Spec.Rotation = &v1alpha1.Rotation{
		Interval: hours(720), Overlap: hours(0), Retire: v1alpha1.RetireWhenUnused, UnusedFor: hours(1),
		Window: &v1alpha1.RotationWindow{
			Days: []v1alpha1.Weekday{v1alpha1.Monday, v1alpha1.Sunday}, Start: "22:00", End: "04:30", TimeZone: "Europe/Berlin",
		},
	}
	return c
}

// brought returns a client that brings its secret.
func brought() *v1alpha1.OAuthClient {
	c := webapp()
	c.Spec.Secret.Ref = &v1alpha1.ClientSecretReference{Name: "from-elsewhere"}
	c.Spec.Rotation = &v1alpha1.Rotation{Overlap: hours(48)}
	return c
}

var _ = Describe("ClientSecret", func() {
	It("has nothing against what can be done", func() {
		for _, c := range []*v1alpha1.OAuthClient{webapp(), rotated(), brought(), {}} {
			Expect(validation.ClientSecret(c)).To(BeEmpty())
		}
		c := rotated()
		c.Spec.Rotation.Window.TimeZone = ""
		Expect(validation.ClientSecret(c)).To(BeEmpty(), "UTC")
	})

	DescribeTable("refuses what cannot be done, which the server has nothing against",
		func(start func() *v1alpha1.OAuthClient, spoil func(*v1alpha1.OAuthClientSpec), field, words string) {
			c := start()
			spoil(&c.Spec)
			problems := validation.ClientSecret(c)
			Expect(complaints(problems)).To(Equal([]string{field + " Invalid"}))
			Expect(problems[0].Message).To(ContainSubstring(words))
			Expect(validation.Client(c, server(), nil, 0)).To(BeEmpty(), "credentials that were published go on to work")
		},
		Entry("the name of a Secret", webapp, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Name = "No_Secret" }, "spec.secret.name", "lower-case"),
		Entry("a deletion policy", webapp, func(s *v1alpha1.OAuthClientSpec) { s.Secret.DeletionPolicy = "Orphan" }, "spec.secret.deletionPolicy", "use Delete or Retain"),
		Entry("the name of what is brought", brought, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Ref.Name = "../x" }, "spec.secret.ref.name", "lower-case"),
		Entry("a key that there cannot be", brought, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Ref.Key = "a/b" }, "spec.secret.ref.key", "cannot be a key"),
		Entry("the own Secret as what is brought", brought, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Ref.Name = s.Secret.Name }, "spec.secret.ref.name", "the operator writes"),
		Entry("the own Secret by its default name", brought, func(s *v1alpha1.OAuthClientSpec) {
			s.Secret.Name, s.Secret.Ref.Name = "", "webapp-oauth"
		}, "spec.secret.ref.name", "the operator writes"),
		Entry("a secret for a public client", brought, func(s *v1alpha1.OAuthClientSpec) {
			s.TokenEndpointAuthMethod, s.Rotation = v1alpha1.AuthMethodNone, nil
		}, "spec.secret.ref", "public client"),
		Entry("rotation by time of what is brought", brought, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Interval = hours(1) }, "spec.rotation.interval", "rotated where it comes from"),
		Entry("rotation for a public client", rotated, func(s *v1alpha1.OAuthClientSpec) { s.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone }, "spec.rotation", "public client"),
		Entry("a type of Kubernetes", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Type = "kubernetes.io/service-account-token" }, "spec.secret.template.type", "Opaque"),
		Entry("a type of bootstrap tokens", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Type = "bootstrap.kubernetes.io/token" }, "spec.secret.template.type", "Opaque"),
		Entry("a type of Helm", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Type = "helm.sh/release.v1" }, "spec.secret.template.type", "Opaque"),
		Entry("an own label", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Labels[v1alpha1.LabelManaged] = "false" }, "spec.secret.template.labels", "the operator's own"),
		Entry("an own label below", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Labels["a.oauth-operator.dev/x"] = "" }, "spec.secret.template.labels", "the operator's own"),
		Entry("a label that there cannot be", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Labels["a b"] = "" }, "spec.secret.template.labels", "key of a label"),
		Entry("the value of a label", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Labels["team"] = "a b" }, "spec.secret.template.labels", `value of "team"`),
		Entry("an own annotation", rotated, func(s *v1alpha1.OAuthClientSpec) {
			s.Secret.Template.Annotations[v1alpha1.AnnotationCredential] = "x"
		}, "spec.secret.template.annotations", "the operator's own"),
		Entry("the annotation of kubectl", rotated, func(s *v1alpha1.OAuthClientSpec) {
			s.Secret.Template.Annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
		}, "spec.secret.template.annotations", "kubectl's own"),
		Entry("an annotation that there cannot be", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Annotations["/"] = "x" }, "spec.secret.template.annotations", "key of an annotation"),
		Entry("the secret under another text", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Data["client-secret"] = "x" }, "spec.secret.template.data", "there always"),
		Entry("a key with a slash", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Data["a/b"] = "x" }, "spec.secret.template.data", "cannot be a key"),
		Entry("two dots as a key", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Secret.Template.Data[".."] = "x" }, "spec.secret.template.data", "cannot be a key"),
		Entry("an interval of seconds", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Interval.Duration = 59 * time.Second }, "spec.rotation.interval", "from 1m0s"),
		Entry("an interval of decades", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Interval = hours(87601) }, "spec.rotation.interval", "to 87600h"),
		Entry("an overlap below zero", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Overlap = hours(-1) }, "spec.rotation.overlap", "from 0s"),
		Entry("an overlap of years", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Overlap = hours(8761) }, "spec.rotation.overlap", "to 8760h"),
		Entry("silence of minutes", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.UnusedFor.Duration = time.Minute }, "spec.rotation.unusedFor", "from 1h"),
		Entry("silence that is not waited for", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Retire = "" }, "spec.rotation.unusedFor", "WhenUnused"),
		Entry("an end that is not known", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Retire, s.Rotation.UnusedFor = "Never", nil }, "spec.rotation.retire", "AfterOverlap or WhenUnused"),
		Entry("a window for nothing", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Interval = nil }, "spec.rotation.window", "add interval"),
		Entry("a day", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Window.Days[1] = "Sunday" }, "spec.rotation.window.days[1]", "Mon, Tue"),
		Entry("a start", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Window.Start = "24:00" }, "spec.rotation.window.start", "09:00"),
		Entry("an end", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Window.End = "4:30" }, "spec.rotation.window.end", "16:30"),
		Entry("a window without length", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Window.End = s.Rotation.Window.Start }, "spec.rotation.window.end", "another time"),
		Entry("a time zone", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Window.TimeZone = "Europe/Bielefeld" }, "spec.rotation.window.timeZone", "Europe/Berlin"),
		Entry("the time zone of the machine", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Window.TimeZone = "Local" }, "spec.rotation.window.timeZone", "Europe/Berlin"),
		Entry("a file as a time zone", rotated, func(s *v1alpha1.OAuthClientSpec) { s.Rotation.Window.TimeZone = "../../etc/passwd" }, "spec.rotation.window.timeZone", "Europe/Berlin"),
	)

	It("says the same of a map every time", func() {
		c := rotated()
		for _, key := range strings.Split("abcdefghij", "") {
			c.Spec.Secret.Template.Data[key+"/"] = "x"
		}
		first := validation.Message(validation.ClientSecret(c))
		for range 20 {
			Expect(validation.Message(validation.ClientSecret(c))).To(Equal(first))
		}
	})
})
