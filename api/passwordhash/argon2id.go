package passwordhash

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"golang.org/x/crypto/argon2"
)

// Parameters of the hashes that Generate makes: the first choice of the OWASP
// Password Storage Cheat Sheet. Memory is in KiB.
const (
	generateMemory  = 19456
	generatePasses  = 2
	generateThreads = 1
	generateSalt    = 16
	generateTag     = 32
)

// Bounds on the parameters of a hash. The least memory is the least that OWASP
// recommends. Memory times passes is what a check costs in time: the most takes
// about a second.
const (
	minMemory  = 7168
	maxMemory  = 256 << 10
	maxPasses  = 16
	maxThreads = 16
	maxWork    = 1 << 20
	minSalt    = 8
	minTag     = 16
	maxBytes   = 64
)

const argon2Prefix = "$argon2id$"

// argon2Form is the PHC string: version, parameters in their one order, salt
// and tag in unpadded base64.
var argon2Form = regexp.MustCompile(
	`^\$argon2id\$v=([1-9][0-9]{0,2})\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,9}),p=([1-9][0-9]{0,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`)

type argon2Hash struct {
	memory, passes uint32
	threads        uint8
	salt, tag      []byte
}

func parseArgon2(encoded string) (argon2Hash, error) {
	fields := argon2Form.FindStringSubmatch(encoded)
	if fields == nil {
		return argon2Hash{}, errors.New(`an argon2id hash that is not of the form "$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>"`)
	}
	if fields[1] != strconv.Itoa(argon2.Version) {
		return argon2Hash{}, fmt.Errorf("an argon2id hash of version %s: only version %d is known", fields[1], argon2.Version)
	}
	memory, passes, threads, err := argon2Parameters(fields[2], fields[3], fields[4])
	if err != nil {
		return argon2Hash{}, err
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	tag, tagErr := base64.RawStdEncoding.Strict().DecodeString(fields[6])
	switch {
	case saltErr != nil || tagErr != nil:
		return argon2Hash{}, errors.New("an argon2id hash whose salt or hash is no base64")
	case len(salt) < minSalt || len(salt) > maxBytes:
		return argon2Hash{}, fmt.Errorf("an argon2id hash with a salt of %d bytes: it must have from %d to %d", len(salt), minSalt, maxBytes)
	case len(tag) < minTag || len(tag) > maxBytes:
		return argon2Hash{}, fmt.Errorf("an argon2id hash of %d bytes: it must have from %d to %d", len(tag), minTag, maxBytes)
	}
	return argon2Hash{memory: memory, passes: passes, threads: threads, salt: salt, tag: tag}, nil
}

// argon2Parameters checks each against its bound. The form has no more digits
// than fit into 64 bits.
func argon2Parameters(m, t, p string) (memory, passes uint32, threads uint8, err error) {
	number := func(s string) uint64 {
		n, _ := strconv.ParseUint(s, 10, 64)
		return n
	}
	switch m, t, p := number(m), number(t), number(p); {
	case m < minMemory || m > maxMemory:
		return 0, 0, 0, fmt.Errorf("an argon2id hash with m=%d KiB: it must be from %d to %d", m, minMemory, maxMemory)
	case t > maxPasses:
		return 0, 0, 0, fmt.Errorf("an argon2id hash with t=%d: it must be at most %d", t, maxPasses)
	case p > maxThreads:
		return 0, 0, 0, fmt.Errorf("an argon2id hash with p=%d: it must be at most %d", p, maxThreads)
	case m*t > maxWork:
		return 0, 0, 0, fmt.Errorf("an argon2id hash with m=%d and t=%d: their product must be at most %d", m, t, maxWork)
	default:
		return uint32(m), uint32(t), uint8(p), nil // #nosec G115 -- bounded above
	}
}

func (a argon2Hash) verify(password string) bool {
	tag := argon2.IDKey([]byte(password), a.salt, a.passes, a.memory, a.threads, uint32(len(a.tag))) // #nosec G115 -- at most maxBytes
	return subtle.ConstantTimeCompare(tag, a.tag) == 1
}

// Generate returns an argon2id hash of the password under a new random salt. It
// refuses the empty password.
func Generate(password string) (string, error) {
	if password == "" {
		return "", errors.New("the password is empty")
	}
	salt := make([]byte, generateSalt)
	_, _ = rand.Read(salt) // never fails: crypto/rand aborts the program instead
	tag := argon2.IDKey([]byte(password), salt, generatePasses, generateMemory, generateThreads, generateTag)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		generateMemory, generatePasses, generateThreads, encode(salt), encode(tag)), nil
}
