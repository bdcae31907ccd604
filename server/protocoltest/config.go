package protocoltest

import (
	"cmp"
	"errors"
	"net/http"
)

// Config says which authorization server to ask, and as whom.
type Config struct {
	Issuer       string  `json:"issuer"`
	Confidential Client  `json:"confidential"`
	Other        Client  `json:"other"`  // a second confidential client
	Public       Client  `json:"public"` // native: its redirect URI is one on loopback
	Scope        string  `json:"scope"`  // that all clients may ask for; with two or more values, narrowing is tested too
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
}

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
	for _, client := range []*Client{&c.Confidential, &c.Other, &c.Public} {
		if client.AuthMethod == "" {
			client.AuthMethod = "none"
			if client.Secret != "" {
				client.AuthMethod = "client_secret_basic"
			}
		}
	}
	c.Scope = cmp.Or(c.Scope, "openid")
	c.Login.UsernameField = cmp.Or(c.Login.UsernameField, "username")
	c.Login.PasswordField = cmp.Or(c.Login.PasswordField, "password")
	c.Consent.Allow = cmp.Or(c.Consent.Allow, "allow")
	c.Consent.Deny = cmp.Or(c.Consent.Deny, "deny")
	return nil
}
