// Command zitadel is a relying party made of github.com/zitadel/oidc. See ../doc.go
// for how it is told what to do, and how it asks for a person with a browser.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

type told struct {
	Issuer string `json:"issuer"`
	Client struct {
		ID         string `json:"id"`
		Secret     string `json:"secret"`
		PrivateKey string `json:"privateKey"`
		KeyID      string `json:"keyID"`
	} `json:"client"`
	RedirectURI           string `json:"redirectURI"`
	PostLogoutRedirectURI string `json:"postLogoutRedirectURI"`
	Scope                 string `json:"scope"`
	Email                 string `json:"email"`
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var t told
	if err := json.Unmarshal([]byte(os.Getenv("FOREIGN_CLIENT")), &t); err != nil {
		return err
	}
	style := oauth2.AuthStyleInHeader
	if t.Client.PrivateKey != "" {
		style = oauth2.AuthStyleInParams
	}
	party, err := rp.NewRelyingPartyOIDC(ctx, t.Issuer, t.Client.ID, t.Client.Secret, t.RedirectURI, strings.Fields(t.Scope),
		rp.WithAuthStyle(style),
		rp.WithVerifierOpts(rp.WithNonce(nonce)))
	if err != nil {
		return fmt.Errorf("discovery: %w", err)
	}
	did("discovery")
	tokens, err := t.code(context.WithValue(ctx, nonceKey{}, "a nonce"), party)
	if err != nil {
		return fmt.Errorf("code: %w", err)
	}
	did("code")

	info, err := rp.Userinfo[*oidc.UserInfo](ctx, tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, party)
	if err != nil || info.Email != t.Email {
		return fmt.Errorf("userinfo: %w", either(err, "it is of somebody else"))
	}
	did("userinfo")
	if err := t.end(ctx, party, tokens); err != nil {
		return err
	}

	// The hint has a person in it, so no page asks.
	after, err := visit(party.GetEndSessionEndpoint() + "?" + url.Values{
		"id_token_hint": {tokens.IDToken}, "post_logout_redirect_uri": {t.PostLogoutRedirectURI}, "state": {"bye"},
	}.Encode())
	if err != nil || after.String() != t.PostLogoutRedirectURI+"?state=bye" {
		return fmt.Errorf("logout: %w", either(err, "it ended elsewhere"))
	}
	did("logout")
	return nil
}

// nonceKey is of the nonce that an ID token has to have. One that comes with a
// refresh has none (OpenID Connect Core §12.2).
type nonceKey struct{}

func nonce(ctx context.Context) string {
	sent, _ := ctx.Value(nonceKey{}).(string)
	return sent
}

// code walks the code grant.
func (t told) code(ctx context.Context, party rp.RelyingParty) (*oidc.Tokens[*oidc.IDTokenClaims], error) {
	verifier := oauth2.GenerateVerifier()
	back, err := visit(rp.AuthURL("a state", party,
		rp.WithCodeChallenge(oidc.NewSHACodeChallenge(verifier)), rp.AuthURLOpt(rp.WithURLParam("nonce", nonce(ctx)))))
	if err != nil {
		return nil, err
	}
	if back.Query().Get("state") != "a state" {
		return nil, errors.New("the state is another")
	}
	options := []rp.CodeExchangeOpt{rp.WithCodeVerifier(verifier)}
	if t.Client.PrivateKey != "" {
		assertion, err := t.assertion()
		if err != nil {
			return nil, err
		}
		options = append(options, rp.WithClientAssertionJWT(assertion))
	}
	return rp.CodeExchange[*oidc.IDTokenClaims](ctx, back.Query().Get("code"), party, options...)
}

// end refreshes, and with HTTP Basic introspects and revokes. For assertions of
// others than its own the library has no room there, and its own have an array for
// aud, which is refused.
func (t told) end(ctx context.Context, party rp.RelyingParty, tokens *oidc.Tokens[*oidc.IDTokenClaims]) error {
	refresh := func(token string) (*oidc.Tokens[*oidc.IDTokenClaims], error) {
		if t.Client.PrivateKey == "" {
			return rp.RefreshTokens[*oidc.IDTokenClaims](ctx, party, token, "", "")
		}
		assertion, err := t.assertion()
		if err != nil {
			return nil, err
		}
		return rp.RefreshTokens[*oidc.IDTokenClaims](ctx, party, token, assertion, oidc.ClientAssertionTypeJWTAssertion)
	}
	fresh, err := refresh(tokens.RefreshToken)
	if err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	did("refresh")
	if t.Client.PrivateKey != "" {
		return nil
	}

	api, err := rs.NewResourceServerClientCredentials(ctx, t.Issuer, t.Client.ID, t.Client.Secret)
	if err != nil {
		return err
	}
	if answer, err := rs.Introspect[*oidc.IntrospectionResponse](ctx, api, fresh.RefreshToken); err != nil || !answer.Active {
		return fmt.Errorf("introspection: %w", either(err, "a good token is not active"))
	}
	if err := rp.RevokeToken(ctx, party, fresh.RefreshToken, "refresh_token"); err != nil {
		return fmt.Errorf("revocation: %w", err)
	}
	if answer, err := rs.Introspect[*oidc.IntrospectionResponse](ctx, api, fresh.RefreshToken); err != nil || answer.Active {
		return fmt.Errorf("introspection: %w", either(err, "a revoked token is active"))
	}
	did("introspection")
	if _, err := refresh(fresh.RefreshToken); err == nil {
		return errors.New("revocation: a revoked refresh token is good")
	}
	did("revocation")
	return nil
}

// assertion says who the client is (RFC 7523 §3), to the issuer alone.
func (t told) assertion() (string, error) {
	block, _ := pem.Decode([]byte(t.Client.PrivateKey))
	if block == nil {
		return "", errors.New("the key is no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: t.Client.KeyID}}, nil)
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": t.Client.ID, "sub": t.Client.ID, "aud": t.Issuer, "jti": rand.Text(), "exp": time.Now().Add(time.Minute).Unix(),
	})
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

func did(what string) { fmt.Println("did", what) }

var input = bufio.NewReader(os.Stdin)

func visit(address string) (*url.URL, error) {
	fmt.Println("visit", address)
	line, err := input.ReadString('\n')
	if err != nil {
		return nil, err
	}
	return url.Parse(strings.TrimSpace(line))
}

// either is err, or what is wrong otherwise.
func either(err error, otherwise string) error {
	if err != nil {
		return err
	}
	return errors.New(otherwise)
}
