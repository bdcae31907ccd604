package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"oauth-operator.dev/api/v1alpha1"
)

// common are the flags that both the controller and the server have.
type common struct {
	kubeconfig  string
	namespace   string
	metricsAddr string
	probeAddr   string
	pprofAddr   string
	logLevel    int
	logFormat   string
	logQuiet    bool // nothing but errors at level 0
	qps         float32
	burst       int
}

// stuckAfter is when a process counts as stuck. A look at an object may take two
// minutes, which end it, and a request less.
const stuckAfter = 5 * time.Minute

func (c *common) register(flags *pflag.FlagSet) {
	flags.StringVar(&c.kubeconfig, "kubeconfig", "",
		"Kubeconfig file. Without it: the service account of the Pod, or else $KUBECONFIG and ~/.kube/config.")
	flags.StringVar(&c.namespace, "namespace", os.Getenv("POD_NAMESPACE"),
		"Namespace of the operator, which holds its keys and the password hashes of OAuthUsers. Defaults to $POD_NAMESPACE.")
	flags.StringVar(&c.metricsAddr, "metrics-bind-address", ":9090",
		"Address of the metrics endpoint. 0 for none.")
	flags.StringVar(&c.probeAddr, "health-probe-bind-address", ":8081",
		"Address of the endpoints /healthz and /readyz. 0 for none.")
	flags.StringVar(&c.pprofAddr, "pprof-bind-address", "",
		"Address of the profiles of net/http/pprof, for developers. Without it there are none.")
	flags.IntVar(&c.logLevel, "v", 0, "Verbosity of the log, 0 to 5: 0 is what operators need, 1 adds each decision.")
	flags.StringVar(&c.logFormat, "log-format", "json", "Format of the log: json or text.")
	flags.Float32Var(&c.qps, "kube-api-qps", 500, "Requests per second to the API server that are not held back.")
	flags.IntVar(&c.burst, "kube-api-burst", 1000, "Requests to the API server in a burst that are not held back.")
}

// start checks the flags and returns what both subcommands begin with.
func (c *common) start() (*rest.Config, *runtime.Scheme, logr.Logger, error) {
	log := c.logger()
	ctrl.SetLogger(log)
	if c.namespace == "" {
		return nil, nil, log, errors.New("--namespace is needed outside of a Pod: the namespace that holds the operator's own Secrets")
	}
	if c.logFormat != "json" && c.logFormat != "text" {
		return nil, nil, log, fmt.Errorf("--log-format: %q is no format: use json or text", c.logFormat)
	}
	config, err := c.restConfig()
	if err != nil {
		return nil, nil, log, err
	}
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return config, scheme, log, nil
}

func (c *common) restConfig() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = c.qps, c.burst
	config.UserAgent = "oauth-operator/" + version
	return config, nil
}

// mostVerbose is the highest verbosity that there is. From 6 on, client-go logs
// its requests, and from 8 on their bodies: the Secrets among them.
const mostVerbose = 5

func (c *common) logger() logr.Logger {
	level := zapcore.Level(-min(max(c.logLevel, 0), mostVerbose)) // #nosec G115 -- it fits: 0 to 5
	if c.logQuiet && level == 0 {
		level = zapcore.ErrorLevel
	}
	return zap.New(
		zap.UseDevMode(c.logFormat == "text"),
		zap.Level(level),
		// A stack trace belongs to a panic, and panics bring their own.
		zap.StacktraceLevel(zapcore.FatalLevel),
	)
}

func (c *common) metrics() metricsserver.Options {
	return metricsserver.Options{BindAddress: c.metricsAddr}
}
