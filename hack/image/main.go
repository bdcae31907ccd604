// Command image builds a container image of a Go program, without a container
// runtime and from nothing but files that it makes itself:
//
//	image build -name localhost/oauth-operator:dev
//	image build -name localhost/webapp:1 -package ./hack/demo/webapp -file config/samples=/samples
//	image rootfs -platforms linux/arm64 -out DIR
//	image push -layout dist/oauth-operator.oci registry.example.com/oauth-operator:0.1.0
//
// The same sources give the same bytes, on any machine. See
// docs/decisions/0027-image.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("say what to do: build, rootfs or push")
	}
	switch args[0] {
	case "build":
		return runBuild(ctx, args[1:], out)
	case "rootfs":
		return runRootfs(ctx, args[1:])
	case "push":
		return runPush(ctx, args[1:], out)
	default:
		return fmt.Errorf("%q is none of build, rootfs and push", args[0])
	}
}

func runBuild(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	r := recipeFlags(flags, "dist")
	if err := parse(ctx, flags, r, args); err != nil {
		return err
	}
	built, err := r.build(ctx)
	if err != nil {
		return err
	}
	written, err := built.write(r.out)
	if err != nil {
		return err
	}
	for _, line := range written {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// runRootfs writes the files of an image into a folder: the Dockerfile is built
// from them.
func runRootfs(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("rootfs", flag.ContinueOnError)
	r := recipeFlags(flags, "")
	if err := parse(ctx, flags, r, args); err != nil {
		return err
	}
	if r.out == "" || len(r.platforms) != 1 {
		return fmt.Errorf("rootfs needs -out and exactly one platform")
	}
	program, err := r.compile(ctx, r.platforms[0])
	if err != nil {
		return err
	}
	files, err := r.files(program)
	if err != nil {
		return err
	}
	return writeFiles(r.out, files)
}

// recipe is what is to be built.
type recipe struct {
	dir         string // of the module that the program is in
	name        string // of the image
	pkg         string // the program
	entrypoint  string // where it is in the image
	description string
	source      source
	platforms   []v1.Platform
	extra       []extraFile
	out         string // folder to write to

	licenses *licenses
}

// extraFile is a file or folder that goes into the image beside the program.
type extraFile struct{ from, to string }

const (
	operatorPackage     = "./cmd/oauth-operator"
	operatorDescription = "OAuth 2.0 clients as Kubernetes resources, with the authorization server included"
)

func recipeFlags(flags *flag.FlagSet, out string) *recipe {
	r := &recipe{licenses: &licenses{}}
	flags.StringVar(&r.dir, "dir", "../..", "folder of the module that the program is in")
	flags.StringVar(&r.name, "name", "localhost/oauth-operator:dev", "name of the image, with its tag")
	flags.StringVar(&r.pkg, "package", operatorPackage, "package of the program, seen from -dir")
	flags.StringVar(&r.entrypoint, "entrypoint", "", "where the program is in the image; without it, its package's name in /")
	flags.StringVar(&r.description, "description", "", "what the image is, in a line")
	flags.StringVar(&r.out, "out", out, "folder to write to")
	flags.StringVar(&r.source.version, "version", "", "version of the sources; without it, what git describes")
	flags.StringVar(&r.source.revision, "revision", "", "commit of the sources; without it, git's HEAD")
	flags.Func("file", "FROM=TO: a further file or folder, from below -dir; may be repeated", func(value string) error {
		from, to, found := strings.Cut(value, "=")
		if !found || !strings.HasPrefix(to, "/") {
			return fmt.Errorf("%q is not FROM=/TO", value)
		}
		r.extra = append(r.extra, extraFile{from, to})
		return nil
	})
	flags.Func("platforms", "platforms, separated by commas (linux/amd64,linux/arm64)", func(value string) error {
		r.platforms = nil
		for _, name := range strings.Split(value, ",") {
			platform, err := v1.ParsePlatform(name)
			if err != nil {
				return err
			}
			if platform.OS != "linux" || (platform.Architecture != "amd64" && platform.Architecture != "arm64") || platform.Variant != "" {
				return fmt.Errorf("%q is none of linux/amd64 and linux/arm64", name)
			}
			r.platforms = append(r.platforms, *platform)
		}
		return nil
	})
	return r
}

// parse reads the flags and fills in what they leave open.
func parse(ctx context.Context, flags *flag.FlagSet, r *recipe, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag", flags.Arg(0))
	}
	if len(r.platforms) == 0 {
		r.platforms = []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
	}
	if r.entrypoint == "" {
		r.entrypoint = "/" + r.pkg[strings.LastIndexByte(r.pkg, '/')+1:]
	}
	if r.description == "" && r.pkg == operatorPackage {
		r.description = operatorDescription
	}
	return r.source.complete(ctx, r.dir)
}
