// Command oauth-operator is the operator and the authorization server: one
// binary, and a subcommand for each of the things it can be.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
)

// version is set when the binary is built.
var version = "dev"

func main() {
	if err := command().ExecuteContext(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintln(os.Stderr, "oauth-operator:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "oauth-operator",
		Short: "OAuth 2.0 clients as Kubernetes resources, with the authorization server included",
		// Errors are printed once, by main; a mistake in the cluster is no
		// reason to explain the flags.
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
	}
	root.AddCommand(controllerCommand(), serverCommand(), devCommand(), hashPasswordCommand())
	return root
}
