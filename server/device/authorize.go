package device

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/issuer"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/oauth"
	"oauth-operator.dev/server/throttle"
)

// response is the device authorization response of RFC 8628 §3.2.
type response struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval"`
}

// authorize answers a device authorization request (RFC 8628 §3.1). It writes
// nothing: the client may be a public one, which is anybody.
func (e *Endpoint) authorize(w http.ResponseWriter, r *http.Request) {
	// RFC 8628 §3.1: "The client initiates the authorization flow by requesting a set
	// of verification codes [...] using the HTTP "POST" method".
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		e.fail(w, r, http.StatusMethodNotAllowed, oauth.NewError(oauth.CodeInvalidRequest, "Device authorization requests use the method POST."))
		return
	}
	answer, status, err := e.request(r)
	if err != nil {
		e.fail(w, r, status, err)
		return
	}
	if err := oauth.WriteJSON(w, http.StatusOK, answer); err != nil {
		logr.FromContextOrDiscard(r.Context()).V(1).Info("The device authorization response could not be written.")
	}
}

// request checks a device authorization request, and gives it its codes. The
// status is 0 where it is that of the error.
func (e *Endpoint) request(r *http.Request) (answer response, status int, err error) {
	params, err := oauth.ParseForm(r)
	if err != nil {
		return response{}, 0, err
	}
	// RFC 8628 §3.1: "Parameters sent without a value MUST be treated as if they were
	// omitted [...]. Request and response parameters MUST NOT be included more than
	// once." RFC 8707 §2 lets resource be repeated.
	if err := params.OnlyOnce(oauth.ParamResource); err != nil {
		return response{}, 0, err
	}
	// RFC 8628 §3.1: "The client authentication requirements of Section 3.2.1 of
	// [RFC6749] apply".
	client, err := e.Authenticator.Authenticate(r, params)
	if err != nil {
		return response{}, 0, err
	}
	if !client.Client.MayUse(oauth.GrantDeviceCode) {
		return response{}, 0, oauth.NewError(oauth.CodeUnauthorizedClient, "The client is not registered for the device code grant.")
	}
	if !client.Authenticated && !e.requests.Allow(throttle.Source(r)) {
		return response{}, http.StatusTooManyRequests, oauth.NewError(oauth.CodeTemporarilyUnavailable, "There were too many device authorization requests from this address. Try again soon.")
	}
	scope, err := client.Client.RequestedScope(params.Get(oauth.ParamScope))
	if err != nil {
		return response{}, 0, err
	}
	resources, err := client.Client.RequestedResources(e.Settings, scope, params.All(oauth.ParamResource))
	if err != nil {
		return response{}, 0, err
	}
	c, code, err := e.Desk.Issue(client.Client, scope, resources)
	switch {
	case errors.Is(err, devicecode.ErrTooLong):
		return response{}, 0, oauth.NewError(oauth.CodeInvalidRequest, "The scope and the resources are longer than a device code can carry.")
	case errors.Is(err, keys.ErrNoKey):
		return response{}, 0, oauth.Unavailable(err)
	case err != nil:
		return response{}, 0, oauth.ServerError(err)
	}
	page := e.Settings.URL(issuer.PathDevice)
	return response{
		DeviceCode:              code,
		UserCode:                c.UserCode.String(),
		VerificationURI:         page,
		VerificationURIComplete: page + "?" + oauth.ParamUserCode + "=" + url.QueryEscape(c.UserCode.String()),
		ExpiresIn:               c.ExpiresAt - c.IssuedAt,
		Interval:                int64(devicecode.Interval / time.Second),
	}, 0, nil
}

// fail answers an error as the token endpoint does (RFC 6749 §5.2). What is our own
// fault is logged as an error.
func (e *Endpoint) fail(w http.ResponseWriter, r *http.Request, status int, err error) {
	var protocol *oauth.Error
	if !errors.As(err, &protocol) {
		protocol = oauth.ServerError(err)
	}
	log := logr.FromContextOrDiscard(r.Context())
	if status == 0 && protocol.Status() >= http.StatusInternalServerError {
		log.Error(protocol.Unwrap(), "A device authorization request failed.", "error", protocol.Code)
	} else {
		log.V(1).Info("A device authorization request was refused.", "error", protocol.Code, "cause", protocol.Unwrap())
	}
	if status != 0 {
		err = oauth.WriteError(w, status, protocol)
	} else {
		err = e.Authenticator.WriteError(w, protocol)
	}
	if err != nil {
		log.V(1).Info("The error response could not be written.")
	}
}
