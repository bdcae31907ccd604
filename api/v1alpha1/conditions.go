package v1alpha1

// Condition types. Every condition here but Stalled is of positive polarity (True
// is good) and, but for RedirectURIsResolved, always present once the controller
// has seen the object.
const (
	// ConditionReady summarises the others, for `kubectl wait`.
	ConditionReady = "Ready"

	// ConditionAccepted says whether the registration is valid and allowed by
	// the policy of its AuthorizationServer. On an AuthorizationServer it says
	// whether the specification as a whole can be served.
	ConditionAccepted = "Accepted"

	// ConditionCredentialsReady says whether the Secret of an OAuthClient holds
	// complete credentials and their verifier is published.
	ConditionCredentialsReady = "CredentialsReady"

	// ConditionRedirectURIsResolved says whether every object of redirectURIsFrom
	// was found and has a host. It is there while there are redirectURIsFrom.
	ConditionRedirectURIsResolved = "RedirectURIsResolved"

	// ConditionKeysReady says whether the keys of an AuthorizationServer exist.
	ConditionKeysReady = "KeysReady"

	// ConditionStalled is there, and True, while an object is not Ready for a
	// reason that time does not mend: somebody has to change something. Its reason
	// is that of Ready. Tools that wait for an object (kstatus) then stop waiting.
	ConditionStalled = "Stalled"

	// ConditionActive says whether an OAuthGrant still stands.
	ConditionActive = "Active"
)

// Reasons. The list is closed: docs/spec explains each.
const (
	// ReasonReady: everything that Ready summarises is True.
	ReasonReady = "Ready"

	// ReasonAccepted: the specification is valid and allowed.
	ReasonAccepted = "Accepted"

	// ReasonInvalid: a field has a value that cannot be served. The message
	// names the field.
	ReasonInvalid = "Invalid"

	// ReasonNotAllowed: the policy of the AuthorizationServer does not allow
	// what a field asks for. The message names the field and the rules.
	ReasonNotAllowed = "NotAllowed"

	// ReasonAuthorizationServerNotFound: the AuthorizationServer that is named
	// does not exist, or none is named and there is no default.
	ReasonAuthorizationServerNotFound = "AuthorizationServerNotFound"

	// ReasonAuthorizationServerNotReady: the AuthorizationServer exists but is
	// not accepted itself or has no keys yet.
	ReasonAuthorizationServerNotReady = "AuthorizationServerNotReady"

	// ReasonIssued: the Secret is complete and its verifier is published.
	ReasonIssued = "Issued"

	// ReasonSecretConflict: a Secret of the wanted name exists and belongs to
	// somebody else. It is left alone.
	ReasonSecretConflict = "SecretConflict"

	// ReasonSecretRejected: the API server refused the Secret.
	ReasonSecretRejected = "SecretRejected"

	// ReasonVerifierKeyMissing: the key that verifiers are made with is not there yet.
	ReasonVerifierKeyMissing = "VerifierKeyMissing"

	// ReasonReferencedSecretNotFound: the Secret or the key that spec.secret.ref
	// names does not exist. Nothing is made in its place.
	ReasonReferencedSecretNotFound = "ReferencedSecretNotFound"

	// ReasonClientSecretTooWeak: the value that spec.secret.ref names can be
	// guessed (RFC 6749 §10.10), or cannot be sent. The message says what is asked.
	ReasonClientSecretTooWeak = "ClientSecretTooWeak"

	// ReasonTemplateInvalid: spec.secret.template cannot be rendered. The message
	// names the key and the position. The Secret stays as it was.
	ReasonTemplateInvalid = "TemplateInvalid"

	// ReasonResolved: all redirectURIsFrom were found and have hosts.
	ReasonResolved = "Resolved"

	// ReasonRedirectSourceNotFound: an object of redirectURIsFrom does not exist,
	// or its kind is not known to the cluster.
	ReasonRedirectSourceNotFound = "RedirectSourceNotFound"

	// ReasonRedirectSourceHasNoHost: an object of redirectURIsFrom has no host
	// that a redirect URI can be made of.
	ReasonRedirectSourceHasNoHost = "RedirectSourceHasNoHost"

	// ReasonNotAttempted: nothing was done because the registration is not accepted.
	ReasonNotAttempted = "NotAttempted"

	// ReasonIssuerConflict: an older AuthorizationServer has the same issuer.
	ReasonIssuerConflict = "IssuerConflict"

	// ReasonKeysPublished: all keys exist.
	ReasonKeysPublished = "KeysPublished"

	// ReasonKeysUnusable: the Secret with the keys exists but cannot be read as
	// keys. It is left alone, for a human to look at.
	ReasonKeysUnusable = "KeysUnusable"

	// ReasonUsable: the OAuthUser can log in.
	ReasonUsable = "Usable"

	// ReasonDisabled: spec.disabled of the OAuthUser is true.
	ReasonDisabled = "Disabled"

	// ReasonPasswordSecretNotFound: the Secret or key that holds the password
	// hash does not exist.
	ReasonPasswordSecretNotFound = "PasswordSecretNotFound"

	// ReasonPasswordHashInvalid: the value is no bcrypt or argon2id hash.
	ReasonPasswordHashInvalid = "PasswordHashInvalid"

	// ReasonUsernameConflict: an older OAuthUser has the same username.
	ReasonUsernameConflict = "UsernameConflict"

	// ReasonGranted: the grant stands.
	ReasonGranted = "Granted"

	// ReasonCodeReplayed: the authorization code was presented a second time
	// (RFC 6749 §4.1.2).
	ReasonCodeReplayed = "CodeReplayed"

	// ReasonLoggedOut: the person has logged out of the session in which it was
	// allowed (Back-Channel Logout §2.7).
	ReasonLoggedOut = "LoggedOut"

	// ReasonRevokedByClient: the client has revoked one of its tokens (RFC 7009).
	ReasonRevokedByClient = "RevokedByClient"

	// ReasonRevokedByAdministrator: somebody has revoked it with oauth-operator
	// grants revoke.
	ReasonRevokedByAdministrator = "RevokedByAdministrator"

	// ReasonMoved: the grant is kept in another grant store from now on.
	ReasonMoved = "Moved"

	// ReasonRefreshTokenReused: a refresh token that had been replaced was
	// presented after the grace period (RFC 9700 §4.14.2).
	ReasonRefreshTokenReused = "RefreshTokenReused"
)

