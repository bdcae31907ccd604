package keyring

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// version of the encoded form.
const version = 1

// document is the encoded form of a Ring. It is apart from Ring, so that nothing
// but Encode writes key material.
type document struct {
	Version int           `json:"version"`
	Keys    []documentKey `json:"keys"`
}

type documentKey struct {
	ID        string    `json:"id"`
	Use       Use       `json:"use"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
	Material  []byte    `json:"material"` // in base64
}

// Encode returns the form in which the ring is kept under DataKey. The same ring
// always has the same form.
func (r Ring) Encode() ([]byte, error) {
	d := document{Version: version, Keys: make([]documentKey, len(r.Keys))}
	for i, k := range r.Keys {
		d.Keys[i] = documentKey{ID: k.ID, Use: k.Use, NotBefore: k.NotBefore, NotAfter: k.NotAfter, Material: k.Material}
	}
	return json.Marshal(d)
}

// Decode reads what Encode wrote. Its errors hold nothing of the input.
func Decode(data []byte) (Ring, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return Ring{}, errors.New("keyring: not a JSON document of the expected form")
	}
	if d.Version != version {
		return Ring{}, fmt.Errorf("keyring: version %d is not known here", d.Version)
	}
	seen := make(map[string]bool, len(d.Keys))
	r := Ring{Keys: make([]Key, len(d.Keys))}
	for i, k := range d.Keys {
		if k.ID == "" || k.Use == "" || len(k.Material) == 0 {
			return Ring{}, fmt.Errorf("keyring: key %d is incomplete", i)
		}
		if seen[k.ID] {
			return Ring{}, fmt.Errorf("keyring: key %d has the id of another", i)
		}
		seen[k.ID] = true
		r.Keys[i] = Key{ID: k.ID, Use: k.Use, NotBefore: k.NotBefore, NotAfter: k.NotAfter, Material: k.Material}
	}
	return r, nil
}
