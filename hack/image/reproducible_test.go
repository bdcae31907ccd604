package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("the same sources", func() {
	It("give the same bytes in another folder", func(ctx SpecContext) {
		dir := filepath.Join(GinkgoT().TempDir(), "a folder of another name")
		Expect(os.CopyFS(dir, os.DirFS("testdata/probe"))).To(Succeed())
		out := buildProbe(ctx, nil, dir)
		Expect(tree(out)).To(Equal(tree(probe)))
		Expect(tree(out)).To(And(HaveKey("probe-linux-amd64.tar"), HaveKey("probe-linux-arm64.spdx.json"), HaveKey("probe.oci/index.json")))
	})

	// With an empty cache everything is compiled, Go's own packages too.
	It("give the same bytes to another user with other settings and an empty cache", func(ctx SpecContext) {
		out := buildProbe(ctx, []string{
			"GOCACHE=" + GinkgoT().TempDir(), "USER=somebody", "LANG=C", "TZ=Asia/Tokyo",
			"GOFLAGS=-tags=other", "GOAMD64=v3", "CGO_ENABLED=1",
		}, "testdata/probe", "-platforms", here())
		for _, name := range []string{"probe-linux-" + runtime.GOARCH + ".tar", "probe-linux-" + runtime.GOARCH + ".spdx.json"} {
			Expect(tree(out)).To(HaveKeyWithValue(name, tree(probe)[name]))
		}
	})

	It("give another image when they are other sources", func(ctx SpecContext) {
		dir := filepath.Join(GinkgoT().TempDir(), "probe")
		Expect(os.CopyFS(dir, os.DirFS("testdata/probe"))).To(Succeed())
		Expect(os.WriteFile(filepath.Join(dir, "notes", "note.txt"), []byte("Another note."), 0o600)).To(Succeed())
		out := buildProbe(ctx, nil, dir)
		Expect(tree(out)["probe-linux-amd64.tar"]).NotTo(Equal(tree(probe)["probe-linux-amd64.tar"]))
		Expect(tree(out)["probe-linux-amd64.spdx.json"]).To(Equal(tree(probe)["probe-linux-amd64.spdx.json"]))
	})
})

// buildProbe builds the image of the suite's probe again, from a folder.
func buildProbe(ctx SpecContext, env []string, dir string, args ...string) string {
	GinkgoHelper()
	out := filepath.Join(GinkgoT().TempDir(), "out")
	build(ctx, env, append([]string{
		"-dir", dir, "-name", "probe:1", "-package", ".", "-entrypoint", "/bin/probe",
		"-file", "notes=/usr/share/notes", "-out", out,
	}, args...)...)
	return out
}

// dockerfile is the part of a Dockerfile that this one uses: instructions with
// their lines joined, by stage.
func dockerfile() (stages [][]string) {
	GinkgoHelper()
	raw, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	Expect(err).NotTo(HaveOccurred())
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(string(raw), "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		switch {
		case line == "":
		case strings.HasPrefix(line, "FROM "):
			stages = append(stages, []string{line})
		default:
			stages[len(stages)-1] = append(stages[len(stages)-1], line)
		}
	}
	return stages
}

func instructions(stage []string, word string) (found []string) {
	for _, line := range stage {
		if rest, is := strings.CutPrefix(line, word+" "); is {
			found = append(found, rest)
		}
	}
	return found
}

