package worldtest

import (
	"time"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/keys"
	"oauth-operator.dev/server/registration"
)

// Ring makes real keys for those uses. One for UseSignRS256 takes a while to make.
func Ring(at time.Time, uses ...keyring.Use) keyring.Ring {
	var schedules []keyring.Schedule
	for _, use := range uses {
		schedules = append(schedules, keyring.Schedule{Use: use})
	}
	ring, _, _, err := keyring.Rotate(keyring.Ring{}, schedules, at)
	if err != nil {
		panic(err)
	}
	return ring
}

// Compile returns the keys of a ring, ready for use.
func Compile(ring keyring.Ring) *keys.Set {
	set, err := keys.Compile(ring)
	if err != nil {
		panic(err)
	}
	return set
}

// Credential returns what is registered of a client's secret: its verifier under the
// active key of the ring.
func Credential(ring keyring.Ring, now time.Time, uid, id, secret string) registration.Credential {
	key, ok := ring.Active(keyring.UseVerifier, now)
	if !ok {
		panic("the ring has no key for verifiers")
	}
	return registration.Credential{ID: id, Verifier: credential.Verifier(
		key.ID, key.Material, credential.Subject{ClientUID: uid, CredentialID: id}, secret)}
}
