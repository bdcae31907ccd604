package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"oauth-operator.dev/hack/e2e/outcome"
)

// kinds are what the load does.
var kinds = []outcome.Kind{outcome.Login, outcome.Session, outcome.Worker, outcome.Race}

// longestOutage is how long somebody may have to try while a Pod is dead and nobody
// has noticed yet.
const longestOutage = 45 * time.Second

// startLoad has people log in and clients work from now on, if they do not yet. They
// are in the cluster, so that nothing of the tests' own way in counts as a failure.
func startLoad(ctx context.Context) {
	GinkgoHelper()
	for _, object := range k8s.apply(ctx, "testdata/load.yaml", withImages, onSurvivor) {
		if object.GetKind() == "OAuthClient" {
			k8s.ready(ctx, object)
		}
	}
	everyoneSucceeds(ctx, time.Time{})
}

// everyoneSucceeds waits until each kind of load has succeeded with something that it
// began after that moment, while there is more than one replica.
func everyoneSucceeds(ctx context.Context, since time.Time) {
	GinkgoHelper()
	everyoneSucceedsAt(ctx, 2, since)
}

// everyoneSucceedsAt does so while there are at least so many replicas.
func everyoneSucceedsAt(ctx context.Context, replicas int, since time.Time) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		done := map[outcome.Kind]bool{}
		for _, event := range eventsSince(ctx, g, since) {
			if !event.Pending && (event.Kind != outcome.Race || event.Redeemed == 1 && event.Replicas >= replicas) {
				done[event.Kind] = true
			}
		}
		g.Expect(slices.Collect(maps.Keys(done))).To(ConsistOf(kinds))
	}).WithContext(ctx).WithTimeout(later).WithPolling(time.Second).Should(Succeed())
}

// now is the last moment of which the load has reported. Its clock is the node's.
func now(ctx context.Context) time.Time {
	GinkgoHelper()
	var last time.Time
	for _, event := range eventsSince(ctx, Default, time.Time{}) {
		if event.Ended.After(last) {
			last = event.Ended
		}
	}
	Expect(last).NotTo(BeZero(), "the load does not run")
	return last
}

// eventsSince are what began after that moment.
func eventsSince(ctx context.Context, g Gomega, since time.Time) []outcome.Event {
	GinkgoHelper()
	log, err := k8s.core.CoreV1().Pods(insideNamespace).GetLogs("load", &corev1.PodLogOptions{}).DoRaw(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	var events []outcome.Event
	for lines := bufio.NewScanner(bytes.NewReader(log)); lines.Scan(); {
		var event outcome.Event
		g.Expect(json.Unmarshal(lines.Bytes(), &event)).To(Succeed(), lines.Text())
		if event.Began.After(since) {
			events = append(events, event)
		}
	}
	return events
}

// undisturbed says that since then everything went well at the first try, with at
// least so many logins.
func undisturbed(ctx context.Context, since time.Time, logins int) {
	GinkgoHelper()
	undisturbedAt(ctx, 2, since, logins)
}

// undisturbedAt says so of at least so many replicas.
func undisturbedAt(ctx context.Context, replicas int, since time.Time, logins int) {
	GinkgoHelper()
	everyoneSucceedsAt(ctx, replicas, since)
	Eventually(func(g Gomega) {
		count := map[outcome.Kind]int{}
		for _, event := range eventsSince(ctx, g, since) {
			count[event.Kind]++
		}
		g.Expect(count[outcome.Login]).To(BeNumerically(">=", logins))
	}).WithContext(ctx).WithTimeout(later).WithPolling(time.Second).Should(Succeed())
	events := eventsSince(ctx, Default, since)
	say("undisturbed: %s", summary(events))
	for _, event := range events {
		Expect(event.Failures).To(BeEmpty(), "%s that began at %s", event.Kind, event.Began.Format(time.TimeOnly))
		if event.Kind == outcome.Race {
			Expect(event.Redeemed).To(Equal(1))
		}
	}
}

// survived says that since then attempts may have failed because a Pod was dead, but
// none because somebody was told that what they had was worth nothing; that nobody
// had to try for long; and that no code was redeemed twice.
func survived(ctx context.Context, since time.Time) {
	GinkgoHelper()
	survivedWithin(ctx, longestOutage, since)
}

// survivedWithin says so where that is what is meant by long.
func survivedWithin(ctx context.Context, long time.Duration, since time.Time) {
	GinkgoHelper()
	events := eventsSince(ctx, Default, since)
	say("survived: %s", summary(events))
	for _, event := range events {
		if len(event.Failures) > 0 && !event.Pending {
			_, _ = fmt.Fprintf(GinkgoWriter, "%s that began after %s and took %s: %q\n", event.Kind,
				event.Began.Sub(since).Round(100*time.Millisecond), event.Ended.Sub(event.Began).Round(100*time.Millisecond), event.Failures)
		}
		Expect(event.Failures).NotTo(ContainElement(ContainSubstring("invalid_")))
		Expect(event.Ended.Sub(event.Began)).To(BeNumerically("<", long), "%s: %v", event.Kind, event.Failures)
		Expect(event.Redeemed).To(BeNumerically("<=", 1), "a code was redeemed twice")
	}
}

// summary counts, for whoever watches.
func summary(events []outcome.Event) string {
	good, bad := map[outcome.Kind]int{}, map[outcome.Kind]int{}
	longest := time.Duration(0)
	for _, event := range events {
		switch {
		case event.Pending:
		case len(event.Failures) == 0:
			good[event.Kind]++
		default:
			bad[event.Kind]++
			longest = max(longest, event.Ended.Sub(event.Began))
		}
	}
	var parts []string
	for _, kind := range kinds {
		part := fmt.Sprintf("%d %s", good[kind], kind)
		if bad[kind] > 0 {
			part += fmt.Sprintf(" (and %d with failures on the way)", bad[kind])
		}
		parts = append(parts, part)
	}
	if longest > 0 {
		parts = append(parts, fmt.Sprintf("the longest took %s", longest.Round(100*time.Millisecond)))
	}
	return strings.Join(parts, ", ")
}