var _ = Describe("the Dockerfile", func() {
	It("begins with nothing, takes all from the builder, and has the same settings", func() {
		stages := dockerfile()
		Expect(stages).To(HaveLen(2))
		source, err := os.ReadFile("compile.go")
		Expect(err).NotTo(HaveOccurred())
		toolchain := regexp.MustCompile(`toolchain = "go([0-9.]+)"`).FindSubmatch(source)
		Expect(toolchain).NotTo(BeNil())
		Expect(stages[0][0]).To(Equal("FROM --platform=$BUILDPLATFORM golang:" + string(toolchain[1]) + " AS build"))

		final := stages[1]
		Expect(final[0]).To(Equal("FROM scratch"))
		Expect(instructions(final, "COPY")).To(Equal([]string{"--from=build /rootfs/ /"}))
		Expect(instructions(final, "ADD")).To(BeEmpty())
		Expect(instructions(final, "RUN")).To(BeEmpty())
		config, err := operatorImage().ConfigFile()
		Expect(err).NotTo(HaveOccurred())
		Expect(instructions(final, "USER")).To(Equal([]string{config.Config.User}))
		Expect(instructions(final, "WORKDIR")).To(Equal([]string{config.Config.WorkingDir}))
		Expect(instructions(final, "ENTRYPOINT")).To(Equal([]string{`["` + config.Config.Entrypoint[0] + `"]`}))

		labels := map[string]string{}
		arguments := strings.NewReplacer("$VERSION", version, "$REVISION", revision, "$CREATED", created)
		for _, label := range regexp.MustCompile(`([a-z.]+)="([^"]*)"`).FindAllStringSubmatch(instructions(final, "LABEL")[0], -1) {
			labels[label[1]] = arguments.Replace(label[2])
		}
		Expect(labels).To(Equal(config.Config.Labels))
	})

	// What docker build does, without Docker: the context that .dockerignore lets
	// through, in a folder of its own without git, and in it the builder's command.
	It("gives the very files of the image", func(ctx SpecContext) {
		context := dockerContext(ctx)
		rootfs := filepath.Join(GinkgoT().TempDir(), "rootfs")
		runs := instructions(dockerfile()[0], "RUN")
		Expect(runs).To(HaveLen(2))
		command := regexp.MustCompile(`--mount=\S+ `).ReplaceAllString(runs[1], "")
		Expect(command).To(ContainSubstring("-out /rootfs "))
		command = strings.ReplaceAll(command, "-out /rootfs ", "-out '"+rootfs+"' ")
		os, architecture, _ := strings.Cut(here(), "/")
		cmd := exec.CommandContext(ctx, "sh", "-ec", command)
		cmd.Dir = context
		cmd.Env = append(cmd.Environ(), "TARGETOS="+os, "TARGETARCH="+architecture,
			"VERSION="+version, "REVISION="+revision, "SOURCE_DATE_EPOCH="+epoch, "GIT_DIR=/nonexistent")
		cmd.Stdout, cmd.Stderr = GinkgoWriter, GinkgoWriter
		Expect(cmd.Run()).To(Succeed())
		Expect(tree(rootfs)).To(Equal(tree(extract(operatorImage()))))
	})
})

// dockerContext copies what .dockerignore lets through to a folder.
func dockerContext(ctx SpecContext) string {
	GinkgoHelper()
	raw, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	Expect(err).NotTo(HaveOccurred())
	list := exec.CommandContext(ctx, "git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	Expect(err).NotTo(HaveOccurred())
	dir := GinkgoT().TempDir()
	for _, name := range strings.Fields(string(names)) {
		if ignored(string(raw), name) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		Expect(err).NotTo(HaveOccurred())
		target := filepath.Join(dir, name)
		Expect(os.MkdirAll(filepath.Dir(target), 0o755)).To(Succeed())
		Expect(os.WriteFile(target, content, 0o644)).To(Succeed())
	}
	return dir
}

// ignored applies a .dockerignore: the last rule that matches decides. It knows
// the kinds of rules that ours has, and fails at any other.
func ignored(rules, name string) bool {
	GinkgoHelper()
	out := false
	for rule := range strings.Lines(rules) {
		rule = strings.TrimSpace(rule)
		switch {
		case rule == "" || rule[0] == '#':
		case rule == "*":
			out = true
		case rule == "**/*_test.go":
			out = out || strings.HasSuffix(name, "_test.go")
		case rule == "**/testdata/":
			out = out || strings.Contains("/"+name, "/testdata/")
		case rule[0] == '!' && strings.HasSuffix(rule, "/"):
			out = out && !strings.HasPrefix(name, rule[1:])
		case rule[0] == '!':
			out = out && name != rule[1:]
		default:
			Fail("this test does not know what " + rule + " means")
		}
	}
	return out
}
