package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"oauth-operator.dev/api/passwordhash"
)

func hashPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash-password",
		Short: "Print the hash of a password, for the Secret of an OAuthUser",
		Long: "Reads a password, from the terminal without showing it or else the first line of the " +
			"standard input, and prints its argon2id hash for the Secret that spec.passwordSecretRef of an " +
			"OAuthUser names.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			password, err := readPassword(command.InOrStdin(), command.ErrOrStderr())
			if err != nil {
				return err
			}
			hash, err := passwordhash.Generate(password)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(command.OutOrStdout(), hash)
			return err
		},
	}
}

func readPassword(in io.Reader, prompt io.Writer) (string, error) {
	if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		_, _ = fmt.Fprint(prompt, "Password: ")
		typed, err := term.ReadPassword(int(file.Fd()))
		_, _ = fmt.Fprintln(prompt)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		return notEmpty(string(typed))
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return notEmpty(strings.TrimRight(line, "\r\n"))
}

func notEmpty(password string) (string, error) {
	if password == "" {
		return "", errors.New("the password is empty")
	}
	return password, nil
}
