package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"oauth-operator.dev/hack/demo/mounted"
	"oauth-operator.dev/hack/e2e/outcome"
	"oauth-operator.dev/hack/person"
)

// atOnce is how often a code is redeemed at each replica.
const atOnce = 2

// races gets codes and redeems each several times at the same moment, at every
// replica. Unlike the others nothing is tried again: of each code at most one
// redemption may succeed, whatever happens meanwhile.
func (l *load) races(ctx context.Context) {
	var someone *person.Person
	for ctx.Err() == nil {
		event := outcome.Event{Kind: outcome.Race, Began: time.Now()}
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		var err error
		if someone == nil {
			someone, err = person.New(l.username, l.password, l.direct)
		}
		if err == nil {
			event.Redeemed, event.Replicas, err = l.race(attempt, someone)
		}
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			event.Failures = []string{plain(err)}
		}
		event.Ended = time.Now()
		l.report(event)
		wait(ctx, raceEvery)
	}
}

func (l *load) race(ctx context.Context, someone *person.Person) (redeemed, replicas int, err error) {
	secret, err := mounted.Read(l.racer)
	if err != nil {
		return 0, 0, err
	}
	verifier := oauth2.GenerateVerifier()
	code, err := l.code(ctx, someone, secret, verifier)
	if err != nil {
		return 0, 0, fmt.Errorf("getting a code: %w", err)
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, l.replicas)
	if err != nil {
		return 0, 0, err
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {secret["redirect-uris"]}, "code_verifier": {verifier},
	}.Encode()
	var (
		group   sync.WaitGroup
		won     atomic.Int64
		mutex   sync.Mutex
		failure error
		start   = make(chan struct{})
	)
	for _, address := range addresses {
		for range atOnce {
			group.Go(func() {
				<-start
				status, err := redeem(ctx, net.JoinHostPort(address, l.port), secret, form)
				switch {
				case err != nil:
					mutex.Lock()
					failure = err
					mutex.Unlock()
				case status == http.StatusOK:
					won.Add(1)
				}
			})
		}
	}
	close(start)
	group.Wait()
	if won.Load() == 0 && failure == nil {
		failure = errors.New("every redemption was refused")
	}
	if won.Load() > 0 {
		failure = nil // of one whose answer got lost it cannot be said who won
	}
	return int(won.Load()), len(addresses), failure
}

// code logs in where it has to, and returns an authorization code.
func (l *load) code(ctx context.Context, someone *person.Person, secret mounted.Secret, verifier string) (string, error) {
	config := oauth2.Config{
		ClientID: secret["client-id"], RedirectURL: secret["redirect-uris"], Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: secret["authorization-endpoint"]},
	}
	page, err := someone.Visit(ctx, config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), func(u *url.URL) bool {
		return strings.HasPrefix(u.String(), config.RedirectURL)
	})
	switch {
	case err != nil:
		return "", err
	case page.Location == nil:
		return "", fmt.Errorf("%d: %s", page.Status, page.Title())
	case page.Location.Query().Get("code") == "":
		return "", fmt.Errorf("the authorization server answered %s", page.Location.Query().Get("error"))
	}
	return page.Location.Query().Get("code"), nil
}

// redeem redeems the code at one replica, and returns the status of the answer.
func redeem(ctx context.Context, address string, secret mounted.Secret, form string) (int, error) {
	own := transport(nil)
	defer own.CloseIdleConnections()
	own.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, network, address)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, secret["token-endpoint"], strings.NewReader(form))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(secret["client-id"]), url.QueryEscape(secret["client-secret"]))
	response, err := (&http.Client{Transport: own}).Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
