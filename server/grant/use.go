package grant

import "time"

// Use is what it means that a refresh token of some generation is sent.
type Use int

// Uses.
const (
	Unknown Use = iota // from a future that this store has not seen
	Current            // its first use
	Retried            // the response to its first use may have been lost
	Reused             // somebody has a copy
)

// Use says what it means that the token is sent now (RFC 9700 §4.14.2). Its first
// use moved the grant to the next generation; for the length of grace after that,
// it is taken for a retry.
func (t RefreshToken) Use(g Grant, grace time.Duration, now time.Time) Use {
	switch {
	case t.Generation > g.Generation:
		return Unknown
	case t.Generation == g.Generation:
		return Current
	case t.Generation == g.Generation-1 && now.Before(g.RefreshedAt.Add(grace)):
		return Retried
	default:
		return Reused
	}
}
