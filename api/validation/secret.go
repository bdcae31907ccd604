package validation

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // so that every build knows the same time zones

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"oauth-operator.dev/api/v1alpha1"
)

// ClientSecret returns what keeps the controller from making the Secret of an
// OAuthClient, or from replacing the client secret in it: spec.secret and
// spec.rotation. Whether the texts of a template can be rendered is for package
// secrettemplate to say.
//
// It is for the condition CredentialsReady, and no reason to refuse the client:
// what is registered stays as it was, so credentials that were published go on
// to work. The server does not ask.
func ClientSecret(c *v1alpha1.OAuthClient) []Problem {
	var problems []Problem
	if name := c.Spec.Secret.Name; name != "" && !secretName(name) {
		problems = append(problems, problem("spec.secret.name", v1alpha1.ReasonInvalid, "%s %s", quote(name), badSecretName))
	}
	switch c.Spec.Secret.DeletionPolicy {
	case "", v1alpha1.DeletionPolicyDelete, v1alpha1.DeletionPolicyRetain:
	default:
		problems = append(problems, problem("spec.secret.deletionPolicy", v1alpha1.ReasonInvalid,
			"%s is not known: use Delete or Retain", quote(string(c.Spec.Secret.DeletionPolicy))))
	}
	problems = append(problems, secretReference(c)...)
	problems = append(problems, secretTemplate(c.Spec.Secret.Template)...)
	return append(problems, rotation(c)...)
}

// badSecretName is what is said of a name that is none.
const badSecretName = "cannot name a Secret: use lower-case letters, digits, - and ., with a letter or digit at both ends"

func secretName(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }

// hasNone says of a client without a secret what can be done.
func hasNone(c *v1alpha1.OAuthClient) string {
	if c.EffectiveAuthMethod() == v1alpha1.AuthMethodNone {
		return "a public client has not: remove it, or use another tokenEndpointAuthMethod than none"
	}
	return "a client with private_key_jwt has not: remove it, or use client_secret_basic"
}

func secretReference(c *v1alpha1.OAuthClient) []Problem {
	ref := c.Spec.Secret.Ref
	if ref == nil {
		return nil
	}
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(field, v1alpha1.ReasonInvalid, format, args...))
	}
	switch {
	case !c.HasSecret():
		add("spec.secret.ref", "it brings a client secret, which %s", hasNone(c))
	case !secretName(ref.Name):
		add("spec.secret.ref.name", "%s %s", quote(ref.Name), badSecretName)
	case ref.Name == c.SecretName():
		add("spec.secret.ref.name", "%s is the Secret that the operator writes: bring the client secret in another", quote(ref.Name))
	}
	if len(validation.IsConfigMapKey(ref.KeyOrDefault())) > 0 {
		add("spec.secret.ref.key", "%s %s", quote(ref.Key), badSecretKey)
	}
	return problems
}

// badSecretKey is what is said of a key that no Secret can have.
const badSecretKey = "cannot be a key of a Secret: use at most 253 letters, digits, -, _ and ."

// foreignTypes are the beginnings of the types of Secrets that mean something to
// others: the API server itself makes tokens for some of them.
var foreignTypes = []string{"kubernetes.io/", "bootstrap.kubernetes.io/", "helm.sh/"}

// lastApplied is where kubectl notes what it has applied. The controller does not
// look at it, so it could not keep it.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// ForeignType reports whether the type of a Secret means something to others, so
// that no client's Secret is of it.
func ForeignType(typ string) bool {
	return slices.ContainsFunc(foreignTypes, func(prefix string) bool { return strings.HasPrefix(typ, prefix) })
}

func secretTemplate(t *v1alpha1.SecretTemplate) []Problem {
	if t == nil {
		return nil
	}
	const at = "spec.secret.template"
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem(field, v1alpha1.ReasonInvalid, format, args...))
	}
	if ForeignType(t.Type) {
		add(at+".type", "%s is one of Kubernetes' own, which have a meaning for others: leave it out, or use Opaque", quote(t.Type))
	}
	for _, key := range sortedKeys(t.Labels) {
		switch {
		case ownKey(key):
			add(at+".labels", "%s is one of the operator's own: use another", quote(key))
		case len(validation.IsQualifiedName(key)) > 0:
			add(at+".labels", "%s cannot be the key of a label: use a name as in team or example.com/team", quote(key))
		case len(validation.IsValidLabelValue(t.Labels[key])) > 0:
			add(at+".labels", "the value of %s cannot be that of a label: use at most 63 letters, digits, -, _ and ., with a letter or digit at both ends", quote(key))
		}
	}
	for _, key := range sortedKeys(t.Annotations) {
		switch {
		case ownKey(key):
			add(at+".annotations", "%s is one of the operator's own: use another", quote(key))
		case key == lastApplied:
			add(at+".annotations", "%s is kubectl's own: use another", quote(key))
		case len(validation.IsQualifiedName(strings.ToLower(key))) > 0:
			add(at+".annotations", "%s cannot be the key of an annotation: use a name as in note or example.com/note", quote(key))
		}
	}
	for _, key := range sortedKeys(t.Data) {
		switch {
		case key == v1alpha1.SecretKeyClientSecret:
			add(at+".data", "%s is there always, with the client secret and nothing else: remove it", quote(key))
		case len(validation.IsConfigMapKey(key)) > 0:
			add(at+".data", "%s %s", quote(key), badSecretKey)
		}
	}
	return problems
}

