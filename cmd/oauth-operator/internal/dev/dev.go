// Package dev runs the operator and the authorization server for the development
// of a client: from manifests, without a cluster, in memory, on the loopback
// interface. Both run as they are, on an API in memory (package embedded), so a
// registration comes to what it comes to in a cluster.
package dev

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"oauth-operator.dev/cmd/oauth-operator/internal/embedded"
	"oauth-operator.dev/controllers"
	"oauth-operator.dev/server"
)

// Options of Run.
type Options struct {
	// Paths are files and folders with manifests.
	Paths []string

	// Address to listen on: one of the loopback interface.
	Address string

	// OperatorNamespace is where the Secrets of OAuthUsers are.
	OperatorNamespace string

	// SecretsDir is where the Secrets of clients are written, one file for each key,
	// and read at the next start. "" for a folder that ends with the process.
	SecretsDir string

	// RedirectURIs are added to those of clients, by client_id.
	RedirectURIs map[string][]string

	Scheme *runtime.Scheme

	// Out is told what people need to know, one password among it.
	Out io.Writer

	Log logr.Logger
}

// Notice is what everybody is told who gets to see anything of this.
const Notice = "Development server: not for production."

// noticeHeader is in every answer.
const noticeHeader = "Oauth-Operator-Notice"

// drain is how long requests that are under way may take to end.
const drain = 2 * time.Second

// Run serves until ctx ends.
func Run(ctx context.Context, o Options) error {
	if err := loopback(o.Address); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", o.Address, err)
	}
	// The listener is the server's, unless it does not come to that.
	defer func() { _ = listener.Close() }()
	if o.SecretsDir == "" {
		if o.SecretsDir, err = os.MkdirTemp("", "oauth-operator-dev-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(o.SecretsDir) }()
	}
	group, ctx := errgroup.WithContext(ctx)
	d := &development{Options: o, api: embedded.New(), passwords: map[string]string{}, origin: originOf(listener.Addr())}
	if err := d.load(); err != nil {
		return err
	}
	runnables, err := d.managers(d.api.Serve(ctx), listener)
	if err != nil {
		return err
	}
	for _, m := range runnables {
		group.Go(func() error { return m.Start(ctx) })
	}
	group.Go(func() error { d.followFiles(ctx); return nil })
	group.Go(func() error { d.followSecrets(ctx); return nil })
	group.Go(func() error { d.followConditions(ctx); return nil })
	return group.Wait()
}

// loopback refuses addresses that others can reach.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address such as 127.0.0.1:8080", address)
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || (err == nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%q is refused: this server is for development, and listens on 127.0.0.1, [::1] or localhost alone", address)
}

// development is a run.
type development struct {
	Options

	api       *embedded.API
	origin    string            // of the issuers: http://localhost:PORT
	passwords map[string]string // of people whose hash is in no file, by OAuthUser
	said      map[string]bool   // what load has told already
}

// originOf returns where browsers on this machine find the listener.
func originOf(address net.Addr) string {
	_, port, _ := net.SplitHostPort(address.String())
	return "http://" + net.JoinHostPort("localhost", port)
}

// managers returns the two halves of the operator.
func (d *development) managers(config *rest.Config, listener net.Listener) ([]manager.Manager, error) {
	options := controllers.Options{OperatorNamespace: d.OperatorNamespace}
	controller, err := d.manager(config, controllers.CacheOptions(options))
	if err != nil {
		return nil, fmt.Errorf("setting up the controller: %w", err)
	}
	if err := controllers.SetupWithManager(controller, options); err != nil {
		return nil, fmt.Errorf("setting up the controller: %w", err)
	}
	serving, err := d.manager(config, cache.Options{ByObject: server.CacheOptions(d.OperatorNamespace, nil)})
	if err != nil {
		return nil, fmt.Errorf("setting up the server: %w", err)
	}
	cluster, err := server.NewOnCluster(serving, server.ClusterOptions{
		OperatorNamespace: d.OperatorNamespace,
		GrantStore:        server.StoreMemory,
		ClientNetworks:    []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Notice:            Notice,
		Registerer:        prometheus.NewRegistry(),
		Log:               d.Log.WithName("server"),
	})
	if err != nil {
		return nil, fmt.Errorf("setting up the server: %w", err)
	}
	err = serving.Add(&server.Listener{
		Address: d.Address, Open: listener, Handler: noticed(cluster), Drain: drain, Log: d.Log.WithName("server"),
	})
	return []manager.Manager{controller, serving}, err
}

func (d *development) manager(config *rest.Config, objects cache.Options) (manager.Manager, error) {
	return ctrl.NewManager(config, ctrl.Options{
		Scheme:                 d.Scheme,
		MapperProvider:         embedded.Mapper,
		Logger:                 d.Log,
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Cache:                  objects,
	})
}

// noticed puts the notice into every answer.
func noticed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(noticeHeader, Notice)
		next.ServeHTTP(w, r)
	})
}

// tell says something to whoever sits in front of this.
func (d *development) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(d.Out, format+"\n", args...)
}

// tellOnce says something that is true with every reload only once.
func (d *development) tellOnce(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if d.said == nil {
		d.said = map[string]bool{}
	}
	if !d.said[line] {
		d.said[line] = true
		d.tell("%s", line)
	}
}
