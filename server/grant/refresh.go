package grant

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/keys"
)

// RefreshToken is what a refresh token says (RFC 6749 §1.5): which grant it is
// for and at which generation. It carries a MAC, so a forged one costs the
// server no look at its store; and a digest of what was allowed, so a grant
// that was tampered with in the store is worth nothing.
//
// The same grant at the same generation always gives the same refresh token.
type RefreshToken struct {
	GrantID    string
	Generation int64

	digest [digestBytes]byte
}

// ErrRefreshToken says that a refresh token was not made by this issuer.
var ErrRefreshToken = errors.New("grant: not a valid refresh token")

const (
	refreshVersion = 1
	keyIDBytes     = 12
	digestBytes    = 16
	macBytes       = sha256.Size

	// version, id of the key, id of the grant, generation, digest
	refreshMessage = 1 + keyIDBytes + idBytes + 8 + digestBytes
)

// refreshPurpose keeps these MACs apart from any other.
const refreshPurpose = "refresh token\x00"

// SealRefreshToken makes the refresh token of the grant at its generation.
func SealRefreshToken(set *keys.Set, g Grant, now time.Time) (string, error) {
	id, err := idEncoding.DecodeString(g.ID)
	if err != nil || len(id) != idBytes {
		return "", ErrRefreshToken
	}
	digest := g.digest()
	body := make([]byte, 0, refreshMessage+macBytes)
	body = append(body, id...)
	body = binary.BigEndian.AppendUint64(body, uint64(g.Generation)) // #nosec G115 -- counts up from 0
	body = append(body, digest[:]...)
	keyID, sum, err := set.MAC(keyring.UseRefresh, append([]byte(refreshPurpose), body...), now)
	if err != nil {
		return "", err
	}
	token := append([]byte{refreshVersion}, keyID...)
	token = append(append(token, body...), sum...)
	return base64.RawURLEncoding.EncodeToString(token), nil
}

// OpenRefreshToken reads a refresh token and checks its MAC. It returns
// ErrRefreshToken for whatever this issuer has not made.
func OpenRefreshToken(set *keys.Set, token string, now time.Time) (RefreshToken, error) {
	raw, err := decode(token)
	if err != nil || len(raw) != refreshMessage+macBytes || raw[0] != refreshVersion {
		return RefreshToken{}, ErrRefreshToken
	}
	keyID, body, sum := string(raw[1:1+keyIDBytes]), raw[1+keyIDBytes:refreshMessage], raw[refreshMessage:]
	if !set.CheckMAC(keyring.UseRefresh, keyID, append([]byte(refreshPurpose), body...), sum, now) {
		return RefreshToken{}, ErrRefreshToken
	}
	rt := RefreshToken{
		GrantID:    idEncoding.EncodeToString(body[:idBytes]),
		Generation: int64(binary.BigEndian.Uint64(body[idBytes : idBytes+8])), // #nosec G115 -- made by SealRefreshToken
	}
	copy(rt.digest[:], body[idBytes+8:])
	return rt, nil
}

// Describes reports whether the grant says what it said when the refresh token
// was made.
func (t RefreshToken) Describes(g Grant) bool {
	digest := g.digest()
	return t.GrantID == g.ID && hmac.Equal(t.digest[:], digest[:])
}

// digest covers everything of a grant that never changes.
func (g Grant) digest() [digestBytes]byte {
	h := sha256.New()
	field := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	for _, s := range []string{g.ID, g.Issuer, g.ClientID, g.ClientUID, g.Subject, g.Username, g.Scope.String(), g.SessionID} {
		field([]byte(s))
	}
	for _, t := range []time.Time{g.AuthTime, g.CreatedAt, g.EndsAt} {
		field(binary.BigEndian.AppendUint64(nil, uint64(t.Unix()))) // #nosec G115 -- any bits will do
	}
	if len(g.Claims) > 0 { // those without have the digest that they had before there were any
		field([]byte(strings.Join(g.Claims, " ")))
	}
	if len(g.Resources) > 0 { // the same; a claim is never called that
		field([]byte("resources"))
		for _, resource := range g.Resources {
			field([]byte(resource))
		}
	}
	return [digestBytes]byte(h.Sum(nil)[:digestBytes])
}
