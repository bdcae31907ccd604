package protocoltest

import (
	"net/http"
)

// consents is RFC 6749 §10.2, and §10.12 and §10.13 for the page that asks.
func consents() []Case {
	const rfc = "RFC 6749"
	return []Case{
		{rfc, "10.2", "silent", Should, "Nobody allows a public client anything without being asked.", func(p *probe) {
			c := p.config.Public
			p.openIDOnly()
			r := p.authorizeAs(p.somebody(), p.ask(c).Encode())
			p.expect(r.query.Get("code") != "", "expected a code once the person has agreed, %s", r.came())
			r = p.send(p.somebody().jar, http.MethodGet, p.authorizeURL(p.ask(c, "prompt", "none").Encode()), "")
			p.told(r, c, "consent_required", "interaction_required")
		}},
		{rfc, "10.12", "consent", Must, "A consent form that another site sends, or another browser, allows nothing.", func(p *probe) {
			b, page, f := p.consentPage()
			pressed := f.buttons[p.config.Consent.Allow]
			blank := webForm{action: f.action, values: values(pressed[0], pressed[1])}
			f.values.Set(pressed[0], pressed[1])
			action, err := page.from.Parse(f.action)
			p.expect(err == nil, "expected a form that leads to a URL")
			foreign := []string{"Content-Type", form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}
			// The other site can have the browser send a form, but does not know what is in ours.
			p.nothing(p.send(b.jar, http.MethodPost, action.String(), blank.values.Encode(), foreign...))
			// It knows what is in a page of its own browser.
			p.nothing(p.send(p.stranger().jar, http.MethodPost, action.String(), f.values.Encode(), foreign...))
			// And the form was a good one.
			r := p.walk(b, p.submit(b, page, f))
			p.expect(r.query.Get("code") != "", "expected a code once the person has agreed, %s", r.came())
		}},
		{rfc, "10.13", "consent", Should, "The consent page refuses to be framed.", func(p *probe) {
			_, page, _ := p.consentPage()
			p.unframed(page)
		}},
		{rfc, "10.12", "logout", Must, "A form that another site sends logs nobody out.", func(p *probe) {
			address := p.endpoint("end_session_endpoint")
			b, _ := p.loggedIn()
			p.send(b.jar, http.MethodPost, address, values("client_id", p.config.Confidential.ID).Encode(),
				"Content-Type", form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
			p.expect(p.silently(b).query.Get("code") != "", "expected that the person is still logged in")
		}},
	}
}

// consentPage logs a person in, with a browser of its own, up to the page that asks
// for consent, and returns that with its form.
func (p *probe) consentPage() (*browser, reply, webForm) {
	if p.config.Login.Username == "" {
		p.notSupported("The configuration does not say how to log in with a form.")
	}
	b := p.stranger()
	b.stay = true
	page := p.authorizeAs(b, p.ask(p.config.Confidential, "prompt", "consent").Encode())
	for _, f := range forms(page.body) {
		if _, ok := f.buttons[p.config.Consent.Allow]; ok {
			b.stay = false
			return b, page, f
		}
	}
	p.notSupported("The server does not ask for consent.")
	return nil, page, webForm{}
}
