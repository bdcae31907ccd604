package credential

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// What a client secret must be that comes from elsewhere.
const (
	// MaxSecretBytes is the size of the longest client secret.
	MaxSecretBytes = 1024

	// MinSecretBits is the entropy that a client secret must have: it must not be
	// guessed with a probability of more than 2^-128 (RFC 6749 §10.10).
	MinSecretBits = 128
)

// advice says how a client secret is made that is good.
const advice = "Make one with `openssl rand -hex 32`"

// Check returns what keeps a value from being a client secret, in words for the
// one who brings it, or nil. The error holds nothing of the value.
func Check(value string) error {
	switch {
	case value == "":
		return errors.New("it is empty. " + advice)
	case len(value) > MaxSecretBytes:
		return fmt.Errorf("it has %d bytes, and may have %d", len(value), MaxSecretBytes)
	case strings.TrimRight(value, "\r\n") != value:
		return errors.New("it ends with a line break, which cannot be sent: write it without one, as `printf %s` does")
	case !isVSCHAR(value):
		return errors.New("it has other characters than the printable ones of ASCII (RFC 6749 Appendix A.2). " + advice)
	}
	if bits := Bits(value); bits < MinSecretBits {
		return fmt.Errorf("it can be guessed: it is estimated at %d bits, and needs %d (RFC 6749 §10.10). %s", bits, MinSecretBits, advice)
	}
	return nil
}

// isVSCHAR holds client_secret to its grammar (RFC 6749 Appendix A.2).
func isVSCHAR(value string) bool {
	for i := range len(value) {
		if value[i] < 0x20 || value[i] > 0x7E {
			return false
		}
	}
	return true
}

const (
	// reference is what it is reckoned to cost, in bits, to say where in the value
	// something stood before, or how a sequence goes on. It is so much that there
	// is next to none to be found in random characters.
	reference = 16

	// textBits is the entropy of a character of natural language.
	textBits = 1.5
)

// Bits estimates the entropy of a value, and rather too little than too much:
// that of random characters of the smallest alphabet that has them all. What
// stood before, and what goes on as 123 and aaa do, counts little; so do words.
func Bits(value string) int {
	value = withoutFixed(value)
	each := math.Log2(float64(alphabet(value)))
	if isText(value) {
		each = textBits
	}
	total := 0.0
	for at := 0; at < len(value); {
		run := max(repeated(value, at), sequence(value, at))
		if known := float64(run) * each; known > reference {
			total += reference
			at += run
			continue
		}
		total += each
		at++
	}
	return int(total)
}

// alphabets are tried in this order.
var alphabets = []string{
	"0123456789",
	"0123456789abcdef",
	"0123456789ABCDEF",
	"abcdefghijklmnopqrstuvwxyz",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"abcdefghijklmnopqrstuvwxyz234567",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=",
	"abcdefghijklmnopqrstuvwxyz-_. ",
	"0123456789abcdefghijklmnopqrstuvwxyz",
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"0123456789abcdefghijklmnopqrstuvwxyz-_. ",
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_",
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/=",
}

// alphabet returns how many characters the alphabet of the value has.
func alphabet(value string) int {
	outside := func(set string) bool {
		return strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune(set, r) })
	}
	for _, set := range alphabets {
		if !outside(set) {
			return len(set)
		}
	}
	return 0x7E - 0x20 + 1
}

var uuid = regexp.MustCompile("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")

// grouped matches hexadecimal digits with something between them.
var grouped = regexp.MustCompile("^[0-9a-fA-F]+([-:. ][0-9a-fA-F]+)+$")

// withoutFixed leaves out what nobody has to guess: of digits in groups what is
// between them, and of a UUID the version and the variant too (RFC 9562 §4).
func withoutFixed(value string) string {
	if uuid.MatchString(value) {
		const version, variant = 14, 19
		value = value[:version] + value[version+1:variant] + value[variant+1:]
	}
	if grouped.MatchString(value) {
		value = strings.NewReplacer("-", "", ":", "", ".", "", " ", "").Replace(value)
	}
	return value
}

// repeated returns how many characters from at on stood before in this order.
func repeated(value string, at int) (longest int) {
	for before := range at {
		n := 0
		for at+n < len(value) && value[before+n] == value[at+n] {
			n++
		}
		longest = max(longest, n)
	}
	return longest
}

// sequence returns how many characters from at on go up or down by the same step:
// none, for aaa; one, for 123 and cba.
func sequence(value string, at int) int {
	if at+1 >= len(value) {
		return 0
	}
	step := int(value[at+1]) - int(value[at])
	if step < -1 || step > 1 {
		return 0
	}
	n := 2
	for at+n < len(value) && int(value[at+n])-int(value[at+n-1]) == step {
		n++
	}
	return n
}

// pairs are the pairs of letters that are frequent in words: of English above
// all, and those of other languages of the alphabet with it.
const pairs = " th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur el la ta et ss pa wo rd ie un ge ei sc ec ho rr tt ac ca tr "

// isText reports whether the value is made of words. Of the pairs of letters of a
// random value one in eight is frequent in words; of a text every other is.
func isText(value string) bool {
	letters, frequent := 0, 0
	lower := strings.ToLower(value)
	for i := 1; i < len(lower); i++ {
		a, b := lower[i-1], lower[i]
		if a < 'a' || a > 'z' || b < 'a' || b > 'z' {
			continue
		}
		letters++
		if strings.Contains(pairs, " "+lower[i-1:i+1]+" ") {
			frequent++
		}
	}
	const fewest = 10
	return letters >= fewest && letters*2 >= len(value) && frequent*20 >= letters*9
}
