package keys_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/server/keys"
)

// FuzzCompile makes the key of an issuer of anything, for each use: either it is
// refused at once, or it does what it is for, and what it makes is read again by it.
func FuzzCompile(f *testing.F) {
	es256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	es384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rs256, _ := rsa.GenerateKey(rand.Reader, 2048)
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for _, private := range []any{es256, es384, rs256, small, ed} {
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("aaaaaaaaaaaa", der)
	}
	f.Add("aaaaaaaaaaaa", make([]byte, 32))
	f.Add("", []byte{})
	f.Fuzz(func(t *testing.T, id string, material []byte) {
		for _, use := range append(uses, keyring.UsePairwise, "newer") {
			ring := keyring.Ring{Keys: []keyring.Key{{ID: id, Use: use, NotBefore: start, Material: material}}}
			set, err := keys.Compile(ring)
			if err != nil {
				if set != nil {
					t.Fatalf("%s: a set with the error %v", use, err)
				}
				continue
			}
			does(t, set, use)
		}
	})
}

// does has the one key of a set do what it is for.
func does(t *testing.T, set *keys.Set, use keyring.Use) {
	t.Helper()
	switch use {
	case keyring.UseSignES256, keyring.UseSignRS256:
		token, err := set.Sign(use, keys.TypeIDToken, []byte("{}"), start)
		if err != nil {
			t.Fatalf("%s: %v", use, err)
		}
		if _, err := set.Verify(use, keys.TypeIDToken, token, start); err != nil {
			t.Errorf("%s: %v", use, err)
		}
		if _, err := set.Verify(use, keys.TypeAccessToken, token, start); err == nil {
			t.Errorf("%s: is of every type", use)
		}
	case keyring.UseCode, keyring.UseBrowser:
		var value string
		sealed, err := set.Seal(use, "purpose", "value", start)
		if err != nil || set.Open(use, "purpose", sealed, &value, start) != nil || value != "value" || set.Open(use, "another", sealed, &value, start) == nil {
			t.Errorf("%s: %v, opens to %q", use, err, value)
		}
	case keyring.UseRefresh:
		id, sum, err := set.MAC(use, []byte("message"), start)
		if err != nil || !set.CheckMAC(use, id, []byte("message"), sum, start) || set.CheckMAC(use, id, []byte("another"), sum, start) {
			t.Errorf("%s: %v", use, err)
		}
	case keyring.UseVerifier: // theirs is another ring
	case keyring.UsePairwise:
		if _, err := set.Pairwise([]byte("message")); err != nil {
			t.Errorf("%s: %v", use, err)
		}
	}
}
