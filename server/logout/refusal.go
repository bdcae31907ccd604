package logout

import (
	"net/http"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/pages"
	"oauth-operator.dev/server/resourceowner"
)

// codePostLogoutRedirectURI is the code of a page that scripts and support can
// recognise.
const codePostLogoutRedirectURI = "invalid_post_logout_redirect_uri"

// notDone ends every text about a client's mistake.
const notDone = " You have not been signed out. To sign out here, open this page's address without what follows the question mark."

func malformed(code, title, text string) *pages.Error {
	return &pages.Error{Status: http.StatusBadRequest, Code: code, Title: title, Text: text + notDone}
}

func refuseMalformed() *pages.Error {
	return malformed(string(oauth.CodeInvalidRequest),
		"The application sent a request that cannot be read",
		"It is not encoded as it should be, it is too large, or it says something twice.")
}

func refuseHint() *pages.Error {
	return malformed(string(oauth.CodeInvalidRequest),
		"The application sent something wrong to recognise you by",
		"The id_token_hint is not an ID token of this server, or is too old to be checked.")
}

func refuseContradiction() *pages.Error {
	return malformed(string(oauth.CodeInvalidRequest),
		"The application sent a contradictory request",
		"The id_token_hint is of another application than the client_id.")
}

func refuseNoClient(requested string) *pages.Error {
	p := malformed(string(oauth.CodeInvalidRequest),
		"The application did not say which one it is",
		"A request with a post_logout_redirect_uri needs an id_token_hint or a client_id.")
	p.Details = []pages.Detail{{Name: "post_logout_redirect_uri that was sent", Value: requested}}
	return p
}

func refuseRedirectURI(clientID, requested string) *pages.Error {
	p := malformed(codePostLogoutRedirectURI,
		"The application named a wrong address to return to",
		"The address is not among the postLogoutRedirectURIs of the application. Each is compared character by character.")
	p.Details = []pages.Detail{
		{Name: "client_id", Value: clientID},
		{Name: "post_logout_redirect_uri that was sent", Value: requested},
	}
	return p
}

func refuseMethod() *pages.Error {
	return &pages.Error{
		Status: http.StatusMethodNotAllowed,
		Code:   "method_not_allowed",
		Title:  "This address cannot be used like that",
		Text:   "Go back to the application that you want to leave, and sign out there.",
	}
}

func troubleRevoking() pages.Error {
	return pages.Error{
		Status: http.StatusServiceUnavailable,
		Code:   string(oauth.CodeTemporarilyUnavailable),
		Title:  "You have not been signed out yet",
		Text:   "The server could not end everything that hangs on your session. Wait for a moment, then reload this page.",
	}
}

// refuse shows a refusal to the person.
func (e *Endpoint) refuse(w http.ResponseWriter, r *http.Request, page *pages.Error) {
	logr.FromContextOrDiscard(r.Context()).Info("A logout request was refused.", "code", page.Code)
	e.pages.Error(w, *page)
}

// trouble shows what package resourceowner says about an error.
func (e *Endpoint) trouble(w http.ResponseWriter, r *http.Request, err error) {
	resourceowner.LogTrouble(r.Context(), err)
	e.pages.Error(w, resourceowner.Trouble(err))
}
