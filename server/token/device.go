package token

import (
	"context"
	"errors"

	"oauth-operator.dev/server/devicecode"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/oauth"
)

// badDeviceCode is what the caller is told of a device code that is no good,
// whatever is wrong with it.
const badDeviceCode = "The device code is invalid, was used before, or was issued to another client."

// device answers a device access token request (RFC 8628 §3.4). As long as the
// person has not decided it writes nothing. Then it goes on as with an
// authorization code: one write creates the grant, and whoever comes second finds
// it there.
func (e *endpoint) device(ctx context.Context, req *request) (response, error) {
	code := req.params.Get(oauth.ParamDeviceCode)
	if code == "" {
		return response{}, missing(oauth.ParamDeviceCode)
	}
	c, err := devicecode.Open(req.set, code, req.now)
	if err != nil {
		return response{}, invalidGrant(badDeviceCode, "not a device code of this issuer")
	}
	if c.ClientID != req.Client.ID || c.ClientUID != req.Client.UID {
		return response{}, invalidGrant(badDeviceCode, "another client's device code")
	}
	decision, err := e.poll(ctx, req, c)
	if err != nil {
		return response{}, err
	}
	if !decision.Allowed {
		// RFC 8628 §3.5, access_denied: "The authorization request was denied."
		return response{}, oauth.NewError(oauth.CodeAccessDenied, "The resource owner has denied the request.")
	}
	return e.settle(ctx, req, grant.Code{
		GrantID:   c.GrantID,
		IssuedAt:  c.IssuedAt,
		ExpiresAt: c.ExpiresAt,
		ClientID:  c.ClientID,
		ClientUID: c.ClientUID,
		Subject:   decision.Subject,
		Username:  decision.Username,
		Scope:     decision.Scope,
		Resources: c.Resources,
		SessionID: decision.SessionID,
		AuthTime:  decision.AuthTime,
	}, badDeviceCode)
}

// poll asks what the person has decided. A public client is anybody, so what it
// makes the server read is bounded by address.
func (e *endpoint) poll(ctx context.Context, req *request, c devicecode.Code) (devicecode.Decision, error) {
	slowDown := oauth.NewError(oauth.CodeSlowDown, "The device polls too often. Add five seconds to the interval, for this request and all later ones.")
	if !req.Authenticated && !c.Expired(req.now) && !e.polls.Allow(req.source) {
		return devicecode.Decision{}, slowDown
	}
	decision, err := e.Desk.Poll(ctx, c)
	switch {
	case errors.Is(err, devicecode.ErrExpired):
		return decision, oauth.NewError(oauth.CodeExpiredToken, "The device code has expired. Start again with a new one.")
	case errors.Is(err, devicecode.ErrSlowDown):
		return decision, slowDown
	case errors.Is(err, devicecode.ErrPending):
		return decision, oauth.NewError(oauth.CodeAuthorizationPending, "The resource owner has not decided yet.")
	case err != nil:
		return decision, oauth.Unavailable(err)
	}
	return decision, nil
}