// Reasons of events that tell of something else than a change of Ready, whose
// events have its reason. The list is closed: docs/spec explains each.
const (
	// EventSecretRotated: a new client secret is in the Secret, by interval, on
	// demand, or because what is brought has changed.
	EventSecretRotated = "SecretRotated"

	// EventSecretRepaired: the Secret was lost or damaged, and has been written anew.
	EventSecretRepaired = "SecretRepaired"

	// EventRetiringSecretInUse: a client secret that was replaced is still used
	// close to its end.
	EventRetiringSecretInUse = "RetiringSecretInUse"

	// EventRolloutRestartFailed: workloads could not be restarted.
	EventRolloutRestartFailed = "RolloutRestartFailed"
)

// Labels and annotations.
const (
	// LabelManaged marks the Secrets that the controller made, with the value
	// "true". The controller's cache holds no other Secret.
	LabelManaged = GroupName + "/managed"

	// LabelClient carries the name of the OAuthClient that a Secret or an
	// OAuthGrant belongs to.
	LabelClient = GroupName + "/client"

	// LabelAuthorizationServer carries the name of the AuthorizationServer that
	// a Secret with keys or an OAuthGrant belongs to.
	LabelAuthorizationServer = GroupName + "/authorization-server"

	// LabelKeys marks the Secrets of the operator's namespace that hold the
	// operator's own keys. Its value says which: KeysVerifier or KeysServer.
	LabelKeys = GroupName + "/keys"

	// LabelSubject carries a digest of the subject of an OAuthGrant, so that
	// the grants of one person can be selected.
	LabelSubject = GroupName + "/subject"

	// LabelSpentUntil marks the Leases of the operator's namespace that each say
	// that something which is good only once was used. It carries when nothing
	// needs the Lease any more, in seconds since 1970.
	LabelSpentUntil = GroupName + "/spent-until"

	// AnnotationNote has, on a Lease with that label, a value that the servers keep
	// for a while: for instance what a person has answered to a device. It is sealed.
	AnnotationNote = GroupName + "/note"

	// AnnotationDefault with the value "true" makes an AuthorizationServer the
	// one for clients that name none. Of several, the newest counts, as with a
	// default StorageClass.
	AnnotationDefault = GroupName + "/is-default-authorization-server"

	// AnnotationCredential carries, on a client's Secret, the id of the
	// credential that it holds.
	AnnotationCredential = GroupName + "/credential"
)

// Annotations that people set.
const (
	// AnnotationRotate on an OAuthClient asks for a new client secret. Each value
	// is acted on once, and acknowledged in status.rotation.lastRequest.
	AnnotationRotate = GroupName + "/rotate"

	// AnnotationAdoptSecrets on a Namespace lists the names of the Secrets that
	// its OAuthClients may take over although the controller has not made them,
	// separated by commas; or *, for all.
	AnnotationAdoptSecrets = GroupName + "/adopt-secrets"
)

// Annotations that the controller sets on a pod template.
const (
	// AnnotationRestartedFor carries the id of the credential that the workload
	// was restarted for.
	AnnotationRestartedFor = GroupName + "/restarted-for"
)

// Values of LabelKeys.
const (
	KeysVerifier = "verifier"
	KeysServer   = "authorization-server"
)
