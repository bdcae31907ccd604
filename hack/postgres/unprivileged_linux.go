package postgres

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// quit asks PostgreSQL to end at once, without writing anything.
const quit = syscall.SIGQUIT

// nobody is the user of a name, for machines that have no other.
const nobody = 65534

// account is whom PostgreSQL runs as where this program is root, whom it refuses.
func account() (uid, gid uint32) {
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		u, errU := strconv.ParseUint(found.Uid, 10, 32)
		g, errG := strconv.ParseUint(found.Gid, 10, 32)
		if errU == nil && errG == nil {
			return uint32(u), uint32(g)
		}
	}
	return nobody, nobody
}

// unprivileged has a program run as somebody else than root, in a group of its
// own, and end when this program is killed.
func unprivileged() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() == 0 {
		uid, gid := account()
		attributes.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return attributes
}

// own gives files to whom PostgreSQL runs as.
func own(paths ...string) error {
	if os.Getuid() != 0 {
		return nil
	}
	uid, gid := account()
	for _, path := range paths {
		if err := os.Chown(path, int(uid), int(gid)); err != nil {
			return err
		}
	}
	return nil
}
