package protocoltest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
)

// Config says which authorization server to ask, and as whom.
type Config struct {
	Issuer       string  `json:"issuer"`
	Confidential Client  `json:"confidential"`
	Other        Client  `json:"other"`     // a second confidential client
	Public       Client  `json:"public"`    // native: its redirect URI is one on loopback
	Signer       Client  `json:"signer"`    // one with private_key_jwt and an EC key on P-256
	Publisher    Client  `json:"publisher"` // one whose key is at its jwks_uri
	Exchange     Swap    `json:"exchange"`  // of access tokens, if it is supported
	Device       Device  `json:"device"`    // whose client runs on a device, if there is one
	Scope        string  `json:"scope"`     // that all clients may ask for; with two or more values, narrowing is tested too
	Login        Login   `json:"login"`
	Consent      Consent `json:"consent"`

	// Transport carries the requests. Nil for the default one.
	Transport http.RoundTripper `json:"-"`
}

// Client is a registered client.
type Client struct {
	ID           string   `json:"id"`
	Secret       string   `json:"secret,omitempty"`
	AuthMethod   string   `json:"authMethod,omitempty"` // client_secret_basic (the default with a secret), client_secret_post or none
	RedirectURIs []string `json:"redirectURIs"`

	// Of a client with private_key_jwt: a PKCS #8 private key in PEM, and its kid.
	PrivateKey string `json:"privateKey,omitempty"`
	KeyID      string `json:"keyID,omitempty"`
}

// Swap is a token exchange that is allowed: the client may exchange an access token
// that the confidential client has for one resource for one that is for another.
type Swap struct {
	Client Client `json:"client"` // a confidential one; it needs no redirect URI
	From   string `json:"from"`   // a resource that the confidential client may ask for
	To     string `json:"to"`     // another one
}

// Device is a client with the device grant, and how its page is used.
type Device struct {
	Client        Client `json:"client"`                  // public or confidential; it needs no redirect URI
	UserCodeField string `json:"userCodeField,omitempty"` // name of the field; "user_code" if empty
}

// key returns the private key of a client that signs assertions.
func (c Client) key() (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(c.PrivateKey))
	if block == nil {
		return nil, errNoKey
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errNoKey
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errNoKey
	}
	return key, nil
}

var errNoKey = errors.New("privateKey is not a PKCS #8 key on P-256 in PEM")

// Login says how a person logs in: by a form, or with a cookie of a session.
type Login struct {
	Username      string `json:"username,omitempty"`
	Password      string `json:"password,omitempty"`
	UsernameField string `json:"usernameField,omitempty"` // name or id; "username" if empty
	PasswordField string `json:"passwordField,omitempty"` // name or id; "password" if empty
	Cookie        string `json:"cookie,omitempty"`        // name=value
}

// Consent says which buttons, by id, allow and refuse.
type Consent struct {
	Allow string `json:"allow,omitempty"` // "allow" if empty
	Deny  string `json:"deny,omitempty"`  // "deny" if empty
}

// Validate says what is missing, and fills in the defaults.
func (c *Config) Validate() error {
	switch {
	case c.Issuer == "":
		return errors.New("the issuer is missing")
	case c.Confidential.ID == "" || c.Confidential.Secret == "" || len(c.Confidential.RedirectURIs) == 0:
		return errors.New("confidential needs id, secret and redirectURIs")
	case c.Login.Cookie == "" && c.Login.Username == "":
		return errors.New("login needs username and password, or a cookie")
	}
	for _, signer := range []struct {
		name   string
		client *Client
	}{{"signer", &c.Signer}, {"publisher", &c.Publisher}} {
		if signer.client.ID == "" {
			continue
		}
		if _, err := signer.client.key(); err != nil || len(signer.client.RedirectURIs) == 0 {
			return errors.New(signer.name + " needs id, redirectURIs and privateKey: a PKCS #8 key on P-256 in PEM")
		}
		signer.client.AuthMethod = "private_key_jwt"
	}
	if c.Exchange.Client.ID != "" && (c.Exchange.Client.Secret == "" || c.Exchange.From == "" || c.Exchange.To == "") {
		return errors.New("exchange needs a client with id and secret, from and to")
	}
	for _, client := range []*Client{&c.Confidential, &c.Other, &c.Public, &c.Exchange.Client, &c.Device.Client} {
		if client.AuthMethod == "" {
			client.AuthMethod = "none"
			if client.Secret != "" {
				client.AuthMethod = "client_secret_basic"
			}
		}
	}
	c.Scope = cmp.Or(c.Scope, "openid")
	c.Device.UserCodeField = cmp.Or(c.Device.UserCodeField, "user_code")
	c.Login.UsernameField = cmp.Or(c.Login.UsernameField, "username")
	c.Login.PasswordField = cmp.Or(c.Login.PasswordField, "password")
	c.Consent.Allow = cmp.Or(c.Consent.Allow, "allow")
	c.Consent.Deny = cmp.Or(c.Consent.Deny, "deny")
	return nil
}
