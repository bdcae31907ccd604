package storetest

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
)

func (s *suite) create() {
	Describe("Create", func() {
		It("keeps every field", func(ctx SpecContext) {
			g := s.grant()
			g.Generation, g.RefreshedAt = 7, s.now.Add(123456*time.Microsecond)
			Expect(s.Store.Create(ctx, g)).To(Succeed())
			s.expectKept(ctx, g)
		})

		It("keeps a grant of which only the necessary is known", func(ctx SpecContext) {
			g := s.grant()
			g.Username, g.Scope, g.Claims, g.Resources, g.SessionID = "", nil, nil, nil, ""
			Expect(s.Store.Create(ctx, g)).To(Succeed())
			s.expectKept(ctx, g)
		})

		It("keeps times in UTC, in seconds, and RefreshedAt in microseconds", func(ctx SpecContext) {
			g := s.grant()
			elsewhere := time.FixedZone("elsewhere", 5*60*60+30*60)
			for _, t := range []*time.Time{&g.AuthTime, &g.CreatedAt, &g.EndsAt, &g.ExpiresAt} {
				*t = t.Add(987654321 * time.Nanosecond).In(elsewhere)
			}
			g.Generation, g.RefreshedAt = 1, s.now.Add(123456789*time.Nanosecond).In(elsewhere)
			Expect(s.Store.Create(ctx, g)).To(Succeed())
			s.expectKept(ctx, g.Normal())
		})

		It("does not share the scope with its caller", func(ctx SpecContext) {
			g := s.created(ctx)
			want := s.grant().Scope
			g.Scope[0] = "admin"
			kept, err := s.Store.Get(ctx, g.Key())
			Expect(err).NotTo(HaveOccurred())
			Expect(kept.Scope).To(Equal(want))
			kept.Scope[0] = "admin"
			moved, err := s.Store.Advance(ctx, g.Key(), 0, s.now, s.now.Add(time.Hour))
			Expect(err).NotTo(HaveOccurred())
			Expect(moved.Scope).To(Equal(want))
			moved.Scope[0] = "admin"
			Expect(s.Store.Get(ctx, g.Key())).To(HaveField("Scope", want))
		})

		It("returns ErrExists for a key that was created before, and changes nothing", func(ctx SpecContext) {
			g := s.created(ctx)
			again := g
			again.Subject, again.ExpiresAt = "somebody-else", s.now.Add(48*time.Hour)
			Expect(s.Store.Create(ctx, again)).To(MatchError(grant.ErrExists))
			s.expectKept(ctx, g)
		})

		It("returns ErrExists for a grant that was refreshed", func(ctx SpecContext) {
			g := s.created(ctx)
			moved, err := s.Store.Advance(ctx, g.Key(), 0, s.now, s.now.Add(time.Hour))
			Expect(err).NotTo(HaveOccurred())
			Expect(s.Store.Create(ctx, g)).To(MatchError(grant.ErrExists))
			s.expectKept(ctx, moved)
		})

		It("returns ErrExists for a grant that was revoked", func(ctx SpecContext) {
			g := s.created(ctx)
			Expect(s.Store.Revoke(ctx, g.Key(), grant.CodeReplayed)).To(Succeed())
			Expect(s.Store.Create(ctx, g)).To(MatchError(grant.ErrExists))
			g.Revoked = grant.CodeReplayed
			s.expectKept(ctx, g)
		})

		It("either has a grant that has expired or has cleared it away", func(ctx SpecContext) {
			g := s.grant()
			g.CreatedAt, g.ExpiresAt = s.now.Add(-2*time.Hour), s.now.Add(-time.Hour)
			Expect(s.Store.Create(ctx, g)).To(Succeed())
			again := g
			again.Subject = "somebody-else"
			if err := s.Store.Create(ctx, again); err != nil {
				Expect(err).To(MatchError(grant.ErrExists))
				s.expectKept(ctx, g)
				return
			}
			s.expectKept(ctx, again)
		})
	})
}

func (s *suite) get() {
	Describe("Get", func() {
		It("returns ErrNotFound for what was never created", func(ctx SpecContext) {
			Expect(s.Store.Get(ctx, s.grant().Key())).Error().To(MatchError(grant.ErrNotFound))
		})

		It("finds a grant by its own client alone", func(ctx SpecContext) {
			g := s.created(ctx)
			other := grant.Key{ClientID: s.OtherClientID, ID: g.ID}
			Expect(s.Store.Get(ctx, other)).Error().To(MatchError(grant.ErrNotFound))
			Expect(s.Store.Advance(ctx, other, 0, s.now, s.now.Add(time.Hour))).Error().To(MatchError(grant.ErrNotFound))
			Expect(s.Store.Revoke(ctx, other, grant.CodeReplayed)).To(MatchError(grant.ErrNotFound))
			s.expectKept(ctx, g)
		})

		It("keeps grants apart", func(ctx SpecContext) {
			one, two := s.created(ctx), s.created(ctx)
			Expect(s.Store.Revoke(ctx, one.Key(), grant.CodeReplayed)).To(Succeed())
			s.expectKept(ctx, two)
		})
	})
}

