package resourceowner_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/passwordhash"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/resourceowner"
)

var _ = Describe("The people of a cluster", func() {
	const password = "correct horse battery staple"

	// write writes the Secret of the user, whether it is there or not.
	write := func(ctx context.Context, name, key, value string) {
		GinkgoHelper()
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name + "-password", Namespace: namespace},
			Data:       map[string][]byte{key: []byte(value)},
		}
		if err := api.Create(ctx, secret); err != nil {
			Expect(api.Update(ctx, secret)).To(Succeed())
		}
	}
	setPassword := func(ctx context.Context, name, value string) {
		GinkgoHelper()
		hash, err := passwordhash.Generate(value)
		Expect(err).NotTo(HaveOccurred())
		write(ctx, name, "password-hash", hash+"\n")
	}

	newUser := func(ctx context.Context, name, username string) *v1alpha1.OAuthUser {
		GinkgoHelper()
		setPassword(ctx, name, password)
		user := &v1alpha1.OAuthUser{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: v1alpha1.OAuthUserSpec{
				Username: username, Name: "Alice Example", Email: "alice@example.org", Groups: []string{"eng", "ops"},
				PasswordSecretRef: v1alpha1.SecretKeyReference{Name: name + "-password"},
			},
		}
		Expect(api.Create(ctx, user)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { _ = client.IgnoreNotFound(api.Delete(ctx, user)) })
		return user
	}

	// known waits until the cache knows the person.
	known := func(ctx context.Context, user *v1alpha1.OAuthUser) *resourceowner.Person {
		GinkgoHelper()
		var person *resourceowner.Person
		Eventually(func() (err error) {
			person, err = people.Person(ctx, string(user.UID))
			return err
		}).Should(Succeed())
		return person
	}

	// gone waits until the person may not log in any more, nor keep a session.
	gone := func(ctx context.Context, user *v1alpha1.OAuthUser) {
		GinkgoHelper()
		Eventually(func() error {
			_, err := people.Person(ctx, string(user.UID))
			return err
		}).Should(MatchError(resourceowner.ErrUnknown))
		_, err := people.Authenticate(ctx, user.Spec.Username, password)
		Expect(err).To(MatchError(resourceowner.ErrNoSuchLogin))
	}

	It("log in with their password and nothing else", func(ctx SpecContext) {
		user := newUser(ctx, "alice", "alice")
		person := known(ctx, user)
		Expect(person.LoginTag).NotTo(BeEmpty())
		Expect(*person).To(Equal(resourceowner.Person{
			Subject: string(user.UID), Username: "alice", Name: "Alice Example", Email: "alice@example.org",
			Groups: []string{"eng", "ops"}, LoginTag: person.LoginTag,
		}))
		Expect(people.Authenticate(ctx, "alice", password)).To(Equal(person))

		for _, try := range [][2]string{{"alice", "wrong"}, {"alice", ""}, {"Alice", password}, {"nobody", password}, {"", password}, {"alice ", password}} {
			_, err := people.Authenticate(ctx, try[0], try[1])
			Expect(err).To(MatchError(resourceowner.ErrNoSuchLogin), "%q", try)
		}
		_, err := people.Person(ctx, "nobody")
		Expect(err).To(MatchError(resourceowner.ErrUnknown))
		_, err = people.Person(ctx, "")
		Expect(err).To(MatchError(resourceowner.ErrUnknown))
	})

	It("cost nothing to find who were found before, until something changes", func(ctx SpecContext) {
		user := newUser(ctx, "often", "often")
		subject := string(user.UID)
		before := known(ctx, user)
		// The cache may still tell of what was there before.
		Eventually(func() float64 {
			return testing.AllocsPerRun(1000, func() { _, _ = people.Person(ctx, subject) })
		}).Should(BeZero())
		user.Spec.Email = "often@example.org"
		Expect(api.Update(ctx, user)).To(Succeed())
		Eventually(func() string { return known(ctx, user).Email }).Should(Equal("often@example.org"))
		Expect(before.Email).To(Equal("alice@example.org"), "those who have it already keep it")
	})

	It("are gone at once who are found often when an older one has their username", func(ctx SpecContext) {
		user := newUser(ctx, "younger", "shared")
		known(ctx, user)
		other := newUser(ctx, "another", "another")
		known(ctx, other)
		user.Spec.Username = "another"
		Expect(api.Update(ctx, user)).To(Succeed())
		// Of two that are as old as each other it is the first by name.
		Eventually(func() error {
			_, err := people.Person(ctx, string(user.UID))
			if err == nil {
				_, err = people.Person(ctx, string(other.UID))
			}
			return err
		}).Should(MatchError(resourceowner.ErrUnknown))
	})

	It("get another login tag with another password", func(ctx SpecContext) {
		user := newUser(ctx, "changes", "changes")
		before := known(ctx, user).LoginTag
		setPassword(ctx, "changes", "new password")
		Eventually(func() string { return known(ctx, user).LoginTag }).ShouldNot(Equal(before))
		_, err := people.Authenticate(ctx, "changes", password)
		Expect(err).To(MatchError(resourceowner.ErrNoSuchLogin))
		Expect(people.Authenticate(ctx, "changes", "new password")).NotTo(BeNil())
	})

	It("are gone when they are disabled or deleted", func(ctx SpecContext) {
		user := newUser(ctx, "disabled", "disabled")
		known(ctx, user)
		user.Spec.Disabled = true
		Expect(api.Update(ctx, user)).To(Succeed())
		gone(ctx, user)

		user = newUser(ctx, "deleted", "deleted")
		known(ctx, user)
		Expect(api.Delete(ctx, user)).To(Succeed())
		gone(ctx, user)
	})

	It("are gone without a hash that can be read", func(ctx SpecContext) {
		user := newUser(ctx, "unreadable", "unreadable")
		known(ctx, user)
		write(ctx, "unreadable", "password-hash", password)
		gone(ctx, user)
		setPassword(ctx, "unreadable", password)
		known(ctx, user)
		write(ctx, "unreadable", "other", "x")
		gone(ctx, user)
		setPassword(ctx, "unreadable", password)
		known(ctx, user)
		Expect(api.DeleteAllOf(ctx, &corev1.Secret{}, client.InNamespace(namespace),
			client.MatchingFields{"metadata.name": "unreadable-password"})).To(Succeed())
		gone(ctx, user)
	})

	It("keep their username from whoever comes later, as long as they are there", func(ctx SpecContext) {
		first := newUser(ctx, "first", "shared")
		known(ctx, first)
		// Creation times are of whole seconds: wait for the next.
		Eventually(time.Now).Should(BeTemporally(">", first.CreationTimestamp.Add(time.Second)))
		second := newUser(ctx, "earlier-in-the-alphabet", "shared")
		Consistently(func() error {
			_, err := people.Person(ctx, string(second.UID))
			return err
		}, "500ms").Should(MatchError(resourceowner.ErrUnknown))
		person, err := people.Authenticate(ctx, "shared", password)
		Expect(err).NotTo(HaveOccurred())
		Expect(person.Subject).To(Equal(string(first.UID)))

		first.Spec.Disabled = true
		Expect(api.Update(ctx, first)).To(Succeed())
		gone(ctx, first) // the username stays theirs

		Expect(api.Delete(ctx, first)).To(Succeed())
		Expect(known(ctx, second).Subject).To(Equal(string(second.UID)))
	})

	// took is how long a wrong password for the username takes.
	took := func(ctx context.Context, username string) time.Duration {
		GinkgoHelper()
		best := time.Hour
		for range 5 {
			start := time.Now()
			_, err := people.Authenticate(ctx, username, "wrong")
			Expect(err).To(MatchError(resourceowner.ErrNoSuchLogin))
			best = min(best, time.Since(start))
		}
		return best
	}

	It("cannot be told from those who do not exist by the time it takes", func(ctx SpecContext) {
		known(ctx, newUser(ctx, "timed", "timed"))
		// Without the hash for nobody the difference is a thousandfold.
		Expect(took(ctx, "nobody")).To(BeNumerically(">", took(ctx, "timed")/4))
	})

	It("cannot be told from those who do not exist either where their hashes are dearer than ours", func(ctx SpecContext) {
		user := newUser(ctx, "dear", "dear")
		cheap := known(ctx, user).LoginTag
		hash, err := bcrypt.GenerateFromPassword([]byte(password), 13)
		Expect(err).NotTo(HaveOccurred())
		write(ctx, "dear", "password-hash", string(hash))
		Eventually(func() string { return known(ctx, user).LoginTag }).ShouldNot(Equal(cheap))
		dear := took(ctx, "dear")
		// As soon as the people of other specs are gone.
		Eventually(func() time.Duration { return took(ctx, "nobody") }).Should(BeNumerically(">", dear/4))

		user.Spec.Disabled = true
		Expect(api.Update(ctx, user)).To(Succeed())
		gone(ctx, user)
		Expect(took(ctx, "dear")).To(BeNumerically(">", dear/4), "disabled")
	})

	// The work is counted, not timed: it is one hash, which is tens of milliseconds,
	// and all else is nothing beside it.
	It("Timing of secret comparison: are checked with one hash, whether unknown, locked, deleted, without a hash, or with a wrong password", func(ctx SpecContext) {
		var count atomic.Int64
		DeferCleanup(people.Count(&count))
		hashes := map[string]int64{}
		try := func(name, username, with string) {
			GinkgoHelper()
			count.Store(0)
			_, err := people.Authenticate(ctx, username, with)
			Expect(err).To(MatchError(resourceowner.ErrNoSuchLogin))
			hashes[name] = count.Load()
		}
		try("unknown", "nobody", "wrong")
		try("no username", "", "wrong")
		try("no password", "nobody", "")
		known(ctx, newUser(ctx, "work-wrong", "work-wrong"))
		try("wrong password", "work-wrong", "wrong")
		for name, lose := range map[string]func(*v1alpha1.OAuthUser){
			"locked": func(u *v1alpha1.OAuthUser) {
				u.Spec.Disabled = true
				Expect(api.Update(ctx, u)).To(Succeed())
			},
			"deleted":    func(u *v1alpha1.OAuthUser) { Expect(api.Delete(ctx, u)).To(Succeed()) },
			"unreadable": func(*v1alpha1.OAuthUser) { write(ctx, "work-unreadable", "password-hash", "no hash") },
			"hashless":   func(*v1alpha1.OAuthUser) { write(ctx, "work-hashless", "other", "x") },
		} {
			user := newUser(ctx, "work-"+name, "work-"+name)
			known(ctx, user)
			lose(user)
			gone(ctx, user)
			try(name, user.Spec.Username, "wrong")
			try(name+", right password", user.Spec.Username, password)
		}
		Expect(hashes).To(HaveEach(BeEquivalentTo(1)))
	})

	It("are told to wait when too many log in at once", func(ctx SpecContext) {
		known(ctx, newUser(ctx, "busy", "busy"))
		const many = 400
		results := make(chan error, many)
		for range many {
			go func() {
				_, err := people.Authenticate(ctx, "busy", password)
				results <- err
			}()
		}
		counts := map[error]int{}
		for range many {
			counts[<-results]++
		}
		Expect(counts[nil]).To(BeNumerically(">", 0))
		Expect(counts[resourceowner.ErrBusy]).To(BeNumerically(">", 0))
		Expect(counts[nil] + counts[resourceowner.ErrBusy]).To(Equal(many))
		Expect(people.Authenticate(ctx, "busy", password)).NotTo(BeNil(), "and not for long")
	})
})
