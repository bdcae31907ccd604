// Command bench measures the operator as its users run it, process by process:
// the CPU time of the server for each grant, and the controller with thousands
// of registrations. Beside each figure stands the floor that was measured in the
// same run. It judges nothing: the ratios are for people to read.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/passwordhash"
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/hack/controlplane"
	"oauth-operator.dev/hack/installation"
	"oauth-operator.dev/hack/postgres"
)

const (
	username = "bench"
	password = "bench" // #nosec G101 -- of a person who exists during the benchmarks
)

func main() {
	var (
		root     = flag.String("root", ".", "root of the repository")
		binary   = flag.String("binary", "bin/oauth-operator", "the oauth-operator binary")
		requests = flag.Int("requests", 4000, "requests or grants that are measured for each figure")
		clients  = flag.Int("clients", 10_000, "OAuthClients that are registered")
		only     = flag.String("only", "", "protocol or registrations, to measure just that")
		pprof    = flag.String("pprof", "127.0.0.1:6060", "address at which the server tells its profiles meanwhile")
		floor    = flag.String("serve-floor", "", "serve the floor at this address (for internal use)")
		writes   = flag.String("floor-kubeconfig", "", "have the floor write to this cluster (for internal use)")
		rows     = flag.String("floor-dsn", "", "have the floor write to this database (for internal use)")
	)
	flag.Parse()
	if *floor != "" {
		exit(serveFloor(*floor, floorStore{kubeconfig: *writes, dsn: *rows}))
	}
	ctrl.SetLogger(logr.Discard()) // the cache's: what fails is returned
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{root: *root, binary: *binary, pprof: *pprof}
	measured, err := b.run(ctx, *only, *requests, *clients)
	if err == nil {
		err = report(os.Stdout, measured)
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

type bench struct {
	root, binary, pprof string

	database *postgres.Server // nil where this machine has none
}

func (b *bench) run(ctx context.Context, only string, requests, clients int) ([]row, error) {
	var rows []row
	if only != "registrations" {
		stores, stop, err := b.stores(ctx)
		if err != nil {
			return nil, err
		}
		defer stop()
		for _, store := range stores {
			measured, err := b.protocol(ctx, requests, store)
			if err != nil {
				return nil, err
			}
			rows = slices.Concat(rows, measured)
		}
	}
	if only != "protocol" {
		measured, err := b.with(ctx, "kubernetes", func(in *installation.Installation) ([]row, error) {
			return registrations(ctx, in, clients, b.pprof)
		})
		if err != nil {
			return nil, err
		}
		rows = slices.Concat(rows, measured)
	}
	return rows, nil
}

// stores names the grant stores that this machine has, and starts the database.
func (b *bench) stores(ctx context.Context) (names []string, stop func(), err error) {
	names = []string{"memory", "kubernetes"}
	// As durable as the cluster's etcd is.
	b.database, err = postgres.Start(ctx, "fsync=on")
	if errors.Is(err, postgres.ErrNone) {
		fmt.Fprintln(os.Stderr, "Without figures of the store postgres:", err)
		return names, func() {}, nil
	} else if err != nil {
		return nil, nil, err
	}
	return append(names, "postgres"), func() { _ = b.database.Stop() }, nil
}

func (b *bench) protocol(ctx context.Context, requests int, store string) ([]row, error) {
	return b.with(ctx, store, func(in *installation.Installation) ([]row, error) {
		w, err := newWorkload(ctx, in)
		if err != nil {
			return nil, err
		}
		floor, err := b.floors(ctx, in, requests, store)
		if err != nil {
			return nil, err
		}
		return w.protocol(ctx, requests, floor, store)
	})
}

// floors measures the floors of a store: with grants in the cluster or a database,
// the floor writes there too, the same number of times.
func (b *bench) floors(ctx context.Context, in *installation.Installation, requests int, store string) (floors, error) {
	switch store {
	case "memory":
		return measureFloors(ctx, requests, floorStore{})
	case "postgres":
		return measureFloors(ctx, requests, floorStore{dsn: b.database.DSN("postgres")})
	}
	if err := in.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: floorNamespace}}); err != nil {
		return floors{}, err
	}
	file, err := os.CreateTemp("", "oauth-operator-bench-*.kubeconfig")
	if err != nil {
		return floors{}, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.Write(in.ControlPlane.AdminKubeconfig()); err != nil {
		return floors{}, err
	}
	if err := file.Close(); err != nil {
		return floors{}, err
	}
	return measureFloors(ctx, requests, floorStore{kubeconfig: file.Name()})
}