// ownKey reports whether the key of a label or annotation is in the domain of
// the operator.
func ownKey(key string) bool {
	domain, _, ok := strings.Cut(key, "/")
	return ok && (domain == v1alpha1.GroupName || strings.HasSuffix(domain, "."+v1alpha1.GroupName))
}

// sortedKeys makes what is said of a map the same every time.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// The bounds of spec.rotation, which are those of the CRD.
const (
	leastInterval  = time.Minute
	mostInterval   = 87600 * time.Hour
	mostOverlap    = 8760 * time.Hour
	leastUnusedFor = time.Hour
	mostUnusedFor  = 8760 * time.Hour
)

func rotation(c *v1alpha1.OAuthClient) []Problem {
	r := c.Spec.Rotation
	if r == nil {
		return nil
	}
	if !c.HasSecret() {
		return []Problem{problem("spec.rotation", v1alpha1.ReasonInvalid,
			"it is of a client secret, which %s", hasNone(c))}
	}
	var problems []Problem
	bounded := func(field string, d *metav1.Duration, least, most time.Duration) {
		if d != nil {
			problems = append(problems, lifetime("spec.rotation."+field, d.Duration, least, most)...)
		}
	}
	bounded("interval", r.Interval, leastInterval, mostInterval)
	bounded("overlap", r.Overlap, 0, mostOverlap)
	bounded("unusedFor", r.UnusedFor, leastUnusedFor, mostUnusedFor)
	add := func(field, format string, args ...any) {
		problems = append(problems, problem("spec.rotation"+field, v1alpha1.ReasonInvalid, format, args...))
	}
	switch r.Retire {
	case "", v1alpha1.RetireAfterOverlap, v1alpha1.RetireWhenUnused:
	default:
		add(".retire", "%s is not known: use AfterOverlap or WhenUnused", quote(string(r.Retire)))
	}
	if r.UnusedFor != nil && r.Retire != v1alpha1.RetireWhenUnused {
		add(".unusedFor", "it goes with retire: WhenUnused: add that, or remove unusedFor")
	}
	if r.Interval != nil && c.Spec.Secret.Ref != nil {
		add(".interval", "it is for secrets that the operator makes: one that secret.ref brings is rotated where it comes from, so remove one of the two")
	}
	if r.Window != nil {
		if r.Interval == nil {
			add(".window", "it says when the rotation of interval may happen: add interval, or remove window")
		}
		problems = append(problems, window(r.Window)...)
	}
	return problems
}

func window(w *v1alpha1.RotationWindow) []Problem {
	var problems []Problem
	add := func(field, format string, args ...any) {
		problems = append(problems, problem("spec.rotation.window"+field, v1alpha1.ReasonInvalid, format, args...))
	}
	for i, day := range w.Days {
		switch day {
		case v1alpha1.Monday, v1alpha1.Tuesday, v1alpha1.Wednesday, v1alpha1.Thursday,
			v1alpha1.Friday, v1alpha1.Saturday, v1alpha1.Sunday:
		default:
			add(index(".days", i), "%s is no day of the week: use Mon, Tue, Wed, Thu, Fri, Sat or Sun", quote(string(day)))
		}
	}
	start, end := timeOfDay(w.Start), timeOfDay(w.End)
	if !start {
		add(".start", "%s is no time of the day: use one as in 09:00", quote(w.Start))
	}
	if !end {
		add(".end", "%s is no time of the day: use one as in 16:30", quote(w.End))
	}
	if start && w.Start == w.End {
		add(".end", "%s is the start as well: use another time", quote(w.End))
	}
	if !TimeZone(w.TimeZone) {
		add(".timeZone", "%s is no time zone of the IANA database: use one as in Europe/Berlin, or leave it out for UTC", quote(w.TimeZone))
	}
	return problems
}

// timeOfDay reports whether the text is a time from 00:00 to 23:59.
func timeOfDay(text string) bool {
	_, err := time.Parse("15:04", text)
	return err == nil && len(text) == len("15:04")
}

// TimeZone reports whether there is a time zone of that name. The empty name is
// UTC. The zone of the machine, which time.LoadLocation calls Local, is none: it
// is not the same everywhere.
func TimeZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "Local"
}
