package grant

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

// Code is what an authorization code says (RFC 6749 §4.1.2). The code is
// self-contained: nothing is stored until it is redeemed, so nobody can fill a
// store by asking for codes.
type Code struct {
	GrantID   string `json:"g"`
	IssuedAt  int64  `json:"i"` // seconds since 1970
	ExpiresAt int64  `json:"e"` // seconds since 1970

	ClientID  string `json:"c"`
	ClientUID string `json:"u"`

	// RedirectURI is where the code was sent. RedirectURISent says whether the
	// authorization request named it, so that the token request has to name it
	// too (RFC 6749 §4.1.3).
	RedirectURI     string `json:"r"`
	RedirectURISent bool   `json:"s,omitempty"`

	Subject   string      `json:"o"`
	Username  string      `json:"n,omitempty"`
	Scope     oauth.Scope `json:"p,omitempty"`
	SessionID string      `json:"d,omitempty"`
	AuthTime  int64       `json:"a"` // seconds since 1970

	// Resources are what the access tokens are for (RFC 8707 §2.1). None for the
	// issuer itself.
	Resources []string `json:"t,omitempty"`

	Challenge string `json:"h,omitempty"` // RFC 7636 §4.2, S256
	Nonce     string `json:"z,omitempty"` // OpenID Connect Core §3.1.2.1

	Claims oauth.Claims `json:"k,omitempty"` // OpenID Connect Core §5.5
}

// ErrCode says that a code was not made by this issuer, or has expired.
var ErrCode = errors.New("grant: not a valid authorization code")

// purposeCode keeps codes apart from whatever else is sealed.
const purposeCode = "authorization code"

// purposeCodeFor is that of the codes that are bound to resources. A server that
// does not know of resources yet, while another version takes its place, must not
// open them: it would give out access tokens for the issuer instead.
const purposeCodeFor = "authorization code for resources"

// maxCode bounds the length of a code. It has to pass through a URL.
const maxCode = 8 << 10

// ErrCodeTooLong says that a request asks for more than a code can carry.
var ErrCodeTooLong = errors.New("grant: too much for an authorization code")

// SealCode makes the authorization code. It returns ErrCodeTooLong for one that
// OpenCode would not look at.
func SealCode(set *keys.Set, c Code, now time.Time) (string, error) {
	sealed, err := set.Seal(keyring.UseCode, c.purpose(), c, now)
	if err != nil {
		return "", err
	}
	code := base64.RawURLEncoding.EncodeToString(sealed)
	if len(code) > maxCode {
		return "", ErrCodeTooLong
	}
	return code, nil
}

// OpenCode reads an authorization code. It returns ErrCode if the code is not
// one of this issuer or is past its time. Whom it was issued to is for the
// caller to check.
func OpenCode(set *keys.Set, code string, now time.Time) (Code, error) {
	var c Code
	if len(code) > maxCode {
		return Code{}, ErrCode
	}
	sealed, err := decode(code)
	if err != nil {
		return Code{}, ErrCode
	}
	purpose := purposeCode
	if err := set.Open(keyring.UseCode, purpose, sealed, &c, now); err != nil {
		purpose, c = purposeCodeFor, Code{}
		if err := set.Open(keyring.UseCode, purpose, sealed, &c, now); err != nil {
			return Code{}, ErrCode
		}
	}
	if now.Unix() >= c.ExpiresAt || !ValidID(c.GrantID) || c.purpose() != purpose {
		return Code{}, ErrCode
	}
	return c, nil
}

// purpose returns what the code is sealed for.
func (c Code) purpose() string {
	if len(c.Resources) > 0 {
		return purposeCodeFor
	}
	return purposeCode
}

// errForm says that a text is no base64url, or not the one form of it.
var errForm = errors.New("grant: not in base64url")

// decode reads unpadded base64url and takes one text for each value only: the
// standard library passes over line breaks.
func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errForm
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
