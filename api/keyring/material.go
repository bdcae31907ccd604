package keyring

import (
	"fmt"
	"io"
)

// Material is the secret part of a key. It does not print, and it does not
// encode: Ring.Encode alone brings it into a form that can be kept.
type Material []byte

const redacted = "[redacted]"

// Format keeps the material out of messages, whatever the verb.
func (Material) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String keeps the material out of logs that do not ask package fmt.
func (Material) String() string { return redacted }

// MarshalText keeps the material out of structured logs, which encode what they
// are given.
func (Material) MarshalText() ([]byte, error) { return []byte(redacted), nil }
