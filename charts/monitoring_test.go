package charts_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

type alertGroups struct {
	Groups []struct {
		Rules []struct {
			Alert, Expr string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
}

func readAlerts() alertGroups {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join(root, chart, "files", "monitoring", "alerts.yaml"))
	Expect(err).NotTo(HaveOccurred())
	var groups alertGroups
	Expect(yaml.Unmarshal(text, &groups)).To(Succeed())
	Expect(groups.Groups).NotTo(BeEmpty())
	return groups
}

var _ = Describe("The alerts", func() {
	It("say what is wrong, how bad it is and where help is, and docs/runbooks.md has that", func() {
		page, err := os.ReadFile(filepath.Join(root, "docs", "runbooks.md"))
		Expect(err).NotTo(HaveOccurred())
		headings := regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(string(page), -1)
		var known, told []string
		for _, heading := range headings {
			known = append(known, heading[1])
		}
		for _, group := range readAlerts().Groups {
			for _, rule := range group.Rules {
				told = append(told, rule.Alert)
				Expect(rule.Annotations).To(And(HaveKey("summary"), HaveKey("description")), rule.Alert)
				Expect(rule.Annotations).To(HaveKeyWithValue("runbook_url", "RUNBOOKS#"+strings.ToLower(rule.Alert)))
				Expect(rule.Labels["severity"]).To(BeElementOf("critical", "warning", "info"), rule.Alert)
			}
		}
		Expect(known).To(ConsistOf(told))
	})

	// Prometheus' own parser and engine, in a module of their own: what they read and
	// what they make of series that are as they should be, and as they should not.
	It("can be read by Prometheus, fire when they should, and not otherwise; and so can the dashboard", func(ctx SpecContext) {
		check := exec.CommandContext(ctx, "go", "test", "-count=1", ".")
		check.Dir = filepath.Join(root, "hack", "chartcheck")
		said, err := check.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(said))
	}, SpecTimeout(10*time.Minute))

	It("are in the PrometheusRule, and link to the page that is wanted", func(ctx SpecContext) {
		rule := find(render(ctx, "metrics.prometheusRule.enabled=true", `metrics.prometheusRule.labels={"release":"prometheus"}`,
			`metrics.prometheusRule.runbookURL="https://wiki.example.com/oauth"`), "PrometheusRule", "oauth-operator")
		Expect(rule.GetLabels()).To(HaveKeyWithValue("release", "prometheus"))
		groups, _, err := unstructured.NestedSlice(rule.Object, "spec", "groups")
		Expect(err).NotTo(HaveOccurred())
		Expect(groups).To(HaveLen(len(readAlerts().Groups)))
		text, err := json.Marshal(groups)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(And(ContainSubstring("https://wiki.example.com/oauth#authorizationserverdown"), Not(ContainSubstring("RUNBOOKS"))))
	})
})

var _ = Describe("The dashboard", func() {
	It("is where Grafana's sidecar looks, and JSON", func(ctx SpecContext) {
		configMap := as[corev1.ConfigMap](find(render(ctx, "metrics.dashboard.enabled=true", `metrics.dashboard.annotations={"grafana_folder":"Security"}`),
			"ConfigMap", "oauth-operator-dashboard"))
		Expect(configMap.Labels).To(HaveKeyWithValue("grafana_dashboard", "1"))
		Expect(configMap.Annotations).To(HaveKeyWithValue("grafana_folder", "Security"))
		Expect(configMap.Data).To(HaveLen(1))
		var dashboard struct {
			Panels []struct {
				ID          int
				Type, Title string
				Description string
				GridPos     struct{ X, Y, W, H int }
				Targets     []struct{ Expr string }
			}
		}
		Expect(json.Unmarshal([]byte(configMap.Data["oauth-operator.json"]), &dashboard)).To(Succeed())
		Expect(len(dashboard.Panels)).To(BeNumerically(">", 15))
		taken := map[[2]int]string{}
		for _, panel := range dashboard.Panels {
			Expect(panel.Type == "row" || (panel.Description != "" && len(panel.Targets) > 0)).To(BeTrue(), panel.Title)
			for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
				for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
					Expect(x).To(BeNumerically("<", 24), panel.Title)
					Expect(taken[[2]int{x, y}]).To(BeEmpty(), panel.Title)
					taken[[2]int{x, y}] = panel.Title
				}
			}
		}
	})
})
