package main

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// logLines keeps each entry of the log in one line, whatever somebody has brought
// into it. Its encoders escape what JSON has to; C1 controls, line separators, and
// what turns the direction of a text around they leave as it is, and terminals and
// collectors of logs read some of that as the end of a line, or obey it.
type logLines struct{ to io.Writer }

// Write writes one entry, which ends with a line feed.
func (l logLines) Write(entry []byte) (int, error) {
	text := bytes.TrimSuffix(entry, []byte("\n"))
	if bytes.ContainsFunc(text, unprintable) {
		line := make([]byte, 0, len(entry)+32)
		for rest := text; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if unprintable(r) {
				line = appendEscaped(line, r)
			} else {
				line = append(line, rest[:size]...)
			}
			rest = rest[size:]
		}
		text = line
	}
	if _, err := l.to.Write(append(text[:len(text):len(text)], '\n')); err != nil {
		return 0, err
	}
	return len(entry), nil
}

// unprintable reports whether a character does not belong into a line. A tab
// separates the columns of the format text.
func unprintable(r rune) bool {
	return r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError
}

// appendEscaped writes a character as JSON does.
func appendEscaped(line []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Appendf(line, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(line, `\u%04x`, r)
}
