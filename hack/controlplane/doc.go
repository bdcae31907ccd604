// Package controlplane gives the demo, the tests and the benchmarks a real
// kube-apiserver and etcd of one pinned version.
//
// [Assets] obtains the two programs. It asks, in this order: the directory that
// KUBEBUILDER_ASSETS names, a cache of the user's, a prebuilt download, and
// where that cannot be reached a build from source through the Go module proxy.
// The versions are pinned in programs/go.mod.
//
// [Start] runs them. A control plane started here never outlives the process
// that started it, however that process ends.
//
// There is no controller-manager: owned objects are not garbage collected, a
// deleted namespace stays in Terminating, and nobody makes a namespace's default
// service account.
//
// The package is for the machines of developers and CI: Linux and macOS.
package controlplane
