package devicecode

import (
	"crypto/rand"
	"strings"
	"unicode"
)

// UserCode is what a person types to say which device is theirs (RFC 8628 §3.2):
// eight letters, in upper case.
type UserCode string

const (
	// userCodeLetters are the 20 consonants that RFC 8628 §6.1 recommends: they
	// are on every keyboard, make no words, and none looks like another.
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"

	// userCodeLength gives 34.5 bits: together with the bounds on guessing, a try
	// hits one of a thousand waiting devices once in 25 million.
	userCodeLength = 8

	// maxUserCode is the longest text that can be a user code, in bytes: someone
	// may write each letter with a space around it.
	maxUserCode = 64
)

// NewUserCode returns a random user code.
func NewUserCode() UserCode {
	// 240 is the largest multiple of 20 that a byte can count to, so that every
	// letter is as likely as any other.
	const even = 256 / len(userCodeLetters) * len(userCodeLetters)
	code := make([]byte, 0, userCodeLength)
	var chance [2 * userCodeLength]byte
	for {
		_, _ = rand.Read(chance[:]) // never fails: crypto/rand aborts the program instead
		for _, b := range chance {
			if int(b) >= even {
				continue
			}
			code = append(code, userCodeLetters[int(b)%len(userCodeLetters)])
			if len(code) == userCodeLength {
				return UserCode(code)
			}
		}
	}
}

// ParseUserCode reads what a person has typed. RFC 8628 §6.1: upper and lower
// case are the same, and punctuation and space are "stripped". Anything else that
// is no letter of a code makes it none.
func ParseUserCode(text string) (code UserCode, ok bool) {
	if len(text) > maxUserCode {
		return "", false
	}
	letters := make([]byte, 0, userCodeLength)
	for _, r := range text {
		upper := unicode.ToUpper(r)
		switch {
		case r < unicode.MaxASCII && strings.ContainsRune(userCodeLetters, upper):
			if len(letters) == userCodeLength {
				return "", false
			}
			letters = append(letters, byte(upper)) // #nosec G115 -- ASCII
		case unicode.IsSpace(r), unicode.IsPunct(r):
		default:
			return "", false
		}
	}
	if len(letters) != userCodeLength {
		return "", false
	}
	return UserCode(letters), true
}

// String returns the code as people read it, as in WDJB-MJHT.
func (c UserCode) String() string {
	if len(c) != userCodeLength {
		return string(c)
	}
	return string(c[:userCodeLength/2] + "-" + c[userCodeLength/2:])
}
