package resourceowner

import (
	"time"

	"oauth-operator.dev/server/throttle"
)

// guard bounds how fast passwords can be guessed. All its bounds fill up again
// by themselves within minutes: nobody is ever locked out, by themselves or by
// whoever types their username.
//
// A single attacker is held by the narrow bound on one username from one source,
// which does not touch the person at their own place. Many sources at once are
// held by the wide bound on the username; while such an attack lasts, the person
// may have to try more than once.
type guard struct {
	source *throttle.Limiter // every attempt from one source
	pair   *throttle.Limiter // one username from one source
	name   *throttle.Limiter // one username from anywhere
}

// Bounds, each a number of attempts at once and the time for one more.
const (
	sourceBurst, sourceEvery = 60, time.Second
	pairBurst, pairEvery     = 10, 10 * time.Second
	nameBurst, nameEvery     = 60, 4 * time.Second

	// guardKeys is how many keys each bound remembers: about 2 MB.
	guardKeys = 10_000

	// retryAfter is when the narrowest bound has room for some more attempts.
	retryAfter = time.Minute
)

func newGuard(now func() time.Time) *guard {
	limiter := func(burst int, every time.Duration) *throttle.Limiter {
		return throttle.New(throttle.Options{Every: every, Burst: burst, Keys: guardKeys, Now: now})
	}
	return &guard{
		source: limiter(sourceBurst, sourceEvery),
		pair:   limiter(pairBurst, pairEvery),
		name:   limiter(nameBurst, nameEvery),
	}
}

// admit reports whether the password may be looked at, and counts the attempt.
// The narrow bound is asked before the wide one, so that a single source uses up
// little of what the username has.
func (g *guard) admit(username, source string) bool {
	return g.source.Allow(source) && g.pair.Allow(pairKey(username, source)) && g.name.Allow(username)
}

// forgive forgets the attempts on a username whose password was right: only its
// owner can bring that about. The source stays counted, or an attacker could
// clear it by logging in to an account of their own.
func (g *guard) forgive(username, source string) {
	g.pair.Forget(pairKey(username, source))
	g.name.Forget(username)
}

func pairKey(username, source string) string { return source + "\x00" + username }
