package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"oauth-operator.dev/server/grant"
)

// copyWorkers is how many grants are copied at a time.
const copyWorkers = 8

func (f *grantsFlags) copyCommand() *cobra.Command {
	var c copier
	command := &cobra.Command{
		Use:   "copy",
		Short: "Copy the grants of one grant store into another",
		Long: "Copies the grants that have not ended, the revoked ones too, and those whose code might be sent again. Where both stores have a grant, the " +
			"later generation stays, and one that is revoked in either is revoked: so it can be broken off and " +
			"run again, and a second run brings what has happened since the first.\n\n" +
			"Servers must never work with both stores at a time. Run it once while they use the first; stop " +
			"them; run it with --final; and start them with the second. With --final each grant is ended in the " +
			"first store before it stands in the second, so nothing is good in both, whatever is started by mistake.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if c.fromName == c.toName {
				return errors.New("--from and --to are the same")
			}
			var err error
			var done func()
			if c.from, done, err = f.open(c.fromName); err != nil {
				return err
			}
			defer done()
			if c.to, done, err = f.open(c.toName); err != nil {
				return err
			}
			defer done()
			c.out = command.OutOrStdout()
			return c.run(command.Context())
		},
	}
	own := command.Flags()
	own.StringVar(&c.fromName, "from", "", "Store to copy from: kubernetes or postgres.")
	own.StringVar(&c.toName, "to", "", "Store to copy to: postgres or kubernetes.")
	own.BoolVar(&c.final, "final", false, "End each grant in the first store before it stands in the second. No server may be running.")
	for _, needed := range []string{"from", "to"} {
		_ = command.MarkFlagRequired(needed)
	}
	return command
}

// copier copies grants, and looks whether they are there.
type copier struct {
	fromName, toName string
	from, to         grant.Archive
	final            bool
	out              io.Writer

	seen, changed, failed atomic.Int64
	printing              sync.Mutex
}

func (c *copier) run(ctx context.Context) error {
	if err := c.each(ctx, c.copy); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(c.out, "%d grants, of which %d were new or have changed.\n", c.seen.Load(), c.changed.Load())
	if n := c.failed.Load(); n > 0 {
		return fmt.Errorf("%d grants could not be copied: see above, and run it again", n)
	}
	if err := c.each(ctx, c.verify); err != nil {
		return err
	}
	if n := c.failed.Load(); n > 0 {
		return fmt.Errorf("%d grants have been used since they were copied: run it again", n)
	}
	_, err := fmt.Fprintf(c.out, "All of them are in %s, as they are in %s.\n", c.toName, c.fromName)
	return err
}

// each does something with every grant that has not ended, or that says that a code
// was used which could be good still, some at a time.
func (c *copier) each(ctx context.Context, do func(context.Context, grant.Grant) error) error {
	c.failed.Store(0)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copyWorkers)
	now := time.Now()
	err := c.from.Each(ctx, grant.Filter{}, func(g grant.Grant) error {
		if !now.Before(g.ExpiresAt) && !now.Before(g.CreatedAt.Add(grant.CodeLimit)) {
			return nil
		}
		group.Go(func() error {
			c.note(ctx, g, do(ctx, g))
			return ctx.Err()
		})
		return ctx.Err()
	})
	return errors.Join(group.Wait(), err)
}

// note counts and shows a grant that cannot be copied, such as one of a client whose
// namespace is gone: that is no reason to leave the others.
func (c *copier) note(ctx context.Context, g grant.Grant, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	c.failed.Add(1)
	c.printing.Lock()
	defer c.printing.Unlock()
	_, _ = fmt.Fprintf(c.out, "%s of %s: %v\n", g.ID, printable(g.ClientID), err)
}

func (c *copier) copy(ctx context.Context, g grant.Grant) error {
	c.seen.Add(1)
	var changed bool
	var err error
	if c.final {
		changed, err = grant.HandOver(ctx, c.from, c.to, g.Key())
		if errors.Is(err, grant.ErrNotFound) {
			return nil // it was deleted meanwhile
		}
	} else {
		changed, err = grant.Import(ctx, c.to, g)
	}
	if changed {
		c.changed.Add(1)
	}
	return err
}

// errBehind says that the second store has a grant not as far as the first.
var errBehind = errors.New("it is not in the second store as it is in the first")

// verify reads a grant from the store that it was copied to.
func (c *copier) verify(ctx context.Context, g grant.Grant) error {
	there, err := c.to.Get(ctx, g.Key())
	if err != nil {
		return err
	}
	if merged, err := grant.Merge(there, g); err != nil || !merged.Same(there) {
		return errors.Join(errBehind, err)
	}
	return nil
}
