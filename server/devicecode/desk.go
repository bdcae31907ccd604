package devicecode

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/registration"
)

// Notes is the part of a grant.Store that a Desk writes to and reads.
type Notes interface {
	Note(ctx context.Context, id string, value []byte, until time.Time) error
	Noted(ctx context.Context, id string) ([]byte, error)
}

// Options are what a Desk stands on.
type Options struct {
	Settings *issuer.Settings
	Keys     *keys.Current
	Notes    Notes

	// Remembered is how many requests a replica remembers, and of how many devices
	// it knows when they polled. 0 for 4096.
	Remembered int

	// Now is the clock. Nil for the real one.
	Now func() time.Time
}

// Desk brings the devices and the people of one issuer together. One Desk of a
// replica is shared by the device authorization endpoint, its page and the token
// endpoint. It is safe for concurrent use.
type Desk struct {
	options Options
	seen    *memory[sighting] // by user code
	paces   *memory[pace]     // by the id of the grant
}

// sighting is a request that this replica has given out or has seen polled.
type sighting struct {
	code Code

	// ambiguous says that two devices have the same user code.
	ambiguous bool

	// described says that the request is in the store, for the other replicas.
	described bool
}

// defaultRemembered takes less than 20 MB, whatever strangers ask for.
const defaultRemembered = 4096

// New returns a Desk that has seen nothing.
func New(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Remembered == 0 {
		o.Remembered = defaultRemembered
	}
	return &Desk{options: o, seen: newMemory[sighting](o.Remembered), paces: newMemory[pace](o.Remembered)}
}

// Errors of a Desk.
var (
	// ErrUnknown says that no device is known to wait with a user code.
	ErrUnknown = errors.New("devicecode: no such device")

	// ErrDecided says that somebody has answered already.
	ErrDecided = errors.New("devicecode: decided before")

	// ErrExpired says that a device code is past its time.
	ErrExpired = errors.New("devicecode: expired")

	// ErrPending says that nobody has answered yet (RFC 8628 §3.5,
	// authorization_pending).
	ErrPending = errors.New("devicecode: pending")

	// ErrSlowDown says that a device polls too often (RFC 8628 §3.5, slow_down).
	ErrSlowDown = errors.New("devicecode: too fast")
)

// Issue returns a new request of the client, with its device code. It writes
// nothing. It returns ErrTooLong for a request that is too long, and an error
// that wraps keys.ErrNoKey while the issuer has no keys.
func (d *Desk) Issue(client *registration.Client, scope oauth.Scope, resources []string) (Code, string, error) {
	now := d.options.Now()
	c := Code{
		GrantID:   grant.NewID(),
		IssuedAt:  now.Unix(),
		ExpiresAt: now.Add(d.options.Settings.Lifetimes.DeviceCode).Unix(),
		ClientID:  client.ID,
		ClientUID: client.UID,
		UserCode:  NewUserCode(),
		Scope:     scope,
		Resources: resources,
	}
	for range 8 { // another device has it once in millions of times
		if _, taken := d.seen.get(string(c.UserCode), now); !taken {
			break
		}
		c.UserCode = NewUserCode()
	}
	sealed, err := Seal(d.options.Keys.Load(), c, now)
	if err != nil {
		return Code{}, "", err
	}
	d.see(c, now)
	return c, sealed, nil
}

// see remembers a request, so that a person who comes to this replica is shown it
// at once.
func (d *Desk) see(c Code, now time.Time) (seen sighting) {
	d.seen.update(string(c.UserCode), now, time.Unix(c.ExpiresAt, 0), func(s *sighting, known bool) {
		if known && s.code.GrantID != c.GrantID {
			s.ambiguous = true
		} else {
			s.code = c
		}
		seen = *s
	})
	return seen
}

// Find returns the request with that user code: from the memory of this replica,
// or as another one has described it after Call. It returns ErrUnknown if there is
// none yet, or if two devices have the same code.
func (d *Desk) Find(ctx context.Context, code UserCode) (Code, error) {
	now := d.options.Now()
	if s, known := d.seen.get(string(code), now); known {
		if s.ambiguous {
			return Code{}, ErrUnknown
		}
		return s.code, nil
	}
	set := d.options.Keys.Load()
	id, err := d.userCodeID(set, noteRequest, code)
	if err != nil {
		return Code{}, err
	}
	sealed, err := d.options.Notes.Noted(ctx, id)
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return Code{}, ErrUnknown
	case err != nil:
		return Code{}, fmt.Errorf("devicecode: looking for a request: %w", err)
	}
	c, err := open(set, purposeRequest, sealed, now)
	if err != nil || c.UserCode != code || c.Expired(now) {
		return Code{}, ErrUnknown
	}
	return c, nil
}

