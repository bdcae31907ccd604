package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"oauth-operator.dev/server/grant"
)

// listed is a grant as `grants list --output json` shows it: one object a line.
type listed struct {
	ID                  string     `json:"id"`
	AuthorizationServer string     `json:"authorizationServer"`
	ClientID            string     `json:"clientID"`
	ClientUID           string     `json:"clientUID"`
	Subject             string     `json:"subject"`
	Username            string     `json:"username,omitempty"`
	Scopes              []string   `json:"scopes,omitempty"`
	Claims              []string   `json:"claims,omitempty"`
	Resources           []string   `json:"resources,omitempty"`
	SessionID           string     `json:"sessionID,omitempty"`
	AuthTime            time.Time  `json:"authTime"`
	CreatedAt           time.Time  `json:"createdAt"`
	EndsAt              time.Time  `json:"endsAt"`
	Generation          int64      `json:"generation"`
	RefreshedAt         *time.Time `json:"refreshedAt,omitempty"`
	ExpiresAt           time.Time  `json:"expiresAt"`
	Active              bool       `json:"active"`
	Reason              string     `json:"reason,omitempty"`
}

func (f *grantsFlags) listCommand() *cobra.Command {
	var chosen chooser
	var output string
	command := &cobra.Command{
		Use:   "list",
		Short: "Show who has allowed which client what",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			show, flush, err := printer(command.OutOrStdout(), output, time.Now())
			if err != nil {
				return err
			}
			store, done, err := f.open(chosen.store)
			if err != nil {
				return err
			}
			defer done()
			if err := store.Each(command.Context(), chosen.filter, show); err != nil {
				return err
			}
			return flush()
		},
	}
	chosen.register(command.Flags())
	command.Flags().StringVarP(&output, "output", "o", "table", "table, or json for one object a line.")
	return command
}

// printer returns what shows one grant, and what is to be called after the last.
func printer(out io.Writer, form string, now time.Time) (show func(grant.Grant) error, flush func() error, err error) {
	switch form {
	case "json":
		lines := json.NewEncoder(out)
		return func(g grant.Grant) error { return lines.Encode(describe(g, now)) }, func() error { return nil }, nil
	case "table":
		table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
		_, _ = fmt.Fprintln(table, "ID\tCLIENT\tUSER\tSUBJECT\tSCOPES\tACTIVE\tEXPIRES")
		return func(g grant.Grant) error {
			active := "True"
			if !g.Active(now) {
				active = "False"
			}
			if g.Revoked != "" {
				active += " (" + printable(string(g.Revoked)) + ")"
			}
			_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", g.ID, printable(g.ClientID), printable(g.Username),
				printable(g.Subject), printable(g.Scope.String()), active, g.ExpiresAt.Format(time.RFC3339))
			return err
		}, table.Flush, nil
	default:
		return nil, nil, fmt.Errorf("--output: %q is no form: use table or json", form)
	}
}

func describe(g grant.Grant, now time.Time) listed {
	l := listed{
		ID: g.ID, AuthorizationServer: g.Issuer, ClientID: g.ClientID, ClientUID: g.ClientUID, Subject: g.Subject,
		Username: g.Username, Scopes: g.Scope, Claims: g.Claims, Resources: g.Resources, SessionID: g.SessionID,
		AuthTime: g.AuthTime, CreatedAt: g.CreatedAt, EndsAt: g.EndsAt, Generation: g.Generation, ExpiresAt: g.ExpiresAt,
		Active: g.Active(now), Reason: string(g.Revoked),
	}
	if !g.RefreshedAt.IsZero() {
		l.RefreshedAt = &g.RefreshedAt
	}
	return l
}

func (f *grantsFlags) revokeCommand() *cobra.Command {
	var chosen chooser
	var all, dry bool
	command := &cobra.Command{
		Use:   "revoke",
		Short: "Revoke the grants of a person, of a client, or one",
		Long: "Revokes the grants that match all of the flags. The next refresh fails, and introspection and " +
			"userinfo refuse access tokens at once; a resource server that checks them by itself accepts one until it expires.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if (chosen.filter == grant.Filter{}) != all {
				return errors.New("say which grants to revoke, with --id, --client, --subject or --user; or --all")
			}
			store, done, err := f.open(chosen.store)
			if err != nil {
				return err
			}
			defer done()
			revoked := 0
			err = store.Each(command.Context(), chosen.filter, func(g grant.Grant) error {
				if !g.Active(time.Now()) {
					return nil
				}
				if !dry {
					err := store.Revoke(command.Context(), g.Key(), grant.RevokedByAdministrator)
					if errors.Is(err, grant.ErrNotFound) {
						return nil
					} else if err != nil {
						return err
					}
				}
				revoked++
				return nil
			})
			word := "revoked"
			if dry {
				word = "would be revoked"
			}
			_, _ = fmt.Fprintf(command.OutOrStdout(), "%d grants %s.\n", revoked, word)
			return err
		},
	}
	chosen.register(command.Flags())
	command.Flags().BoolVar(&all, "all", false, "Every grant that there is.")
	command.Flags().BoolVar(&dry, "dry-run", false, "Only say how many.")
	return command
}
