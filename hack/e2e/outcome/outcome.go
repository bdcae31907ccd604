// Package outcome is what the load of the end-to-end tests reports, one event a
// line, as JSON.
package outcome

import "time"

// Kind is what somebody did.
type Kind string

// Kinds of events.
const (
	// Login is a person who logs in, sees the page, has the tokens refreshed, and leaves.
	Login Kind = "login"
	// Session is a refresh in a session that began with the load.
	Session Kind = "session"
	// Worker is a client credentials grant.
	Worker Kind = "worker"
	// Race is one authorization code that is redeemed several times at once, at all
	// replicas.
	Race Kind = "race"
)

// Event is what came of it.
type Event struct {
	Kind  Kind      `json:"kind"`
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`

	// Failures are the attempts that failed before the one that did not, the first ten
	// of them. While
	// Pending, there is none yet that did not.
	Failures []string `json:"failures,omitempty"`
	Pending  bool     `json:"pending,omitempty"`

	// Redeemed is how many redemptions of one code were answered with tokens, and
	// Replicas at how many replicas they were tried. Of Race alone.
	Redeemed int `json:"redeemed,omitempty"`
	Replicas int `json:"replicas,omitempty"`
}
