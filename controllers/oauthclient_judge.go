package controllers

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
)

// verdict says whether a registration is accepted.
type verdict struct {
	// server is the AuthorizationServer that the client is registered with: nil
	// if there is none.
	server *v1alpha1.AuthorizationServer

	// accepted is the condition Accepted.
	accepted metav1.Condition
}

func (v verdict) ok() bool { return v.accepted.Status == metav1.ConditionTrue }

// place finds out where the client stands: its rank, where a policy bounds how
// many there are. It returns errMoved where the policy or the labels have just
// changed, and it is not noted yet who that concerns.
func (r *oauthClientReconciler) place(seen *clientObservation) error {
	as, _ := validation.ResolveAuthorizationServer(seen.client, seen.servers)
	if as == nil {
		return nil
	}
	if !r.census.agree(seen.client, as, validation.TermsOf(as, seen.namespaceLabels), seen.servers) {
		return errMoved
	}
	if most, bounded := validation.MaxClients(as, seen.namespaceLabels); bounded {
		seen.rank = r.census.rank(seen.client, as, most, seen.servers)
	}
	return nil
}

// judge asks the one judge that the server asks too. A refusal is no error.
func judge(seen *clientObservation) verdict {
	server, missing := validation.ResolveAuthorizationServer(seen.client, seen.servers)
	problems := validation.Client(seen.resolved(), server, seen.namespaceLabels, seen.rank)
	if missing != nil {
		problems = append([]validation.Problem{*missing}, problems...)
	}
	v := verdict{server: server}
	switch {
	case len(problems) > 0:
		v.accepted = fails(v1alpha1.ConditionAccepted, problems[0].Reason, validation.Message(problems))
	default:
		v.accepted = servedBy(server, seen.servers)
	}
	return v
}

// servedBy says whether the AuthorizationServer can serve the client at all. It
// judges the specification itself, so that a change of it is not answered with
// what the status said of the one before.
func servedBy(server *v1alpha1.AuthorizationServer, all []*v1alpha1.AuthorizationServer) metav1.Condition {
	notReady := func(why string) metav1.Condition {
		return fails(v1alpha1.ConditionAccepted, v1alpha1.ReasonAuthorizationServerNotReady,
			fmt.Sprintf("AuthorizationServer %q cannot serve clients yet: %s", server.Name, why))
	}
	switch owner := validation.IssuerOwner(server, all); {
	case len(validation.AuthorizationServer(server)) > 0:
		return notReady("its specification is not accepted")
	case owner != server:
		return notReady(fmt.Sprintf("AuthorizationServer %q has the same issuer and is older", owner.Name))
	case !meta.IsStatusConditionTrue(server.Status.Conditions, v1alpha1.ConditionKeysReady):
		return notReady("it has no keys")
	default:
		return holds(v1alpha1.ConditionAccepted, v1alpha1.ReasonAccepted,
			fmt.Sprintf("registered with AuthorizationServer %q", server.Name))
	}
}
