package protocoltest

import (
	"net/http"
	"strings"
)

const (
	tokenExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
)

// swap returns the exchange of the configuration.
func (p *probe) swap() Swap {
	if !p.offers("grant_types_supported", tokenExchange) {
		p.notSupported("The metadata do not list token exchange.")
	}
	if p.config.Exchange.Client.ID == "" {
		p.notSupported("The configuration has no token exchange.")
	}
	return p.config.Exchange
}

// exchanged sends a good token exchange request, changed by pairs of name and
// value. The value "-" leaves a parameter out.
func (p *probe) exchanged(s Swap, token string, changes ...string) reply {
	return p.token(s.Client, change(values("grant_type", tokenExchange, "subject_token", token,
		"subject_token_type", accessTokenType, "resource", s.To), changes))
}

// swapped is a case that has tokens of the confidential client for the first of
// the resources.
func swapped(section, item string, level Level, says string, run func(p *probe, s Swap, tokens reply)) Case {
	return Case{"RFC 8693", section, item, level, says, func(p *probe) {
		s := p.swap()
		run(p, s, p.tokens(p.config.Confidential, "resource", s.From))
	}}
}

// wrong is a case of a request that is good but for some parameters.
func wrong(section, item, says, code string, changes ...string) Case {
	return swapped(section, item, Must, says, func(p *probe, s Swap, tokens reply) {
		p.granted(p.exchanged(s, tokens.text("access_token")))
		p.refused(p.exchanged(s, tokens.text("access_token"), changes...), http.StatusBadRequest, code)
	})
}

// exchange is RFC 8693.
func exchange() []Case {
	cases := []Case{
		wrong("2.1", "missing", "The subject_token is required.", "invalid_request", "subject_token", "-"),
		wrong("2.1", "type", "The subject_token_type is required.", "invalid_request", "subject_token_type", "-"),
		wrong("2.1", "bad", "A bad subject_token is invalid_request.", "invalid_request", "subject_token", "x"),
		wrong("2.1", "actor", "An actor_token_type without actor_token is invalid_request.", "invalid_request", "actor_token_type", accessTokenType),
		wrong("2.2.2", "target", "An unknown resource is invalid_target.", "invalid_target", "resource", "https://nowhere.invalid/"),
		wrong("2.2.2", "requested", "An unknown requested_token_type is invalid_request.", "invalid_request", "requested_token_type", "urn:example:unknown"),
	}
	return append(cases, exchangeAnswers()...)
}

func exchangeAnswers() []Case {
	return []Case{
		swapped("2.2.1", "answer", Must, "The answer says what was issued, and nobody keeps it.", func(p *probe, s Swap, tokens reply) {
			r := p.exchanged(s, tokens.text("access_token"))
			p.granted(r)
			p.expect(r.text("issued_token_type") == accessTokenType, "expected issued_token_type to be that of an access token")
			p.expect(strings.EqualFold(r.text("token_type"), "Bearer"), "expected the token_type Bearer")
			p.expect(strings.Contains(r.header.Get("Cache-Control"), "no-store"), "expected Cache-Control: no-store")
		}),
		swapped("2.2.1", "refresh", Should, "There is no refresh token for what is good for a moment.", func(p *probe, s Swap, tokens reply) {
			r := p.exchanged(s, tokens.text("access_token"))
			p.granted(r)
			p.expect(r.json["refresh_token"] == nil, "expected no refresh token")
		}),
		swapped("4.1", "act", Choice, "The token is for the target, and says who acts, and how long is left.", func(p *probe, s Swap, tokens reply) {
			r := p.exchanged(s, tokens.text("access_token"))
			p.granted(r)
			_, was := decode(tokens.text("access_token"))
			_, is := decode(r.text("access_token"))
			if was == nil || is == nil {
				p.notSupported("Access tokens are no JWTs.")
			}
			act, _ := is["act"].(map[string]any)
			p.expect(act["sub"] == s.Client.ID, "expected act to name the client that exchanged the token")
			p.expect(is["aud"] == s.To, "expected aud to be the target")
			until, _ := is["exp"].(float64)
			end, _ := was["exp"].(float64)
			p.expect(until <= end, "expected a token that is good for no longer than the first")
		}),
		swapped("2.1", "kind", Must, "A refresh token and an ID token are no access token.", func(p *probe, s Swap, tokens reply) {
			for _, name := range []string{"refresh_token", "id_token"} {
				if token := tokens.text(name); token != "" {
					p.refused(p.exchanged(s, token), http.StatusBadRequest, "invalid_request")
				}
			}
		}),
		swapped("2.1", "authentication", Must, "Nobody exchanges tokens without authentication.", func(p *probe, s Swap, tokens reply) {
			p.granted(p.exchanged(s, tokens.text("access_token")))
			s.Client.Secret += "x"
			p.unauthenticated(p.exchanged(s, tokens.text("access_token")))
		}),
		swapped("5", "audience", Choice, "A client that the token is not meant for gets nothing for it.", func(p *probe, s Swap, _ reply) {
			other := p.tokens(p.config.Confidential)
			p.refused(p.exchanged(s, other.text("access_token")), http.StatusBadRequest, "invalid_request", "invalid_grant", "invalid_target")
		}),
		swapped("5", "revoked", Choice, "A token whose grant was revoked is good for nothing.", func(p *probe, s Swap, tokens reply) {
			p.granted(p.exchanged(s, tokens.text("access_token")))
			fields := values("token", tokens.text("access_token"))
			header := credentials(p.config.Confidential, fields)
			p.post(p.endpoint("revocation_endpoint"), fields.Encode(), header...)
			p.refused(p.exchanged(s, tokens.text("access_token")), http.StatusBadRequest, "invalid_request", "invalid_grant")
		}),
		swapped("2.1", "scope", Must, "The scope is no more than was allowed.", func(p *probe, s Swap, tokens reply) {
			p.granted(p.exchanged(s, tokens.text("access_token")))
			r := p.exchanged(s, tokens.text("access_token"), "scope", "x-never-allowed")
			p.refused(r, http.StatusBadRequest, "invalid_scope")
		}),
	}
}
