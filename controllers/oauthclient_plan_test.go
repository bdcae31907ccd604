package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// at is the time of the decisions that are tested here.
var at = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// observation is a client for which all is as it should be.
func observation() *clientObservation {
	as := &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Name: "main"}}
	as.Spec.Issuer = "https://issuer.example.com"
	as.Status.Conditions = []metav1.Condition{holds(v1alpha1.ConditionKeysReady, v1alpha1.ReasonKeysPublished, "")}
	c := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "web", UID: "client-uid", Generation: 1}}
	c.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: "main"}
	c.Spec.RedirectURIs = []string{"https://web.example.com/callback"}
	ring, _, _, _ := keyring.Rotate(keyring.Ring{}, verifierSchedule, at.Add(-time.Hour))
	seen := &clientObservation{client: c, servers: []*v1alpha1.AuthorizationServer{as}, ring: ring, claim: claimOwn}

	p := planFor(seen, judge(seen), at)
	seen.secret = p.secret.object()
	seen.secret.UID, seen.secret.ResourceVersion = "secret-uid", "1"
	c.Status = clientStatus(seen, judge(seen), issuance{
		ready: holds(v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonIssued, ""), credential: p.credential(),
	}, metav1.NewTime(at))
	return seen
}

var _ = Describe("The plan for a client's Secret", func() {
	DescribeTable("is made of facts", func(change func(*clientObservation), want step, facts ...string) {
		seen := observation()
		before := string(seen.secret.Data[v1alpha1.SecretKeyClientSecret])
		change(seen)
		if seen.secret != nil {
			seen.claim = claimTo(seen.client, seen.secret, "")
		}
		p := planFor(seen, judge(seen), at)
		Expect(p.step).To(Equal(want))
		Expect(p.facts).To(HaveExactElements(toAny(facts)...))
		for _, fact := range p.facts {
			Expect(fact).NotTo(ContainSubstring(before))
		}
	},
		Entry("all is as it should be", func(*clientObservation) {}, stepKeep),
		Entry("there is none", func(s *clientObservation) { s.secret = nil }, stepCreate, "the Secret is missing"),
		Entry("another name is wanted", func(s *clientObservation) {
			s.others, s.secret = []*corev1.Secret{s.secret}, nil
			s.client.Spec.Secret.Name = "renamed"
		}, stepCreate, "the Secret is missing"),
		Entry("the value is gone", func(s *clientObservation) { delete(s.secret.Data, v1alpha1.SecretKeyClientSecret) },
			stepRewrite, "client-secret is missing", "client-secret is missing", annotationFact),
		Entry("the value is another", func(s *clientObservation) {
			s.secret.Data[v1alpha1.SecretKeyClientSecret] = []byte(credential.NewSecret())
		}, stepRewrite, "client-secret does not match its verifier", "client-secret is different", annotationFact),
		Entry("the value is typed in and nothing is published", func(s *clientObservation) {
			s.secret.Data[v1alpha1.SecretKeyClientSecret] = []byte("hunter2")
			s.client.Status.Credentials = nil
		}, stepRewrite, "client-secret is not one that the controller has made", "client-secret is different", annotationFact),
		Entry("the verifier is malformed", func(s *clientObservation) { s.client.Status.Credentials[0].Verifier = "v9" }, stepKeep),
		Entry("the status was lost", func(s *clientObservation) { s.client.Status = v1alpha1.OAuthClientStatus{} }, stepKeep),
		Entry("the Secret was written, the status not yet", func(s *clientObservation) {
			s.client.Status.Credentials[0].ID = "abcdefghijkl"
		}, stepKeep),
		Entry("the type is another", func(s *clientObservation) { s.secret.Type = corev1.SecretTypeOpaque }, stepReplace, "the type is not right"),
		Entry("it is another client's", func(s *clientObservation) {
			s.secret.OwnerReferences[0].UID, s.secret.OwnerReferences[0].Name = "other", "other"
		}, stepLeave),
		Entry("it is somebody else's", func(s *clientObservation) {
			s.secret.OwnerReferences[0].UID, s.secret.OwnerReferences[0].Kind = "other", "Deployment"
		}, stepLeave),
		Entry("it has no owner and no label", func(s *clientObservation) { s.secret.OwnerReferences, s.secret.Labels = nil, nil }, stepLeave),
		Entry("it has our labels and no owner", func(s *clientObservation) { s.secret.OwnerReferences = nil },
			stepRewrite, "the owner is not right"),
		Entry("it is that of a client of before", func(s *clientObservation) { s.secret.OwnerReferences[0].UID = "other" },
			stepRewrite, "an owner does not belong there", "the owner is not right"),
		Entry("it is to be retained", func(s *clientObservation) { s.client.Spec.Secret.DeletionPolicy = v1alpha1.DeletionPolicyRetain },
			stepRewrite, "an owner does not belong there"),
		Entry("the client is not accepted", func(s *clientObservation) { s.servers = nil; s.secret = nil }, stepLeave),
		Entry("there is no key for verifiers", func(s *clientObservation) { s.ring = keyring.Ring{} }, stepLeave),
		Entry("the client is a public one now", func(s *clientObservation) {
			s.client.Spec.TokenEndpointAuthMethod = v1alpha1.AuthMethodNone
			s.ring = keyring.Ring{} // which it needs no key for
		}, stepRewrite, "client-secret does not belong there", "introspection-endpoint does not belong there",
			"the annotation oauth-operator.dev/credential does not belong there", "token-endpoint-auth-method is different"),
		Entry("a redirect URI is no more", func(s *clientObservation) {
			s.client.Spec.RedirectURIs = nil
			s.client.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeClientCredentials}
		}, stepRewrite, "redirect-uris does not belong there"),
	)

	It("keeps the verifier under the key it was made with, and follows the active key", func() {
		seen := observation()
		first := planFor(seen, judge(seen), at).current.Verifier
		Expect(first).To(Equal(seen.client.Status.Credentials[0].Verifier))

		rotating := []keyring.Schedule{{Use: keyring.UseVerifier, Every: 10 * time.Minute, Keep: time.Hour}}
		seen.ring, _, _, _ = keyring.Rotate(seen.ring, rotating, at)
		p := planFor(seen, judge(seen), at)
		Expect(p.step).To(Equal(stepKeep), "the Secret need not be written")
		Expect(p.current.Verifier).NotTo(Equal(first))
		Expect(p.current.ID).To(Equal(seen.client.Status.Credentials[0].ID))
	})

	It("trusts the Secret where the key of the verifier is gone", func() {
		seen := observation()
		seen.ring, _, _, _ = keyring.Rotate(keyring.Ring{}, verifierSchedule, at)
		p := planFor(seen, judge(seen), at)
		Expect(p.step).To(Equal(stepKeep))
		active, _ := seen.ring.Active(keyring.UseVerifier, at)
		Expect(credential.Matches(p.current.Verifier, active.Material,
			credential.Subject{ClientUID: "client-uid", CredentialID: p.current.ID}, p.current.value)).To(BeTrue())
	})

	It("keeps the secret of a client that is made anew under its name, with a verifier of its own", func() {
		seen := observation()
		before := planFor(seen, judge(seen), at)
		seen.client.UID, seen.client.Status = types.UID("another"), v1alpha1.OAuthClientStatus{}
		seen.claim = claimTo(seen.client, seen.secret, "")
		p := planFor(seen, judge(seen), at)
		Expect(p.step).To(Equal(stepRewrite))
		Expect(p.current.value).To(Equal(before.current.value))
		Expect(p.current.Verifier).NotTo(Equal(before.current.Verifier))
	})

	It("leaves what an admission webhook says, but for the secret", func() {
		p := planFor(observation(), judge(observation()), at)
		Expect(p.redact("denied: " + p.current.value + " is bad")).To(Equal("denied: [redacted] is bad"))
	})
})

