package main

import (
	"bufio"
	"context"
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
			password, err := readPassword(command.Context(), command.InOrStdin(), command.ErrOrStderr())
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

func readPassword(ctx context.Context, in io.Reader, prompt io.Writer) (string, error) {
	if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		_, _ = fmt.Fprint(prompt, "Password: ")
		typed, err := readHidden(ctx, int(file.Fd()))
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

// readHidden reads a line of the terminal without showing it. A read cannot be
// broken off: when ctx ends, with Ctrl-C, it is left behind, and the terminal
// shows again what is typed.
func readHidden(ctx context.Context, terminal int) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	type line struct {
		typed []byte
		err   error
	}
	read := make(chan line, 1)
	go func() {
		typed, err := term.ReadPassword(terminal)
		read <- line{typed, err}
	}()
	select {
	case l := <-read:
		return l.typed, l.err
	case <-ctx.Done():
		return nil, errors.Join(errors.New("interrupted"), term.Restore(terminal, before))
	}
}

func notEmpty(password string) (string, error) {
	if password == "" {
		return "", errors.New("the password is empty")
	}
	return password, nil
}