// with runs a measurement on an installation of its own.
func (b *bench) with(ctx context.Context, store string, measure func(*installation.Installation) ([]row, error)) ([]row, error) {
	logs, err := os.CreateTemp("", "oauth-operator-bench-*.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = logs.Close() }()
	fmt.Fprintf(os.Stderr, "Measuring with grants in %s (log: %s).\n", store, logs.Name())
	args := []string{"--grant-store", store, "--pprof-bind-address", b.pprof}
	if store == "postgres" {
		file, err := b.dsnFile()
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.Remove(file) }()
		args = append(args, "--postgres-dsn-file", file)
	}
	in, err := installation.Start(ctx, installation.Options{
		Root: b.root, Binary: b.binary, ServerAddress: "127.0.0.1:0",
		ServerArgs:   args,
		Logs:         logs,
		ControlPlane: controlplane.Options{Log: os.Stderr},
	})
	if err != nil {
		return nil, err
	}
	rows, err := b.prepared(ctx, in, measure)
	if stopErr := in.Stop(); err == nil {
		err = stopErr
	}
	return rows, err
}

// dsnFile writes the connection string of the database to a file.
func (b *bench) dsnFile() (string, error) {
	file, err := os.CreateTemp("", "oauth-operator-bench-*.dsn")
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(b.database.DSN("postgres"))
	return file.Name(), errors.Join(err, file.Close())
}

func (b *bench) prepared(ctx context.Context, in *installation.Installation, measure func(*installation.Installation) ([]row, error)) ([]row, error) {
	if err := applyIssuer(ctx, in); err != nil {
		return nil, err
	}
	return measure(in)
}

// applyIssuer makes the issuer and the person of the benchmarks.
func applyIssuer(ctx context.Context, in *installation.Installation) error {
	hash, err := passwordhash.Generate(password)
	if err != nil {
		return err
	}
	for _, object := range []client.Object{
		&v1alpha1.AuthorizationServer{
			ObjectMeta: metav1.ObjectMeta{Name: "bench", Annotations: map[string]string{v1alpha1.AnnotationDefault: "true"}},
			Spec: v1alpha1.AuthorizationServerSpec{
				Issuer: "http://" + in.ServerAddress,
				Scopes: []v1alpha1.Scope{{Name: "openid"}, {Name: "profile"}, {Name: "orders", Default: true}},
				Policy: &v1alpha1.Policy{Rules: []v1alpha1.PolicyRule{{
					Name: "teams", NamespaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{"team": "true"}},
				}}},
			},
		},
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: installation.Namespace, Name: "bench-password"},
			StringData: map[string]string{"password-hash": hash},
		},
		&v1alpha1.OAuthUser{
			ObjectMeta: metav1.ObjectMeta{Name: username},
			Spec: v1alpha1.OAuthUserSpec{
				Username:          username,
				PasswordSecretRef: v1alpha1.SecretKeyReference{Name: "bench-password", Key: "password-hash"},
			},
		},
	} {
		if err := in.Client.Create(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// newWorkload registers the client of the benchmarks and reads its Secret.
func newWorkload(ctx context.Context, in *installation.Installation) (*workload, error) {
	const namespace = "bench"
	if err := createNamespace(ctx, in.Client, namespace); err != nil {
		return nil, err
	}
	object := newClient(namespace, "0")
	if err := in.Client.Create(ctx, object); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	clients, err := newWatch(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := clients.one(ctx, client.ObjectKeyFromObject(object), ready); err != nil {
		return nil, err
	}
	var secret corev1.Secret
	if err := in.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: object.SecretName()}, &secret); err != nil {
		return nil, err
	}
	return &workload{
		issuer: string(secret.Data[v1alpha1.SecretKeyIssuerURI]),
		id:     string(secret.Data[v1alpha1.SecretKeyClientID]),
		secret: string(secret.Data[v1alpha1.SecretKeyClientSecret]),
		in:     in,
	}, nil
}
