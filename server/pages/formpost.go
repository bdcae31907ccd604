package pages

import (
	_ "embed" // for the script
	"net/http"
)

var (
	//go:embed assets/submit.js
	submitJS string

	submitScript = newAsset("submit.js", "text/javascript; charset=utf-8", submitJS)

	formPostTemplate = parse("formpost")
)

// FormPost is the content of the page that sends itself on to a client (OAuth
// 2.0 Form Post Response Mode). Its form#respond is sent by a script, which is an
// asset and not in the page, so that the policy of the page needs no exception;
// and by #continue where no script runs.
type FormPost struct {
	// Action is the URL that the form is posted to: http or https.
	Action string

	Fields []Field

	// Destination says where the person is sent.
	Destination string
}

// Field is a hidden field of a form.
type Field struct{ Name, Value string }

// FormPost writes the page that sends itself on.
func (p *Pages) FormPost(w http.ResponseWriter, v FormPost) {
	write(w, http.StatusOK, formPostTemplate, policy(v.Action)+"; script-src 'self'", struct {
		frame
		FormPost
		Script string
	}{p.frame, v, p.assets + submitScript.name})
}
