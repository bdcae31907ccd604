package v1alpha1

// ClientAssertionMetadata is what verifies the assertions of a client that
// authenticates with private_key_jwt: one of jwks, jwksURI and serviceAccountRef.
type ClientAssertionMetadata struct {
	// jwks is a JWK Set (RFC 7517 §5) with the public keys that verify what the
	// client signs (RFC 7591 §2). To change keys, add the new one, let the client
	// sign with it, and remove the old one.
	// +optional
	JWKS *JSONWebKeySet `json:"jwks,omitempty"`

	// jwksURI is where the client publishes these keys as a JWK Set, on https (RFC
	// 7591 §2). The server fetches them when it has to verify an assertion. To change
	// keys, publish the new one beside the old one a minute before it is used.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches(r"^https://(([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$")`,message="jwksURI must be an https URL with a host name and without a fragment, such as https://app.example.com/jwks.json"
	JWKSURI string `json:"jwksURI,omitempty"`

	// tokenEndpointAuthSigningAlg is the one algorithm that the client signs its
	// assertions with (RFC 7591 §2, OpenID Connect Registration §2). Without it,
	// each that fits a key of jwks or jwksURI.
	// +optional
	TokenEndpointAuthSigningAlg AssertionAlgorithm `json:"tokenEndpointAuthSigningAlg,omitempty"`

	// serviceAccountRef names the Kubernetes ServiceAccount whose tokens
	// authenticate the client, so that it needs no secret and no key of its own. A
	// workload mounts such a token as a projected volume with the issuer as its
	// audience, and sends it as client_assertion together with its client_id.
	// +optional
	ServiceAccountRef *ServiceAccountReference `json:"serviceAccountRef,omitempty"`
}

// ServiceAccountReference names a ServiceAccount.
type ServiceAccountReference struct {
	// name of the ServiceAccount, in the namespace of the OAuthClient.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")`,message="name must be that of a ServiceAccount: lower-case letters, digits, - and ., with a letter or digit at both ends"
	Name string `json:"name"`
}

// ServiceAccountSubject returns the sub of the tokens of a ServiceAccount.
func ServiceAccountSubject(namespace, name string) string {
	return "system:serviceaccount:" + namespace + ":" + name
}

// JSONWebKeySet is a JWK Set of public keys (RFC 7517 §5).
type JSONWebKeySet struct {
	// keys are the public keys, at most ten.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:XValidation:rule=`self.all(k, !has(k.kid) || self.exists_one(o, has(o.kid) && o.kid == k.kid))`,message="keys must have a kid of their own each: two have the same"
	Keys []JSONWebKey `json:"keys"`
}

// AssertionAlgorithm is an algorithm of a signature (RFC 7518 §3.1, RFC 8037).
// +kubebuilder:validation:Enum=RS256;PS256;ES256;EdDSA
type AssertionAlgorithm string

// The algorithms of assertions.
const (
	AssertionRS256 AssertionAlgorithm = "RS256"
	AssertionPS256 AssertionAlgorithm = "PS256"
	AssertionES256 AssertionAlgorithm = "ES256"
	AssertionEdDSA AssertionAlgorithm = "EdDSA"
)

// JSONWebKey is a public key as a JWK (RFC 7517 §4), by the names that it has
// there. It has no member for a private or a symmetric key.
// +kubebuilder:validation:XValidation:rule=`self.kty != 'RSA' || (has(self.n) && has(self.e) && !has(self.crv) && !has(self.x) && !has(self.y))`,message="a key with kty RSA has n and e, and not crv, x and y"
// +kubebuilder:validation:XValidation:rule=`self.kty != 'EC' || (has(self.crv) && self.crv == 'P-256' && has(self.x) && has(self.y) && !has(self.n) && !has(self.e))`,message="a key with kty EC has crv P-256, x and y, and not n and e"
// +kubebuilder:validation:XValidation:rule=`self.kty != 'OKP' || (has(self.crv) && self.crv == 'Ed25519' && has(self.x) && !has(self.y) && !has(self.n) && !has(self.e))`,message="a key with kty OKP has crv Ed25519 and x, and not y, n and e"
// +kubebuilder:validation:XValidation:rule=`!has(self.alg) || self.kty == (self.alg == 'ES256' ? 'EC' : self.alg == 'EdDSA' ? 'OKP' : 'RSA')`,message="alg does not fit kty: RSA is for RS256 and PS256, EC for ES256, OKP for EdDSA"
type JSONWebKey struct {
	// kty is the type of the key: RSA, of 2048 to 4096 bits; EC, on the curve
	// P-256; or OKP, on Ed25519. A symmetric key (oct) is none that anybody else may
	// have.
	// +kubebuilder:validation:Enum=RSA;EC;OKP
	KeyType string `json:"kty"`

	// kid is the id by which an assertion names the key. Without it the key is
	// tried for every assertion.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"kid,omitempty"`

	// use of the key: sig.
	// +optional
	// +kubebuilder:validation:Enum=sig
	Use string `json:"use,omitempty"`

	// alg is the one algorithm that the key is for. Without it, each that fits kty.
	// +optional
	Algorithm AssertionAlgorithm `json:"alg,omitempty"`

	// crv is the curve of a key with kty EC or OKP.
	// +optional
	// +kubebuilder:validation:Enum=P-256;Ed25519
	Curve string `json:"crv,omitempty"`

	// x is a coordinate of a key with kty EC, and all of one with OKP, in base64url.
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[A-Za-z0-9_-]+$")`,message="x must be base64url without padding"
	// +kubebuilder:validation:MinLength=43
	// +kubebuilder:validation:MaxLength=43
	X string `json:"x,omitempty"`

	// y is the other coordinate of a key with kty EC, in base64url.
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[A-Za-z0-9_-]+$")`,message="y must be base64url without padding"
	// +kubebuilder:validation:MinLength=43
	// +kubebuilder:validation:MaxLength=43
	Y string `json:"y,omitempty"`

	// n is the modulus of a key with kty RSA, in base64url.
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[A-Za-z0-9_-]+$")`,message="n must be base64url without padding"
	// +kubebuilder:validation:MinLength=342
	// +kubebuilder:validation:MaxLength=683
	N string `json:"n,omitempty"`

	// e is the exponent of a key with kty RSA, in base64url: mostly AQAB.
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches(r"^[A-Za-z0-9_-]+$")`,message="e must be base64url without padding"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=6
	E string `json:"e,omitempty"`
}
