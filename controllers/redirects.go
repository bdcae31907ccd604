package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// redirects are what redirectURIsFrom has come to.
type redirects struct {
	uris []string

	// resolved is the condition RedirectURIsResolved: nil for a client without
	// redirectURIsFrom.
	resolved *metav1.Condition
}

// maxResolved is how many redirect URIs the status has room for.
const maxResolved = 256

// sourceHosts are the hosts of one source, or why there are none.
type sourceHosts struct {
	hosts []string
	fault *sourceError
}

// sourceError says why the hosts of a source are not known.
type sourceError struct {
	message string

	// unread says that the source may well be there: it could not be looked at.
	unread bool
}

// observeRedirects looks the sources of redirect URIs up.
func (r *oauthClientReconciler) observeRedirects(ctx context.Context, seen *clientObservation) error {
	c := seen.client
	found := make([]sourceHosts, len(c.Spec.RedirectURIsFrom))
	for i, source := range c.Spec.RedirectURIsFrom {
		hosts, err := r.sources.hosts(ctx, source.Kind, types.NamespacedName{Namespace: c.Namespace, Name: source.Name})
		if err != nil && !errors.As(err, &found[i].fault) {
			return err
		}
		found[i].hosts = hosts
	}
	seen.redirects = resolveRedirects(c, found)
	return nil
}

// Error makes a fault an error.
func (f *sourceError) Error() string { return f.message }

// resolveRedirects makes redirect URIs of the hosts of each source, in their
// order. A source that is not there any more has none: its hosts may be
// somebody else's soon. Of one that could not be looked at those stay that the
// status has.
func resolveRedirects(c *v1alpha1.OAuthClient, found []sourceHosts) redirects {
	if len(c.Spec.RedirectURIsFrom) == 0 {
		return redirects{}
	}
	var uris, faults []string
	reason := ""
	fault := func(because, format string, args ...any) {
		faults = append(faults, fmt.Sprintf(format, args...))
		if reason == "" {
			reason = because
		}
	}
	for i, source := range c.Spec.RedirectURIsFrom {
		at := fmt.Sprintf("spec.redirectURIsFrom[%d]: ", i)
		hosts := found[i].hosts
		if f := found[i].fault; f != nil {
			fault(v1alpha1.ReasonRedirectSourceNotFound, "%s%s", at, f.message)
			if f.unread {
				uris = append(uris, kept(c.Status.RedirectURIs, source.Path)...)
			}
			continue
		}
		some := false
		for _, host := range hosts {
			if uri, ok := validation.RedirectURIOf(host, source.Path); ok {
				uris, some = append(uris, uri), true
			}
		}
		if !some {
			fault(v1alpha1.ReasonRedirectSourceHasNoHost,
				"%s%s %q has no host that a redirect URI can be made of: one with a wildcard is left out, so list the URIs in redirectURIs",
				at, source.Kind, source.Name)
		}
	}
	uris = distinct(uris)
	if len(uris) > maxResolved {
		fault(v1alpha1.ReasonInvalid, "spec.redirectURIsFrom: there are %d redirect URIs, and only the first %d count: name sources with fewer hosts",
			len(uris), maxResolved)
		uris = uris[:maxResolved]
	}
	condition := holds(v1alpha1.ConditionRedirectURIsResolved, v1alpha1.ReasonResolved,
		"every source was found: its redirect URIs are in status.redirectURIs")
	if len(faults) > 0 {
		condition = fails(v1alpha1.ConditionRedirectURIsResolved, reason, strings.Join(faults, "; "))
	}
	return redirects{uris: uris, resolved: &condition}
}

// kept returns those of the redirect URIs that a source with that path has made.
func kept(uris []string, path string) []string {
	var own []string
	for _, uri := range uris {
		host := strings.TrimSuffix(strings.TrimPrefix(uri, "https://"), path)
		if made, ok := validation.RedirectURIOf(host, path); ok && made == uri {
			own = append(own, uri)
		}
	}
	return own
}

// distinct drops what is there already.
func distinct(texts []string) []string {
	var once []string
	seen := make(map[string]bool, len(texts))
	for _, text := range texts {
		if !seen[text] {
			seen[text] = true
			once = append(once, text)
		}
	}
	return once
}

// resolved returns the client with its redirect URIs as they are now, which the
// status will say in the end.
func (seen *clientObservation) resolved() *v1alpha1.OAuthClient {
	if slices.Equal(seen.client.Status.RedirectURIs, seen.redirects.uris) {
		return seen.client
	}
	c := *seen.client
	c.Status.RedirectURIs = seen.redirects.uris
	return &c
}

// conditions returns the condition RedirectURIsResolved, if there is one.
func (r redirects) conditions() []metav1.Condition {
	if r.resolved == nil {
		return nil
	}
	return []metav1.Condition{*r.resolved}
}
