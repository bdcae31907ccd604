package resourceowner

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/pages"
)

// Trouble returns the page for an error of this package. What is not known is a
// fault of ours: the page says no more than that.
func Trouble(err error) pages.Error {
	switch {
	case errors.Is(err, ErrForeign):
		return pages.Error{
			Status: http.StatusForbidden,
			Code:   "csrf",
			Title:  "This form cannot be used",
			Text: "It was not made for this browser, or the browser did not send its cookies along. " +
				"Nothing has been allowed. Allow cookies for this site, go back to the application, and start again there.",
		}
	case errors.Is(err, ErrExpired):
		return pages.Error{
			Status: http.StatusForbidden,
			Code:   "expired",
			Title:  "This page was open for too long",
			Text:   "Nothing has been allowed. Go back to the application and start again there.",
		}
	case errors.Is(err, ErrBusy), errors.Is(err, keys.ErrNoKey):
		return pages.Error{
			Status: http.StatusServiceUnavailable,
			Code:   "temporarily_unavailable",
			Title:  "Please try again in a moment",
			Text:   "The server cannot take your request just now. Wait for some seconds, then reload this page.",
		}
	}
	return pages.Error{
		Status: http.StatusServiceUnavailable,
		Code:   "server_error",
		Title:  "Something went wrong",
		Text:   "That is our fault, not yours, and it is in the server's log. Wait for a moment, then reload this page.",
	}
}

// LogTrouble logs an error that Trouble has a page for: as an error if it is a fault
// of ours.
func LogTrouble(ctx context.Context, err error) {
	log := logr.FromContextOrDiscard(ctx)
	if page := Trouble(err); page.Code == "server_error" {
		log.Error(err, "A page could not be served.")
	} else {
		log.Info("A page was refused.", "code", page.Code)
	}
}