func (s *suite) advance() {
	Describe("Advance", func() {
		It("moves the grant on and returns it as it then is", func(ctx SpecContext) {
			g := s.created(ctx)
			for from := range int64(3) {
				at := s.now.Add(time.Duration(from)*time.Minute + 123456*time.Microsecond)
				moved, err := s.Store.Advance(ctx, g.Key(), from, at, at.Add(time.Hour))
				Expect(err).NotTo(HaveOccurred())
				g.Generation, g.RefreshedAt, g.ExpiresAt = from+1, at, at.Add(time.Hour).Truncate(time.Second)
				Expect(moved).To(Equal(g))
				s.expectKept(ctx, g)
			}
		})

		It("returns times as they are kept, whatever it was given", func(ctx SpecContext) {
			g := s.created(ctx)
			at := s.now.Add(123456789 * time.Nanosecond).In(time.FixedZone("elsewhere", -60*60))
			moved, err := s.Store.Advance(ctx, g.Key(), 0, at, at.Add(time.Hour))
			Expect(err).NotTo(HaveOccurred())
			Expect(moved).To(Equal(moved.Normal()))
			s.expectKept(ctx, moved)
		})

		DescribeTable("returns ErrMoved and the grant as it is, from another generation,",
			func(ctx SpecContext, from int64) {
				g := s.created(ctx)
				_, err := s.Store.Advance(ctx, g.Key(), 0, s.now, s.now.Add(time.Hour))
				Expect(err).NotTo(HaveOccurred())
				is, err := s.Store.Advance(ctx, g.Key(), 1, s.now.Add(time.Minute), s.now.Add(2*time.Hour))
				Expect(err).NotTo(HaveOccurred())
				got, err := s.Store.Advance(ctx, g.Key(), from, s.now.Add(time.Hour), s.now.Add(9*time.Hour))
				Expect(err).To(MatchError(grant.ErrMoved))
				Expect(got).To(Equal(is))
				s.expectKept(ctx, is)
			},
			Entry("a past one", int64(0)),
			Entry("the last one", int64(1)),
			Entry("one to come", int64(3)),
			Entry("an impossible one", int64(-1)),
		)

		It("returns ErrMoved and the revoked grant", func(ctx SpecContext) {
			g := s.created(ctx)
			Expect(s.Store.Revoke(ctx, g.Key(), grant.RefreshTokenReused)).To(Succeed())
			got, err := s.Store.Advance(ctx, g.Key(), 0, s.now, s.now.Add(9*time.Hour))
			Expect(err).To(MatchError(grant.ErrMoved))
			g.Revoked = grant.RefreshTokenReused
			Expect(got).To(Equal(g))
			s.expectKept(ctx, g)
		})

		It("returns ErrNotFound for what was never created", func(ctx SpecContext) {
			_, err := s.Store.Advance(ctx, s.grant().Key(), 0, s.now, s.now.Add(time.Hour))
			Expect(err).To(MatchError(grant.ErrNotFound))
		})
	})
}

func (s *suite) revoke() {
	Describe("Revoke", func() {
		It("ends a grant, also one that was refreshed, and changes nothing else", func(ctx SpecContext) {
			g := s.created(ctx)
			moved, err := s.Store.Advance(ctx, g.Key(), 0, s.now.Add(time.Microsecond), s.now.Add(2*time.Hour))
			Expect(err).NotTo(HaveOccurred())
			Expect(s.Store.Revoke(ctx, g.Key(), grant.CodeReplayed)).To(Succeed())
			moved.Revoked = grant.CodeReplayed
			s.expectKept(ctx, moved)
		})

		It("leaves the first reason where it is called again", func(ctx SpecContext) {
			g := s.created(ctx)
			Expect(s.Store.Revoke(ctx, g.Key(), grant.CodeReplayed)).To(Succeed())
			Expect(s.Store.Revoke(ctx, g.Key(), grant.RefreshTokenReused)).To(Succeed())
			g.Revoked = grant.CodeReplayed
			s.expectKept(ctx, g)
		})

		It("returns ErrNotFound for what was never created", func(ctx SpecContext) {
			Expect(s.Store.Revoke(ctx, s.grant().Key(), grant.CodeReplayed)).To(MatchError(grant.ErrNotFound))
		})
	})
}
