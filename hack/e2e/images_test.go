package e2e_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// programs are what runs on the cluster, each in an image of its own.
var programs = map[string][]string{
	"oauth-operator": {"-package", "./cmd/oauth-operator"},
	"webapp":         {"-package", "./hack/demo/cmd/webapp"},
	"whoami":         {"-package", "./hack/demo/cmd/whoami"},
	"inside":         {"-package", "./hack/e2e/inside"},
	"oauth2-proxy": {
		"-dir", "../foreign/oauth2-proxy", "-entrypoint", "/oauth2-proxy",
		"-package", "github.com/oauth2-proxy/oauth2-proxy/v7",
	},
}

// provideImages builds the images as hack/image does for everybody, and gives them to
// the nodes in the way that the settings say.
func provideImages(ctx context.Context) {
	GinkgoHelper()
	// A name that nodes know already is one that they do not fetch again.
	tag := "e2e"
	if set.loadImage == "" {
		tag = fmt.Sprintf("e2e-%d", time.Now().Unix())
	}
	var platforms []string
	for _, architecture := range architectures(ctx) {
		platforms = append(platforms, "linux/"+architecture)
	}
	out := GinkgoT().TempDir()
	for program, args := range programs {
		began := time.Now()
		images[program] = set.registry + "/" + program + ":" + tag
		_, err := run(ctx, "go", append([]string{
			"-C", "hack/image", "run", ".", "build", "-name", images[program],
			"-platforms", strings.Join(platforms, ","), "-out", out,
		}, args...)...)
		Expect(err).NotTo(HaveOccurred())
		built := time.Since(began)
		provideImage(ctx, out, program, platforms)
		say("%s: built in %s, there after %s", images[program], built.Round(time.Second/10), time.Since(began).Round(time.Second/10))
	}
}

func provideImage(ctx context.Context, folder, program string, platforms []string) {
	GinkgoHelper()
	if set.loadImage == "" {
		_, err := run(ctx, "go", "-C", "hack/image", "run", ".", "push",
			"-layout", filepath.Join(folder, program+".oci"), images[program])
		Expect(err).NotTo(HaveOccurred())
		return
	}
	Expect(platforms).To(HaveLen(1), "images are loaded for one architecture: use E2E_REGISTRY for a cluster with several")
	tar := filepath.Join(folder, program+"-"+strings.ReplaceAll(platforms[0], "/", "-")+".tar")
	Expect(tar).To(BeAnExistingFile())
	Expect(command(ctx, set.loadImage, tar)).To(Succeed())
}
