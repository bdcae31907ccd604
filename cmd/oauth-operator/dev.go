package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/cmd/oauth-operator/internal/dev"
)

const devBanner = `
********************************************************************************
*  DEVELOPMENT SERVER: NOT FOR PRODUCTION                                      *
*                                                                              *
*  For developing a client on this machine. Keys, grants and sessions are in   *
*  memory and end with the process; http without TLS, on the loopback          *
*  interface alone. In a cluster, install the operator.                        *
********************************************************************************
`

func devCommand() *cobra.Command {
	var (
		flags     = common{logFormat: "text", logQuiet: true}
		options   dev.Options
		redirects []string
		inCluster bool
	)
	command := &cobra.Command{
		Use:   "dev FILE|DIR...",
		Short: "Serve the code grant from manifests, without a cluster: for developing a client, not for production",
		Long: "Serves what the OAuthClients, AuthorizationServers, OAuthUsers, Secrets and Namespaces in the files say, as " +
			"kubectl apply takes them, in memory and on the loopback interface alone. A file that changes is read again.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if os.Getenv("KUBERNETES_SERVICE_HOST") != "" && !inCluster {
				return errors.New("this is a Pod of a cluster, and dev is not for production: install the operator there. " +
					"If this Pod is where you develop, say --in-cluster")
			}
			var err error
			if options.RedirectURIs, err = parseRedirects(redirects); err != nil {
				return err
			}
			options.Paths, options.Out = args, command.OutOrStdout()
			options.Log = flags.logger()
			ctrl.SetLogger(options.Log)
			options.Scheme = runtime.NewScheme()
			utilruntime.Must(clientgoscheme.AddToScheme(options.Scheme))
			utilruntime.Must(v1alpha1.AddToScheme(options.Scheme))
			if _, err := fmt.Fprint(command.ErrOrStderr(), devBanner); err != nil {
				return err
			}
			return dev.Run(command.Context(), options)
		},
	}
	own := command.Flags()
	own.StringVar(&options.Address, "listen-address", "127.0.0.1:8080", "Address to serve at, of the loopback interface.")
	own.StringVar(&options.SecretsDir, "secrets-dir", "",
		"Folder to write the Secrets of clients to, as DIR/NAMESPACE/SECRET/KEY, and to keep client secrets in from run to run. Without it: a new one that ends with the process.")
	own.StringArrayVar(&redirects, "redirect-uri", nil,
		"CLIENT_ID=URI: a further redirect URI of a client, for the one that you run on this machine. May be repeated.")
	own.StringVar(&options.OperatorNamespace, "namespace", "oauth-operator-system",
		"Namespace of the operator, in which the manifests have the password hashes of OAuthUsers.")
	own.BoolVar(&inCluster, "in-cluster", false, "Run although this is a Pod of a cluster.")
	own.IntVar(&flags.logLevel, "v", 0, "Verbosity of the log, 0 to 5: at 0 it has errors alone.")
	return command
}

func parseRedirects(values []string) (map[string][]string, error) {
	redirects := map[string][]string{}
	for _, value := range values {
		id, uri, ok := strings.Cut(value, "=")
		if !ok || id == "" || uri == "" {
			return nil, fmt.Errorf("--redirect-uri: %q is not CLIENT_ID=URI, such as demo.webapp=http://127.0.0.1:3000/callback", value)
		}
		redirects[id] = append(redirects[id], uri)
	}
	return redirects, nil
}
