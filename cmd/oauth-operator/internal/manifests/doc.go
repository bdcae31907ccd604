// Package manifests reads objects from the YAML files that kubectl apply takes,
// and judges them as an API server does that has our CRDs: unknown fields, types
// and bounds by the schema of the CRD, which also gives the defaults. What a CRD
// says as a CEL expression is not evaluated; the controller judges a registration
// by api/validation afterwards, which knows nearly all of it.
package manifests
