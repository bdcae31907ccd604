package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// jailed runs a program of an image as a container runtime would with a read-only
// root filesystem: in a mount namespace of its own, with the image's files alone,
// as the image's user.
func jailed(ctx SpecContext, image v1.Image, stdin string, command ...string) (string, error) {
	GinkgoHelper()
	dir := extract(image)
	config, err := image.ConfigFile()
	Expect(err).NotTo(HaveOccurred())
	if emulator := path.Base(command[0]); strings.HasPrefix(emulator, "qemu-") {
		from, err := exec.LookPath(emulator)
		Expect(err).NotTo(HaveOccurred())
		program, err := os.ReadFile(from)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(filepath.Join(dir, emulator), program, 0o555)).To(Succeed())
	}
	script := `mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; jail=$1; user=$2; shift 2
exec chroot --userspec="$user" "$jail" "$@"`
	cmd := exec.CommandContext(ctx, "unshare", append([]string{
		"--mount", "--", "sh", "-ec", script, "sh", dir, config.Config.User,
	}, command...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

var _ = Describe("in a container with a read-only root filesystem", func() {
	BeforeEach(func(ctx SpecContext) {
		if os.Geteuid() != 0 {
			Skip("only root may make a mount namespace")
		}
		if out, err := exec.CommandContext(ctx, "unshare", "--mount", "true").CombinedOutput(); err != nil {
			Skip("this machine lets nobody make a mount namespace: " + string(out))
		}
	})

	It("the operator runs", func(ctx SpecContext) {
		out, err := jailed(ctx, operatorImage(), "", "/oauth-operator", "--version")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(out).To(Equal("oauth-operator version " + version + "\n"))
		out, err = jailed(ctx, operatorImage(), "wonderland\n", "/oauth-operator", "hash-password")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(out).To(HavePrefix("$argon2id$"))
	})

	It("there is no shell", func(ctx SpecContext) {
		for _, shell := range []string{"/bin/sh", "/bin/bash", "/bin/busybox", "sh"} {
			out, err := jailed(ctx, operatorImage(), "", shell, "-c", "exit 0")
			Expect(err).To(HaveOccurred(), shell)
			Expect(out).To(ContainSubstring("No such file or directory"), shell)
		}
	})

	for _, architecture := range []string{"amd64", "arm64"} {
		It("a program is the user of the image, finds the root certificates, and can write nowhere: "+architecture, func(ctx SpecContext) {
			index, _ := imagesOf(filepath.Join(probe, "probe.oci"))
			manifest, err := index.IndexManifest()
			Expect(err).NotTo(HaveOccurred())
			at := slices.IndexFunc(manifest.Manifests, func(d v1.Descriptor) bool { return d.Platform.Architecture == architecture })
			Expect(at).To(BeNumerically(">=", 0))
			image, err := index.Image(manifest.Manifests[at].Digest)
			Expect(err).NotTo(HaveOccurred())
			out, err := jailed(ctx, image, "", append(emulator(image), "/bin/probe")...)
			Expect(err).NotTo(HaveOccurred(), out)
			var found map[string]any
			Expect(json.Unmarshal([]byte(out), &found)).To(Succeed(), out)
			Expect(found).To(HaveKeyWithValue("version", version))
			Expect(found).To(HaveKeyWithValue("architecture", architecture))
			Expect(found).To(HaveKeyWithValue("uid", BeEquivalentTo(65532)))
			Expect(found).To(HaveKeyWithValue("gid", BeEquivalentTo(65532)))
			Expect(found).To(HaveKeyWithValue("user", "nonroot"))
			Expect(found).To(HaveKeyWithValue("roots", BeNumerically(">", 100)))
			Expect(found).To(HaveKeyWithValue("written", BeEmpty()))
		})
	}
})

// emulator is what runs the programs of an image that is for another machine, as a
// command in its jail; it skips the spec where there is none. It is nothing for an
// image of this machine.
func emulator(image v1.Image) []string {
	GinkgoHelper()
	config, err := image.ConfigFile()
	Expect(err).NotTo(HaveOccurred())
	if config.Architecture == runtime.GOARCH {
		return nil
	}
	name := map[string]string{"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}[config.Architecture]
	if _, err := exec.LookPath(name); err != nil {
		Skip("NOT TESTED: no " + name + " (Debian's qemu-user-static) on this machine, which is no " + config.Architecture)
	}
	return []string{"/" + name}
}
