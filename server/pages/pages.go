// Package pages is what people see: the login page, the consent page, those of a
// device, the pages of a logout and the error page. It is a leaf that knows how to show things to people and to keep
// other sites out of them, and nothing of what they mean.
//
// The pages work without JavaScript and contain none, but for the one of
// FormPost, which refers to some. Every field and button has
// a stable id, for people's password managers and scripts: form#login with
// #username, #password and #submit; form#consent with #allow and #deny, and
// form#switch with #another; form#device with #user_code and #next; #error-code on the error page, #message wherever
// something went wrong but can be tried again.
package pages

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

//go:embed templates/*.html
var templateFiles embed.FS

// One set of templates for each page, each with the common frame.
var (
	loginTemplate   = parse("login")
	consentTemplate = parse("consent")
	errorTemplate   = parse("error")
)

func parse(name string) *template.Template {
	return template.Must(template.New("frame.html").
		Funcs(template.FuncMap{"initial": initial, "lasting": lasting}).
		ParseFS(templateFiles, "templates/frame.html", "templates/"+name+".html"))
}

// Options of Pages.
type Options struct {
	// Name is the name of the place that people log in to.
	Name string

	// Assets is the URL that Assets is served under. It ends with a slash.
	Assets string

	// Notice is what people have to know on every page. "" for nothing.
	Notice string
}

// Pages are the pages of one issuer. They are safe for concurrent use.
type Pages struct {
	frame  frame
	assets string
}

// frame is what all pages have in common.
type frame struct {
	Site       string
	Notice     string
	Stylesheet string
	Icon       string
}

// New returns the pages.
func New(o Options) *Pages {
	return &Pages{assets: o.Assets, frame: frame{
		Site:       o.Name,
		Notice:     o.Notice,
		Stylesheet: o.Assets + stylesheet.name,
		Icon:       o.Assets + icon.name,
	}}
}

// Login is the content of the login page.
type Login struct {
	Action string // URL that the form is posted to
	State  string // hidden field state

	// Client is the name of what the person logs in for: "" for a device whose
	// code is yet to be entered.
	Client string

	// Username is what the field is filled with.
	Username string

	// Message says what went wrong with the last try: "" before the first.
	Message string

	// ReturnTo is the URL that a successful login leads to in the end.
	ReturnTo string
}

// Consent is the content of the consent page. Both its forms have the fields
// state and decision.
type Consent struct {
	Action string // URL that both forms are posted to
	State  string // hidden field state

	Client   string
	ClientID string

	// Destination says where the person will be sent.
	Destination string

	// Name and Username of the account. Name may be "".
	Name     string
	Username string

	// Scopes are descriptions of what is asked for.
	Scopes []string

	// Lifetime is how long what is allowed lasts at most: #lifetime (RFC 6749
	// §10.2). Nothing is said of 0.
	Lifetime time.Duration

	// Links are what the client says about itself: on https, and nothing is
	// loaded from there.
	Links []Link

	// ReturnTo is the URL that either answer leads to.
	ReturnTo string
}

// Link leads to a page of the client.
type Link struct{ Text, URL string }

// LinksOf returns what a client says about itself, as far as it has said
// something (OpenID Connect Registration §2, client_uri, policy_uri, tos_uri).
// There is no logo: one of another site would let that site see who logs in where
// (RFC 9700 §4.2.4).
func LinksOf(clientURI, policyURI, tosURI string) []Link {
	var links []Link
	for _, l := range []Link{
		{Text: "Website", URL: clientURI},
		{Text: "Privacy policy", URL: policyURI},
		{Text: "Terms of service", URL: tosURI},
	} {
		if strings.HasPrefix(l.URL, "https://") {
			links = append(links, l)
		}
	}
	return links
}

// Values of the field decision of the consent page.
const (
	DecisionAllow  = "allow"
	DecisionDeny   = "deny"
	DecisionSwitch = "switch" // use another account
)

// Error is the content of the error page.
type Error struct {
	Status int // of HTTP

	// Code is a short name for scripts and support, such as unknown_client.
	Code string

	// Title is what happened, Text what to do about it: sentences for people.
	Title string
	Text  string

	// Details help whoever has to put it right. They may hold what a stranger
	// sent: they are shown as such, and not at length.
	Details []Detail
}

// Detail is one value shown on the error page.
type Detail struct {
	Name  string
	Value string
}

// Login writes the login page.
func (p *Pages) Login(w http.ResponseWriter, status int, v Login) {
	write(w, status, loginTemplate, policy(v.ReturnTo), struct {
		frame
		Login
	}{p.frame, v})
}

// Consent writes the consent page.
func (p *Pages) Consent(w http.ResponseWriter, v Consent) {
	write(w, http.StatusOK, consentTemplate, policy(v.ReturnTo), struct {
		frame
		Consent
	}{p.frame, v})
}

// maxDetail is how many bytes of a detail are shown.
const maxDetail = 256

// Error writes the error page.
func (p *Pages) Error(w http.ResponseWriter, v Error) {
	details := make([]Detail, 0, len(v.Details))
	for _, d := range v.Details {
		details = append(details, Detail{Name: d.Name, Value: shorten(d.Value, maxDetail)})
	}
	v.Details = details
	write(w, v.Status, errorTemplate, policy(""), struct {
		frame
		Error
	}{p.frame, v})
}

// write renders first and answers then, so that nobody sees half a page.
func write(w http.ResponseWriter, status int, t *template.Template, policy string, data any) {
	var page bytes.Buffer
	if err := t.Execute(&page, data); err != nil {
		// The templates and their data are fixed: only a fault of ours gets here.
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	protect(w.Header(), policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // the browser that has gone away needs no page
}

// lasting returns a time in words, in the largest unit that has no remainder. Parts
// of a second are left out: no lifetime has any.
func lasting(d time.Duration) string {
	unit, name := time.Second, "second"
	for _, larger := range []struct {
		unit time.Duration
		name string
	}{{time.Minute, "minute"}, {time.Hour, "hour"}, {24 * time.Hour, "day"}} {
		if d%larger.unit == 0 {
			unit, name = larger.unit, larger.name
		}
	}
	if d/unit != 1 {
		name += "s"
	}
	return strconv.FormatInt(int64(d/unit), 10) + " " + name
}

// initial returns the first letter or digit of a name, for a monogram.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "·"
}

// shorten cuts s after at most n bytes, between two characters.
func shorten(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
