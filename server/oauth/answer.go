package oauth

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// RetryAfter is how long a caller is asked to wait before it tries again what
// failed because something was not available.
const RetryAfter = 2 * time.Second

// WriteJSON answers with the JSON of v, which nobody may keep
// (RFC 6749 §5.1: "Cache-Control: no-store" and "Pragma: no-cache").
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = contentTypeJSON
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// Values of headers that are on every answer.
var (
	contentTypeJSON = []string{"application/json"}
	noStore         = []string{"no-store"}
	noCache         = []string{"no-cache"}
	noSniff         = []string{"nosniff"}
)

// errorBody is the error response of RFC 6749 §5.2.
type errorBody struct {
	Error       Code   `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// WriteError answers with the public half of the error (RFC 6749 §5.2).
func WriteError(w http.ResponseWriter, status int, e *Error) error {
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(int(RetryAfter/time.Second)))
	}
	return WriteJSON(w, status, errorBody{Error: e.Code, Description: e.Description})
}

// Unavailable wraps the failure of something that the server needs, which may
// work again soon. The caller learns nothing of it.
func Unavailable(cause error) *Error {
	return NewError(CodeTemporarilyUnavailable, "The authorization server cannot answer at the moment. Try again soon.").WithCause(cause)
}
