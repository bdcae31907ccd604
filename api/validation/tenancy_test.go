package validation_test

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

func duration(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

// short returns a rule that bounds lifetimes to an hour, and a day for refreshing.
func short() v1alpha1.PolicyRule {
	return v1alpha1.PolicyRule{Name: "short", MaxLifetimes: v1alpha1.ClientLifetimes{
		AccessToken: duration(time.Hour), IDToken: duration(time.Hour),
		RefreshToken: duration(24 * time.Hour), RefreshTokenIdle: duration(24 * time.Hour),
	}}
}

// few returns a rule that bounds the number of clients.
func few(name string, most int32) v1alpha1.PolicyRule {
	return v1alpha1.PolicyRule{Name: name, MaxClientsPerNamespace: &most}
}

var _ = Describe("the lifetimes of a client", func() {
	asking := func(l v1alpha1.ClientLifetimes) *v1alpha1.OAuthClient {
		c := webapp()
		c.Spec.Lifetimes = l
		return c
	}

	It("are those of the issuer where nothing is asked and nothing bounds", func() {
		as := server()
		as.Spec.Lifetimes.AccessToken = duration(5 * time.Minute)
		Expect(validation.ClientLifetimes(webapp(), as, nil)).To(Equal(as.Spec.Lifetimes.Effective()))
	})

	It("are what is asked, shorter or longer, and leave the others as they are", func() {
		as := server()
		want := as.Spec.Lifetimes.Effective()
		want.AccessToken, want.Refresh, want.RefreshIdle = time.Minute, 2000*time.Hour, 168*time.Hour
		c := asking(v1alpha1.ClientLifetimes{AccessToken: duration(time.Minute), RefreshToken: duration(2000 * time.Hour)})
		Expect(validation.Client(c, as, nil, 0)).To(BeEmpty())
		Expect(validation.ClientLifetimes(c, as, nil)).To(Equal(want))
	})

	It("never let a grant idle for longer than it lasts", func() {
		c := asking(v1alpha1.ClientLifetimes{RefreshToken: duration(time.Hour)})
		Expect(validation.ClientLifetimes(c, server(), nil).RefreshIdle).To(Equal(time.Hour))
	})

	It("are bounded by the policy also where nothing is asked", func() {
		got := validation.ClientLifetimes(webapp(), server(short()), nil)
		Expect(got.AccessToken).To(Equal(10*time.Minute), "which is below the bound anyway")
		Expect(got.Refresh).To(Equal(24 * time.Hour))
		Expect(got.RefreshIdle).To(Equal(24 * time.Hour))
	})

	DescribeTable("are refused beyond what the rules allow", func(ask v1alpha1.ClientLifetimes, field, words string) {
		as := server(short(), labelled(rule("elsewhere"), "a", "b"))
		problems := validation.Client(asking(ask), as, nil, 0)
		Expect(complaints(problems)).To(Equal([]string{field + " NotAllowed"}))
		Expect(problems[0].Message).To(And(ContainSubstring(words), ContainSubstring("(maxLifetimes of rules: short)")))
		Expect(problems[0].Rules).To(Equal([]string{"short"}))
	},
		Entry("access tokens", v1alpha1.ClientLifetimes{AccessToken: duration(time.Hour + time.Second)}, "spec.lifetimes.accessToken", "1h0m1s is longer than the 1h0m0s"),
		Entry("ID tokens", v1alpha1.ClientLifetimes{IDToken: duration(2 * time.Hour)}, "spec.lifetimes.idToken", "longer"),
		Entry("grants", v1alpha1.ClientLifetimes{RefreshToken: duration(25 * time.Hour)}, "spec.lifetimes.refreshToken", "longer"),
		Entry("idle grants", v1alpha1.ClientLifetimes{RefreshTokenIdle: duration(25 * time.Hour)}, "spec.lifetimes.refreshTokenIdle", "longer"),
	)

	It("may be as long as the most generous rule says that selects the namespace", func() {
		generous := labelled(short(), "team", "a")
		generous.Name, generous.MaxLifetimes.AccessToken = "generous", duration(3*time.Hour)
		unbounded := labelled(rule("unbounded"), "team", "b")
		as := server(short(), generous, unbounded)
		c := asking(v1alpha1.ClientLifetimes{AccessToken: duration(3 * time.Hour)})
		for _, team := range []string{"a", "b"} {
			labels := map[string]string{"team": team}
			Expect(validation.Client(c, as, labels, 0)).To(BeEmpty())
			Expect(validation.ClientLifetimes(c, as, labels).AccessToken).To(Equal(3 * time.Hour))
		}
		Expect(complaints(validation.Client(c, as, nil, 0))).To(Equal([]string{"spec.lifetimes.accessToken NotAllowed"}))
		Expect(validation.ClientLifetimes(c, as, nil).AccessToken).To(Equal(time.Hour), "also for those who do not ask Client first")
	})

	DescribeTable("are refused where they are none", func(ask v1alpha1.ClientLifetimes, field string) {
		Expect(complaints(validation.Client(asking(ask), server(), nil, 0))).To(Equal([]string{field + " Invalid"}))
	},
		Entry("zero", v1alpha1.ClientLifetimes{AccessToken: duration(0)}, "spec.lifetimes.accessToken"),
		Entry("the past", v1alpha1.ClientLifetimes{IDToken: duration(-time.Hour)}, "spec.lifetimes.idToken"),
		Entry("parts of a second", v1alpha1.ClientLifetimes{RefreshToken: duration(1500 * time.Millisecond)}, "spec.lifetimes.refreshToken"),
		Entry("days", v1alpha1.ClientLifetimes{AccessToken: duration(25 * time.Hour)}, "spec.lifetimes.accessToken"),
		Entry("years", v1alpha1.ClientLifetimes{RefreshTokenIdle: duration(8761 * time.Hour)}, "spec.lifetimes.refreshTokenIdle"),
	)

	It("are never beyond what LongestLifetimes says", func() {
		narrow := labelled(short(), "team", "a")
		for _, as := range []*v1alpha1.AuthorizationServer{server(), server(short()), server(narrow, rule("all")), server(narrow)} {
			longest := validation.LongestLifetimes(as)
			all := asking(v1alpha1.ClientLifetimes{
				AccessToken: duration(24 * time.Hour), IDToken: duration(24 * time.Hour),
				RefreshToken: duration(8760 * time.Hour), RefreshTokenIdle: duration(8760 * time.Hour),
			})
			for _, labels := range []map[string]string{nil, {}, {"team": "a"}} {
				if len(validation.Client(webapp(), as, labels, 0)) > 0 {
					continue // nothing is issued there
				}
				for _, c := range []*v1alpha1.OAuthClient{all, webapp()} {
					got := validation.ClientLifetimes(c, as, labels)
					Expect(got.AccessToken).To(BeNumerically("<=", longest.AccessToken))
					Expect(got.IDToken).To(BeNumerically("<=", longest.IDToken))
					Expect(got.Refresh).To(BeNumerically("<=", longest.Refresh))
					Expect(got.RefreshIdle).To(BeNumerically("<=", longest.RefreshIdle))
				}
			}
		}
		Expect(validation.LongestLifetimes(server(short())).AccessToken).To(Equal(time.Hour))
		Expect(validation.LongestLifetimes(server()).AccessToken).To(Equal(24 * time.Hour))
	})
})

var _ = Describe("the number of clients of a namespace", func() {
	It("is not bounded where no rule says so, or one that selects the namespace says nothing", func() {
		for _, as := range []*v1alpha1.AuthorizationServer{server(), server(rule("all")), server(few("few", 1), rule("all"))} {
			_, bounded := validation.MaxClients(as, nil)
			Expect(bounded).To(BeFalse())
			Expect(validation.Client(webapp(), as, nil, 1_000_000)).To(BeEmpty())
		}
	})

	It("is that of the most generous rule, and the refusal names the rules", func() {
		as := server(few("few", 2), labelled(few("more", 3), "team", "a"))
		for _, t := range []struct {
			labels map[string]string
			most   int
			rules  []string
		}{{nil, 2, []string{"few"}}, {map[string]string{"team": "a"}, 3, []string{"few", "more"}}} {
			most, bounded := validation.MaxClients(as, t.labels)
			Expect(bounded).To(BeTrue())
			Expect(most).To(Equal(t.most))
			Expect(validation.Client(webapp(), as, t.labels, t.most-1)).To(BeEmpty())
			problems := validation.Client(webapp(), as, t.labels, t.most)
			Expect(complaints(problems)).To(Equal([]string{"metadata.namespace NotAllowed"}))
			Expect(problems[0].Message).To(ContainSubstring("maxClientsPerNamespace of rules: " + t.rules[0]))
			Expect(problems[0].Rules).To(Equal(t.rules))
		}
	})

	It("can be none", func() {
		Expect(complaints(validation.Client(webapp(), server(few("none", 0)), nil, 0))).To(Equal([]string{"metadata.namespace NotAllowed"}))
	})

	It("is refused where it is none", func() {
		as := server(few("few", -1))
		Expect(complaints(validation.AuthorizationServer(as))).To(Equal([]string{"spec.policy.rules[0].maxClientsPerNamespace Invalid"}))
		as = server(short())
		as.Spec.Policy.Rules[0].MaxLifetimes.IDToken = duration(0)
		Expect(complaints(validation.AuthorizationServer(as))).To(Equal([]string{"spec.policy.rules[0].maxLifetimes.idToken Invalid"}))
	})
})

var _ = Describe("the rank of a client", func() {
	at := func(second int) metav1.Time { return metav1.Unix(1_900_000_000+int64(second), 0) }
	made := func(name string, second int, change ...func(*v1alpha1.OAuthClient)) *v1alpha1.OAuthClient {
		c := webapp()
		c.Name, c.CreationTimestamp = name, at(second)
		c.Spec.AuthorizationServerRef = &v1alpha1.AuthorizationServerReference{Name: "main"}
		for _, f := range change {
			f(c)
		}
		return c
	}
	other := server()
	other.Name = "other"
	other.Annotations = map[string]string{v1alpha1.AnnotationDefault: "true"}
	servers := []*v1alpha1.AuthorizationServer{server(), other}

	It("is the number of older ones, and by name of those of one age", func() {
		all := []*v1alpha1.OAuthClient{made("d", 2), made("b", 1), made("a", 3), made("c", 1)}
		ranks := map[string]int{}
		for _, c := range all {
			ranks[c.Name] = validation.Rank(c, server(), all, servers)
		}
		Expect(ranks).To(Equal(map[string]int{"b": 0, "c": 1, "d": 2, "a": 3}))
	})

	DescribeTable("counts", func(change func(*v1alpha1.OAuthClient), counts bool) {
		all := []*v1alpha1.OAuthClient{made("a", 1, change), made("z", 9)}
		want := 0
		if counts {
			want = 1
		}
		Expect(validation.Rank(all[1], server(), all, servers)).To(Equal(want))
	},
		Entry("those that are not valid", func(c *v1alpha1.OAuthClient) { c.Spec.RedirectURIs = nil }, true),
		Entry("those that are registered without naming it", func(c *v1alpha1.OAuthClient) {
			c.Spec.AuthorizationServerRef, c.Status.AuthorizationServer = nil, "main"
		}, true),
		Entry("not those of other namespaces", func(c *v1alpha1.OAuthClient) { c.Namespace = "elsewhere" }, false),
		Entry("not those of other AuthorizationServers", func(c *v1alpha1.OAuthClient) { c.Spec.AuthorizationServerRef.Name = "other" }, false),
		Entry("not those that get the default", func(c *v1alpha1.OAuthClient) { c.Spec.AuthorizationServerRef = nil }, false),
		Entry("not those that get none", func(c *v1alpha1.OAuthClient) { c.Spec.AuthorizationServerRef.Name = "gone" }, false),
		Entry("not those that are being deleted", func(c *v1alpha1.OAuthClient) { c.DeletionTimestamp = new(at(5)) }, false),
	)

	It("is the same for two versions in the same place", func() {
		for _, change := range []func(*v1alpha1.OAuthClient){
			func(c *v1alpha1.OAuthClient) { c.CreationTimestamp = at(2) },
			func(c *v1alpha1.OAuthClient) { c.DeletionTimestamp = new(at(2)) },
			func(c *v1alpha1.OAuthClient) { c.Status.AuthorizationServer = "main" },
			func(c *v1alpha1.OAuthClient) { c.Spec.AuthorizationServerRef.Name = "other" },
			func(c *v1alpha1.OAuthClient) { c.Spec.AuthorizationServerRef = nil },
		} {
			Expect(validation.SamePlace(made("a", 1), made("a", 1, change))).To(BeFalse())
		}
		Expect(validation.SamePlace(made("a", 1), made("a", 1, func(c *v1alpha1.OAuthClient) {
			c.Spec.Scopes, c.Status.ClientID, c.ResourceVersion = nil, "x", "7"
		}))).To(BeTrue())
	})

	It("lets as many in as there is room for, whatever the order in which they are asked for", func() {
		as := server(few("few", 3))
		var all []*v1alpha1.OAuthClient
		for i := range 10 {
			all = append(all, made(fmt.Sprintf("c%d", i), (i*7)%4))
		}
		allowed := 0
		for _, c := range all {
			if len(validation.Client(c, as, nil, validation.Rank(c, as, all, servers))) == 0 {
				allowed++
			}
		}
		Expect(allowed).To(Equal(3))
	})
})
