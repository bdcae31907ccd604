package kubernetes

import (
	"context"
	"errors"
	"strconv"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant"
)

// The tools of administrators list grants with the permissions of whoever runs them.
// The server's own account may not.

var _ grant.Archive = (*Store)(nil)

// page is how many grants are read with one request.
const page = 500

// Each implements grant.Archive.
func (s *Store) Each(ctx context.Context, filter grant.Filter, visit func(grant.Grant) error) error {
	namespaces := s.namespaces
	if len(namespaces) == 0 {
		namespaces = []string{""} // all
	}
	if filter.ClientID != "" {
		at, ok := s.locate(grant.Key{ClientID: filter.ClientID, ID: grant.NewID()})
		if !ok {
			return nil
		}
		namespaces = []string{at.namespace}
	}
	for _, namespace := range namespaces {
		if err := s.eachIn(ctx, namespace, filter, visit); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) eachIn(ctx context.Context, namespace string, filter grant.Filter, visit func(grant.Grant) error) error {
	for next := ""; ; {
		list := &v1alpha1.OAuthGrantList{}
		err := s.api.Get().Namespace(namespace).Resource(resource).
			Param("limit", strconv.Itoa(page)).Param("continue", next).Do(ctx).Into(list)
		if err != nil {
			return classify("listing", err)
		}
		for i := range list.Items {
			obj := &list.Items[i]
			g, err := grantOf(obj, grant.Key{ClientID: obj.Spec.ClientID, ID: obj.Name})
			if errors.Is(err, grant.ErrNotFound) || !filter.Matches(g) {
				continue
			}
			if _, ok := s.locate(g.Key()); !ok {
				continue // made by hand, and no server finds it
			}
			if err := visit(g); err != nil {
				return err
			}
		}
		if next = list.Continue; next == "" {
			return nil
		}
	}
}

// Replace implements grant.Archive.
func (s *Store) Replace(ctx context.Context, was, is grant.Grant) error {
	_, err := s.change(ctx, was.Key(), "replacing", func(g *grant.Grant) error {
		if g.Generation != was.Generation || g.Revoked != was.Revoked {
			return grant.ErrMoved
		}
		g.Generation, g.RefreshedAt, g.ExpiresAt, g.Revoked = is.Generation, is.RefreshedAt, is.ExpiresAt, is.Revoked
		return nil
	})
	return err
}
