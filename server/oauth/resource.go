package oauth

import (
	"net/url"
	"slices"
	"strings"
)

// CodeInvalidTarget says that the client cannot have a token for the resource
// (RFC 8707 §2).
const CodeInvalidTarget Code = "invalid_target"

// Bounds of resource indicators: more, or longer ones, cannot be registered.
const (
	maxResources = 32
	maxResource  = 512
)

// ParseResources reads the values of the parameter resource, each once and in
// the order in which they were first named. It returns invalid_target for what is
// no "absolute URI" or has "a fragment component" (RFC 8707 §2), and for more than
// can be registered.
func ParseResources(values []string) ([]string, error) {
	var resources []string
	for _, value := range values {
		if slices.Contains(resources, value) {
			continue
		}
		if len(resources) == maxResources {
			return nil, InvalidTarget("The request names more resources than there can be.")
		}
		if !validResource(value) {
			return nil, InvalidTarget("A resource has to be an absolute URI without fragment.")
		}
		resources = append(resources, value)
	}
	return resources, nil
}

func validResource(value string) bool {
	if value == "" || len(value) > maxResource || strings.Contains(value, "#") {
		return false
	}
	for i := range len(value) {
		if value[i] <= ' ' || value[i] > '~' {
			return false
		}
	}
	u, err := url.Parse(value)
	return err == nil && u.IsAbs()
}

// InvalidTarget is the error of RFC 8707 §2 for a resource that the client cannot
// have.
func InvalidTarget(description string) *Error {
	return NewError(CodeInvalidTarget, description)
}
