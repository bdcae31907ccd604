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

// Text returns the text of the element with that id, or "" if there is none.
func (p *Page) Text(id string) string {
	n := p.find(id)
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
	root, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		return nil
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "id") == id {
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
