package secrettemplate

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"
)

// templateName is the name of every template for package template: the key is
// ours to tell.
const templateName = "data"

// What a template can come to when it is rendered.
var (
	errOutput = fmt.Errorf("comes to more than %d KiB, or the whole Secret more than %d KiB", maxOutput>>10, maxTotal>>10)
	errBytes  = errors.New("does too much with long texts")
)

// parseText parses a template. others are those that it defines.
func parseText(text string) (tree *parse.Tree, others map[string]*parse.Tree, err error) {
	tree = parse.New(templateName)
	tree.Mode = parse.SkipFuncCheck // the checker says more of a function that is not there
	others = map[string]*parse.Tree{}
	tree, err = tree.Parse(text, "", "", others)
	return tree, others, err
}

// The errors of package template: "template: data:3: message" of the parser, and
// "template: data:3:14: executing ..." of a template that is rendered.
var (
	parseError     = regexp.MustCompile(`^template: ` + templateName + `:(\d+): `)
	executionError = regexp.MustCompile(`^template: ` + templateName + `:(\d+):(\d+): `)
)

// maxMessage bounds what is repeated of a parser's message, in bytes.
const maxMessage = 200

func parseMessage(err error) string {
	message := parseError.ReplaceAllLiteralString(err.Error(), "")
	message = strings.TrimPrefix(message, "template: ")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
	}
	return message
}

// locate finds the action that the parser stumbled over: it says the line alone.
func locate(text string, err error) (line, column int) {
	actions := strings.Count(text, "{{")
	starts := make([]int, 0, actions)
	for at := 0; ; at += len("{{") {
		next := strings.Index(text[at:], "{{")
		if next < 0 {
			break
		}
		at += next
		starts = append(starts, at)
	}
	if strings.HasSuffix(err.Error(), "unexpected EOF") || len(starts) == 0 {
		return position(text, len(text))
	}
	// The parser reads from left to right: what begins before the mistake fails in
	// another way or not at all.
	first := sort.Search(len(starts), func(i int) bool {
		_, _, before := parseText(text[:starts[i]])
		return before != nil && before.Error() == err.Error()
	})
	return position(text, starts[max(first-1, 0)])
}

// tooMuch is the error of a template that came to too much.
func tooMuch(key, text string, err error) *Error {
	e := &Error{Key: key, Message: "cannot be rendered"}
	for _, known := range []error{errOutput, errBytes} {
		if errors.Is(err, known) {
			e.Message = known.Error()
		}
	}
	if m := executionError.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		column, _ := strconv.Atoi(m[2])
		e.Line, e.Column = position(text, lineStart(text, line)+column)
	}
	return e
}

// lineStart returns where a line begins, in bytes. Lines count from 1.
func lineStart(text string, line int) int {
	at := 0
	for ; line > 1; line-- {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	return at
}

// position returns line and column of a byte of the text, both from 1.
func position(text string, at int) (line, column int) {
	before := text[:min(max(at, 0), len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}
