package secrettemplate_test

import (
	"errors"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/secrettemplate"
	"oauth-operator.dev/api/v1alpha1"
)

// values are of a client whose secret is full of what must be escaped.
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
	RevocationEndpoint:      "https://login.example.com/revoke",
	IntrospectionEndpoint:   "https://login.example.com/introspect",

	DeviceAuthorizationEndpoint: "https://login.example.com/device_authorization",

	Scopes:       []string{"openid", "profile"},
	RedirectURIs: []string{"https://a.example.com/cb", "https://b.example.com/cb?x=1&y=2"},
}

// render renders one template.
func render(text string) (string, error) {
	out, err := secrettemplate.Render(map[string]v1alpha1.TemplateText{"key": v1alpha1.TemplateText(text)}, values)
	return string(out["key"]), err
}

// refusal renders a template that is refused.
func refusal(text string) *secrettemplate.Error {
	GinkgoHelper()
	out, err := render(text)
	var refused *secrettemplate.Error
	Expect(errors.As(err, &refused)).To(BeTrue(), "%q became %q, with the error %v", text, out, err)
	Expect(out).To(BeEmpty())
	Expect(refused.Key).To(Equal("key"))
	Expect(len(refused.Message)).To(BeNumerically("<", 512))
	return refused
}

var _ = Describe("Render", func() {
	DescribeTable("renders", func(text, expected string) {
		Expect(render(text)).To(Equal(expected))
	},
		Entry("text", "no template", "no template"),
		Entry("nothing", "", ""),
		Entry("a field", "id={{ .ClientID }}\n", "id=demo.webapp\n"),
		Entry("text with nothing escaped", "{{ .ClientSecret }}", values.ClientSecret),
		Entry("a comment", "a{{/* not this */}}b", "ab"),
		Entry("trimmed space", "a  {{- .Name -}}  b", "awebappb"),
		Entry("quoted braces", `{{ "{{" }} {{ .Name }} {{ "}}" }}`, "{{ webapp }}"),
		Entry("if", "{{ if .Scopes }}yes{{ else }}no{{ end }}", "yes"),
		Entry("else if", `{{ if eq .Name "x" }}x{{ else if eq .Name "webapp" }}w{{ end }}`, "w"),
		Entry("with", "{{ with .Issuer }}{{ . }} {{ $.Name }}{{ end }}", "https://login.example.com webapp"),
		Entry("with a variable", "{{ with $i := .Issuer }}{{ $i }}{{ end }}", "https://login.example.com"),
		Entry("range", "{{ range .Scopes }}{{ . }},{{ $.Name }};{{ end }}", "openid,webapp;profile,webapp;"),
		Entry("range with its element", "{{ range $s := .Scopes }}{{ $s }};{{ end }}", "openid;profile;"),
		Entry("range with index", "{{ range $i, $s := .Scopes }}{{ if $i }} {{ end }}{{ $s }}{{ end }}", "openid profile"),
		Entry("range with break and continue", `{{ range .Scopes }}{{ if eq . "openid" }}{{ continue }}{{ end }}{{ . }}{{ break }}{{ end }}`, "profile"),
		Entry("range over a variable", "{{ $l := .Scopes }}{{ range $l }}{{ . }};{{ end }}", "openid;profile;"),
		Entry("variables", "{{ $n := .Name }}{{ $n = .Namespace }}{{ $n }}", "demo"),
		Entry("a pipe", "{{ .Scopes | join \",\" | upper | json }}", `"OPENID,PROFILE"`),
		Entry("parentheses", `{{ upper (join " " .Scopes) }}`, "OPENID PROFILE"),
		Entry("numbers and truth", `{{ 7 }} {{ true }} {{ len "ab" }}`, "7 true 2"),
	)

	DescribeTable("has the function", func(text, expected string) {
		Expect(render(text)).To(Equal(expected))
	},
		Entry("and", "{{ and .Name .Scopes | json }}", `["openid","profile"]`),
		Entry("b64enc", "{{ b64enc (print .ClientID `:` .ClientSecret) }}", "ZGVtby53ZWJhcHA6czNjcjN0IlwtPCY+JCc="),
		Entry("eq", `{{ eq .Name "a" "webapp" }} {{ eq 1 2 }} {{ eq (len .Scopes) 2 }}`, "true false true"),
		Entry("join", `{{ join " " .Scopes }}/{{ .Scopes | join "," }}`, "openid profile/openid,profile"),
		Entry("json of a text", "{{ json .ClientSecret }}", `"s3cr3t\"\\-<&>$'"`),
		Entry("json of a list", "{{ json .RedirectURIs }}", `["https://a.example.com/cb","https://b.example.com/cb?x=1&y=2"]`),
		Entry("json of the rest", "{{ json 1 }}{{ json true }}", `1true`),
		Entry("len", "{{ len .Scopes }}{{ len .Name }}", "26"),
		Entry("lower", `{{ lower "ABC" }}`, "abc"),
		Entry("ne", `{{ ne .Name "webapp" }}{{ ne .Name "x" }}`, "falsetrue"),
		Entry("not", "{{ not .Name }}", "false"),
		Entry("or", `{{ or "" .Name }}`, "webapp"),
		Entry("print", `{{ print .Namespace "/" .Name }}`, "demo/webapp"),
		Entry("quote", `{{ quote "a\"b\\c\nd" }}`, `"a\"b\\c\nd"`),
		Entry("replace", `{{ .Name | replace "app" "site" }}`, "website"),
		Entry("trimPrefix", `{{ .Issuer | trimPrefix "https://" }}`, "login.example.com"),
		Entry("trimSuffix", `{{ .TokenEndpoint | trimSuffix "/token" }}`, "https://login.example.com"),
		Entry("upper", "{{ upper .Name }}", "WEBAPP"),
		Entry("urlquery", `{{ urlquery "a b&c" }}`, "a+b%26c"),
	)

	It("has every field", func() {
		Expect(render("{{ .Namespace }} {{ .Name }} {{ .ClientID }} {{ .Issuer }} {{ .Provider }} {{ .TokenEndpointAuthMethod }}")).
			To(Equal("demo webapp demo.webapp https://login.example.com oauth-operator client_secret_basic"))
		Expect(render("{{ .AuthorizationEndpoint }} {{ .TokenEndpoint }} {{ .UserinfoEndpoint }} {{ .JWKSURI }}")).
			To(Equal("https://login.example.com/authorize https://login.example.com/token https://login.example.com/userinfo https://login.example.com/jwks"))
		Expect(render("{{ .RevocationEndpoint }} {{ .IntrospectionEndpoint }}")).
			To(Equal("https://login.example.com/revoke https://login.example.com/introspect"))
		Expect(render("{{ .DeviceAuthorizationEndpoint }}")).To(Equal("https://login.example.com/device_authorization"))
	})

	It("has lists and a secret also where there are none", func() {
		out, err := secrettemplate.Render(map[string]v1alpha1.TemplateText{
			"list": "{{ json .Scopes }}{{ join `,` .Scopes }}{{ range .RedirectURIs }}{{ . }}{{ else }}none{{ end }}",
			"word": "{{ if .ClientSecret }}a secret{{ else }}none{{ end }}",
		}, secrettemplate.Values{})
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(Equal(map[string][]byte{"list": []byte("[]none"), "word": []byte("none")}))
	})

	It("has nothing to do without templates", func() {
		Expect(secrettemplate.Render(nil, values)).To(BeEmpty())
	})

	It("gives the same again", func() {
		data := map[string]v1alpha1.TemplateText{}
		for i := range 20 {
			data[fmt.Sprintf("key-%d", i)] = "{{ range $i, $s := .Scopes }}{{ $i }}{{ $s }}{{ end }}"
		}
		first, err := secrettemplate.Render(data, values)
		Expect(err).NotTo(HaveOccurred())
		Expect(first).To(HaveLen(20))
		for range 20 {
			Expect(secrettemplate.Render(data, values)).To(Equal(first))
		}
	})

	It("gives all or nothing, and of several mistakes the one of the first key", func() {
		for range 20 {
			out, err := secrettemplate.Render(map[string]v1alpha1.TemplateText{"a": "good", "c": "{{ .C }}", "b": "{{ .B }}"}, values)
			Expect(out).To(BeNil())
			Expect(err).To(MatchError(HavePrefix(`spec.secret.template.data[b]: line 1, column 4: there is no field ".B": there are .AuthorizationEndpoint,`)))
		}
	})
})

