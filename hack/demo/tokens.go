package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// members shows the members of a JSON object, and of tokens only that they are there.
func members(body []byte) string {
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		return fmt.Sprintf("(%d bytes that are no JSON)", len(body))
	}
	shown := make([]string, 0, len(object))
	for name, value := range object {
		text := fmt.Sprint(value)
		if strings.HasSuffix(name, "_token") {
			text = shorten(text)
		}
		shown = append(shown, name+"="+text)
	}
	slices.Sort(shown)
	return strings.Join(shown, " ")
}
