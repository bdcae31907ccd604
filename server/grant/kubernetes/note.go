package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/server/grant"
)

// Notes are read one at a time, by their names. They are never updated, patched or
// listed: who elects a leader uses Leases too, and this server must not be able to
// touch theirs.
//
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,namespace=oauth-operator-system,verbs=get

// Note implements grant.Store by one create of a Lease, as Spend does, with the
// value in an annotation.
func (s *Store) Note(ctx context.Context, id string, value []byte, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(value) > grant.MaxNote {
		return errors.New("grant/kubernetes: the value of a note is too long")
	}
	lease := leaseUntil(notedName(id), s.now(), until)
	lease.Annotations = map[string]string{v1alpha1.AnnotationNote: encodeNote(value, until)}
	err := s.leases.Post().Namespace(s.operator).Resource("leases").
		Param("fieldManager", fieldManager).
		Body(lease).Do(ctx).Error()
	switch {
	case err == nil:
		return nil
	case apierrors.IsAlreadyExists(err):
		return grant.ErrNoted
	default:
		return fmt.Errorf("grant/kubernetes: noting a value: %w", err)
	}
}

// Noted implements grant.Store by one read.
func (s *Store) Noted(ctx context.Context, id string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lease := &coordinationv1.Lease{}
	err := s.leases.Get().Namespace(s.operator).Resource("leases").Name(notedName(id)).Do(ctx).Into(lease)
	switch {
	case apierrors.IsNotFound(err):
		return nil, grant.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("grant/kubernetes: reading a note: %w", err)
	}
	value, until, err := decodeNote(lease.Annotations[v1alpha1.AnnotationNote])
	if err != nil {
		return nil, err
	}
	if s.now().After(until) {
		return nil, grant.ErrNotFound // nobody has cleared it away yet
	}
	return value, nil
}

// notedName returns the name of the Lease for an id, which nobody can read there.
func notedName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "noted-" + spentNames.EncodeToString(sum[:])
}

// A note is its version, when it ends in microseconds since 1970, and the value.
const (
	noteVersion = 1
	noteHead    = 1 + 8
)

func encodeNote(value []byte, until time.Time) string {
	raw := make([]byte, 0, noteHead+len(value))
	raw = append(raw, noteVersion)
	raw = binary.BigEndian.AppendUint64(raw, uint64(until.UnixMicro())) // #nosec G115 -- any bits will do
	return base64.StdEncoding.EncodeToString(append(raw, value...))
}

var errNote = errors.New("grant/kubernetes: a Lease that is named as a note is none")

func decodeNote(text string) (value []byte, until time.Time, err error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) < noteHead || raw[0] != noteVersion {
		return nil, time.Time{}, errNote
	}
	return raw[noteHead:], time.UnixMicro(int64(binary.BigEndian.Uint64(raw[1:noteHead]))), nil // #nosec G115 -- made by encodeNote
}
