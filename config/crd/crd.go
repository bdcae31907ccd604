// Package crd has the CustomResourceDefinitions in it, for those who check
// objects where there is no API server to do it.
package crd

import "embed"

// Bases are the definitions, as they are applied to a cluster, below bases.
//
//go:embed bases/*.yaml
var Bases embed.FS
