// Command webapp is the sample web application as a workload: see
// config/samples/webapp.
package main

import (
	"context"
	"flag"
	"net/http"

	"oauth-operator.dev/hack/demo/serve"
	"oauth-operator.dev/hack/demo/webapp"
)

func main() {
	options := webapp.Options{HTTP: serve.Client()}
	listen := flag.String("listen", ":8080", "address to serve at")
	flag.StringVar(&options.Mounted, "mounted", "/etc/oauth", "folder that the Secret of the OAuthClient is mounted as")
	flag.StringVar(&options.APIURL, "api", "", "URL of an API that takes the access tokens")
	flag.StringVar(&options.Resource, "resource", "", "identifier of that API (RFC 8707); without it, access tokens are for the issuer")
	flag.Parse()
	serve.Main(*listen, func(ctx context.Context) (http.Handler, error) {
		app, err := webapp.New(ctx, options)
		if err != nil {
			return nil, err
		}
		return app.Handler(), nil
	})
}
