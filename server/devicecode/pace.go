package devicecode

import "time"

// pace is how often a device may poll.
type pace struct {
	last     time.Time
	interval time.Duration
}

const (
	// Interval is how long a device waits between two polls (RFC 8628 §3.2, and
	// what counts "if no value is provided").
	Interval = 5 * time.Second

	// slower is what a poll that comes too early adds to it.
	slower = 5 * time.Second

	// leeway is what the network may take off it: a poll that was held up makes the
	// next one look early.
	leeway = time.Second
)

// tooFast reports whether a poll comes too early, and counts it. RFC 8628 §3.5:
// "the interval MUST be increased by 5 seconds for this and all subsequent
// requests".
func (d *Desk) tooFast(c Code, now time.Time) (fast bool) {
	d.paces.update(c.GrantID, now, time.Unix(c.ExpiresAt, 0), func(p *pace, known bool) {
		if !known {
			p.interval = Interval
		}
		if fast = known && now.Sub(p.last) < p.interval-leeway; fast {
			p.interval += slower
		}
		p.last = now
	})
	return fast
}
