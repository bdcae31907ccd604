package resourceowner

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/passwordhash"
	"oauth-operator.dev/api/v1alpha1"
)

// The server reads who there is. The hashes of the passwords are in the Secrets of
// the operator's namespace, which package keys has the rule for.
//
// +kubebuilder:rbac:groups=oauth-operator.dev,resources=oauthusers,verbs=list;watch

// Cluster is the Directory of the OAuthUsers of a cluster. It reads the cache
// and nothing else.
type Cluster struct {
	cache     client.Reader
	namespace string
	verifier  *verifier
	memory    *memory
}

var _ Directory = (*Cluster)(nil)

// Names of the indexes that IndexUsers makes.
const (
	indexUsername = "spec.username"
	indexUID      = "metadata.uid"
)

// IndexUsers makes the indexes that a Cluster needs of the cache that it reads.
// It has to be called before the cache is started.
func IndexUsers(ctx context.Context, indexer client.FieldIndexer) error {
	indexes := map[string]func(*v1alpha1.OAuthUser) string{
		indexUsername: func(u *v1alpha1.OAuthUser) string { return u.Spec.Username },
		indexUID:      func(u *v1alpha1.OAuthUser) string { return string(u.UID) },
	}
	for name, value := range indexes {
		err := indexer.IndexField(ctx, &v1alpha1.OAuthUser{}, name, func(o client.Object) []string {
			if u, ok := o.(*v1alpha1.OAuthUser); ok {
				return []string{value(u)}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("resourceowner: indexing OAuthUsers by %s: %w", name, err)
		}
	}
	return nil
}

// NewCluster returns the Directory. The cache holds all OAuthUsers, with the
// indexes of IndexUsers, and the Secrets of that namespace, the operator's own.
func NewCluster(ctx context.Context, from cache.Cache, namespace string) (*Cluster, error) {
	v, err := newVerifier()
	if err != nil {
		return nil, err
	}
	c := &Cluster{cache: from, namespace: namespace, verifier: v, memory: &memory{people: map[string]*Person{}}}
	return c, c.memory.follow(ctx, from)
}

// Authenticate implements Directory. For whoever cannot log in, a hash is
// checked all the same, so that the time tells nothing.
func (c *Cluster) Authenticate(ctx context.Context, username, password string) (*Person, error) {
	decoy, err := c.decoy(ctx, username)
	if err != nil {
		return nil, err
	}
	user, hash, err := c.find(ctx, client.MatchingFields{indexUsername: username})
	if err != nil && !errors.Is(err, ErrUnknown) {
		return nil, err
	}
	known := err == nil
	if !known {
		hash = decoy
	}
	matches, err := c.verifier.verify(ctx, hash, password)
	switch {
	case err != nil:
		return nil, err
	case !known || !matches:
		return nil, ErrNoSuchLogin
	}
	return user, nil
}

// decoy returns the hash that is checked where nobody may log in with the
// username. A hash says itself how dear it is to check, and those of the people
// here may be dearer than any of ours: so it is that of one of them. It is the
// same one every time and in every replica, and as likely to be anybody's,
// because an answer that wavers would tell as much.
func (c *Cluster) decoy(ctx context.Context, username string) (passwordhash.Hash, error) {
	var users v1alpha1.OAuthUserList
	if err := c.cache.List(ctx, &users, client.UnsafeDisableDeepCopy); err != nil {
		return passwordhash.Hash{}, fmt.Errorf("resourceowner: reading OAuthUsers from the cache: %w", err)
	}
	var chosen v1alpha1.SecretKeyReference
	var least [sha256.Size]byte
	for i := range users.Items {
		u := &users.Items[i]
		drawn := sha256.Sum256([]byte(username + "\x00" + string(u.UID)))
		if i == 0 || bytes.Compare(drawn[:], least[:]) < 0 {
			chosen, least = u.Spec.PasswordSecretRef, drawn
		}
	}
	encoded, err := c.passwordHash(ctx, chosen)
	switch {
	case errors.Is(err, ErrUnknown):
		return c.verifier.dummy, nil
	case err != nil:
		return passwordhash.Hash{}, err
	}
	hash, err := passwordhash.Parse(encoded)
	if err != nil {
		return c.verifier.dummy, nil //nolint:nilerr // somebody who cannot log in either
	}
	return hash, nil
}

// Person implements Directory. One who was asked for before costs no allocation.
func (c *Cluster) Person(ctx context.Context, subject string) (*Person, error) {
	known, changes := c.memory.person(subject)
	if known != nil {
		return known, nil
	}
	person, _, err := c.find(ctx, client.MatchingFields{indexUID: subject})
	if err != nil {
		return nil, err
	}
	c.memory.keep(person, changes)
	return person, nil
}

// find returns the one person of the index entry who may log in, with the hash of
// their password. It returns ErrUnknown if there is none.
func (c *Cluster) find(ctx context.Context, by client.MatchingFields) (*Person, passwordhash.Hash, error) {
	user, err := c.oldest(ctx, by)
	if err != nil {
		return nil, passwordhash.Hash{}, err
	}
	if user.Spec.Disabled || user.DeletionTimestamp != nil {
		return nil, passwordhash.Hash{}, ErrUnknown
	}
	if _, byUID := by[indexUID]; byUID {
		holder, err := c.oldest(ctx, client.MatchingFields{indexUsername: user.Spec.Username})
		if err != nil {
			return nil, passwordhash.Hash{}, err
		}
		if holder.UID != user.UID {
			return nil, passwordhash.Hash{}, ErrUnknown // an older OAuthUser has the username
		}
	}
	encoded, err := c.passwordHash(ctx, user.Spec.PasswordSecretRef)
	if err != nil {
		return nil, passwordhash.Hash{}, err
	}
	hash, err := passwordhash.Parse(encoded)
	if err != nil {
		return nil, passwordhash.Hash{}, ErrUnknown // the condition Ready of the OAuthUser says so
	}
	return &Person{
		Subject:  string(user.UID),
		Username: user.Spec.Username,
		Name:     user.Spec.Name,
		Email:    user.Spec.Email,
		Groups:   user.Spec.Groups,
		LoginTag: loginTag(encoded),
	}, hash, nil
}

// oldest returns the OAuthUser that was there first: of two with one username
// it has it, as the controller's condition says. What it returns belongs to the
// cache and must not be changed.
func (c *Cluster) oldest(ctx context.Context, by client.MatchingFields) (*v1alpha1.OAuthUser, error) {
	var users v1alpha1.OAuthUserList
	if err := c.cache.List(ctx, &users, by, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("resourceowner: reading OAuthUsers from the cache: %w", err)
	}
	var first *v1alpha1.OAuthUser
	for i := range users.Items {
		if u := &users.Items[i]; first == nil || older(u, first) {
			first = u
		}
	}
	if first == nil {
		return nil, ErrUnknown
	}
	return first, nil
}

func older(a, b *v1alpha1.OAuthUser) bool {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name)) < 0
}

// passwordHash returns the hash as it stands in the Secret, or ErrUnknown.
func (c *Cluster) passwordHash(ctx context.Context, ref v1alpha1.SecretKeyReference) (string, error) {
	var secret corev1.Secret
	err := c.cache.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: ref.Name}, &secret, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return "", ErrUnknown
	}
	if err != nil {
		return "", fmt.Errorf("resourceowner: reading the Secret of a password from the cache: %w", err)
	}
	encoded, ok := secret.Data[ref.Key]
	if !ok {
		return "", ErrUnknown
	}
	return string(encoded), nil
}

// loginTag is a digest of the password's hash: it changes with the password, also
// when the same one is set again.
func loginTag(encoded string) string {
	sum := sha256.Sum256([]byte("login tag\x00" + encoded))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
