package controlplane_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// process is one line of the kernel's table of processes.
type process struct {
	pid, parent int
	name        string
}

// processes lists those that run. One that has ended and that nobody has asked
// for its result does not count.
func processes() []process {
	GinkgoHelper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	Expect(err).NotTo(HaveOccurred())
	var found []process
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended since
		}
		// pid (name) state parent ...; the name may hold anything.
		before, rest, _ := strings.Cut(string(text), "(")
		end := strings.LastIndex(rest, ")")
		Expect(end).To(BeNumerically(">", 0), "%q", text)
		var p process
		var state string
		_, err = fmt.Sscan(before, &p.pid)
		Expect(err).NotTo(HaveOccurred())
		_, err = fmt.Sscan(rest[end+1:], &state, &p.parent)
		Expect(err).NotTo(HaveOccurred())
		if p.name = rest[:end]; state != "Z" {
			found = append(found, p)
		}
	}
	return found
}

func children(parent int) []process {
	GinkgoHelper()
	return slices.DeleteFunc(processes(), func(p process) bool { return p.parent != parent })
}

func names(of []process) []string {
	found := []string{}
	for _, p := range of {
		found = append(found, p.name)
	}
	return found
}

// stillAlive is what remains of before, whoever their parent may be by now.
func stillAlive(before []process) []process {
	GinkgoHelper()
	now := processes()
	return slices.DeleteFunc(slices.Clone(before), func(b process) bool {
		return !slices.ContainsFunc(now, func(n process) bool { return n.pid == b.pid && n.name == b.name })
	})
}
