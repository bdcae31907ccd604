//go:build !linux

package installation

import "syscall"

// dieWithParent is for Linux, which alone has the means.
func dieWithParent() *syscall.SysProcAttr { return nil }
