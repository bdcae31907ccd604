package controllers

import (
	"time"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

const day = 24 * time.Hour

// skew is by how much the clocks of those who check tokens may differ.
const skew = 5 * time.Minute

// signAhead is how long a signing key is published before it is used: resource
// servers keep a JWK Set for up to a day. The other keys are known to the
// servers alone, which see them at once.
const (
	signAhead = day
	ownAhead  = time.Hour
)

// keySchedules say how the keys of an issuer come and go. A key is kept as long
// as the last thing that was made with it is good.
func keySchedules(l v1alpha1.EffectiveLifetimes) []keyring.Schedule {
	// An ID token that has expired is still good as a hint in its session (OpenID
	// Connect Core §3.1.2.1, RP-Initiated Logout §2).
	signed := max(l.AccessToken, l.IDToken, l.Session) + skew
	return []keyring.Schedule{
		{Use: keyring.UseSignES256, Every: 90 * day, Ahead: signAhead, Keep: signed},
		{Use: keyring.UseSignRS256, Every: 90 * day, Ahead: signAhead, Keep: signed},
		{Use: keyring.UseCode, Every: 30 * day, Ahead: ownAhead, Keep: max(l.Code, l.DeviceCode) + skew},
		{Use: keyring.UseRefresh, Every: 180 * day, Ahead: ownAhead, Keep: l.Refresh + skew},
		{Use: keyring.UseBrowser, Every: 30 * day, Ahead: ownAhead, Keep: l.Session + skew},
		{Use: keyring.UsePairwise},
	}
}