var _ = Describe("A template is refused, with the position,", func() {
	DescribeTable("that does not parse:", func(text string, line, column int, message string) {
		refused := refusal(text)
		Expect(refused.Message).To(ContainSubstring(message))
		Expect([]int{refused.Line, refused.Column}).To(Equal([]int{line, column}))
		Expect(refused).To(MatchError(HavePrefix(fmt.Sprintf("spec.secret.template.data[key]: line %d, column %d: ", line, column))))
	},
		Entry("an action without end", "a\n b {{ .Name", 2, 4, "unclosed action"),
		Entry("a block without end", "{{ if .Name }}a\n", 2, 1, "unexpected EOF"),
		Entry("an end without block", "a\nb{{ .Name }} {{ end }}", 2, 14, "unexpected {{end}}"),
		Entry("an empty action", "ä {{ }}", 1, 3, "missing value"),
		Entry("a text without end", "{{ .Name }}{{ \"a }}", 1, 12, "unterminated quoted string"),
		Entry("an unknown variable", "{{ .Name }}\n{{ .Name }} {{ $x }}", 2, 13, "undefined variable"),
		Entry("break without range", "{{ break }}", 1, 1, "{{break}} outside {{range}}"),
	)

	DescribeTable("that means nothing:", func(text string, line, column int, message string) {
		refused := refusal(text)
		Expect(refused.Message).To(ContainSubstring(message))
		Expect([]int{refused.Line, refused.Column}).To(Equal([]int{line, column}))
	},
		Entry("an unknown field", "{{ .Password }}", 1, 4, `there is no field ".Password": there are .AuthorizationEndpoint, .ClientID,`),
		Entry("in another case", "{{ .clientID }}", 1, 4, `there is no field ".clientID"`),
		Entry("on another line, after what is not ASCII", "ä\nöü {{ .Password }}", 2, 7, "there is no field"),
		Entry("an unknown field in a branch that is not taken", "{{ if not .Name }}\n{{ .Password }}{{ end }}", 2, 4, "there is no field"),
		Entry("an unknown field in an else", "{{ if .Name }}{{ else }}{{ .Password }}{{ end }}", 1, 28, "there is no field"),
		Entry("an unknown field in a loop that does not run", "{{ range .Scopes }}{{ else }}{{ $.Password }}{{ end }}", 1, 34, "there is no field"),
		Entry("a field of a field", "{{ .Name.Length }}", 1, 9, `there is no field ".Length"`),
		Entry("a field of an element", "{{ range .Scopes }}{{ .Name }}{{ end }}", 1, 23, "write $.Name"),
		Entry("a field inside with", "{{ with .Issuer }}{{ .Name }}{{ end }}", 1, 22, "write $.Name"),
		Entry("a field of an expression", "{{ (join `,` .Scopes).Name }}", 1, 22, "there is no field"),
		Entry("no field at all", "{{ . }}", 1, 4, "names no field"),
		Entry("everything", "{{ $ }}", 1, 4, "names no field"),
		Entry("everything as JSON", "{{ json . }}", 1, 9, "names no field"),
		Entry("a list as text", "{{ .Scopes }}", 1, 4, "use join, json or range"),
		Entry("a list inside with", "{{ with .Scopes }}{{ . }}{{ end }}", 1, 22, "use join, json or range"),
		Entry("nil", "{{ eq .Name nil }}", 1, 13, "nil"),
		Entry("a fraction", "{{ eq 1 1.5 }}", 1, 9, "no whole number"),
		Entry("an unknown function", "{{ now }}", 1, 4, `there is no function "now": there are and, b64enc,`),
		Entry("an unknown function in a branch that is not taken", "{{ if not .Name }}{{ now }}{{ end }}", 1, 22, "there is no function"),
		Entry("too few arguments", "{{ join `,` }}", 1, 4, "join takes 2 arguments, and this is 1"),
		Entry("too many arguments", "{{ upper .Name .Name }}", 1, 4, "upper takes 1 arguments, and this is 2"),
		Entry("a text for a list", "{{ join `,` .Name }}", 1, 4, "argument 2 of join must be a list, and this is a text"),
		Entry("a list or a text for a text", "{{ or .Scopes .Name | upper }}", 1, 23, "argument 1 of upper must be a text"),
		Entry("a comparison of kinds", "{{ eq .Name 1 }}", 1, 4, "compares what is of one kind"),
		Entry("a field with arguments", "{{ .Name .Name }}", 1, 4, "is no function"),
		Entry("a pipe into a field", "{{ .Name | .Issuer }}", 1, 12, "is no function"),
		Entry("a range over text", "{{ range .Name }}{{ end }}", 1, 10, "range is over a list"),
		Entry("a range over variables of others", "{{ $x := .Name }}{{ range $x = .Scopes }}{{ end }}{{ $x }}", 1, 27, "range has variables of its own"),
		Entry("a variable of range in its else", "{{ range $x := .Scopes }}{{ else }}{{ $x }}{{ end }}", 1, 39, "there is no variable"),
		Entry("a variable that changes its kind", "{{ $x := .Name }}{{ $x = .Scopes }}", 1, 21, `"$x" is a text and cannot become a list`),
		Entry("a variable that is not there", "{{ $x = .Name }}", 1, 4, "there is no variable"),
	)

	DescribeTable("that uses what is not there:", func(text, message string) {
		refused := refusal(text)
		Expect(refused.Message).To(ContainSubstring(message))
		Expect(refused.Line).To(Equal(1))
	},
		Entry("printf", `{{ printf "%1000000000d" 1 }}`, "no function"),
		Entry("println", `{{ println .Name }}`, "no function"),
		Entry("call", `{{ call .Name }}`, "no function"),
		Entry("index", `{{ index .Scopes 0 }}`, "no function"),
		Entry("slice", `{{ slice .Name 1 2 }}`, "no function"),
		Entry("html", `{{ html .Name }}`, "no function"),
		Entry("js", `{{ js .Name }}`, "no function"),
		Entry("lt", `{{ lt 1 2 }}`, "no function"),
		Entry("env", `{{ env "HOME" }}`, "no function"),
		Entry("define", `{{ define "x" }}a{{ end }}`, "define and block"),
		Entry("define under the name that package template knows", `{{ define "data" }}a{{ end }}`, "define and block"),
		Entry("block", `{{ block "x" . }}a{{ end }}`, "not available"),
		Entry("template", `{{ template "x" }}`, "not available"),
		Entry("recursion", `{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`, "not available"),
		Entry("recursion of the template itself", `a{{ template "data" . }}`, "not available"),
	)
})

