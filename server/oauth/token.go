package oauth

// CodeUnsupportedTokenType says that a token is of a kind that cannot be revoked
// (RFC 7009 §2.2.1).
const CodeUnsupportedTokenType Code = "unsupported_token_type"

// MaxToken is the length of the longest token that can be one of ours, in bytes:
// an access token with every scope and resource that can be registered is shorter.
// Nothing longer is looked at.
const MaxToken = 32 << 10
