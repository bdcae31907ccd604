package resourceowner

import (
	"net/http"
	"slices"
)

// Visit is one time that the person was sent to a client with a code. The session
// remembers them, so that a logout knows whom to tell and which grants to end,
// and no login costs a write for it.
type Visit struct {
	ClientID string `json:"c"`

	// GrantID is the grant that the code becomes if the client redeems it.
	GrantID string `json:"g"`

	// SessionID is the claim sid that the client was told.
	SessionID string `json:"s"`

	// Offline says that the grant was meant to outlive the session (OpenID
	// Connect Core §11, offline_access).
	Offline bool `json:"o,omitempty"`
}

const (
	// maxVisits bounds how many visits a session remembers.
	maxVisits = 16

	// maxVisitsEach bounds how many there are of one client: one that renews its
	// tokens with prompt=none must not crowd the others out.
	maxVisitsEach = 4
)

// Visits returns the visits that the session remembers, the oldest first.
func (s *Session) Visits() []Visit { return slices.Clone(s.visits) }

// Visit notes a visit in the session.
func (s *Sessions) Visit(w http.ResponseWriter, session *Session, v Visit) error {
	visits := slices.Clone(session.visits)
	same := func(o Visit) bool { return o.ClientID == v.ClientID }
	count := 0
	for _, o := range visits {
		if same(o) {
			count++
		}
	}
	if count >= maxVisitsEach {
		i := slices.IndexFunc(visits, same)
		visits = slices.Delete(visits, i, i+1)
	}
	visits = append(visits, v)
	if excess := len(visits) - maxVisits; excess > 0 {
		visits = visits[excess:]
	}
	session.visits = visits
	return s.write(w, session)
}