var _ = Describe("A template that is too much", func() {
	DescribeTable("is refused:", func(text, message string) {
		Expect(refusal(text).Message).To(ContainSubstring(message))
	},
		Entry("a range over a number", "{{ range 1000000000 }}{{ end }}", "range is over a list"),
		Entry("ranges in ranges", strings.Repeat("{{ range $.Scopes }}", 3)+"a"+strings.Repeat("{{ end }}", 3), "does too much"),
		Entry("much in a range", "{{ range .Scopes }}"+strings.Repeat("{{.}}", 400)+"{{ end }}", "does too much"),
		Entry("blocks in blocks", strings.Repeat("{{ if .Name }}", 40)+strings.Repeat("{{ end }}", 40), "nests deeper"),
		Entry("parentheses in parentheses", "{{ "+strings.Repeat("(", 40)+".Name"+strings.Repeat(")", 40)+" }}", "nests deeper"),
		Entry("very many parentheses", "{{ "+strings.Repeat("(", 15000)+".Name"+strings.Repeat(")", 15000)+" }}", ""),
		Entry("a long output", `{{ range .Scopes }}{{ $x := "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }}`+
			strings.Repeat(`{{ $x = print $x $x }}`, 12)+"{{ $x }}{{ end }}", "comes to more than 64 KiB"),
		Entry("texts that grow without output", `{{ $x := .Name }}`+strings.Repeat(`{{ $x = print $x $x $x $x }}`, 40), "long texts"),
		Entry("texts that grow by replacing", `{{ $x := .Name }}`+strings.Repeat(`{{ $x = replace "" $x $x }}`, 40), "long texts"),
		Entry("texts that grow by escaping", `{{ $x := "\\" }}`+strings.Repeat(`{{ $x = json $x }}`, 60), "long texts"),
		Entry("a long template", strings.Repeat("a", 40000), "at most 32768 bytes"),
		Entry("what is not UTF-8", "\xff", "UTF-8"),
	)

	It("is refused with the position where that is known", func() {
		refused := refusal("ä\n" + `ö{{ $x := .Name }}` + strings.Repeat(`{{ $x = print $x $x $x $x }}`, 40))
		Expect(refused.Line).To(Equal(2))
		Expect(refused.Column).To(BeNumerically(">", 30))
	})

	It("is refused as the Secret as a whole", func() {
		data := map[string]v1alpha1.TemplateText{}
		long := `{{ $x := "` + strings.Repeat("a", 1000) + `" }}` + strings.Repeat(`{{ $x = print $x $x }}`, 5) + "{{ $x }}{{ $x }}"
		for i := range 8 {
			data[fmt.Sprintf("key-%d", i)] = v1alpha1.TemplateText(long)
		}
		out, err := secrettemplate.Render(data, values)
		Expect(err).NotTo(HaveOccurred())
		Expect(out["key-0"]).To(HaveLen(64000))
		data["key-8"] = v1alpha1.TemplateText(long)
		_, err = secrettemplate.Render(data, values)
		Expect(err).To(MatchError(ContainSubstring("512 KiB")))
	})

	It("is refused in all templates of a Secret together", func() {
		data := map[string]v1alpha1.TemplateText{}
		for i := range 64 {
			data[fmt.Sprintf("key-%02d", i)] = v1alpha1.TemplateText("{{ range .Scopes }}" + strings.Repeat("{{.}}", 10) + "{{ end }}")
		}
		_, err := secrettemplate.Render(data, values)
		Expect(err).To(MatchError(ContainSubstring("does too much")))
	})

	It("has room for the longest lists", func() {
		long := values
		long.RedirectURIs = nil
		for i := range 288 {
			long.RedirectURIs = append(long.RedirectURIs, fmt.Sprintf("https://%03d.example.com/callback", i))
		}
		out, err := secrettemplate.Render(map[string]v1alpha1.TemplateText{
			"uris": "{{ range $i, $u := .RedirectURIs }}{{ if $i }}\n{{ end }}- {{ $u | trimPrefix `https://` | json }}{{ end }}",
		}, long)
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Split(string(out["uris"]), "\n")).To(HaveLen(288))
	})
})