// Call asks the device with that user code to make itself known, wherever it polls
// next. It writes to the store, so it is for people who have logged in, and bounded.
func (d *Desk) Call(ctx context.Context, code UserCode) error {
	id, err := d.userCodeID(d.options.Keys.Load(), noteCall, code)
	if err != nil {
		return err
	}
	// No device that waits now waits longer.
	until := d.options.Now().Add(d.options.Settings.Lifetimes.DeviceCode)
	if err := d.options.Notes.Note(ctx, id, nil, until); err != nil && !errors.Is(err, grant.ErrNoted) {
		return fmt.Errorf("devicecode: calling a device: %w", err)
	}
	return nil
}

// Decide notes what a person has answered to a request. The first answer counts:
// it returns ErrDecided for every other one, and ErrExpired for one that comes too
// late.
func (d *Desk) Decide(ctx context.Context, c Code, decision Decision) error {
	now := d.options.Now()
	if c.Expired(now) {
		return ErrExpired
	}
	decision.GrantID = c.GrantID
	sealed, err := d.options.Keys.Load().Seal(keyring.UseCode, purposeDecision, decision, now)
	if err != nil {
		return fmt.Errorf("devicecode: sealing a decision: %w", err)
	}
	err = d.options.Notes.Note(ctx, d.decisionID(c), sealed, time.Unix(c.ExpiresAt, 0))
	switch {
	case errors.Is(err, grant.ErrNoted):
		return ErrDecided
	case err != nil:
		return fmt.Errorf("devicecode: noting a decision: %w", err)
	}
	return nil
}

// Poll returns what a person has answered to the device that sends this code
// (RFC 8628 §3.5), or ErrExpired, ErrSlowDown or ErrPending. It writes nothing,
// unless a person has called the device: then it describes the request once, for
// the replica that the person is at.
func (d *Desk) Poll(ctx context.Context, c Code) (Decision, error) {
	now := d.options.Now()
	if c.Expired(now) {
		return Decision{}, ErrExpired
	}
	if d.tooFast(c, now) {
		return Decision{}, ErrSlowDown
	}
	seen := d.see(c, now)
	set := d.options.Keys.Load()
	sealed, err := d.options.Notes.Noted(ctx, d.decisionID(c))
	if err == nil {
		var decision Decision
		if set.Open(keyring.UseCode, purposeDecision, sealed, &decision, now) != nil || decision.GrantID != c.GrantID {
			return Decision{}, errors.New("devicecode: what the store has is no decision on this request")
		}
		return decision, nil
	}
	if !errors.Is(err, grant.ErrNotFound) {
		return Decision{}, fmt.Errorf("devicecode: looking for a decision: %w", err)
	}
	if !seen.described && !seen.ambiguous {
		if err := d.describe(ctx, set, c, now); err != nil {
			return Decision{}, err
		}
	}
	return Decision{}, ErrPending
}

// describe puts the request into the store, if a person has called the device. It
// is sealed for a purpose of its own: nobody can poll with it.
func (d *Desk) describe(ctx context.Context, set *keys.Set, c Code, now time.Time) error {
	call, err := d.userCodeID(set, noteCall, c.UserCode)
	if err != nil {
		return err
	}
	if _, err := d.options.Notes.Noted(ctx, call); errors.Is(err, grant.ErrNotFound) {
		return nil // nobody has
	} else if err != nil {
		return fmt.Errorf("devicecode: looking whether a device is called: %w", err)
	}
	sealed, err := set.Seal(keyring.UseCode, purposeRequest, c, now)
	if err != nil {
		return fmt.Errorf("devicecode: sealing a request: %w", err)
	}
	id, err := d.userCodeID(set, noteRequest, c.UserCode)
	if err != nil {
		return err
	}
	if err := d.options.Notes.Note(ctx, id, sealed, time.Unix(c.ExpiresAt, 0)); err != nil && !errors.Is(err, grant.ErrNoted) {
		return fmt.Errorf("devicecode: describing a request: %w", err)
	}
	d.seen.update(string(c.UserCode), now, time.Unix(c.ExpiresAt, 0), func(s *sighting, known bool) {
		if !known { // forgotten in the meantime
			s.code = c
		}
		s.described = true
	})
	return nil
}

// Kinds of notes. Each begins the ids of its own.
const (
	noteCall     = "device call"
	noteRequest  = "device request"
	noteDecision = "device decision"
)

// userCodeID returns the id of a note for a user code. It is made with a key: 34
// bits would be found out by whoever reads the store.
func (d *Desk) userCodeID(set *keys.Set, kind string, code UserCode) (string, error) {
	sum, err := set.Pairwise([]byte(kind + "\x00" + string(code)))
	if err != nil {
		return "", err
	}
	return d.noteID(kind, base64.RawURLEncoding.EncodeToString(sum)), nil
}

func (d *Desk) decisionID(c Code) string { return d.noteID(noteDecision, c.GrantID) }

func (d *Desk) noteID(kind, id string) string {
	return kind + "\x00" + d.options.Settings.Name + "\x00" + id
}
