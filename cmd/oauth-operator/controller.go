package main

import (
	"fmt"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"

	"oauth-operator.dev/cmd/oauth-operator/alive"
	"oauth-operator.dev/controllers"
)

func controllerCommand() *cobra.Command {
	var (
		flags       common
		options     controllers.Options
		leaderElect bool
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
			options.OperatorNamespace = flags.namespace
			watchdog := alive.New(stuckAfter, nil)
			options.Watch = watchdog.Watch
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
				Cache:                         controllers.CacheOptions(options),
			})
			if err != nil {
				return fmt.Errorf("setting up the controller: %w", err)
			}
			if err := controllers.SetupWithManager(manager, options); err != nil {
				return fmt.Errorf("setting up the controller: %w", err)
			}
			if err := manager.AddHealthzCheck("alive", watchdog.Check); err != nil {
				return err
			}
			return manager.Start(command.Context())
		},
	}
	flags.register(command.Flags())
	command.Flags().BoolVar(&leaderElect, "leader-elect", true,
		"Let only one of several controllers work at a time.")
	command.Flags().IntVar(&options.MaxConcurrentReconciles, "concurrency", 16,
		"How many objects of a kind are worked on at the same time.")
	command.Flags().StringSliceVar(&options.Namespaces, "namespaces", nil,
		"Namespaces whose OAuthClients are looked after, separated by commas. Without it: all.")
	command.Flags().BoolVar(&options.RolloutRestart, "rollout-restart", false,
		"Restart workloads for OAuthClients that ask for it with spec.rotation.rolloutRestart. It needs a role of its own.")
	command.Flags().StringVar(&options.DefaultAuthorizationServer, "default-authorization-server", "",
		"File with an AuthorizationServer to apply, and to keep in line with the file. It needs a role of its own.")
	return command
}
