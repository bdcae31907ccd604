package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
)

// allowedVersion begins what is stored.
const allowedVersion = 1

// allowed is the part of a grant that never changes. A grant that learns a new word
// needs no new column for it.
type allowed struct {
	Version int `json:"v"`

	Issuer    string   `json:"issuer"`
	ClientUID string   `json:"clientUID"`
	Subject   string   `json:"subject"`
	Username  string   `json:"username,omitempty"`
	Scope     []string `json:"scope,omitempty"`
	Claims    []string `json:"claims,omitempty"`
	Resources []string `json:"resources,omitempty"`
	SessionID string   `json:"sessionID,omitempty"`
	AuthTime  int64    `json:"authTime"`  // seconds since 1970
	CreatedAt int64    `json:"createdAt"` // seconds since 1970
	EndsAt    int64    `json:"endsAt"`    // seconds since 1970
}

// row is a grant as it is stored, without its key.
type row struct {
	subject, username string
	allowed           string
	generation        int64
	refreshedAt       *time.Time
	expiresAt         time.Time
	revoked           string
}

// errText says that a grant has text that would not come back as it is.
var errText = errors.New("grant/postgres: a grant with text that is not UTF-8")

// rowOf returns the row of a grant that is Normal.
func rowOf(g grant.Grant) (row, error) {
	a := allowed{
		Version:   allowedVersion,
		Issuer:    g.Issuer,
		ClientUID: g.ClientUID,
		Subject:   g.Subject,
		Username:  g.Username,
		Scope:     g.Scope,
		Claims:    g.Claims,
		Resources: g.Resources,
		SessionID: g.SessionID,
		AuthTime:  g.AuthTime.Unix(),
		CreatedAt: g.CreatedAt.Unix(),
		EndsAt:    g.EndsAt.Unix(),
	}
	texts := slices.Concat([]string{a.Issuer, a.ClientUID, a.Subject, a.Username, a.SessionID, string(g.Revoked)},
		a.Scope, a.Claims, a.Resources)
	// JSON would put something else in the place of what is not UTF-8.
	if joined := strings.Join(texts, " "); strings.ToValidUTF8(joined, "") != joined {
		return row{}, errText
	}
	text, err := json.Marshal(a)
	if err != nil {
		return row{}, fmt.Errorf("grant/postgres: %w", err)
	}
	return row{
		subject: searchable(g.Subject), username: searchable(g.Username),
		allowed: string(text), generation: g.Generation,
		refreshedAt: moment(g.RefreshedAt), expiresAt: g.ExpiresAt, revoked: searchable(string(g.Revoked)),
	}, nil
}

// searchable returns a text as it is found by: PostgreSQL's have no zero bytes.
func searchable(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// moment returns nil, for NULL, in the place of the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// scan reads the row of the grant with that key.
func scan(from pgx.Row, key grant.Key) (grant.Grant, error) {
	var r row
	if err := from.Scan(&r.allowed, &r.generation, &r.refreshedAt, &r.expiresAt, &r.revoked); err != nil {
		return grant.Grant{}, err
	}
	return r.grant(key)
}

func (r row) grant(key grant.Key) (grant.Grant, error) {
	var a allowed
	if err := json.Unmarshal([]byte(r.allowed), &a); err != nil || a.Version != allowedVersion {
		return grant.Grant{}, errStored
	}
	g := grant.Grant{
		ID: key.ID, ClientID: key.ClientID,
		Issuer:     a.Issuer,
		ClientUID:  a.ClientUID,
		Subject:    a.Subject,
		Username:   a.Username,
		Scope:      oauth.Scope(a.Scope),
		Claims:     oauth.Claims(a.Claims),
		Resources:  a.Resources,
		SessionID:  a.SessionID,
		AuthTime:   time.Unix(a.AuthTime, 0),
		CreatedAt:  time.Unix(a.CreatedAt, 0),
		EndsAt:     time.Unix(a.EndsAt, 0),
		Generation: r.generation,
		ExpiresAt:  r.expiresAt,
		Revoked:    grant.Reason(r.revoked),
	}
	if r.refreshedAt != nil {
		g.RefreshedAt = *r.refreshedAt
	}
	return g.Normal(), nil
}
