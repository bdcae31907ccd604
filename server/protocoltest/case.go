package protocoltest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Level says how binding a clause is.
type Level string

// The levels.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
	Choice Level = "our choice" // of RFC 9700, OAuth 2.1 or hardening
)

// Case is one question to an authorization server.
type Case struct {
	Document string // such as "RFC 6749"
	Section  string // such as "3.1"
	Item     string // tells the cases of a section apart
	Level    Level
	Says     string // what the clause asks for, as a sentence

	run func(*probe)
}

// ID names the case, such as "RFC 6749 §3.1-f".
func (c Case) ID() string {
	id := c.Document + " §" + c.Section
	if c.Item != "" {
		id += "-" + c.Item
	}
	return id
}

// Outcome is how a case ended.
type Outcome string

// The outcomes.
const (
	Pass         Outcome = "pass"
	Fail         Outcome = "fail"
	NotSupported Outcome = "not supported" // the server or the configuration does not offer it
)

// Result is what became of a case.
type Result struct {
	Case     Case
	Outcome  Outcome
	Reason   string // what was expected and what came, or what is not offered; no secrets
	Duration time.Duration
}

// Cases returns all cases, by document and section.
func Cases() []Case {
	return slices.Concat(
		clientAuthentication(), authorizationEndpoint(), redirection(), tokenEndpoint(), codeGrant(), otherGrants(),
		tokenResponses(), refreshing(), pageSecurity(), limits(),
		secrecy(), consents(), appendices(), bearerTokens(), revocation(), clientAssertions(), publishedKeys(), proofKey(), introspection(), signedIntrospection(), loopback(), metadataDocument(), discovery(),
		deviceGrant(), exchange(), resourceIndicators(), resourceGrants(), jwtAccessTokens(), pushedRequests(), issuerIdentification(), proofOfPossession(), bestPractice(),
		openID(), openIDRequest(), rpLogout(),
	)
}

// Run puts cases to the server, one after the other.
func Run(ctx context.Context, config Config, cases []Case) []Result {
	shared := &session{config: config}
	results := make([]Result, 0, len(cases))
	for _, c := range cases {
		start := time.Now()
		outcome, reason := try(&probe{session: shared, ctx: ctx}, c)
		results = append(results, Result{Case: c, Outcome: outcome, Reason: reason, Duration: time.Since(start)})
	}
	return results
}

// verdict ends a case early.
type verdict struct {
	outcome Outcome
	reason  string
}

func try(p *probe, c Case) (outcome Outcome, reason string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case verdict:
			outcome, reason = v.outcome, v.reason
		default:
			panic(v)
		}
	}()
	c.run(p)
	return Pass, ""
}

func (*probe) fail(format string, args ...any) {
	panic(verdict{Fail, fmt.Sprintf(format, args...)})
}

func (*probe) notSupported(what string) {
	panic(verdict{NotSupported, what})
}

// expect fails the case unless ok.
func (p *probe) expect(ok bool, format string, args ...any) {
	if !ok {
		p.fail(format, args...)
	}
}
