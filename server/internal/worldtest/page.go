package worldtest

import (
	"net/http"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/html"
)

// Page is the page or the redirect that a visit ended with.
type Page struct {
	Status   int
	Address  string // of the page itself
	Header   http.Header
	Location string
	Query    url.Values // of the location
	Body     string
	Doc      *html.Node
}

// ErrorCode returns what the error page shows: "" on any other page.
func (p Page) ErrorCode() string { return p.Text("error-code") }

// ByID returns the element with that id: nil for none.
func (p Page) ByID(id string) *html.Node {
	return Find(p.Doc, func(n *html.Node) bool { return Attr(n, "id") == id })
}

// Text returns what a person reads in the element with that id: "" for none.
func (p Page) Text(id string) string { return Text(p.ByID(id)) }

// Attr returns an attribute of the element with that id, which has to be there.
func (p Page) Attr(id, name string) string {
	GinkgoHelper()
	n := p.ByID(id)
	Expect(n).NotTo(BeNil(), "no element %s: %d %s", id, p.Status, p.Body)
	return Attr(n, name)
}

// Form returns the form that the button with that id stands in, and its fields as the
// button sends them.
func (p Page) Form(button string) (form *html.Node, fields url.Values) {
	GinkgoHelper()
	pressed := p.ByID(button)
	Expect(pressed).NotTo(BeNil(), "no button %s: %d %s", button, p.Status, p.Body)
	form = pressed
	for form.Data != "form" {
		form = form.Parent
	}
	fields = url.Values{}
	for _, input := range All(form, func(n *html.Node) bool { return n.Data == "input" }) {
		fields.Set(Attr(input, "name"), Attr(input, "value"))
	}
	if name := Attr(pressed, "name"); name != "" {
		fields.Set(name, Attr(pressed, "value"))
	}
	return form, fields
}

// All returns the elements below a node for which is returns true, in their order.
func All(n *html.Node, is func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for child := range n.Descendants() {
		if child.Type == html.ElementNode && is(child) {
			found = append(found, child)
		}
	}
	return found
}

// Find returns the first of All: nil for none.
func Find(n *html.Node, is func(*html.Node) bool) *html.Node {
	if found := All(n, is); len(found) > 0 {
		return found[0]
	}
	return nil
}

// Attr returns an attribute of an element: "" for none.
func Attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Text returns what a person reads in an element: "" where there is none.
func Text(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for child := range n.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data)
		}
	}
	return strings.TrimSpace(b.String())
}
