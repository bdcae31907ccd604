package passwordhash

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Bounds on the cost of a bcrypt hash, the binary logarithm of its rounds: 10 is
// the least that OWASP recommends, and 14 takes about a second.
const (
	minBcryptCost = 10
	maxBcryptCost = 14
)

// bcryptForm is version, cost, 22 characters of salt and 31 of digest. The
// versions 2a, 2b and 2y are the same algorithm.
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

func checkBcryptCost(encoded string) error {
	cost, err := bcrypt.Cost([]byte(encoded))
	if err != nil {
		return fmt.Errorf("a bcrypt hash that cannot be read: its cost must be from %d to %d", minBcryptCost, maxBcryptCost)
	}
	if cost < minBcryptCost || cost > maxBcryptCost {
		return fmt.Errorf("a bcrypt hash with cost %d: it must be from %d to %d", cost, minBcryptCost, maxBcryptCost)
	}
	return nil
}

// verifyBcrypt compares the first 72 bytes, as bcrypt does everywhere. A
// password with a NUL is refused after the work is done: bcrypt repeats the
// NUL-terminated password, so "a" and "a\x00a" would be the same to it.
func verifyBcrypt(encoded []byte, password string) bool {
	err := bcrypt.CompareHashAndPassword(encoded, []byte(password))
	return err == nil && !strings.Contains(password, "\x00")
}
