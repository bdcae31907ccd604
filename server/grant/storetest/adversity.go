package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
)

// hostile are spoilt forms of a part of a key, each meant to reach another
// grant or another place.
var hostile = map[string]func(s string) string{
	"nothing":                 func(string) string { return "" },
	"a path":                  func(s string) string { return s + "/../" + s },
	"a path to above":         func(s string) string { return "../" + s },
	"a dot segment":           func(string) string { return ".." },
	"an encoded slash":        func(s string) string { return s + "%2F..%2F" + s },
	"a query":                 func(s string) string { return s + "?dryRun=All" },
	"a fragment":              func(s string) string { return s + "#" },
	"a trailing dot":          func(s string) string { return s + "." },
	"a leading dot":           func(s string) string { return "." + s },
	"no dot":                  func(s string) string { return strings.ReplaceAll(s, ".", "") },
	"a zero byte":             func(s string) string { return s + "\x00" },
	"a line feed":             func(s string) string { return s + "\n" },
	"a wildcard":              func(string) string { return "*" },
	"a quotation mark":        func(s string) string { return s + `' OR '1'='1` },
	"bytes that are no UTF-8": func(s string) string { return s + "\xff\xfe" },
	"upper case":              strings.ToUpper,
	"a great length":          func(s string) string { return strings.Repeat(s, 1000) },
}

func (s *suite) hostileKeys() {
	Describe("a key with hostile content", func() {
		for what, spoil := range hostile {
			It("reaches no grant by "+what, func(ctx SpecContext) {
				g := s.created(ctx)
				for _, key := range []grant.Key{
					{ClientID: spoil(g.ClientID), ID: g.ID},
					{ClientID: g.ClientID, ID: spoil(g.ID)},
				} {
					if key == g.Key() {
						continue // it was of that form already
					}
					Expect(s.Store.Get(ctx, key)).Error().To(MatchError(grant.ErrNotFound))
					Expect(s.Store.Advance(ctx, key, 0, s.now, s.now.Add(time.Hour))).Error().To(MatchError(grant.ErrNotFound))
					Expect(s.Store.Revoke(ctx, key, grant.CodeReplayed)).To(MatchError(grant.ErrNotFound))
					s.createHostile(ctx, g, key)
					s.expectKept(ctx, g)
				}
			})
		}
	})
}

// createHostile tries to create a grant under a spoilt key. A Store may refuse;
// if it does not, the grant is found under that key and no other.
func (s *suite) createHostile(ctx context.Context, g grant.Grant, key grant.Key) {
	GinkgoHelper()
	spoilt := g
	spoilt.ClientID, spoilt.ID, spoilt.Subject = key.ClientID, key.ID, "somebody-else"
	if err := s.Store.Create(ctx, spoilt); err != nil {
		Expect(err).NotTo(MatchError(grant.ErrExists), "nothing was ever created under that key")
		Expect(s.Store.Get(ctx, key)).Error().To(MatchError(grant.ErrNotFound))
		return
	}
	s.expectKept(ctx, spoilt)
}

func (s *suite) contexts() {
	Describe("a context that has ended", func() {
		It("stops every method, and no step is taken", func(ctx SpecContext) {
			g := s.created(ctx)
			fresh := s.grant()
			ended, cancel := context.WithCancel(ctx)
			cancel()
			Expect(s.Store.Create(ended, fresh)).To(MatchError(context.Canceled))
			Expect(s.Store.Get(ended, g.Key())).Error().To(MatchError(context.Canceled))
			Expect(s.Store.Advance(ended, g.Key(), 0, s.now, s.now.Add(2*time.Hour))).Error().To(MatchError(context.Canceled))
			Expect(s.Store.Revoke(ended, g.Key(), grant.CodeReplayed)).To(MatchError(context.Canceled))
			Expect(s.Store.Spend(ended, "an id", s.now.Add(time.Hour))).To(MatchError(context.Canceled))
			Expect(s.Store.Note(ended, "an id", nil, s.now.Add(time.Hour))).To(MatchError(context.Canceled))
			Expect(s.Store.Noted(ended, "an id")).Error().To(MatchError(context.Canceled))
			Expect(s.Store.Noted(ctx, "an id")).Error().To(MatchError(grant.ErrNotFound))
			s.expectKept(ctx, g)
			Expect(s.Store.Get(ctx, fresh.Key())).Error().To(MatchError(grant.ErrNotFound))
		})
	})
}

func (s *suite) concurrency() {
	Describe("many calls at once", func() {
		It("create a grant once", func(ctx SpecContext) {
			g := s.grant()
			errs := s.atOnce(func() error { return s.Store.Create(ctx, g) })
			expectOneNil(errs, grant.ErrExists)
			s.expectKept(ctx, g)
		})

		It("advance a grant once, and all who come late see where it is", func(ctx SpecContext) {
			g := s.created(ctx)
			at := s.now.Add(time.Minute)
			g.Generation, g.RefreshedAt, g.ExpiresAt = 1, at, at.Add(time.Hour)
			errs := s.atOnce(func() error {
				got, err := s.Store.Advance(ctx, g.Key(), 0, at, at.Add(time.Hour))
				if (err == nil || errors.Is(err, grant.ErrMoved)) && got.Generation != 1 {
					return errors.New("the grant that came back is not one further")
				}
				return err
			})
			expectOneNil(errs, grant.ErrMoved)
			s.expectKept(ctx, g)
		})

		It("revoke a grant for good, whoever refreshes it meanwhile", func(ctx SpecContext) {
			g := s.created(ctx)
			errs := s.atOnce(func() error {
				for from := int64(0); ; {
					got, err := s.Store.Advance(ctx, g.Key(), from, s.now, s.now.Add(time.Hour))
					switch {
					case err != nil && !errors.Is(err, grant.ErrMoved):
						return err
					case got.Revoked != "":
						return nil
					case got.Generation >= 2:
						if err := s.Store.Revoke(ctx, g.Key(), grant.RefreshTokenReused); err != nil {
							return err
						}
					}
					from = got.Generation
				}
			})
			Expect(errs).To(HaveEach(Succeed()))
			Expect(s.Store.Get(ctx, g.Key())).To(HaveField("Revoked", grant.RefreshTokenReused))
		})
	})
}

// atOnce makes the call Parallel times, all released together.
func (s *suite) atOnce(call func() error) []error {
	errs := make([]error, s.Parallel)
	start := make(chan struct{})
	var calls sync.WaitGroup
	for i := range errs {
		calls.Go(func() {
			<-start
			errs[i] = call()
		})
	}
	close(start)
	calls.Wait()
	return errs
}

// expectOneNil checks that one call succeeded and that every other one failed
// as it should.
func expectOneNil(errs []error, late error) {
	GinkgoHelper()
	succeeded := 0
	for _, err := range errs {
		if err == nil {
			succeeded++
			continue
		}
		Expect(err).To(MatchError(late))
	}
	Expect(succeeded).To(Equal(1), "calls that returned nil")
}
