package main_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/jackc/pgx/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/postgres"
)

var _ = Describe("Grants in a database", Ordered, func() {
	var (
		database *postgres.Server
		dsnFile  string
		replica  string // where the server with the database listens
		webapp   *workload
		token    *oauth2.Token
	)
	BeforeAll(func(ctx SpecContext) {
		var err error
		database, err = postgres.Start(context.WithoutCancel(ctx), "shared_preload_libraries=pg_stat_statements")
		if errors.Is(err, postgres.ErrNone) {
			Skip(err.Error())
		}
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(database.Stop()).To(Succeed()) })
		Expect(database.Exec(ctx, "postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")).To(Succeed())
		seen.add(database.DSN("postgres"))
		dsnFile = filepath.Join(GinkgoT().TempDir(), "dsn")
		Expect(os.WriteFile(dsnFile, []byte(database.DSN("postgres")), 0o600)).To(Succeed())
		replica, err = in.AddServer(context.Background(), "--grant-store=postgres", "--postgres-dsn-file", dsnFile)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(in.EndServer(replica)).To(Succeed()) })
		webapp = newClient(ctx, newNamespace(ctx), func(s *v1alpha1.OAuthClientSpec) {
			s.GrantTypes = append(s.GrantTypes, v1alpha1.GrantTypeClientCredentials)
		})
	})

	// grants runs a subcommand of grants with the database at hand.
	grants := func(ctx context.Context, args ...string) string {
		GinkgoHelper()
		kubeconfig := filepath.Join(GinkgoT().TempDir(), "admin.kubeconfig")
		Expect(os.WriteFile(kubeconfig, in.ControlPlane.AdminKubeconfig(), 0o600)).To(Succeed())
		args = append([]string{"grants"}, append(args, "--kubeconfig", kubeconfig, "--postgres-dsn-file", dsnFile)...)
		said, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(said))
		return string(said)
	}

	// at has the requests of a context answered by the replica with the database.
	at := func(ctx context.Context) context.Context {
		return oidc.ClientContext(ctx, &http.Client{Transport: &redirected{from: strings.TrimPrefix(issuer, "http://"), to: &replica}})
	}
	tokens := func(ctx context.Context) *oauth2.Token {
		GinkgoHelper()
		verifier := oauth2.GenerateVerifier()
		back := webapp.login(ctx, newPerson(), oauth2.S256ChallengeOption(verifier))
		t, err := webapp.oauth.Exchange(at(ctx), back.Get("code"), oauth2.VerifierOption(verifier))
		Expect(err).NotTo(HaveOccurred())
		_, err = webapp.oauth.Exchange(at(ctx), back.Get("code"), oauth2.VerifierOption(verifier))
		Expect(errorCode(err)).To(Equal("invalid_grant"), "the code was used before")
		return t
	}
	refresh := func(ctx context.Context, refreshToken string) (*oauth2.Token, error) {
		return webapp.oauth.TokenSource(at(ctx), &oauth2.Token{RefreshToken: refreshToken}).Token()
	}
	statements := func(ctx context.Context) map[string]int {
		GinkgoHelper()
		c, err := pgx.Connect(ctx, database.DSN("postgres"))
		Expect(err).NotTo(HaveOccurred())
		defer func() { _ = c.Close(ctx) }()
		rows, err := c.Query(ctx, "SELECT query, calls FROM pg_stat_statements WHERE query ~ 'oauth_(grants|spent|notes)'")
		Expect(err).NotTo(HaveOccurred())
		counts := map[string]int{}
		var query string
		var calls int
		_, err = pgx.ForEachRow(rows, []any{&query, &calls}, func() error {
			counts[strings.Fields(query)[0]] += calls
			return nil
		})
		Expect(err).NotTo(HaveOccurred())
		_, err = c.Exec(ctx, "SELECT pg_stat_statements_reset()")
		Expect(err).NotTo(HaveOccurred())
		return counts
	}

	It("are the one write of a code grant and of a refresh, and nothing is asked for client credentials or strangers", func(ctx SpecContext) {
		statements(ctx)
		verifier := oauth2.GenerateVerifier()
		back := webapp.login(ctx, newPerson(), oauth2.S256ChallengeOption(verifier))
		Expect(statements(ctx)).To(BeEmpty(), "a code costs nothing")
		var err error
		token, err = webapp.oauth.Exchange(at(ctx), back.Get("code"), oauth2.VerifierOption(verifier))
		Expect(err).NotTo(HaveOccurred())
		Expect(statements(ctx)).To(Equal(map[string]int{"INSERT": 1}))
		token, err = refresh(ctx, token.RefreshToken)
		Expect(err).NotTo(HaveOccurred())
		Expect(statements(ctx)).To(Equal(map[string]int{"SELECT": 1, "UPDATE": 1}))

		machine := clientcredentials.Config{
			ClientID: webapp.oauth.ClientID, ClientSecret: webapp.oauth.ClientSecret,
			TokenURL: webapp.oauth.Endpoint.TokenURL, Scopes: []string{"orders"},
		}
		_, err = machine.Token(at(ctx))
		Expect(err).NotTo(HaveOccurred())
		for _, form := range []string{"", "grant_type=refresh_token&refresh_token=x", "grant_type=authorization_code&code=x&client_id=" + webapp.oauth.ClientID} {
			post(ctx, "http://"+replica+"/token", form)
		}
		_, err = refresh(ctx, strings.Repeat("A", len(token.RefreshToken)))
		Expect(errorCode(err)).To(Equal("invalid_grant"))
		Expect(statements(ctx)).To(BeEmpty())
	})

	It("end where a code or a refresh token is used a second time", func(ctx SpecContext) {
		replayed := tokens(ctx)
		_, err := refresh(ctx, replayed.RefreshToken)
		Expect(errorCode(err)).To(Equal("invalid_grant"))
		Expect(grants(ctx, "list", "--client", webapp.oauth.ClientID)).To(And(
			ContainSubstring("True"), ContainSubstring("False (CodeReplayed)"), ContainSubstring("alice")))
	})

	It("answer with temporarily_unavailable while the database is away, and are there again after", func(ctx SpecContext) {
		Expect(database.Crash()).To(Succeed())
		_, err := refresh(ctx, token.RefreshToken)
		Expect(errorCode(err)).To(Equal("temporarily_unavailable"))
		Expect(get(ctx, "http://"+replica+"/jwks").StatusCode).NotTo(Equal(http.StatusServiceUnavailable), "what needs no grant is answered")
		Expect(database.Resume(ctx)).To(Succeed())
		Eventually(func(g Gomega) {
			next, err := refresh(ctx, token.RefreshToken)
			g.Expect(err).NotTo(HaveOccurred())
			token = next
		}).WithContext(ctx).Should(Succeed())
	})

	It("go to the cluster and come back, and are never good in both", func(ctx SpecContext) {
		Expect(grants(ctx, "copy", "--from", "postgres", "--to", "kubernetes")).To(ContainSubstring("All of them are in kubernetes"))
		next, err := refresh(ctx, token.RefreshToken) // the server goes on meanwhile
		Expect(err).NotTo(HaveOccurred())
		Expect(grants(ctx, "copy", "--from", "postgres", "--to", "kubernetes", "--final")).To(ContainSubstring("All of them are in kubernetes"))
		_, err = refresh(ctx, next.RefreshToken)
		Expect(errorCode(err)).To(Equal("invalid_grant"), "not in the database any more")
		next, err = webapp.refresh(ctx, next.RefreshToken)
		Expect(err).NotTo(HaveOccurred(), "but in the cluster")

		Expect(grants(ctx, "copy", "--from", "kubernetes", "--to", "postgres", "--final")).To(ContainSubstring("All of them are in postgres"))
		_, err = webapp.refresh(ctx, next.RefreshToken)
		Expect(errorCode(err)).To(Equal("invalid_grant"))
		token, err = refresh(ctx, next.RefreshToken)
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(2*time.Minute))

	It("are revoked by a command, for a person or a client", func(ctx SpecContext) {
		Expect(grants(ctx, "revoke", "--user", "alice", "--client", webapp.oauth.ClientID, "--dry-run")).To(Equal("1 grants would be revoked.\n"))
		_, err := exec.CommandContext(ctx, binary, "grants", "revoke", "--postgres-dsn-file", dsnFile).CombinedOutput()
		Expect(err).To(HaveOccurred(), "nobody revokes everything by leaving something out")
		Expect(grants(ctx, "revoke", "--user", "alice", "--client", webapp.oauth.ClientID)).To(Equal("1 grants revoked.\n"))
		_, err = refresh(ctx, token.RefreshToken)
		Expect(errorCode(err)).To(Equal("invalid_grant"))
		Expect(grants(ctx, "list", "--client", webapp.oauth.ClientID, "-o", "json")).To(ContainSubstring(`"reason":"RevokedByAdministrator"`))
	})

	It("go with what their code was used for, though they have ended", func(ctx SpecContext) {
		verifier := oauth2.GenerateVerifier()
		code := webapp.login(ctx, newPerson(), oauth2.S256ChallengeOption(verifier)).Get("code")
		_, err := webapp.oauth.Exchange(at(ctx), code, oauth2.VerifierOption(verifier))
		Expect(err).NotTo(HaveOccurred())
		Expect(database.Exec(ctx, "postgres", "UPDATE oauth_grants SET expires_at = now() - interval '1 second' WHERE revoked = ''")).To(Succeed())
		grants(ctx, "copy", "--from", "postgres", "--to", "kubernetes")
		_, err = webapp.oauth.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		Expect(errorCode(err)).To(Equal("invalid_grant"))
	}, SpecTimeout(2*time.Minute))

	It("are measured, as docs/metrics.md says", func(ctx SpecContext) {
		page, err := os.ReadFile(filepath.Join(root, "docs", "metrics.md"))
		Expect(err).NotTo(HaveOccurred())
		documented := map[string][]string{}
		for _, row := range metricRow.FindAllStringSubmatch(string(page), -1) {
			if !strings.HasPrefix(row[1], databaseMetrics) {
				continue
			}
			documented[row[1]] = []string{}
			for _, label := range metricWord.FindAllStringSubmatch(row[2], -1) {
				documented[row[1]] = append(documented[row[1]], label[1])
			}
		}
		told := map[string][]string{}
		for name, family := range scrapeURL(ctx, NewWithT(GinkgoT()), in.ServerMetricsURL(replica)) {
			if strings.HasPrefix(name, databaseMetrics) {
				told[name] = append([]string{}, labelsOf(family)...)
				slices.Sort(told[name])
				problems, err := promlint.NewWithMetricFamilies([]*dto.MetricFamily{family}).Lint()
				Expect(err).NotTo(HaveOccurred())
				Expect(problems).To(BeEmpty())
			}
		}
		for _, labels := range documented {
			slices.Sort(labels)
		}
		Expect(told).To(Equal(documented))
	})
})

// databaseMetrics begins the names of what only a server with a database tells.
const databaseMetrics = "oauth_operator_server_postgres_"

// redirected has requests to one address answered at another, under the name of the
// first.
type redirected struct {
	from string
	to   *string
	spy  spy
}

func (r *redirected) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host == r.from {
		request = request.Clone(request.Context())
		request.Host = r.from
		request.URL.Host = *r.to
	}
	return r.spy.RoundTrip(request)
}