var _ = Describe("An error", func() {
	It("holds no value", func() {
		for _, text := range []string{
			"{{ range .ClientSecret }}{{ end }}", "{{ .ClientSecret.X }}", "{{ .ClientSecret .Name }}", "{{ len 1 .ClientSecret }}",
			"{{ $x := .ClientSecret }}{{ $x.Foo }}", "{{ join .ClientSecret .ClientSecret }}", "{{ eq .ClientSecret 1 }}",
			"{{ $x := .ClientSecret }}" + strings.Repeat("{{ $x = print $x $x $x $x }}", 40),
			"{{ range .RedirectURIs }}{{ $x := $.ClientSecret }}" + strings.Repeat("{{ $x = print $x $x }}", 14) + "{{ $x }}{{ end }}",
		} {
			Expect(refusal(text).Error()).NotTo(ContainSubstring("s3cr3t"), text)
		}
	})

	It("repeats little of the template", func() {
		for _, text := range []string{
			"{{ ." + strings.Repeat("a", 5000) + " }}", "{{ " + strings.Repeat("a", 5000) + " }}",
			"{{ $" + strings.Repeat("a", 5000) + " = 1 }}", "{{ " + strings.Repeat("1", 5000) + " }}",
			"{{ .Name }} {{ $" + strings.Repeat("ä", 5000) + " }}", "{{ (.Name)." + strings.Repeat("ä", 5000) + " }}",
			"{{ .Name | `" + strings.Repeat("ä", 5000) + "` }}", "{{ template `" + strings.Repeat("x", 5000) + "` }}",
		} {
			Expect(len(refusal(text).Error())).To(BeNumerically("<", 600), text)
		}
	})
})
