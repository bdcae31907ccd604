package secrettemplate_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"oauth-operator.dev/api/secrettemplate"
	"oauth-operator.dev/api/v1alpha1"
)

// FuzzRender renders whatever there is: it ends, comes to no more than it may,
// gives the same again, and says of what it refuses where that is, without a
// value. What is accepted for one client is so for another, lengths aside.
func FuzzRender(f *testing.F) {
	for _, seed := range []string{
		"{{ .ClientID }}", "{{ range $i, $s := .Scopes }}{{ if $i }} {{ end }}{{ $s | upper }}{{ else }}{{ $.Name }}{{ end }}",
		"{{ with $x := .Issuer }}{{ $x = print $x . }}{{ json $x }}{{ end }}", "{{ and .Name .Scopes | json }}",
		"{{ if eq (len .Scopes) 2 }}{{ b64enc (print .ClientID `:` .ClientSecret) }}{{ end }}", "{{ define `x` }}{{ end }}",
		"{{ .Name | replace `a` `b` | trimPrefix `w` | trimSuffix `p` | quote }}", "{{ range .ClientSecret }}{{ break }}{{ end }}",
	} {
		f.Add(seed)
	}
	const marker = "7h3s3cr37"
	full := values
	full.ClientSecret = marker
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, marker) {
			return
		}
		data := map[string]v1alpha1.TemplateText{"key": v1alpha1.TemplateText(text)}
		out, err := secrettemplate.Render(data, full)
		again, errAgain := secrettemplate.Render(data, full)
		if (err == nil) != (errAgain == nil) || !bytes.Equal(out["key"], again["key"]) {
			t.Fatalf("%q gives one thing and then another", text)
		}
		_, errEmpty := secrettemplate.Render(data, secrettemplate.Values{})
		if err == nil {
			if len(out["key"]) > 64<<10 {
				t.Fatalf("%q comes to %d bytes", text, len(out["key"]))
			}
			if errEmpty != nil {
				t.Fatalf("%q is accepted with values and refused without: %v", text, errEmpty)
			}
			return
		}
		var refused *secrettemplate.Error
		if !errors.As(err, &refused) || out != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if strings.Contains(err.Error(), marker) || len(err.Error()) > 1024 || !utf8.ValidString(err.Error()) {
			t.Fatalf("%q: the error is %q", text, err)
		}
		if refused.Message == "" || refused.Message == "cannot be rendered" {
			t.Fatalf("%q fails after it was judged: %v", text, err)
		}
		if refused.Line > 0 && (refused.Line > strings.Count(text, "\n")+1 || refused.Column < 1 || refused.Column > len(text)+1) {
			t.Fatalf("%q: position %d:%d is not in it", text, refused.Line, refused.Column)
		}
	})
}
