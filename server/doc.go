// Package server is the authorization server. It builds the endpoints of every
// issuer, mounts them, and runs them; it is the only package that imports all
// of them.
//
// Where to find what:
//
//	RFC 6749 §2      registration     the compiled client; the registry (kube.go: the cluster's cache);
//	                                  when a client secret was last used (kube_use.go)
//	RFC 6749 §2.3    clientauth       exactly one authentication method per request
//	RFC 7523         assertion        JWTs by which clients authenticate
//	RFC 6749 §3.1    authorization    the authorization endpoint, up to the code (§4.1.1-§4.1.2)
//	RFC 6749 §3.2    token            the token endpoint; one file per grant (§4.1.3, §4.4, §6)
//	RFC 6749 §3.3    oauth            scopes, parameters, errors: the words of the protocol
//	RFC 6750         userinfo         our own protected resource (OpenID Connect Core §5.3)
//	RFC 7009         revocation       ends grants at their client's word
//	RFC 7662         introspection    with the signed responses of RFC 9701
//	RFC 7591 §2      clientdocument   what clients publish: jwks_uri, sector_identifier_uri
//	RFC 7636         authorization    the challenge; token checks the verifier
//	RFC 8414         metadata         with OpenID Connect Discovery and the JWK Set (RFC 7517 §5)
//	RFC 8628         device           codes for devices, and the page where people enter them; token polls
//	RFC 8707         token            resource indicators; authorization binds the code to them
//	RFC 9068         accesstoken      access tokens; ID tokens (OpenID Connect Core §2)
//	RFC 9207         authorization    iss in every authorization response
//
//	OpenID Connect   authorization    Core §3.1.2: prompt, max_age, claims, hints; Form Post Response Mode
//	                 accesstoken      Core §8: pairwise subjects
//	                 logout           RP-Initiated Logout, Back-Channel Logout
//
// and, where no RFC has a section for it:
//
//	resourceowner    who the person is: directory, login, browser session, consent
//	pages            what the person sees
//	grant            what has to be remembered: the Store contract and its backends: grant/kubernetes,
//	                 grant/postgres, grant/memory; grant/storetest is the suite that each passes
//	devicecode       where devices and people meet: device codes, user codes, what was decided
//	keys             the keys of an issuer, compiled for use
//	issuer           the settings of an issuer
//	outbound         reaching addresses that clients name, and no others
//	throttle         how often strangers may make the server work
//	internal         worldtest, with which the tests of endpoints furnish their worlds
//
// Requests come in at Server.ServeHTTP, which finds the issuer by host and path
// and hands over to its endpoints (tenant.go). cluster.go connects all of that
// to a cluster, and is the only file of this package that knows one.
package server
