// Command whoami is the sample API as a workload: see config/samples/api.
package main

import (
	"context"
	"flag"
	"net/http"

	"oauth-operator.dev/hack/demo/mounted"
	"oauth-operator.dev/hack/demo/serve"
	"oauth-operator.dev/hack/demo/whoami"
)

func main() {
	listen := flag.String("listen", ":8080", "address to serve at")
	folder := flag.String("mounted", "/etc/oauth", "folder that the Secret of the API's own OAuthClient is mounted as")
	audience := flag.String("audience", "", "identifier of the API, which access tokens have to be for; without it, the issuer")
	flag.Parse()
	serve.Main(*listen, func(ctx context.Context) (http.Handler, error) {
		secret, err := mounted.Read(*folder)
		if err != nil {
			return nil, err
		}
		issuer := secret["issuer-uri"]
		if *audience == "" {
			*audience = issuer
		}
		byKeys, err := whoami.New(ctx, issuer, *audience, serve.Client())
		if err != nil {
			return nil, err
		}
		mux := http.NewServeMux()
		mux.Handle("GET /{$}", byKeys)
		mux.Handle("GET /introspected", &whoami.Introspected{Mounted: *folder, Audience: *audience, HTTP: serve.Client()})
		mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
		return mux, nil
	})
}
