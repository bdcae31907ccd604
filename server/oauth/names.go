// Package oauth holds the words of the protocol: parameter names, grant types,
// scopes, errors, and the parsing of forms. It is a leaf: it knows no client,
// no token and no storage.
package oauth

// Request and response parameters (RFC 6749 §11.2.2 and the registries that
// grew from it).
const (
	ParamClientID     = "client_id"
	ParamClientSecret = "client_secret"
	ParamResponseType = "response_type"
	ParamResponseMode = "response_mode"
	ParamRedirectURI  = "redirect_uri"
	ParamScope        = "scope"
	ParamState        = "state"
	ParamCode         = "code"
	ParamError        = "error"
	ParamErrorDesc    = "error_description"
	ParamGrantType    = "grant_type"
	ParamRefreshToken = "refresh_token"

	// RFC 7521 §4.2.
	ParamClientAssertion     = "client_assertion"
	ParamClientAssertionType = "client_assertion_type"

	// RFC 7636 §4.
	ParamCodeChallenge       = "code_challenge"
	ParamCodeChallengeMethod = "code_challenge_method"
	ParamCodeVerifier        = "code_verifier"

	// RFC 9207 §2.
	ParamIssuer = "iss"

	// OpenID Connect Core §3.1.2.1.
	ParamNonce        = "nonce"
	ParamPrompt       = "prompt"
	ParamMaxAge       = "max_age"
	ParamLoginHint    = "login_hint"
	ParamIDTokenHint  = "id_token_hint"
	ParamClaims       = "claims"
	ParamUILocales    = "ui_locales"
	ParamRequest      = "request"
	ParamRequestURI   = "request_uri"
	ParamRegistration = "registration"

	// RFC 6750 §2.2.
	ParamAccessToken = "access_token"

	// RFC 8707 §2. It may be repeated.
	ParamResource = "resource"

	// RFC 8693 §2.1. The first may be repeated.
	ParamAudience           = "audience"
	ParamRequestedTokenType = "requested_token_type"
	ParamSubjectToken       = "subject_token"
	ParamSubjectTokenType   = "subject_token_type"
	ParamActorToken         = "actor_token"
	ParamActorTokenType     = "actor_token_type"

	// RFC 8628 §3.2, §3.3, §3.4.
	ParamDeviceCode = "device_code"
	ParamUserCode   = "user_code"

	// RFC 7009 §2.1, RFC 7662 §2.1.
	ParamToken         = "token"
	ParamTokenTypeHint = "token_type_hint"
)

// Values of grant_type.
const (
	GrantAuthorizationCode = "authorization_code" // RFC 6749 §4.1.3
	GrantRefreshToken      = "refresh_token"      // RFC 6749 §6
	GrantClientCredentials = "client_credentials" // RFC 6749 §4.4.2

	GrantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 §2.1
	GrantDeviceCode    = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628 §3.4
)

// ResponseTypeCode is the value of response_type that asks for a code
// (RFC 6749 §4.1.1).
const ResponseTypeCode = "code"

// Values of response_mode (OAuth 2.0 Multiple Response Type Encoding Practices
// §2.1, OAuth 2.0 Form Post Response Mode §2).
const (
	ResponseModeQuery    = "query"
	ResponseModeFormPost = "form_post"
)

// Values of prompt (OpenID Connect Core §3.1.2.1).
const (
	PromptNone          = "none"
	PromptLogin         = "login"
	PromptConsent       = "consent"
	PromptSelectAccount = "select_account"
)

// Values of subject_type (OpenID Connect Core §8).
const (
	SubjectTypePublic   = "public"
	SubjectTypePairwise = "pairwise"
)

// RP-Initiated Logout §2.
const (
	ParamLogoutHint            = "logout_hint"
	ParamPostLogoutRedirectURI = "post_logout_redirect_uri"
)

// Values of token_endpoint_auth_method (RFC 7591 §2).
const (
	AuthMethodBasic = "client_secret_basic"
	AuthMethodPost  = "client_secret_post"
	AuthMethodNone  = "none"

	AuthMethodPrivateKeyJWT = "private_key_jwt" // OpenID Connect Core §9
)

// Token type identifiers (RFC 8693 §3).
const (
	TypeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	TypeJWT         = "urn:ietf:params:oauth:token-type:jwt"
)

// TokenTypeBearer is the token_type of RFC 6750.
const TokenTypeBearer = "Bearer"

// MethodS256 is the code_challenge_method of RFC 7636 §4.2 that hashes.
const MethodS256 = "S256"

// Scopes with a meaning of their own (OpenID Connect Core §5.4).
const (
	ScopeOpenID  = "openid"
	ScopeProfile = "profile"
	ScopeEmail   = "email"
	ScopeGroups  = "groups"

	ScopeOfflineAccess = "offline_access" // OpenID Connect Core §11
)
