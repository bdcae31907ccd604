package person

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

func (p *Page) has(form string) bool {
	_, ok := p.forms[form]
	return ok
}

// Title returns the title of the page.
func (p *Page) Title() string {
	return text(p.first(func(n *html.Node) bool { return n.Data == "title" }))
}

// Text returns the text of the element with that id, or "" if there is none.
func (p *Page) Text(id string) string { return text(p.find(id)) }

func text(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// button returns what a button of that id sends.
func (p *Page) button(id string) (name, value string, ok bool) {
	n := p.find(id)
	if n == nil || n.Data != "button" {
		return "", "", false
	}
	return attribute(n, "name"), attribute(n, "value"), true
}

func (p *Page) find(id string) *html.Node {
	return p.first(func(n *html.Node) bool { return attribute(n, "id") == id })
}

// first returns the first element of the page that is meant.
func (p *Page) first(meant func(*html.Node) bool) *html.Node {
	root, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		return nil
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && meant(n) {
			return n
		}
	}
	return nil
}

// collect finds the forms of a page, and of each what it sends as it stands.
func (p *Page) collect(root *html.Node) {
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		f := form{action: attribute(n, "action"), values: url.Values{}}
		for field := range n.Descendants() {
			if field.Type == html.ElementNode && field.Data == "input" && attribute(field, "name") != "" {
				f.values.Add(attribute(field, "name"), attribute(field, "value"))
			}
		}
		p.forms[attribute(n, "id")] = f
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
