package resourceowner

import (
	"sync/atomic"

	"oauth-operator.dev/api/passwordhash"
)

// Count has the directory add to count for each password that it checks against a
// hash. It returns what ends that.
func (c *Cluster) Count(count *atomic.Int64) (stop func()) {
	check := c.verifier.check
	c.verifier.check = func(hash passwordhash.Hash, password string) bool {
		count.Add(1)
		return check(hash, password)
	}
	return func() { c.verifier.check = check }
}
