package device

import (
	"errors"
	"net/http"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// refusal is what is wrong, told to the person.
type refusal struct {
	page  pages.Error
	cause error // for the log
}

// Codes that scripts and support can recognise on the error page, beside those
// of package oauth.
const (
	codeExpired       = "device_code_expired"
	codeDecided       = "device_code_used"
	codeRefusedClient = "refused_client"
	codeMethod        = "method_not_allowed"
)

func refuse(status int, code, title, text string) *refusal {
	return &refusal{page: pages.Error{Status: status, Code: code, Title: title, Text: text}}
}

func refuseExpired() *refusal {
	return refuse(http.StatusGone, codeExpired,
		"The code has expired",
		"Nothing has been allowed. Start again on your device: it shows a new code then.")
}

func refuseDecided() *refusal {
	return refuse(http.StatusConflict, codeDecided,
		"This code has been answered already",
		"The first answer counts. If your device does not go on, or if it was not you who answered, start again on the device: it shows a new code then.")
}

func refuseClient(clientID string, cause error) *refusal {
	f := refuse(http.StatusBadRequest, codeRefusedClient,
		"This application may not be used at present",
		"It was removed or changed since your device has shown the code, or its registration is not allowed any more. "+
			"Nothing has been allowed. Start again on the device. If this happens again, tell the people who run the application.")
	f.page.Details = []pages.Detail{{Name: "client_id", Value: clientID}}
	f.cause = cause
	return f
}

func refuseDecision() *refusal {
	return refuse(http.StatusBadRequest, string(oauth.CodeInvalidRequest),
		"There was no answer in the form",
		"Nothing has been allowed. Go back, and choose one of the buttons.")
}

func refuseMethod() *refusal {
	return refuse(http.StatusMethodNotAllowed, codeMethod,
		"This address cannot be used like that",
		"Open the address that your device shows, and enter the code there.")
}

func refuseFault(cause error) *refusal {
	return &refusal{page: resourceowner.Trouble(cause), cause: cause}
}

// refuse shows a refusal to the person.
func (e *Endpoint) refuse(w http.ResponseWriter, r *http.Request, f *refusal) {
	log := logr.FromContextOrDiscard(r.Context())
	switch {
	case f.page.Status >= http.StatusInternalServerError:
		log.Error(f.cause, "A page for a device could not be served.", "code", f.page.Code)
	case errors.Is(f.cause, registration.ErrRefused):
		log.Info("A page for a device was refused.", "code", f.page.Code, "cause", f.cause.Error())
	default:
		log.Info("A page for a device was refused.", "code", f.page.Code)
	}
	e.pages.Error(w, f.page)
}

// trouble shows what package resourceowner says about an error.
func (e *Endpoint) trouble(w http.ResponseWriter, r *http.Request, err error) {
	resourceowner.LogTrouble(r.Context(), err)
	e.pages.Error(w, resourceowner.Trouble(err))
}
