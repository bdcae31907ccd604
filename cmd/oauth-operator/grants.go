package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"

	"oauth-operator.dev/server"
	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/kubernetes"
	"oauth-operator.dev/server/grant/postgres"
)

// registerPostgres adds the flags that say where the database is.
func registerPostgres(flags *pflag.FlagSet, options *postgres.Options) {
	flags.StringVar(&options.DSNFile, "postgres-dsn-file", "",
		"File with the connection string of the database, from a mounted Secret: postgres://role:password@host/database?sslmode=verify-full, or key=value. Read again when it changes.")
	flags.Int32Var(&options.MaxConnections, "postgres-max-connections", postgres.DefaultMaxConnections,
		"How many connections to the database this replica may have.")
	flags.DurationVar(&options.StatementTimeout, "postgres-statement-timeout", postgres.DefaultStatementTimeout,
		"How long a step of the grant store may take, the wait for a connection included.")
	flags.DurationVar(&options.ConnectTimeout, "postgres-connect-timeout", postgres.DefaultConnectTimeout,
		"How long a connection to the database may take to make.")
}

// grantsFlags are the flags that every subcommand of grants has.
type grantsFlags struct {
	common

	postgres postgres.Options
}

func grantsCommand() *cobra.Command {
	var flags grantsFlags
	command := &cobra.Command{
		Use:   "grants",
		Short: "Look after the grants in a grant store",
		Long: "Lists, revokes and moves grants, and makes the schema of a database. Grants in the cluster are " +
			"reached with the permissions of your kubeconfig, those in a database with its connection string.",
		PersistentPreRun: func(*cobra.Command, []string) { ctrl.SetLogger(logr.Discard()) }, // what fails is returned
	}
	persistent := command.PersistentFlags()
	persistent.StringVar(&flags.kubeconfig, "kubeconfig", "",
		"Kubeconfig file. Without it: the service account of the Pod, or else $KUBECONFIG and ~/.kube/config.")
	registerPostgres(persistent, &flags.postgres)
	flags.qps, flags.burst = 500, 1000
	command.AddCommand(flags.migrateCommand(), flags.listCommand(), flags.revokeCommand(), flags.copyCommand())
	return command
}

// open returns the grant store of that name, and what closes it.
func (f *grantsFlags) open(name string) (grant.Archive, func(), error) {
	switch name {
	case server.StorePostgres:
		store, err := f.database()
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	case server.StoreKubernetes:
		config, err := f.restConfig()
		if err != nil {
			return nil, nil, err
		}
		// What is spent is none of these commands' business.
		store, err := kubernetes.New(config, nil, "")
		return store, func() {}, err
	default:
		return nil, nil, fmt.Errorf("there is no grant store %q with grants to look after: it is %s or %s",
			name, server.StoreKubernetes, server.StorePostgres)
	}
}

func (f *grantsFlags) database() (*postgres.Store, error) {
	if f.postgres.DSNFile == "" {
		return nil, errors.New("--postgres-dsn-file is needed")
	}
	return postgres.Open(f.postgres)
}

func (f *grantsFlags) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Make or bring up to date the schema of the database",
		Long: "The server does this by itself when it starts, if its role may make tables. With a role that " +
			"may not, run this before the first start and before each upgrade, with a connection string of a " +
			"role that may. It can be run again, and while servers of the version before are running.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			store, err := f.database()
			if err != nil {
				return err
			}
			defer store.Close()
			version, err := store.Migrate(command.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(command.OutOrStdout(), "The schema has version %d.\n", version)
			return err
		},
	}
}

// chooser are the flags that choose grants.
type chooser struct {
	store  string
	filter grant.Filter
}

func (c *chooser) register(flags *pflag.FlagSet) {
	flags.StringVar(&c.store, "grant-store", server.StorePostgres, "Where the grants are: postgres or kubernetes.")
	flags.StringVar(&c.filter.ID, "id", "", "The grant with this id: the claim gid of its access tokens.")
	flags.StringVar(&c.filter.ClientID, "client", "", "Grants of this client_id: NAMESPACE.NAME.")
	flags.StringVar(&c.filter.Subject, "subject", "", "Grants of the person with this claim sub.")
	flags.StringVar(&c.filter.Username, "user", "", "Grants of the person who had this username when they allowed them.")
}

// printable keeps what somebody else has chosen from working on the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '\uFFFD'
		}
		return r
	}, s)
}
