package authorization

import (
	"errors"
	"net/http"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/registration"
	"oauth-operator.dev/server/resourceowner"
)

// page is short for what refusals are made of.
type page = pages.Error

// refusal is what is wrong, told to the person. It never leads to a client.
type refusal struct {
	page  page
	cause error // for the log
}

func malformed(code, title, text string) *refusal {
	return &refusal{page: page{Status: http.StatusBadRequest, Code: code, Title: title, Text: text}}
}

// Codes that scripts and support can recognise on the error page, beside those
// of package oauth.
const (
	codeUnknownClient = "unknown_client"
	codeRefusedClient = "refused_client"
	codeRedirectURI   = "invalid_redirect_uri"
	codeMethod        = "method_not_allowed"
)

// nothingDone ends every text about a client's mistake.
const nothingDone = " You have not been signed in there. If this happens again, tell the people who run the application."

func refuseMalformed(cause error) *refusal {
	f := malformed(string(oauth.CodeInvalidRequest),
		"The application sent a request that cannot be read",
		"It is not encoded as it should be, or it is too large."+nothingDone)
	f.cause = cause
	return f
}

func refuseLength() *refusal {
	return malformed(string(oauth.CodeInvalidRequest),
		"The application sent a request that is too long",
		"It has to be shorter to pass through a browser."+nothingDone)
}

func refuseRepeated() *refusal {
	return malformed(string(oauth.CodeInvalidRequest),
		"The application sent a contradictory request",
		"It named itself, or the address to return to, more than once."+nothingDone)
}

func refuseNoClient() *refusal {
	return malformed(string(oauth.CodeInvalidRequest),
		"The application did not say which one it is",
		"The client_id is missing from the request. If you typed the address of this page, start from the application instead.")
}

func refuseUnknownClient(clientID string) *refusal {
	f := malformed(codeUnknownClient,
		"This application is not known here",
		"It may have been removed, or its client_id is mistyped, or it belongs to another server."+nothingDone)
	f.page.Details = []pages.Detail{{Name: "client_id that was sent", Value: clientID}}
	return f
}

func refuseClient(clientID string, cause error) *refusal {
	f := malformed(codeRefusedClient,
		"This application may not be used at present",
		"It is registered, but its registration is not valid or not allowed. The people who run the application find the reason in the conditions of its OAuthClient.")
	f.page.Details = []pages.Detail{{Name: "client_id", Value: clientID}}
	f.cause = cause
	return f
}

// refuseRedirectURI shows the address too, as text: whoever has just set up a
// client needs nothing more to find the mistake.
func refuseRedirectURI(client *registration.Client, requested string) *refusal {
	f := malformed(codeRedirectURI,
		"The application named a wrong address to return to",
		"The address is not one that "+client.DisplayName()+" has registered. Each is compared character by character."+nothingDone)
	f.page.Details = []pages.Detail{
		{Name: "client_id", Value: client.ID},
		{Name: "redirect_uri that was sent", Value: requested},
	}
	return f
}

func refuseNoRedirectURI(client *registration.Client) *refusal {
	f := malformed(codeRedirectURI,
		"This application does not sign people in",
		client.DisplayName()+" has registered no address to return to."+nothingDone)
	f.page.Details = []pages.Detail{{Name: "client_id", Value: client.ID}}
	return f
}

func refuseAmbiguous(client *registration.Client) *refusal {
	f := malformed(codeRedirectURI,
		"The application did not say where to return to",
		client.DisplayName()+" has registered several addresses, so its request has to name one as redirect_uri."+nothingDone)
	f.page.Details = []pages.Detail{{Name: "client_id", Value: client.ID}}
	return f
}

func refuseOpenIDRedirect(client *registration.Client) *refusal {
	f := malformed(codeRedirectURI,
		"The application did not say where to return to",
		"A request with the scope openid has to name its redirect_uri."+nothingDone)
	f.page.Details = []pages.Detail{{Name: "client_id", Value: client.ID}}
	return f
}

func refuseDecision() *refusal {
	return malformed(string(oauth.CodeInvalidRequest),
		"There was no answer in the form",
		"Nothing has been allowed. Go back, and choose one of the buttons.")
}

func refuseMethod() *refusal {
	return &refusal{page: page{
		Status: http.StatusMethodNotAllowed,
		Code:   codeMethod,
		Title:  "This address cannot be used like that",
		Text:   "Go back to the application that you want to use, and start from there.",
	}}
}

func refuseFault(cause error) *refusal {
	return &refusal{page: resourceowner.Trouble(cause), cause: cause}
}

// refuse shows a refusal to the person.
func (e *Endpoint) refuse(w http.ResponseWriter, r *http.Request, f *refusal) {
	log := logr.FromContextOrDiscard(r.Context())
	switch {
	case f.page.Status >= http.StatusInternalServerError:
		log.Error(f.cause, "An authorization request could not be served.", "code", f.page.Code)
	case errors.Is(f.cause, registration.ErrRefused):
		// What is wrong with a registration is nobody's secret, and not all of it is in
		// the conditions of the OAuthClient.
		log.Info("An authorization request was refused.", "code", f.page.Code, "cause", f.cause.Error())
	default:
		log.Info("An authorization request was refused.", "code", f.page.Code)
	}
	e.pages.Error(w, f.page)
}

// trouble shows what package resourceowner says about an error.
func (e *Endpoint) trouble(w http.ResponseWriter, r *http.Request, err error) {
	resourceowner.LogTrouble(r.Context(), err)
	e.pages.Error(w, resourceowner.Trouble(err))
}
