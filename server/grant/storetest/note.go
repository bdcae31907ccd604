package storetest

import (
	"bytes"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/grant"
)

func (s *suite) note() {
	Describe("Note", func() {
		soon := func() time.Time { return s.now.Add(time.Hour) }

		It("keeps a value under an id, and returns ErrNoted from then on and changes nothing", func(ctx SpecContext) {
			id := grant.NewID()
			Expect(s.Store.Note(ctx, id, []byte("first"), soon())).To(Succeed())
			Expect(s.Store.Noted(ctx, id)).To(Equal([]byte("first")))
			Expect(s.Store.Note(ctx, id, []byte("second"), soon())).To(MatchError(grant.ErrNoted))
			Expect(s.Store.Note(ctx, id, []byte("first"), soon().Add(time.Hour))).To(MatchError(grant.ErrNoted))
			Expect(s.Store.Noted(ctx, id)).To(Equal([]byte("first")))
		})

		It("takes one value of many calls at a time, and all who look see that one", func(ctx SpecContext) {
			id := grant.NewID()
			values := make(chan byte, s.Parallel)
			for i := range s.Parallel {
				values <- byte(i)
			}
			won := make(chan byte, s.Parallel)
			expectOneNil(s.atOnce(func() error {
				value := <-values
				err := s.Store.Note(ctx, id, []byte{value}, soon())
				if err == nil {
					won <- value
				}
				return err
			}), grant.ErrNoted)
			Expect(s.Store.Noted(ctx, id)).To(Equal([]byte{<-won}))
		})

		It("keeps any bytes up to the largest value, and none", func(ctx SpecContext) {
			every := make([]byte, 256)
			for i := range every {
				every[i] = byte(i)
			}
			for what, value := range map[string][]byte{
				"every byte": every, "nothing": {}, "the largest": bytes.Repeat([]byte("\xff"), grant.MaxNote),
			} {
				id := grant.NewID()
				Expect(s.Store.Note(ctx, id, value, soon())).To(Succeed(), what)
				kept, err := s.Store.Noted(ctx, id)
				Expect(err).NotTo(HaveOccurred())
				Expect(bytes.Equal(kept, value)).To(BeTrue(), what)
			}
		})
	})
	s.noteApart()
}

// noteApart is what sets notes apart from each other, and from what is over.
func (s *suite) noteApart() {
	Describe("Note", func() {
		soon := func() time.Time { return s.now.Add(time.Hour) }

		It("does not share the value with its caller", func(ctx SpecContext) {
			id, value := grant.NewID(), []byte("mine")
			Expect(s.Store.Note(ctx, id, value, soon())).To(Succeed())
			value[0] = 'X'
			kept, err := s.Store.Noted(ctx, id)
			Expect(err).NotTo(HaveOccurred())
			Expect(kept).To(Equal([]byte("mine")))
			kept[0] = 'X'
			Expect(s.Store.Noted(ctx, id)).To(Equal([]byte("mine")))
		})

		It("keeps ids apart, whatever is in them, and from those of Spend", func(ctx SpecContext) {
			id := grant.NewID()
			Expect(s.Store.Note(ctx, id, []byte(id), soon())).To(Succeed())
			Expect(s.Store.Spend(ctx, id, soon())).To(Succeed(), "the same text is an id of both")
			for what, spoil := range hostile {
				other := "x" + id + spoil("x")
				Expect(s.Store.Noted(ctx, other)).Error().To(MatchError(grant.ErrNotFound), what)
				Expect(s.Store.Note(ctx, other, []byte(what), soon())).To(Succeed(), what)
				Expect(s.Store.Note(ctx, other, nil, soon())).To(MatchError(grant.ErrNoted), what)
				Expect(s.Store.Noted(ctx, other)).To(Equal([]byte(what)))
			}
			Expect(s.Store.Noted(ctx, id)).To(Equal([]byte(id)))
			spent := grant.NewID()
			Expect(s.Store.Spend(ctx, spent, soon())).To(Succeed())
			Expect(s.Store.Noted(ctx, spent)).Error().To(MatchError(grant.ErrNotFound))
			Expect(s.Store.Note(ctx, spent, nil, soon())).To(Succeed())
		})

		It("has no value any more when its time is over, and either remembers the id or has forgotten it", func(ctx SpecContext) {
			id := grant.NewID()
			Expect(s.Store.Note(ctx, id, []byte("old"), s.now.Add(-time.Hour))).To(Succeed())
			Expect(s.Store.Noted(ctx, id)).Error().To(MatchError(grant.ErrNotFound))
			if err := s.Store.Note(ctx, id, []byte("new"), soon()); err != nil {
				Expect(err).To(MatchError(grant.ErrNoted))
				Expect(s.Store.Noted(ctx, id)).Error().To(MatchError(grant.ErrNotFound))
				return
			}
			Expect(s.Store.Noted(ctx, id)).To(Equal([]byte("new")))
		})
	})

	Describe("Noted", func() {
		It("returns ErrNotFound for what was never noted", func(ctx SpecContext) {
			Expect(s.Store.Noted(ctx, grant.NewID())).Error().To(MatchError(grant.ErrNotFound))
		})
	})
}
