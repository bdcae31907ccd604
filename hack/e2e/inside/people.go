package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"oauth-operator.dev/hack/demo/mounted"
	"oauth-operator.dev/hack/e2e/outcome"
	"oauth-operator.dev/hack/person"
)

// logins are people with a fresh browser each, which has no connection yet.
func (l *load) logins(ctx context.Context) {
	l.every(ctx, outcome.Login, loginEvery, func(ctx context.Context) error {
		own := l.edged()
		defer own.CloseIdleConnections()
		someone, page, err := l.login(ctx, own)
		if err != nil {
			return err
		}
		if page, err = l.press(ctx, someone, page, "refresh"); err != nil {
			return err
		}
		_, err = l.press(ctx, someone, page, "logout")
		return err
	})
}

// session is somebody who stays logged in. What fails is tried again in the same
// session: who has to log in again has lost it.
func (l *load) session(ctx context.Context) {
	var someone *person.Person
	var page *person.Page
	own := l.edged()
	l.every(ctx, outcome.Session, sessionEvery, func(ctx context.Context) (err error) {
		if someone == nil {
			if someone, page, err = l.login(ctx, own); err != nil {
				someone = nil
			}
			return err
		}
		next, err := l.press(ctx, someone, page, "refresh")
		if err == nil {
			page = next
		}
		return err
	})
}

// login opens the application and logs in, and returns the application's page.
func (l *load) login(ctx context.Context, by http.RoundTripper) (*person.Person, *person.Page, error) {
	someone, err := person.New(l.username, l.password, by)
	if err != nil {
		return nil, nil, err
	}
	page, err := someone.Visit(ctx, l.webapp+"/login", nil)
	if err != nil {
		return nil, nil, fmt.Errorf("logging in: %w", err)
	}
	return someone, page, loggedIn("logging in", page)
}

// press sends a form of the application's page and goes where it leads.
func (l *load) press(ctx context.Context, someone *person.Person, page *person.Page, form string) (*person.Page, error) {
	next, err := someone.Submit(ctx, page, form, nil)
	if err == nil {
		next, err = someone.Follow(ctx, next, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", form, err)
	}
	if form == "logout" {
		return next, nil
	}
	return next, loggedIn(form, next)
}

// loggedIn looks at the application's page: who it says they are, and what the API
// answered to their access token.
func loggedIn(doing string, page *person.Page) error {
	if page.Status == http.StatusOK && page.Text("claims") != "" && page.Text("api") != "" {
		return nil
	}
	said := page.Text("error")
	if said == "" {
		said = page.Title()
	}
	return fmt.Errorf("%s: %d from %s: %s", doing, page.Status, page.Request.URL.Host, said)
}

// works gets tokens by client credentials.
func (l *load) works(ctx context.Context) {
	l.every(ctx, outcome.Worker, workerEvery, func(ctx context.Context) error {
		secret, err := mounted.Read(l.worker)
		if err != nil {
			return err
		}
		config := clientcredentials.Config{
			ClientID: secret["client-id"], ClientSecret: secret["client-secret"],
			TokenURL: secret["token-endpoint"], AuthStyle: oauth2.AuthStyleInHeader,
		}
		token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: l.direct}))
		if err != nil {
			return err
		}
		if token.AccessToken == "" {
			return errors.New("there is no access token")
		}
		return nil
	})
}
