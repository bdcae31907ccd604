package protocoltest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"
)

const deviceCodeGrant = "urn:ietf:params:oauth:grant-type:device_code"

// device returns the client of the configuration that runs on a device.
func (p *probe) device() Client {
	p.endpoint("device_authorization_endpoint")
	if p.config.Device.Client.ID == "" {
		p.notSupported("The configuration has no client with the device grant.")
	}
	return p.config.Device.Client
}

// begun sends a good device authorization request, changed by pairs of name and
// value. The value "-" leaves a parameter out.
func (p *probe) begun(c Client, changes ...string) reply {
	fields := change(values("scope", p.config.Scope), changes)
	header := credentials(c, fields)
	return p.post(p.endpoint("device_authorization_endpoint"), fields.Encode(), header...)
}

// codes sends a good device authorization request, and expects its codes.
func (p *probe) codes(c Client) reply {
	r := p.begun(c)
	p.expect(r.text("device_code") != "" && r.text("user_code") != "" && r.text("verification_uri") != "", "expected codes, %s", r.came())
	return r
}

// polled sends a device access token request.
func (p *probe) polled(c Client, code string) reply {
	return p.token(c, values("grant_type", deviceCodeGrant, "device_code", code))
}

// enter has somebody who is logged in type the user code, and returns the page that
// asks for the consent. Another replica than that of the device may have to wait
// until the device polls.
func (p *probe) enter(b *browser, c Client, begun reply, typed string) reply {
	page := p.follow(b, p.send(b.jar, http.MethodGet, begun.text("verification_uri"), ""))
	for range hops {
		if _, asked := p.button(page, p.config.Consent.Allow); asked {
			return page
		}
		next, waits := refresh(page)
		entry, ok := p.entry(page)
		switch {
		case page.status == http.StatusTooManyRequests:
			p.pause(page) // for those who have tried before us
			page = p.follow(b, p.send(b.jar, http.MethodGet, begun.text("verification_uri"), ""))
		case ok:
			entry.values.Set(p.config.Device.UserCodeField, typed)
			page = p.follow(b, p.submit(b, page, entry))
		case waits:
			p.polled(c, begun.text("device_code"))
			page = p.follow(b, p.send(b.jar, http.MethodGet, next, ""))
		default:
			p.fail("expected a page for the user code, %s", page.came())
		}
	}
	p.fail("the page for the user code leads to no consent")
	return page
}

// pause waits for as long as an answer asks for, and for a minute at most.
func (p *probe) pause(r reply) {
	seconds, err := strconv.Atoi(r.header.Get("Retry-After"))
	if err != nil || seconds > 60 {
		seconds = 60
	}
	timer := time.NewTimer(time.Duration(seconds) * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
	}
}

// follow follows the redirects of the server itself.
func (p *probe) follow(b *browser, r reply) reply {
	for range hops {
		if r.location == nil || !strings.HasPrefix(r.location.String(), origin(p.config.Issuer)+"/") {
			return r
		}
		r = p.send(b.jar, http.MethodGet, r.location.String(), "")
	}
	return r
}

// entry returns the form with the field for the user code.
func (p *probe) entry(page reply) (webForm, bool) {
	for _, f := range forms(page.body) {
		if _, ok := f.field(p.config.Device.UserCodeField); ok {
			return f, true
		}
	}
	return webForm{}, false
}

// button returns the form with that button, pressed.
func (p *probe) button(page reply, id string) (webForm, bool) {
	for _, f := range forms(page.body) {
		if pressed, ok := f.buttons[id]; ok {
			f.values.Set(pressed[0], pressed[1])
			return f, true
		}
	}
	return webForm{}, false
}

// refresh returns where a page goes on by itself.
func refresh(page reply) (string, bool) {
	root, err := html.Parse(strings.NewReader(page.body))
	if err != nil {
		return "", false
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "meta" && strings.EqualFold(attr(n, "http-equiv"), "refresh") {
			_, address, ok := strings.Cut(attr(n, "content"), "url=")
			return address, ok
		}
	}
	return "", false
}

// decided has the person answer the device with that button.
func (p *probe) decided(c Client, button string, typed func(code string) string) (begun, answer reply) {
	begun = p.codes(c)
	b := p.somebody()
	page := p.enter(b, c, begun, typed(begun.text("user_code")))
	f, ok := p.button(page, button)
	p.expect(ok, "expected a button %s on the page that asks for the consent", button)
	return begun, p.follow(b, p.submit(b, page, f))
}

func asShown(code string) string { return code }

// allowed returns a request that the person has allowed.
func (p *probe) allowed(c Client) reply {
	begun, answer := p.decided(c, p.config.Consent.Allow, asShown)
	p.expect(answer.status < http.StatusBadRequest, "expected the person to be sent back to the device, %s", answer.came())
	return begun
}

// deviceGrant is RFC 8628.
func deviceGrant() []Case {
	return append(deviceRequests(), deviceTokens()...)
}

