package controlplane

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// guard sees to it that the programs end with the process that started them.
//
// envtest stops them when it is asked to, but a test that panics or times out,
// and a demo that is killed, never ask. So a shell waits at the other end of a
// pipe that only this process holds open: when the pipe closes without a word,
// this process is gone, and the shell kills what it has left behind. No signal
// handler is needed, and SIGKILL makes no difference.
type guard struct {
	dir   string
	shell *exec.Cmd
	pipe  io.WriteCloser
}

// Twice, because a program may be about to start, and killed rather than asked,
// because nothing that it holds will be needed again.
const guardScript = `
read -r word
[ "$word" = stopped ] && exit
for round in 1 2; do
	for file in "$1"/*.pid; do
		[ -f "$file" ] && kill -KILL "$(cat "$file")"
	done
	sleep 1
done
rm -rf "$1"
`

func startGuard(dir string) (*guard, error) {
	// No context ends the guard: it is what is left when everything else is gone.
	shell := exec.CommandContext(context.Background(), "/bin/sh", "-c", guardScript, "controlplane-guard", dir)
	// A group of its own: Ctrl-C is for whoever is in the terminal's group.
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := shell.Start(); err != nil {
		return nil, fmt.Errorf("start the control plane's guard: %w", err)
	}
	return &guard{dir: dir, shell: shell, pipe: pipe}, nil
}

// release tells the guard that the programs have been stopped.
func (g *guard) release() {
	_, _ = io.WriteString(g.pipe, "stopped\n")
	_ = g.pipe.Close()
	_ = g.shell.Wait()
}

// kill ends the programs without ceremony. Asked politely, an API server waits
// for every watch to leave before it does, and nothing here is worth the wait.
func (g *guard) kill() {
	files, _ := filepath.Glob(filepath.Join(g.dir, "*.pid"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			continue
		}
		// envtest makes each program the head of a group; a stranger that has got
		// the id of a program that crashed is hardly ever one.
		if group, err := syscall.Getpgid(pid); err == nil && group == pid {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// wrap writes a script that becomes program, and leaves its process id where the
// guard finds it. envtest does not tell that id.
func (g *guard) wrap(program string) (string, error) {
	name := filepath.Base(program)
	script := fmt.Sprintf("#!/bin/sh\necho $$ > %s\nexec %s \"$@\"\n",
		quote(filepath.Join(g.dir, name+".pid")), quote(program))
	path := filepath.Join(g.dir, name)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		return "", err
	}
	return path, nil
}

// quote makes one word of s for the shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
