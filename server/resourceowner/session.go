package resourceowner

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
)

// Session says that the person in the browser has logged in. The browser carries
// it itself, sealed; the server remembers none.
type Session struct {
	// ID is made anew at every login: the claim sid.
	ID string

	Person   *Person
	AuthTime time.Time // of whole seconds

	expiresAt time.Time
	consents  []consent
	visits    []Visit
}

// Sessions reads and writes the sessions of browsers.
type Sessions struct {
	cookies   cookies
	keys      *keys.Current
	directory Directory
	lifetime  time.Duration
	now       func() time.Time
}

// NewSessions returns the Sessions of an issuer. A nil clock is the real one.
func NewSessions(settings *issuer.Settings, current *keys.Current, directory Directory, now func() time.Time) *Sessions {
	if now == nil {
		now = time.Now
	}
	return &Sessions{
		cookies:   newCookies(settings),
		keys:      current,
		directory: directory,
		lifetime:  settings.Lifetimes.Session,
		now:       now,
	}
}

// ErrNoSession says that nobody is logged in in that browser.
var ErrNoSession = errors.New("resourceowner: no session")

const (
	sessionCookie  = "oauth-session"
	sessionPurpose = "browser session"

	// sidBytes makes the id of a session unguessable (RFC 6749 §10.10).
	sidBytes = 16
)

// record is what is sealed into the cookie.
type record struct {
	ID        string    `json:"i"`
	Subject   string    `json:"o"`
	LoginTag  string    `json:"t"`
	AuthTime  int64     `json:"a"` // seconds since 1970
	ExpiresAt int64     `json:"e"` // seconds since 1970
	Consents  []consent `json:"c,omitempty"`
	Visits    []Visit   `json:"v,omitempty"`
}

// Find returns the session of the browser. It returns ErrNoSession if there is
// none, if it is over, if there are several, or if the person may not log in any
// more or has another password by now; any other error only if the directory could
// not say.
//
// A browser has one session with an issuer. Where it sends two, another host of
// the site has planted one of them (which __Host- keeps it from, and __Secure- does
// not), and nobody can tell which.
func (s *Sessions) Find(r *http.Request) (*Session, error) {
	var found []record
	for _, value := range s.cookies.get(r, sessionCookie) {
		if rec, ok := s.open(value); ok {
			found = append(found, rec)
		}
	}
	if len(found) == 0 || slices.ContainsFunc(found, func(rec record) bool { return rec.ID != found[0].ID }) {
		return nil, ErrNoSession
	}
	return s.revive(r.Context(), found[0])
}

// Carried reports whether the browser sent the cookie of a session, good or not.
func (s *Sessions) Carried(r *http.Request) bool {
	return len(s.cookies.get(r, sessionCookie)) > 0
}

// Begin starts a session for a person who has just logged in. The session that
// the browser had before is gone, and its id with it: nobody can log a victim in
// to a session that they know (session fixation). If it was the same person's, its
// visits are kept, so that a logout reaches them too; before may be nil.
func (s *Sessions) Begin(w http.ResponseWriter, person *Person, before *Session) (*Session, error) {
	now := s.now()
	raw := make([]byte, sidBytes)
	_, _ = rand.Read(raw) // never fails: crypto/rand aborts the program instead
	session := &Session{
		ID:        base64.RawURLEncoding.EncodeToString(raw),
		Person:    person,
		AuthTime:  time.Unix(now.Unix(), 0).UTC(),
		expiresAt: now.Add(s.lifetime),
	}
	if before != nil && before.Person.Subject == person.Subject {
		session.visits = slices.Clone(before.visits)
	}
	if err := s.write(w, session); err != nil {
		return nil, err
	}
	return session, nil
}

// End takes the session out of the browser.
func (s *Sessions) End(w http.ResponseWriter) { s.cookies.unset(w, sessionCookie) }

func (s *Sessions) open(value string) (record, bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil {
		return record{}, false
	}
	var rec record
	now := s.now()
	if err := s.keys.Load().Open(keyring.UseBrowser, sessionPurpose, sealed, &rec, now); err != nil {
		return record{}, false
	}
	return rec, now.Unix() < rec.ExpiresAt
}

// revive looks the person up, at every use of the session.
func (s *Sessions) revive(ctx context.Context, rec record) (*Session, error) {
	person, err := s.directory.Person(ctx, rec.Subject)
	switch {
	case errors.Is(err, ErrUnknown):
		return nil, ErrNoSession
	case err != nil:
		return nil, fmt.Errorf("resourceowner: looking up the person of a session: %w", err)
	case subtle.ConstantTimeCompare([]byte(person.LoginTag), []byte(rec.LoginTag)) != 1:
		return nil, ErrNoSession
	}
	return &Session{
		ID:        rec.ID,
		Person:    person,
		AuthTime:  time.Unix(rec.AuthTime, 0).UTC(),
		expiresAt: time.Unix(rec.ExpiresAt, 0),
		consents:  rec.Consents,
		visits:    rec.Visits,
	}, nil
}

// write puts the session into the browser. What makes it larger than browsers
// accept is left out, the oldest first, of consents and visits in turn: neither is
// to be forgotten for the other.
func (s *Sessions) write(w http.ResponseWriter, session *Session) error {
	rec := record{
		ID:        session.ID,
		Subject:   session.Person.Subject,
		LoginTag:  session.Person.LoginTag,
		AuthTime:  session.AuthTime.Unix(),
		ExpiresAt: session.expiresAt.Unix(),
		Consents:  session.consents,
		Visits:    session.visits,
	}
	for encodedLength(rec) > maxRecord {
		switch consents, visits := len(rec.Consents), len(rec.Visits); {
		case consents == 0 && visits == 0:
			return errTooLong
		case visits > consents:
			rec.Visits = rec.Visits[1:]
		default:
			rec.Consents = rec.Consents[1:]
		}
	}
	sealed, err := s.keys.Load().Seal(keyring.UseBrowser, sessionPurpose, rec, s.now())
	if err != nil {
		return fmt.Errorf("resourceowner: sealing a session: %w", err)
	}
	s.cookies.set(w, sessionCookie, base64.RawURLEncoding.EncodeToString(sealed))
	return nil
}

// errTooLong says that a session does not fit into a cookie.
var errTooLong = errors.New("resourceowner: a session that is too long for a cookie")

// maxRecord is the largest record whose cookie, sealed and in base64, stays below
// the 4096 bytes that browsers accept.
const maxRecord = 2800

func encodedLength(rec record) int {
	b, err := json.Marshal(rec)
	if err != nil {
		return 0 // strings and numbers alone: it cannot fail
	}
	return len(b)
}