func deviceRequests() []Case {
	const rfc = "RFC 8628"
	return []Case{
		{rfc, "3.1", "authentication", Must, "A confidential client authenticates.", func(p *probe) {
			p.device()
			p.unauthenticated(p.post(p.endpoint("device_authorization_endpoint"), values("client_id", p.config.Confidential.ID).Encode()))
		}},
		{rfc, "3.1", "once", Must, "No parameter is sent twice.", func(p *probe) {
			c := p.device()
			fields := values("scope", p.config.Scope, "scope", p.config.Scope)
			header := credentials(c, fields)
			p.uncoded(p.post(p.endpoint("device_authorization_endpoint"), fields.Encode(), header...), "invalid_request")
		}},
		{rfc, "3.1", "POST", Must, "The endpoint answers POST alone.", func(p *probe) {
			c := p.device()
			r := p.send(nil, http.MethodGet, p.endpoint("device_authorization_endpoint")+"?"+url.Values{"client_id": {c.ID}}.Encode(), "")
			p.expect(r.status >= 400 && r.text("device_code") == "", "expected a 4xx status, %s", r.came())
		}},
		{rfc, "3.1", "scope", Must, "A scope that does not exist is invalid_scope.", func(p *probe) {
			p.uncoded(p.begun(p.device(), "scope", "x-never-allowed"), "invalid_scope")
		}},
		{rfc, "3.2", "", Must, "A device gets its codes, and nobody keeps the answer.", func(p *probe) {
			r := p.codes(p.device())
			lifetime, _ := r.json["expires_in"].(float64)
			p.expect(lifetime > 0, "expected expires_in to be a number of seconds")
			p.expect(strings.Contains(r.header.Get("Cache-Control"), "no-store"), "expected Cache-Control: no-store")
		}},
		{rfc, "3.2", "own", Must, "Every request has codes of its own.", func(p *probe) {
			c := p.device()
			one, two := p.codes(c), p.codes(c)
			p.expect(one.text("device_code") != two.text("device_code") && one.text("user_code") != two.text("user_code"), "expected other codes the second time")
		}},
		{rfc, "3.3.1", "", Must, "The complete address allows nothing by itself.", func(p *probe) {
			c := p.device()
			r := p.codes(c)
			address := r.text("verification_uri_complete")
			if address == "" {
				p.notSupported("There is no verification_uri_complete.")
			}
			b := p.somebody()
			p.follow(b, p.send(b.jar, http.MethodGet, address, ""))
			p.refused(p.polled(c, r.text("device_code")), http.StatusBadRequest, "authorization_pending")
		}},
		{rfc, "4", "", Must, "The metadata that have the endpoint list the grant.", func(p *probe) {
			p.endpoint("device_authorization_endpoint")
			p.expect(p.offers("grant_types_supported", deviceCodeGrant), "expected grant_types_supported to have the device grant")
		}},
	}
}

// uncoded expects an error of the device authorization endpoint and no codes.
func (p *probe) uncoded(r reply, code string) {
	p.expect(r.text("device_code") == "" && r.text("user_code") == "", "expected no codes")
	p.expect(r.status == http.StatusBadRequest && r.text("error") == code, "expected 400 with error %s, %s", code, r.came())
}

func deviceTokens() []Case {
	const rfc = "RFC 8628"
	return []Case{
		{rfc, "3.3", "", Must, "A device whose code was entered and allowed gets tokens.", func(p *probe) {
			c := p.device()
			p.granted(p.polled(c, p.allowed(c).text("device_code")))
		}},
		{rfc, "5.4", "consent", Choice, "A code that was entered is not yet allowed.", func(p *probe) {
			c := p.device()
			r := p.codes(c)
			p.enter(p.somebody(), c, r, r.text("user_code"))
			again := p.polled(c, r.text("device_code"))
			p.refused(again, http.StatusBadRequest, "authorization_pending", "slow_down")
		}},
		{rfc, "6.1", "", Should, "A user code is read in lower case and without punctuation.", func(p *probe) {
			c := p.device()
			begun, _ := p.decided(c, p.config.Consent.Allow, func(code string) string {
				return strings.ToLower(strings.ReplaceAll(code, "-", " "))
			})
			p.granted(p.polled(c, begun.text("device_code")))
		}},
		{rfc, "3.5", "pending", Must, "Before the person has decided there is authorization_pending.", func(p *probe) {
			c := p.device()
			p.refused(p.polled(c, p.codes(c).text("device_code")), http.StatusBadRequest, "authorization_pending")
		}},
		{rfc, "3.5", "denied", Must, "A device that was denied is told so.", func(p *probe) {
			c := p.device()
			begun, _ := p.decided(c, p.config.Consent.Deny, asShown)
			p.refused(p.polled(c, begun.text("device_code")), http.StatusBadRequest, "access_denied")
		}},
		{rfc, "3.5", "slow", Should, "A device that polls too often is told to slow down.", func(p *probe) {
			c := p.device()
			r := p.codes(c)
			p.refused(p.polled(c, r.text("device_code")), http.StatusBadRequest, "authorization_pending")
			p.refused(p.polled(c, r.text("device_code")), http.StatusBadRequest, "slow_down")
		}},
		{rfc, "3.4", "missing", Must, "The device_code is required.", func(p *probe) {
			c := p.device()
			p.refused(p.token(c, values("grant_type", deviceCodeGrant)), http.StatusBadRequest, "invalid_request")
		}},
		{rfc, "3.4", "unknown", Must, "An unknown device_code is invalid_grant.", func(p *probe) {
			p.refused(p.polled(p.device(), "x-unknown"), http.StatusBadRequest, "invalid_grant")
		}},
		{rfc, "3.4", "client", Must, "The device_code of another client gives nothing.", func(p *probe) {
			c := p.device()
			r := p.allowed(c)
			p.refused(p.polled(p.config.Confidential, r.text("device_code")), http.StatusBadRequest, "invalid_grant", "unauthorized_client")
			p.granted(p.polled(c, r.text("device_code")))
		}},
		{rfc, "3.4", "twice", Choice, "A device_code is good once.", func(p *probe) {
			c := p.device()
			code := p.allowed(c).text("device_code")
			p.granted(p.polled(c, code))
			p.refused(p.polled(c, code), http.StatusBadRequest, "invalid_grant", "slow_down", "expired_token")
		}},
	}
}
