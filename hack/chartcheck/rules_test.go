package chartcheck

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

var files = filepath.Join(root, "charts", "oauth-operator", "files", "monitoring")

type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Annotations map[string]string `yaml:"annotations"`
}

func rules(t *testing.T) map[string]rule {
	t.Helper()
	var document struct {
		Groups []struct {
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	text, err := os.ReadFile(filepath.Join(files, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	all := map[string]rule{}
	for _, group := range document.Groups {
		for _, r := range group.Rules {
			all[r.Alert] = r
		}
	}
	return all
}

// documented are the metrics of docs/metrics.md, with their labels. A test of the
// operator compares that page with what both binaries really tell.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	metrics := map[string][]string{}
	word := regexp.MustCompile("`(\\w+)`")
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|([^|]*)\\| (\\w*)").FindAllStringSubmatch(string(text), -1) {
		var labels []string
		for _, label := range word.FindAllStringSubmatch(row[2], -1) {
			labels = append(labels, label[1])
		}
		names := []string{row[1]}
		if row[3] == "histogram" {
			names = []string{row[1] + "_bucket", row[1] + "_count", row[1] + "_sum"}
			labels = append(labels, "le")
		}
		for _, name := range names {
			metrics[name] = labels
		}
	}
	if len(metrics) < 15 {
		t.Fatalf("docs/metrics.md has %d metrics", len(metrics))
	}
	return metrics
}

// checkExpr expects an expression that Prometheus can read, about metrics and labels
// that there are.
func checkExpr(t *testing.T, metrics map[string][]string, where, expr string) {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	known := func(labels []string, label string) bool {
		// What Prometheus adds to every series of a Pod.
		for _, l := range append([]string{"namespace", "pod", "job", "instance"}, labels...) {
			if l == label {
				return true
			}
		}
		return false
	}
	var labels []string
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		there, ok := metrics[selector.Name]
		if !ok {
			t.Errorf("%s: docs/metrics.md has no %s", where, selector.Name)
		}
		labels = append(labels, there...)
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name != "__name__" && !known(there, matcher.Name) {
				t.Errorf("%s: %s has no label %s", where, selector.Name, matcher.Name)
			}
		}
		return nil
	})
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if aggregate, ok := node.(*parser.AggregateExpr); ok {
			for _, label := range aggregate.Grouping {
				if !known(labels, label) {
					t.Errorf("%s: no metric has the label %s", where, label)
				}
			}
		}
		return nil
	})
}

func TestExpressions(t *testing.T) {
	metrics := documented(t)
	for name, r := range rules(t) {
		checkExpr(t, metrics, name, r.Expr)
	}
	text, err := os.ReadFile(filepath.Join(files, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	// As Grafana fills them in.
	variables := strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*")
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			checkExpr(t, metrics, panel.Title, variables.Replace(target.Expr))
		}
	}
}

// fires reports whether the alert of a rule fires at that time after the start of the
// series, which have a value each minute.
func fires(t *testing.T, r rule, series string, at time.Duration) bool {
	t.Helper()
	var pending model.Duration
	if r.For != "" {
		var err error
		if pending, err = model.ParseDuration(r.For); err != nil {
			t.Fatal(err)
		}
	}
	store := promqltest.LoadedStorage(t, "load 1m\n  "+strings.ReplaceAll(strings.TrimSpace(series), "\n", "\n  ")+"\n")
	defer func() { _ = store.Close() }()
	engine := promqltest.NewTestEngine(t, false, 0, 1_000_000)
	for moment := at - time.Duration(pending); moment <= at; moment += time.Minute {
		query, err := engine.NewInstantQuery(t.Context(), store, nil, r.Expr, time.Unix(0, 0).Add(moment))
		if err != nil {
			t.Fatal(err)
		}
		result := query.Exec(t.Context())
		if result.Err != nil {
			t.Fatal(result.Err)
		}
		vector, ok := result.Value.(promql.Vector)
		if !ok {
			t.Fatalf("%s: an alert needs a vector, and this is %s", r.Alert, result.Value.Type())
		}
		if len(vector) == 0 {
			return false
		}
	}
	return true
}
