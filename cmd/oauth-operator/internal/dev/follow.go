package dev

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/cmd/oauth-operator/internal/manifests"
)

// pollFiles is how often it is looked whether a manifest has changed. Looking works
// with every editor and every file system, where being told does not.
const pollFiles = 300 * time.Millisecond

// followFiles loads the manifests anew whenever one has changed, until ctx ends.
// While they are wrong, what was served last is served on.
func (d *development) followFiles(ctx context.Context) {
	every := time.NewTicker(pollFiles)
	defer every.Stop()
	// What has changed since load is seen with the first tick.
	for seen := ""; ; {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		now := d.fingerprint()
		if now == seen {
			continue
		}
		first := seen == ""
		seen = now
		if err := d.load(); err != nil {
			d.tell("\nThe manifests are not right. What was right before is served on:\n%s\n", indented(err.Error()))
			continue
		}
		if !first {
			d.tell("The manifests have changed, and are served as they are now.")
		}
	}
}

// fingerprint is different when a manifest is.
func (d *development) fingerprint() string {
	files, err := manifests.Files(d.Paths)
	if err != nil {
		return err.Error()
	}
	var all strings.Builder
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			fmt.Fprintln(&all, err)
			continue
		}
		fmt.Fprintln(&all, file, info.Size(), info.ModTime().UnixNano())
	}
	return all.String()
}

func indented(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// settle is how long nothing must have changed before conditions are told: on
// their way to Ready, objects wait for each other.
const settle = 400 * time.Millisecond

// followConditions tells what the controller makes of each object, until ctx ends.
func (d *development) followConditions(ctx context.Context) {
	var (
		mu      sync.Mutex
		current = map[string]string{}
		changed = make(chan struct{}, 1)
		all     sync.WaitGroup
	)
	for _, kind := range []string{"AuthorizationServer", "OAuthUser", "OAuthClient"} {
		all.Go(func() {
			d.api.Follow(ctx, v1alpha1.GroupVersion.WithKind(kind), func(before, after *unstructured.Unstructured) {
				mu.Lock()
				defer mu.Unlock()
				if after == nil {
					current[nameOf(before)] = "is gone"
				} else if said := d.verdict(after); said != "" {
					current[nameOf(after)] = said
				}
				select {
				case changed <- struct{}{}:
				default:
				}
			})
		})
	}
	told := map[string]string{}
	timer := time.NewTimer(settle)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			all.Wait()
			return
		case <-changed:
			timer.Reset(settle)
			continue
		case <-timer.C:
		}
		mu.Lock()
		for _, name := range sorted(current) {
			if told[name] != current[name] {
				told[name] = current[name]
				d.tell("%s %s", name, current[name])
			}
		}
		mu.Unlock()
	}
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func nameOf(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// verdict is the condition Ready in a line, or nothing while there is none that is
// about the object as it is.
func (d *development) verdict(o *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		if condition["type"] != v1alpha1.ConditionReady || condition["observedGeneration"] != o.GetGeneration() {
			continue
		}
		if condition["status"] != "True" {
			return fmt.Sprintf("is NOT READY (%v): %v", condition["reason"], condition["message"])
		}
		return "is ready" + d.details(o)
	}
	return ""
}

// details are what a developer needs to know of an object that is ready.
func (d *development) details(o *unstructured.Unstructured) string {
	switch o.GetKind() {
	case "AuthorizationServer":
		issuer, _, _ := unstructured.NestedString(o.Object, "spec", "issuer")
		return ": the issuer is " + issuer
	case "OAuthClient":
		id, _, _ := unstructured.NestedString(o.Object, "status", "clientID")
		secret, _, _ := unstructured.NestedString(o.Object, "status", "binding", "name")
		return fmt.Sprintf(": its client_id is %s, and its Secret is in %s", id, d.folderOf(o.GetNamespace(), secret))
	default:
		return ""
	}
}
