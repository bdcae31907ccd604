package controllers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// ringSecret is a Secret of the operator's namespace that holds a key ring.
type ringSecret struct {
	name      string
	labels    map[string]string
	owner     client.Object // nil for none
	kind      string        // of the owner
	schedules []keyring.Schedule
}

// unusableRingError says that a Secret with keys exists and cannot be read as
// such. It is left alone: it may hold the only copy of keys that are in use.
type unusableRingError struct{ name, fault string }

func (e *unusableRingError) Error() string {
	return fmt.Sprintf("Secret %q cannot be read as keys (%s). It is left alone: restore it, or delete it to have new keys made, "+
		"which ends what was issued with the old ones", e.name, e.fault)
}

// rejectedRingError says that the API server has understood the Secret and will
// not have it.
type rejectedRingError struct{ name, fault string }

func (e *rejectedRingError) Error() string {
	return fmt.Sprintf("the API server refuses the Secret %q: %s", e.name, e.fault)
}

// rejected makes a refusal a rejectedRingError, without the keys that an admission
// webhook may have repeated.
func rejected(err error, secret wantedSecret, ring keyring.Ring) error {
	if err == nil || !refused(err) {
		return err
	}
	data := secret.data[keyring.DataKey]
	secrets := []string{string(data), "[redacted]", base64.StdEncoding.EncodeToString(data), "[redacted]"}
	for _, k := range ring.Keys {
		secrets = append(secrets, base64.StdEncoding.EncodeToString(k.Material), "[redacted]")
	}
	return &rejectedRingError{name: secret.name, fault: strings.NewReplacer(secrets...).Replace(err.Error())}
}

// keepRing makes the Secret if it is missing, and brings it to what the schedules
// ask for. It returns when to look again, or never as the zero time.
func (t tools) keepRing(ctx context.Context, want ringSecret) (again time.Time, err error) {
	have := &corev1.Secret{}
	key := client.ObjectKey{Namespace: t.operatorNamespace, Name: want.name}
	if err := t.client.Get(ctx, key, have); apierrors.IsNotFound(err) {
		again, err = t.makeRing(ctx, want)
		if !apierrors.IsAlreadyExists(err) {
			return again, err
		}
		// It is there, but without the label by which the cache would hold it.
		if err := t.live.Get(ctx, key, have); err != nil {
			return time.Time{}, overtaken(err)
		}
	} else if err != nil {
		return time.Time{}, err
	}
	return t.updateRing(ctx, want, have)
}

func (t tools) makeRing(ctx context.Context, want ringSecret) (again time.Time, err error) {
	ring, _, again, err := keyring.Rotate(keyring.Ring{}, want.schedules, t.now())
	if err != nil {
		return time.Time{}, err
	}
	secret, err := t.ringSecret(want, ring)
	if err != nil {
		return time.Time{}, err
	}
	if err := t.client.Create(ctx, secret.object()); err != nil {
		return time.Time{}, rejected(err, secret, ring)
	}
	log.FromContext(ctx).Info("Made new keys.", "secret", want.name)
	return again, nil
}

func (t tools) updateRing(ctx context.Context, want ringSecret, have *corev1.Secret) (again time.Time, err error) {
	ring, err := decodeRing(have)
	if err != nil {
		return time.Time{}, &unusableRingError{name: want.name, fault: err.Error()}
	}
	ring, changed, again, err := keyring.Rotate(ring, want.schedules, t.now())
	if err != nil {
		return time.Time{}, err
	}
	secret, err := t.ringSecret(want, ring)
	if err != nil {
		return time.Time{}, err
	}
	if !changed {
		// The same ring may be written in another way: that is no difference.
		secret.data[keyring.DataKey] = have.Data[keyring.DataKey]
	}
	facts := secret.differences(have)
	if len(facts) == 0 {
		return again, nil
	}
	if err := applySecret(ctx, t.client, secret, have); err != nil {
		return time.Time{}, rejected(overtaken(err), secret, ring)
	}
	log.FromContext(ctx).Info("Wrote the Secret with the keys.", "secret", want.name, "because", strings.Join(facts, "; "))
	return again, nil
}

func (t tools) ringSecret(want ringSecret, ring keyring.Ring) (wantedSecret, error) {
	data, err := ring.Encode()
	if err != nil {
		return wantedSecret{}, err
	}
	labels := map[string]string{v1alpha1.LabelManaged: "true"}
	for k, v := range want.labels {
		labels[k] = v
	}
	secret := wantedSecret{
		namespace: t.operatorNamespace,
		name:      want.name,
		labels:    labels,
		data:      map[string][]byte{keyring.DataKey: data},
	}
	if want.owner != nil {
		secret.owner = controllerReference(want.owner, want.kind)
	}
	return secret, nil
}

// decodeRing reads the ring of a Secret and checks that its keys are keys, as
// the server will. Its errors hold nothing of the data.
func decodeRing(secret *corev1.Secret) (keyring.Ring, error) {
	data, ok := secret.Data[keyring.DataKey]
	if !ok {
		return keyring.Ring{}, fmt.Errorf("it has no key %s", keyring.DataKey)
	}
	ring, err := keyring.Decode(data)
	if err != nil {
		return keyring.Ring{}, err
	}
	if len(ring.Keys) == 0 {
		return keyring.Ring{}, errors.New("the ring is empty")
	}
	for _, k := range ring.Keys {
		if err := checkKey(k); err != nil {
			return keyring.Ring{}, fmt.Errorf("key %q: %w", k.ID, err)
		}
	}
	return ring, nil
}

// symmetricBytes is the size of the keys that sign nothing.
const symmetricBytes = 32

func checkKey(k keyring.Key) error {
	switch k.Use {
	case keyring.UseSignES256, keyring.UseSignRS256:
		private, err := x509.ParsePKCS8PrivateKey(k.Material)
		if err != nil {
			return errors.New("no private key in PKCS #8")
		}
		ec, isEC := private.(*ecdsa.PrivateKey)
		_, isRSA := private.(*rsa.PrivateKey)
		if (k.Use == keyring.UseSignES256 && (!isEC || ec.Curve != elliptic.P256())) || (k.Use == keyring.UseSignRS256 && !isRSA) {
			return fmt.Errorf("not of the kind that %s needs", k.Use)
		}
	default:
		if len(k.Material) != symmetricBytes {
			return fmt.Errorf("%d bytes where %d are needed", len(k.Material), symmetricBytes)
		}
	}
	return nil
}
