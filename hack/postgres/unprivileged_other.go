//go:build !linux

package postgres

import "syscall"

// quit asks PostgreSQL to end at once, without writing anything.
const quit = syscall.SIGQUIT

// unprivileged leaves the program to whom this one runs as: elsewhere nobody
// works as root.
func unprivileged() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func own(...string) error { return nil }
