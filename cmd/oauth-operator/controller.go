package main

import (
	"fmt"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"oauth-operator.dev/controllers"
)

func controllerCommand() *cobra.Command {
	var (
		flags       common
		leaderElect bool
		concurrency int
	)
	command := &cobra.Command{
		Use:   "controller",
		Short: "Turn OAuthClients into Secrets, and keep the server's keys",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			config, scheme, log, err := flags.start()
			if err != nil {
				return err
			}
			manager, err := ctrl.NewManager(config, ctrl.Options{
				Scheme:                        scheme,
				Logger:                        log,
				Metrics:                       flags.metrics(),
				HealthProbeBindAddress:        flags.probeAddr,
				PprofBindAddress:              flags.pprofAddr,
				LeaderElection:                leaderElect,
				LeaderElectionID:              "oauth-operator-controller",
				LeaderElectionNamespace:       flags.namespace,
				LeaderElectionReleaseOnCancel: true,
				Cache: cache.Options{
					ByObject: controllers.CacheOptions(),
				},
			})
			if err != nil {
				return fmt.Errorf("setting up the controller: %w", err)
			}
			err = controllers.SetupWithManager(manager, controllers.Options{
				OperatorNamespace:       flags.namespace,
				MaxConcurrentReconciles: concurrency,
			})
			if err != nil {
				return fmt.Errorf("setting up the controller: %w", err)
			}
			if err := manager.AddHealthzCheck("alive", healthz.Ping); err != nil {
				return err
			}
			if err := manager.AddReadyzCheck("started", healthz.Ping); err != nil {
				return err
			}
			return manager.Start(command.Context())
		},
	}
	flags.register(command.Flags())
	command.Flags().BoolVar(&leaderElect, "leader-elect", true,
		"Let only one of several controllers work at a time.")
	command.Flags().IntVar(&concurrency, "concurrency", 16,
		"How many objects of a kind are worked on at the same time.")
	return command
}
