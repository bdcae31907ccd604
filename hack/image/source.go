package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// source says which sources an image is built from.
type source struct {
	version  string
	revision string
	// created is the time of the commit, or $SOURCE_DATE_EPOCH
	// (https://reproducible-builds.org/specs/source-date-epoch/). Every time in the
	// image is this one, so that the day of the build does not show in it.
	created time.Time
}

// complete asks git, and the environment, for what the flags have not said.
// Outside of a git checkout, such as in docker build, they say everything.
func (s *source) complete(ctx context.Context, dir string) error {
	var err error
	if s.version == "" {
		if s.version, err = git(ctx, dir, "describe", "--tags", "--always", "--dirty"); err != nil {
			return err
		}
	}
	if s.revision == "" {
		if s.revision, err = git(ctx, dir, "rev-parse", "HEAD"); err != nil {
			return err
		}
	}
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		if epoch, err = git(ctx, dir, "log", "-1", "--format=%ct"); err != nil {
			return err
		}
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %q is no number of seconds", epoch)
	}
	s.created = time.Unix(seconds, 0).UTC()
	return nil
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w (outside of a checkout say -version, -revision and $SOURCE_DATE_EPOCH)", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
