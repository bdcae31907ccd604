package token_test

import (
	"net/http"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
)

var _ = Describe("Many requests at once", func() {
	const many = 100

	// atOnce lets all requests wait for each other in the store, so that none is
	// done before the last one has come as far.
	atOnce := func(w *world, step string, request func() answer) []answer {
		var arrived sync.WaitGroup
		arrived.Add(many)
		w.Grants.Before = func(s string) error {
			if s == step {
				arrived.Done()
				arrived.Wait()
			}
			return nil
		}
		answers := make([]answer, many)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() { answers[i] = request() })
		}
		group.Wait()
		w.Grants.Before = nil
		return answers
	}

	It("RFC 6749 §4.1.2: of 100 with one code, one gets tokens, and they are revoked", func() {
		w := newWorld()
		code := w.code("team.web")
		var winners []answer
		for _, a := range atOnce(w, "create", func() answer { return w.redeem("team.web", code) }) {
			if a.Status == http.StatusOK {
				winners = append(winners, a)
				continue
			}
			expectError(a, http.StatusBadRequest, "invalid_grant")
		}
		Expect(winners).To(HaveLen(1))
		Expect(w.grantOf(w.access(winners[0])).Revoked).To(Equal(grant.CodeReplayed))
		expectError(w.refresh("team.web", winners[0].Text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})

	It("of 100 with one refresh token, one moves the grant, and all get the same successor", func() {
		w := newWorld()
		first := w.redeem("team.web", w.code("team.web"))
		var moved atomic.Int64
		w.Grants.After = func(step string) error {
			if step == "advance" {
				moved.Add(1)
			}
			return nil
		}
		successors := map[string]int{}
		for _, a := range atOnce(w, "advance", func() answer { return w.refresh("team.web", first.Text("refresh_token")) }) {
			Expect(a.Status).To(Equal(http.StatusOK), a.Raw)
			successors[a.Text("refresh_token")]++
		}
		Expect(moved.Load()).To(BeEquivalentTo(1))
		Expect(successors).To(HaveLen(1))
		g := w.grantOf(w.access(first))
		Expect(g.Generation).To(BeEquivalentTo(1))
		Expect(g.Revoked).To(BeEmpty())
	})

	It("of 100 with one refresh token and no grace, at most one gets tokens, and the grant is revoked", func() {
		w := newWorld()
		w.Clients["team.web"].Lifetimes.RefreshGrace = 0
		first := w.redeem("team.web", w.code("team.web"))
		won := 0
		for _, a := range atOnce(w, "advance", func() answer { return w.refresh("team.web", first.Text("refresh_token")) }) {
			if a.Status == http.StatusOK {
				won++
			}
		}
		Expect(won).To(Equal(1))
		Expect(w.grantOf(w.access(first)).Revoked).To(Equal(grant.RefreshTokenReused))
	})
})