const annotationFact = "the annotation oauth-operator.dev/credential is not right"

func toAny(facts []string) []any {
	var out []any
	for _, f := range facts {
		out = append(out, f)
	}
	return out
}

var _ = Describe("The status of a client", func() {
	It("is the same for the same observation, whenever it is computed", func() {
		seen := observation()
		p := planFor(seen, judge(seen), at)
		later := clientStatus(seen, judge(seen), issuance{
			ready: holds(v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonIssued, ""), credential: p.credential(),
		}, metav1.NewTime(at.Add(time.Hour)))
		Expect(later).To(Equal(seen.client.Status))
	})

	It("drops the binding to a Secret that is gone, and keeps the credentials", func() {
		seen := observation()
		seen.secret, seen.servers = nil, nil
		v := judge(seen)
		status := clientStatus(seen, v, issuance{ready: planFor(seen, v, at).left}, metav1.NewTime(at))
		Expect(status.Binding).To(BeNil())
		Expect(status.Credentials).To(Equal(seen.client.Status.Credentials))
		Expect(status.AuthorizationServer).To(BeEmpty())
	})
})

var _ = DescribeTable("The end of a grant", func(created, ends, expires, want time.Duration) {
	when := func(d time.Duration) metav1.Time {
		if d == 0 {
			return metav1.Time{}
		}
		return metav1.NewTime(at.Add(d))
	}
	g := &v1alpha1.OAuthGrant{}
	g.Spec.CreatedAt, g.Spec.EndsAt, g.Status.ExpiresAt = when(created), when(ends), when(expires)
	if want == 0 {
		Expect(grantEnd(g)).To(BeZero())
		return
	}
	Expect(grantEnd(g)).To(BeTemporally("==", at.Add(want)))
},
	Entry("is the earlier of the two times", -time.Hour, 2*time.Hour, time.Hour, time.Hour),
	Entry("and so is this", -time.Hour, time.Hour, 2*time.Hour, time.Hour),
	Entry("is the one that is there", -time.Hour, time.Hour, time.Duration(0), time.Hour),
	Entry("and so is this other", -time.Hour, time.Duration(0), time.Hour, time.Hour),
	Entry("is not before the code could be replayed", time.Minute, 2*time.Minute, 2*time.Minute, time.Minute+codeLimit),
	Entry("is never where nothing says when", -time.Hour, time.Duration(0), time.Duration(0), time.Duration(0)),
)

// BenchmarkDecide is all that a Reconcile computes for a client for which there
// is nothing to do.
func BenchmarkDecide(b *testing.B) {
	seen := observation()
	b.ReportAllocs()
	for b.Loop() {
		v := judge(seen)
		p := planFor(seen, v, at)
		_ = clientStatus(seen, v, issuance{ready: p.left, credential: p.credential()}, metav1.NewTime(at))
	}
}

// BenchmarkDecideNew is the same for a new client: a new secret, its verifier and
// the Secret that holds it.
func BenchmarkDecideNew(b *testing.B) {
	seen := observation()
	seen.secret, seen.client.Status = nil, v1alpha1.OAuthClientStatus{}
	b.ReportAllocs()
	for b.Loop() {
		v := judge(seen)
		p := planFor(seen, v, at)
		_ = p.secret.object()
		_ = clientStatus(seen, v, issuance{credential: p.credential()}, metav1.NewTime(at))
	}
}
