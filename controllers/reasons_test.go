package controllers

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"oauth-operator.dev/api/v1alpha1"
)

// The lists of reasons are closed. What holds them together: the constants of the
// API, the tables of docs/spec, and what the controllers told in all of this suite.

// told is what the controllers told: "kind condition reason". Events are in another
// encoding on the wire, and each has a spec of its own.
var told = &telling{conditions: map[string]bool{}}

type telling struct {
	mu         sync.Mutex
	conditions map[string]bool
}

var statusPath = regexp.MustCompile(`/(authorizationservers|oauthclients|oauthusers)/[^/]+/status$`)

var kindOf = map[string]string{
	"authorizationservers": "AuthorizationServer", "oauthclients": "OAuthClient", "oauthusers": "OAuthUser",
}

// note reads what a write says.
func (t *telling) note(r *http.Request) {
	path := statusPath.FindStringSubmatch(r.URL.Path)
	if r.GetBody == nil || path == nil {
		return
	}
	body, err := r.GetBody()
	if err != nil {
		return
	}
	var said struct {
		Status struct{ Conditions []metav1.Condition }
	}
	content, err := io.ReadAll(body)
	if err != nil || json.Unmarshal(content, &said) != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range said.Status.Conditions {
		t.conditions[kindOf[path[1]]+" "+c.Type+" "+c.Reason] = true
	}
}

var _ = ReportAfterSuite("tells all that is documented, and nothing else", func(report Report) {
	whole := report.SuiteSucceeded && len(report.SuiteConfig.FocusStrings) == 0 && len(report.SuiteConfig.FocusFiles) == 0 &&
		report.SuiteConfig.LabelFilter == "" && len(report.SuiteConfig.SkipStrings) == 0 && !report.SuiteHasProgrammaticFocus
	if !whole {
		return
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	documented, ready := map[string]bool{}, map[string]bool{}
	for _, kind := range kindOf {
		for _, reason := range documentedReasons(kind) {
			documented[kind+" "+reason] = true
			ready[strings.Fields(reason)[1]] = true
		}
	}
	ready[v1alpha1.ReasonReady] = true
	said := map[string]bool{}
	for text := range told.conditions {
		fields := strings.Fields(text)
		// Ready and Stalled repeat the reasons of the others.
		if fields[1] == v1alpha1.ConditionStalled || (fields[1] == v1alpha1.ConditionReady && fields[0] != "OAuthUser") {
			Expect(ready).To(HaveKey(fields[2]), text)
			continue
		}
		said[text] = true
	}
	// The API server keeps such an OAuthUser out: it is one from before a rule.
	delete(documented, "OAuthUser Ready "+v1alpha1.ReasonInvalid)
	// The manager of the suite makes the key at its start: whether a client comes
	// before that is a matter of luck.
	if early := "OAuthClient " + v1alpha1.ConditionCredentialsReady + " " + v1alpha1.ReasonVerifierKeyMissing; !said[early] {
		delete(documented, early)
	}
	Expect(sorted(said)).To(Equal(sorted(documented)), "the reasons that were told, and those of docs/spec")
})

var _ = Describe("The list of reasons", func() {
	It("is that of the pages", func() {
		documented := map[string]bool{v1alpha1.ReasonReady: true}
		for _, kind := range []string{"AuthorizationServer", "OAuthClient", "OAuthGrant", "OAuthUser"} {
			for _, reason := range documentedReasons(kind) {
				documented[strings.Fields(reason)[1]] = true
			}
		}
		Expect(sorted(documented)).To(Equal(constants("Reason")))
	})

	It("is that of the pages for events too", func() {
		var documented []string
		for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (?:Normal|Warning) \\|").FindAllStringSubmatch(specPage("OAuthClient"), -1) {
			documented = append(documented, row[1])
		}
		Expect(documented).To(ConsistOf(constants("Event")))
	})

	It("says which of them time does not mend, and tools that wait say the same", func() {
		for _, kind := range []string{"AuthorizationServer", "OAuthClient", "OAuthUser"} {
			list := regexp.MustCompile(`(?s)Those reasons are (.*?)\.\n`).FindStringSubmatch(specPage(kind))
			Expect(list).NotTo(BeNil(), kind)
			var stalled []string
			for _, reason := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(list[1], -1) {
				stalled = append(stalled, reason[1])
			}
			for _, text := range documentedReasons(kind) {
				reason := strings.Fields(text)[1]
				Expect(lasting[reason]).To(Equal(slices.Contains(stalled, reason)), kind+" "+reason)

				c := &v1alpha1.OAuthClient{}
				c.Generation, c.Status.ObservedGeneration = 1, 1
				c.Status.Conditions = withConditions(nil, 1, metav1.Now(), fails(v1alpha1.ConditionReady, reason, "Something is not so."))
				want := health{KStatus: status.InProgressStatus, ArgoCD: "Progressing"}
				switch {
				case lasting[reason]:
					want = health{KStatus: status.FailedStatus, ArgoCD: "Degraded"}
				case reason == v1alpha1.ReasonDisabled:
					want.ArgoCD = "Suspended"
				}
				c.Name = "any"
				got := healthOf(c)
				got.Message = ""
				Expect(got).To(Equal(want), kind+" "+reason)
			}
		}
	})
})

func specPage(kind string) string {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "spec", strings.ToLower(kind)+".md"))
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

var (
	conditionHead = regexp.MustCompile("^(?:\\*\\*`(\\w+)`\\*\\*|Reasons of `(\\w+)`:)")
	reasonRow     = regexp.MustCompile("^\\| (?:`(?:True|False)` \\| )?`(\\w+)` \\|")
)

// documentedReasons returns what the tables of a page list: "condition reason".
func documentedReasons(kind string) (found []string) {
	GinkgoHelper()
	condition, table := "", false
	for line := range strings.Lines(specPage(kind)) {
		if head := conditionHead.FindStringSubmatch(line); head != nil {
			condition = head[1] + head[2]
		}
		switch row := reasonRow.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "| reason |"), strings.HasPrefix(line, "| status | reason |"):
			table = true
		case !strings.HasPrefix(line, "|"):
			table = false
		case table && row != nil:
			found = append(found, condition+" "+row[1])
		}
	}
	Expect(found).NotTo(BeEmpty(), kind)
	return found
}

// constants returns the values of the API's constants whose names begin so.
func constants(prefix string) (values []string) {
	GinkgoHelper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "api", "v1alpha1", "conditions.go"), nil, 0)
	Expect(err).NotTo(HaveOccurred())
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, prefix) {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			Expect(err).NotTo(HaveOccurred())
			values = append(values, value)
		}
		return true
	})
	Expect(values).NotTo(BeEmpty())
	slices.Sort(values)
	return values
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
