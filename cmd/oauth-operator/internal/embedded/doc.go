// Package embedded is a Kubernetes API in memory: as much of one as the controller
// and the server use, so that both run as they are where there is no cluster. A
// registration then means on a laptop what it means in a cluster, because the same
// code reads it.
//
// It is reached by rest.Config alone, over connections inside of the process:
// nothing listens anywhere. It knows the verbs get, list, watch, create, update,
// patch and delete with the status subresource, selectors, preconditions and
// conflicts, and deletes what a deleted object owns. It has no authentication, no
// admission and no history: what is put in has been checked before.
package embedded
