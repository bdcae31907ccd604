// Package protocoltest asks an authorization server, over HTTP and nothing else,
// what the RFCs ask of it. It knows nothing of how the server is built, so it
// runs against any: this project's in a test, and any deployment with
// `make conformance`.
//
// Each case names its clause, sends its requests as they stand (also those that
// a client library would tidy up), and looks at what came back, and that nothing
// was granted where nothing should be. The cases are in one file for each
// document or section; Cases lists them all.
package protocoltest
