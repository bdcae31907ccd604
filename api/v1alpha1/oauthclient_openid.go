package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SubjectType is a value of subject_type (OpenID Connect Core §8).
// +kubebuilder:validation:Enum=public;pairwise
type SubjectType string

// The subject types.
const (
	SubjectTypePublic   SubjectType = "public"
	SubjectTypePairwise SubjectType = "pairwise"
)

// OpenIDClientMetadata is the metadata of a client that OpenID Connect adds
// (OpenID Connect Registration §2, RP-Initiated Logout §3.1, Back-Channel Logout
// §2.2), in camelCase.
type OpenIDClientMetadata struct {
	// clientURI leads to a page about the client. The consent page has a link to it.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches(r"^https://(([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?(#([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$")`,message="clientURI must be an https URL with a host name, such as https://www.example.com/about"
	ClientURI string `json:"clientURI,omitempty"`

	// policyURI leads to a page that says how the client uses what it learns about
	// people. The consent page has a link to it.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches(r"^https://(([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?(#([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$")`,message="policyURI must be an https URL with a host name, such as https://www.example.com/privacy"
	PolicyURI string `json:"policyURI,omitempty"`

	// tosURI leads to the client's terms of service. The consent page has a link to
	// it.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches(r"^https://(([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?(#([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$")`,message="tosURI must be an https URL with a host name, such as https://www.example.com/terms"
	TOSURI string `json:"tosURI,omitempty"`

	// subjectType says by which sub the client knows people: public, which it is if
	// it is left out, the same as
	// other clients do; or pairwise, one that is made for the host of its
	// redirectURIs, which therefore have to be http or https URLs of one host, or
	// for that of sectorIdentifierURI (OpenID Connect Core §8.1). With another host,
	// all people are new to it.
	// +optional
	SubjectType SubjectType `json:"subjectType,omitempty"`

	// sectorIdentifierURI is where a JSON array of redirect URIs is that are of one
	// sector (OpenID Connect Registration §5): an https URL, whose host is what a
	// pairwise sub is then made for. All redirectURIs have to be in the array, or the
	// server refuses the client, and redirectHosts of the policy have to allow the
	// host. It goes with subjectType: pairwise.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches(r"^https://(([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$")`,message="sectorIdentifierURI must be an https URL with a host name and without a fragment, such as https://example.com/sector.json"
	SectorIdentifierURI string `json:"sectorIdentifierURI,omitempty"`

	// idTokenSignedResponseAlg is the algorithm of the client's ID tokens. Without
	// it, they are signed as the AuthorizationServer says.
	// +optional
	IDTokenSignedResponseAlg SigningAlg `json:"idTokenSignedResponseAlg,omitempty"`

	// userinfoSignedResponseAlg has userinfo responses signed, as a JWT, with that
	// algorithm. Without it, they are plain JSON.
	// +optional
	UserinfoSignedResponseAlg SigningAlg `json:"userinfoSignedResponseAlg,omitempty"`

	// defaultMaxAge is how long ago the person may have logged in where a request
	// has no max_age, at most 8760h; 0s asks for the password every time.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0 && self.matches(r"^([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$") && duration(self) >= duration('0s') && duration(self) <= duration('8760h')`,message="defaultMaxAge must be a duration from 0s to 8760h in hours, minutes and seconds, such as 10m or 1h30m"
	DefaultMaxAge *metav1.Duration `json:"defaultMaxAge,omitempty"`

	// postLogoutRedirectURIs are the addresses that people may be sent back to
	// after a logout that the client has asked for (RP-Initiated Logout §3). Each is
	// as in redirectURIs, and is compared character by character.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	// +kubebuilder:validation:items:XValidation:rule=`!self.contains('*')`,message="postLogoutRedirectURIs must not have a wildcard: they are compared character by character, so list each in full"
	// +kubebuilder:validation:items:XValidation:rule=`!self.contains('#')`,message="postLogoutRedirectURIs must not have a fragment (RFC 6749 §3.1.2): remove # and what follows"
	// +kubebuilder:validation:items:XValidation:rule=`!self.matches(r"^[^/?#]*://[^/?#]*@")`,message="postLogoutRedirectURIs must not have user or password: remove what stands before the @"
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r"^(https://([^/?#]*@)?((([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}|\[[0-9A-Fa-f:]+\])|[^/?#@:]*\*[^/?#@:]*)|http://([^/?#]*@)?(localhost|127\.0\.0\.1|\[::1\]))(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?#]|$)") || self.matches(r"^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/([^/]|$|/([A-Za-z0-9._~-]+([/?#]|$)|/))")`,message="postLogoutRedirectURIs must be https://host/path, or http:// with the host localhost, 127.0.0.1 or [::1], or the private-use scheme of a native app with a dot in it, such as com.example.app:/callback"
	// +kubebuilder:validation:items:XValidation:rule=`!self.startsWith("https://[") || self.contains("@") || self.find(r"^https://\[[0-9A-Fa-f:]+\]") == "" || isIP(self.find(r"\[[0-9A-Fa-f:]+\]").replace("[", "").replace("]", ""))`,message="postLogoutRedirectURIs must have a complete IPv6 address between the brackets"
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r"^(https?://\[[^\]/?#]*\])?([A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$")`,message="postLogoutRedirectURIs must consist of the characters of a URI (RFC 3986): percent-encode any other, and write % only before two hexadecimal digits"
	// +kubebuilder:validation:items:XValidation:rule=`!self.matches(r"^[^?#]*(/|%(2[Ff]|5[Cc]))(\.|%2[Ee]){1,2}(/|%(2[Ff]|5[Cc])|[?#]|$)")`,message="postLogoutRedirectURIs must not have the path segments \".\" and \"..\", plain or percent-encoded: write the path that is meant"
	// +kubebuilder:validation:items:XValidation:rule=`!self.matches(r"%([01][0-9A-Fa-f]|7[Ff])")`,message="postLogoutRedirectURIs must not have percent-encoded control characters: remove %00 to %1F and %7F"
	// +kubebuilder:validation:items:XValidation:rule=`!self.matches(r"^[^?#]*\?([^#]*&)?((c|%63)(o|%6[Ff])(d|%64)(e|%65)|(s|%73)(t|%74)(a|%61)(t|%74)(e|%65)|(i|%69)(s|%73)(s|%73)|(e|%65)(r|%72)(r|%72)(o|%6[Ff])(r|%72)((_|%5[Ff])(d|%64)(e|%65)(s|%73)(c|%63)(r|%72)(i|%69)(p|%70)(t|%74)(i|%69)(o|%6[Ff])(n|%6[Ee])|(_|%5[Ff])(u|%75)(r|%72)(i|%69))?)([=&#]|$)")`,message="postLogoutRedirectURIs must not have a query parameter named as one of the response: remove code, state, iss, error, error_description and error_uri"
	PostLogoutRedirectURIs []string `json:"postLogoutRedirectURIs,omitempty"`

	// backchannelLogoutURI is where the client is told, by POST, that somebody has
	// logged out (Back-Channel Logout §2.5).
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`self == "" || self.matches(r"^https://(([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$")`,message="backchannelLogoutURI must be an https URL with a host name and without a fragment, such as https://app.example.com/backchannel-logout"
	BackchannelLogoutURI string `json:"backchannelLogoutURI,omitempty"`

	// backchannelLogoutSessionRequired says that the client needs the claim sid in
	// logout tokens. They always have it.
	// +optional
	BackchannelLogoutSessionRequired bool `json:"backchannelLogoutSessionRequired,omitempty"`
}
