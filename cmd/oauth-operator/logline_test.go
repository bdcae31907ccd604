package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode"

	. "github.com/onsi/gomega"
)

// injections are texts that somebody would like to have in a log as they stand.
var injections = []string{
	"a\r\n{\"level\":\"info\",\"msg\":\"forged\"}", "a\n2026-01-02T03:04:05Z\tINFO\tforged", "a\rb", "\x1b[2J\x1b]0;x\x07", "\u009b31m", "\u0085forged",
	"\u2028{\"msg\":\"forged\"}\u2029", "\u202egnp.exe\u202c", "\u2066x\u2069", "\u200b\ufeff", "\x00\x7f\x08", `"} {"msg":"forged`, `\n\"`, "\xff\xfe\x9b31m", "\U000e0041", "tab\tforged",
}

// entry is what a line of the format text begins with.
var entry = regexp.MustCompile(`^\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d{4})\t(ERROR|INFO|DEBUG|DEBUG-\d|LEVEL\(-\d+\))\t`)

func TestLogInjection(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		for _, text := range injections {
			t.Run(format+" "+strings.Map(func(r rune) rune {
				if r > ' ' && r < 0x7f {
					return r
				}
				return '_'
			}, text), func(t *testing.T) {
				g := NewWithT(t)
				var b bytes.Buffer
				log := (&common{logFormat: format, logLevel: 5}).logger(&b)
				log.Info("One.", "value", text, "bytes", []byte(text), "list", []string{text}, "object", map[string]any{text: text})
				log.Error(errors.New(text), "Two.", "cause", errors.Join(errors.New(text), errors.New(text)))
				log.V(5).WithName(text).WithValues("with", text).Info("Three.")
				log.Info(text)

				g.Expect(b.String()).To(HaveSuffix("\n"))
				lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
				g.Expect(lines).To(HaveLen(4), b.String())
				for i, line := range lines {
					g.Expect(strings.ContainsFunc(line, func(r rune) bool {
						return r != '\t' && unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf)
					})).To(BeFalse(), "%q", line)
					if format == "text" {
						g.Expect(entry.MatchString(line)).To(BeTrue(), "%q", line)
						continue
					}
					g.Expect(line).NotTo(ContainSubstring("\t"))
					var event map[string]any
					g.Expect(json.Unmarshal([]byte(line), &event)).To(Succeed(), line)
					if i < 3 {
						g.Expect(event["msg"]).To(Equal([]string{"One.", "Two.", "Three."}[i]))
					}
				}
			})
		}
	}
}

func TestLogLinesLeavesAllElse(t *testing.T) {
	g := NewWithT(t)
	var b bytes.Buffer
	for _, text := range []string{"plain\n", "Zoë 東京 🦊 العربية\t\n", "no end"} {
		n, err := logLines{&b}.Write([]byte(text))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(n).To(Equal(len(text)))
	}
	g.Expect(b.String()).To(Equal("plain\nZoë 東京 🦊 العربية\t\nno end\n"))
}
