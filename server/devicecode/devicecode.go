// Package devicecode is where a device and a person meet (RFC 8628): the device
// code, the user code, and the Desk, which knows the requests that are waiting and
// what people have answered to them.
//
// A device code is a sealed record, as an authorization code is: nothing is
// stored when it is given out, because anybody can ask for one. What is stored is
// written because a person who has logged in has done something: entered a code
// that this replica has not seen, or decided. docs/decisions/0023 has the whole
// story.
package devicecode

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
)

// Code is what a device code says: a device authorization request (RFC 8628
// §3.1) that was found good.
type Code struct {
	GrantID   string `json:"g"` // of the grant that it becomes
	IssuedAt  int64  `json:"i"` // seconds since 1970
	ExpiresAt int64  `json:"e"` // seconds since 1970

	ClientID  string `json:"c"`
	ClientUID string `json:"u"`

	UserCode UserCode    `json:"w"`
	Scope    oauth.Scope `json:"p,omitempty"`

	// Resources are what the access tokens are for (RFC 8707). None for the issuer
	// itself.
	Resources []string `json:"t,omitempty"`
}

// Expired reports whether the code is past its time.
func (c Code) Expired(now time.Time) bool { return now.Unix() >= c.ExpiresAt }

// Errors of device codes.
var (
	// ErrCode says that a device code was not made by this issuer.
	ErrCode = errors.New("devicecode: not a valid device code")

	// ErrTooLong says that a request asks for more than a device code can carry.
	ErrTooLong = errors.New("devicecode: too much for a device code")
)

// Purposes keep what is sealed here apart, and from whatever else is sealed. Who
// reads the description of a request in the store cannot poll with it.
const (
	purposeCode     = "device code"
	purposeRequest  = "device authorization request"
	purposeDecision = "device decision"
)

// maxCode bounds the length of a device code. It bounds what a replica remembers
// of each request, too.
const maxCode = 4 << 10

// Seal makes the device code. It returns ErrTooLong for one that Open would not
// look at.
func Seal(set *keys.Set, c Code, now time.Time) (string, error) {
	sealed, err := set.Seal(keyring.UseCode, purposeCode, c, now)
	if err != nil {
		return "", err
	}
	code := base64.RawURLEncoding.EncodeToString(sealed)
	if len(code) > maxCode {
		return "", ErrTooLong
	}
	return code, nil
}

// Open reads a device code, also one that is past its time: its client is told
// so. It returns ErrCode if the code is not one of this issuer. Whom it was issued
// to is for the caller to check.
func Open(set *keys.Set, code string, now time.Time) (Code, error) {
	// The decoder passes over line breaks: one text for each code only.
	if len(code) > maxCode || strings.ContainsAny(code, "\r\n") {
		return Code{}, ErrCode
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(code)
	if err != nil {
		return Code{}, ErrCode
	}
	return open(set, purposeCode, sealed, now)
}

func open(set *keys.Set, purpose string, sealed []byte, now time.Time) (Code, error) {
	var c Code
	if err := set.Open(keyring.UseCode, purpose, sealed, &c, now); err != nil {
		return Code{}, ErrCode
	}
	if _, ok := ParseUserCode(string(c.UserCode)); !ok || !grant.ValidID(c.GrantID) {
		return Code{}, ErrCode
	}
	return c, nil
}

// Decision is what a person has answered to a device.
type Decision struct {
	GrantID string `json:"g"` // of the request that it answers
	Allowed bool   `json:"a"`

	// Of a person who has allowed it.
	Subject   string      `json:"o,omitempty"`
	Username  string      `json:"n,omitempty"`
	SessionID string      `json:"d,omitempty"`
	AuthTime  int64       `json:"t,omitempty"` // seconds since 1970
	Scope     oauth.Scope `json:"p,omitempty"`
}
