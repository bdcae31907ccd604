package resourceowner

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"time"

	"oauth-operator.dev/api/passwordhash"
)

// verifier checks passwords against hashes, which is made to be dear: some tens
// of milliseconds and megabytes each. So it takes on no more at once than there
// are processors, and lets nobody wait for long.
type verifier struct {
	slots chan struct{}
	queue chan struct{}

	// check is that of the hash.
	check func(hash passwordhash.Hash, password string) bool

	// dummy is the hash of a password that nobody knows, for where there is no
	// hash of anybody.
	dummy passwordhash.Hash
}

const (
	// queueLength is how many may wait for one processor.
	queueLength = 16

	// queueTime is how long they wait.
	queueTime = 2 * time.Second
)

func newVerifier() (*verifier, error) {
	encoded, err := passwordhash.Generate(rand.Text())
	if err != nil {
		return nil, fmt.Errorf("resourceowner: making the hash for people who do not exist: %w", err)
	}
	dummy, err := passwordhash.Parse(encoded)
	if err != nil {
		return nil, fmt.Errorf("resourceowner: reading the hash for people who do not exist: %w", err)
	}
	n := runtime.GOMAXPROCS(0)
	return &verifier{
		slots: make(chan struct{}, n),
		queue: make(chan struct{}, n*(1+queueLength)),
		check: passwordhash.Hash.Verify,
		dummy: dummy,
	}, nil
}

// verify reports whether the hash is the password's, or returns ErrBusy.
func (v *verifier) verify(ctx context.Context, hash passwordhash.Hash, password string) (bool, error) {
	select {
	case v.queue <- struct{}{}:
		defer func() { <-v.queue }()
	default:
		return false, ErrBusy
	}
	ctx, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	case <-ctx.Done():
		return false, ErrBusy
	}
	return v.check(hash, password), nil
}
