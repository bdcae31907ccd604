package main

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"oauth-operator.dev/cmd/oauth-operator/alive"
	"oauth-operator.dev/server"
)

// serverFlags are the flags of the server that the controller does not have.
type serverFlags struct {
	common

	listen     string
	certFile   string
	keyFile    string
	proxies    []string
	networks   []string
	grantStore string
	namespaces []string
	drain      time.Duration
}

func serverCommand() *cobra.Command {
	var flags serverFlags
	command := &cobra.Command{
		Use:   "server",
		Short: "Serve the authorization code grant from the registrations in the cluster",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			manager, err := flags.manager()
			if err != nil {
				return err
			}
			return manager.Start(command.Context())
		},
	}
	flags.register(command.Flags())
	own := command.Flags()
	own.StringVar(&flags.listen, "listen-address", ":8080", "Address to serve at.")
	own.StringVar(&flags.certFile, "tls-cert-file", "",
		"Certificate to serve TLS with, read again when it changes. Without it the server speaks plain HTTP, for an ingress that ends TLS.")
	own.StringVar(&flags.keyFile, "tls-private-key-file", "", "Private key of --tls-cert-file.")
	own.StringSliceVar(&flags.proxies, "trusted-proxies", nil,
		"Networks (CIDR) whose X-Forwarded-For is believed when logins are slowed down by address.")
	own.StringSliceVar(&flags.networks, "client-networks", nil,
		"Networks (CIDR) that the server may reach, although they are not public, at addresses that clients name: backchannelLogoutURI, jwksURI and sectorIdentifierURI.")
	own.StringVar(&flags.grantStore, "grant-store", server.StoreKubernetes,
		"Where grants are kept: kubernetes, or memory, which forgets them when the process ends and is not shared by replicas.")
	own.StringSliceVar(&flags.namespaces, "namespaces", nil,
		"Namespaces whose OAuthClients are served, separated by commas. Without it: all.")
	own.DurationVar(&flags.drain, "drain-timeout", 20*time.Second,
		"How long requests that are under way may take to end when the server is told to stop.")
	return command
}

// manager puts the server together.
func (f *serverFlags) manager() (manager.Manager, error) {
	config, scheme, log, err := f.start()
	if err != nil {
		return nil, err
	}
	proxies, err := parseNetworks("--trusted-proxies", f.proxies)
	if err != nil {
		return nil, err
	}
	networks, err := parseNetworks("--client-networks", f.networks)
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Logger:                 log,
		Metrics:                f.metrics(),
		HealthProbeBindAddress: f.probeAddr,
		PprofBindAddress:       f.pprofAddr,
		Cache:                  cache.Options{ByObject: server.CacheOptions(f.namespace, f.namespaces)},
	})
	if err != nil {
		return nil, fmt.Errorf("setting up the server: %w", err)
	}
	watchdog := alive.New(stuckAfter, nil)
	cluster, err := server.NewOnCluster(mgr, server.ClusterOptions{
		OperatorNamespace: f.namespace,
		Namespaces:        f.namespaces,
		ClientNetworks:    networks,
		GrantStore:        f.grantStore,
		Watch:             watchdog.Watch,
		Registerer:        ctrlmetrics.Registry,
		Log:               log.WithName("server"),
	})
	if err != nil {
		return nil, fmt.Errorf("setting up the server: %w", err)
	}
	listener := &server.Listener{
		Address: f.listen,
		Handler: watchdog.Handler(server.TrustProxies(proxies, cluster)),
		Drain:   f.drain,
		Log:     log.WithName("server"),
	}
	if listener.TLS, err = f.tls(mgr); err != nil {
		return nil, err
	}
	for _, err := range []error{
		mgr.Add(listener),
		mgr.AddHealthzCheck("alive", watchdog.Check),
		mgr.AddReadyzCheck("ready", cluster.Ready),
	} {
		if err != nil {
			return nil, fmt.Errorf("setting up the server: %w", err)
		}
	}
	return mgr, nil
}

// tls returns the TLS configuration of the flags, nil for plain HTTP. The
// certificate is read again when its file changes.
func (f *serverFlags) tls(mgr manager.Manager) (*tls.Config, error) {
	if f.certFile == "" && f.keyFile == "" {
		return nil, nil
	}
	watcher, err := certwatcher.New(f.certFile, f.keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of --tls-cert-file and --tls-private-key-file: %w", err)
	}
	if err := mgr.Add(watcher); err != nil {
		return nil, err
	}
	if err := ctrlmetrics.Registry.Register(newCertificateExpiry(watcher)); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: watcher.GetCertificate}, nil
}

func parseNetworks(flag string, cidrs []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(cidrs))
	for _, cidr := range cidrs {
		network, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no network such as 10.0.0.0/8", flag, cidr)
		}
		networks = append(networks, network)
	}
	return networks, nil
}
