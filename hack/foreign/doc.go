// Package foreign has relying parties made of client libraries that others wrote,
// each pinned in a folder of its own. cmd/oauth-operator's tests run them.
//
// A program finds what it has to know as JSON in the environment variable
// FOREIGN_CLIENT. For a person with a browser it writes "visit" and a URL to its
// output, and reads the URL at which that ended from its input; for a person who is
// to connect a device, "connect" and a URL, and reads a line when they have. What it has done it
// says in lines that begin with "did". Its exit status says whether all went well.
package foreign

// Told is what a program finds in FOREIGN_CLIENT.
type Told struct {
	Issuer                string `json:"issuer"`
	Client                Client `json:"client"`
	RedirectURI           string `json:"redirectURI"`
	PostLogoutRedirectURI string `json:"postLogoutRedirectURI"`
	Scope                 string `json:"scope"`
	Email                 string `json:"email"` // of the person, as userinfo has it

	// Resource has the program ask for a token for that resource, and Exchange
	// exchange it then, in the place of userinfo, which is for tokens without.
	Resource string    `json:"resource,omitempty"`
	Exchange *Exchange `json:"exchange,omitempty"`

	// Device has the program use the device grant (RFC 8628) and nothing else.
	Device bool `json:"device,omitempty"`
}

// Client is who the program is: with a secret for HTTP Basic, or with a private key
// for assertions, PKCS #8 in PEM.
type Client struct {
	ID         string `json:"id"`
	Secret     string `json:"secret,omitempty"`
	PrivateKey string `json:"privateKey,omitempty"`
	KeyID      string `json:"keyID,omitempty"`
}

// Exchange is a token exchange that is allowed.
type Exchange struct {
	Client Client `json:"client"`
	To     string `json:"to"`
}
