package secrettemplate_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/secrettemplate"
	"oauth-operator.dev/api/v1alpha1"
)

var values = secrettemplate.Values{
	Namespace:               "demo",
	Name:                    "webapp",
	ClientID:                "demo.webapp",
	ClientSecret:            `s3cr3t"\-<&>$'`,
	Issuer:                  "https://login.example.com",
	Provider:                "oauth-operator",
	TokenEndpointAuthMethod: "client_secret_basic",
	AuthorizationEndpoint:   "https://login.example.com/authorize",
	TokenEndpoint:           "https://login.example.com/token",
	UserinfoEndpoint:        "https://login.example.com/userinfo",
	JWKSURI:                 "https://login.example.com/jwks",
	Scopes:                  []string{"openid", "profile"},
	RedirectURIs:            []string{"https://a.example.com/cb", "https://b.example.com/cb?x=1&y=2"},
}

// render renders one template.
func render(text string) (string, error) {
	out, err := secrettemplate.Render(map[string]v1alpha1.TemplateText{"key": v1alpha1.TemplateText(text)}, values)
	return string(out["key"]), err
}

var _ = Describe("Render", func() {
	DescribeTable("renders", func(text, expected string) {
		Expect(render(text)).To(Equal(expected))
	},
		Entry("text", "no template", "no template"),
		Entry("nothing", "", ""),
		Entry("a field", "id={{ .ClientID }}\n", "id=demo.webapp\n"),
		Entry("if", "{{ if .Scopes }}yes{{ else }}no{{ end }}", "yes"),
		Entry("with", "{{ with .Issuer }}{{ . }} {{ $.Name }}{{ end }}", "https://login.example.com webapp"),
		Entry("range", "{{ range .Scopes }}{{ . }},{{ $.Name }};{{ end }}", "openid,webapp;profile,webapp;"),
		Entry("range with index", "{{ range $i, $s := .Scopes }}{{ if $i }} {{ end }}{{ $s }}{{ end }}", "openid profile"),
		Entry("variables", "{{ $n := .Name }}{{ $n = .Namespace }}{{ $n }}", "demo"),
		Entry("join", `{{ join " " .Scopes }}/{{ .Scopes | join "," }}`, "openid profile/openid,profile"),
	)
})
