package e2e_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// settings are the parameters of a run, from the environment: see README.md.
type settings struct {
	loadImage string // a command that gives the nodes an image; {} is the path of its tar
	registry  string // what the names of images begin with
	loseNode  string // a command that ends a node at once; {} is its name
	regain    string // a command that brings it back
	artifacts string // folder for what is left of a failure
	keep      bool   // leave everything as it is at the end
}

func readSettings() settings {
	GinkgoHelper()
	s := settings{
		loadImage: os.Getenv("E2E_LOAD_IMAGE"),
		registry:  os.Getenv("E2E_REGISTRY"),
		loseNode:  os.Getenv("E2E_LOSE_NODE"),
		regain:    os.Getenv("E2E_RETURN_NODE"),
		artifacts: os.Getenv("E2E_ARTIFACTS"),
		keep:      os.Getenv("E2E_KEEP") != "",
	}
	Expect(s.loadImage+s.registry).NotTo(BeEmpty(),
		"how do images get to the nodes? Set E2E_LOAD_IMAGE to a command such as 'kind load image-archive', or E2E_REGISTRY to a registry to push to")
	s.registry = cmp.Or(strings.TrimSuffix(s.registry, "/"), "localhost")
	var err error
	s.artifacts, err = filepath.Abs(cmp.Or(s.artifacts, filepath.Join(root, "dist", "e2e")))
	Expect(err).NotTo(HaveOccurred())
	return s
}

// How long things may take. A machine that is busy with something else is slow;
// the numbers that are promised are checked by themselves.
const (
	soon  = 30 * time.Second
	later = 2 * time.Minute
	poll  = 250 * time.Millisecond
)
