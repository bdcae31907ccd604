// Package controllers turns the resources into what they ask for: one reconciler
// per resource.
//
// Each Reconcile reads as a table of contents: observe, decide, act, publish.
// Decisions are pure functions of what was observed, and the status is computed
// once, at the end, from what was observed and done. What goes wrong is sorted by
// what happens next: it is tried again (an error), it waits for something that is
// watched (a condition), or it needs a human (a condition, and an event).
//
// No secret, hash or key reaches a condition, an event or a log line.
package controllers
