package protocoltest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
)

// publishedKeys is RFC 7591 §2 of jwks_uri.
func publishedKeys() []Case {
	const rfc = "RFC 7591"
	foreign := func(p *probe, keyID string) {
		c, _ := p.publisher()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			p.fail("no key could be made")
		}
		a := p.assertion(c, key)
		a.header["kid"] = keyID
		p.unauthenticated(p.present(c, a.String()))
	}
	return []Case{
		{rfc, "2", "jwks_uri", Must, "A key that is at the jwks_uri of a client authenticates it.", func(p *probe) {
			c, key := p.publisher()
			p.granted(p.present(c, p.assertion(c, key).String()))
		}},
		{rfc, "2", "jwks_uri foreign", Must, "A key that is not at the jwks_uri is refused, also by a kid that is there.", func(p *probe) {
			foreign(p, p.config.Publisher.KeyID)
		}},
		{rfc, "2", "jwks_uri kid", Must, "A kid that is not at the jwks_uri is refused, and the client is let in afterwards.", func(p *probe) {
			foreign(p, rand.Text())
			c, key := p.publisher()
			p.granted(p.present(c, p.assertion(c, key).String()))
		}},
		{rfc, "2", "jwks_uri jku", Must, "An address of keys that the assertion brings along is not used.", func(p *probe) {
			c, key := p.publisher()
			a := p.assertion(c, key)
			a.header["jku"] = p.config.Issuer + "/keys-of-an-attacker"
			p.unauthenticated(p.present(c, a.String()))
		}},
	}
}

// publisher returns the client whose keys are at its jwks_uri, and its key.
func (p *probe) publisher() (Client, *ecdsa.PrivateKey) {
	c := p.config.Publisher
	if c.ID == "" {
		p.notSupported("The configuration has no client with a jwks_uri.")
	}
	key, err := c.key()
	if err != nil {
		p.fail("the private key of the configuration cannot be used")
	}
	return c, key
}
