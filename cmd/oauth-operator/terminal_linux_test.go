package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"golang.org/x/sys/unix"
)

// terminal returns the two ends of a pseudo-terminal: that of the person, and that
// of the program.
func terminal() (person, program *os.File) {
	GinkgoHelper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(person.Close)
	Expect(unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)).To(Succeed())
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	Expect(err).NotTo(HaveOccurred())
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(program.Close)
	return person, program
}

var _ = Describe("hash-password in a terminal", func() {
	// echoes reports whether the terminal shows what is typed.
	echoes := func(program *os.File) bool {
		state, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
		Expect(err).NotTo(HaveOccurred())
		return state.Lflag&unix.ECHO != 0
	}

	It("ends at the first interrupt, and leaves a terminal that shows what is typed", func(ctx SpecContext) {
		_, program := terminal()
		said := gbytes.NewBuffer()
		command := exec.CommandContext(ctx, binary, "hash-password")
		command.Stdin, command.Stderr = program, said
		Expect(command.Start()).To(Succeed())
		Eventually(func() bool { return echoes(program) }).Should(BeFalse(), "the password is being asked for")

		Expect(command.Process.Signal(os.Interrupt)).To(Succeed())
		ended := make(chan error, 1)
		go func() { ended <- command.Wait() }()
		var err error
		Eventually(ended).Should(Receive(&err))
		Expect(err).To(MatchError("exit status 1"))
		Expect(said).To(gbytes.Say("interrupted"))
		Expect(echoes(program)).To(BeTrue())
	}, SpecTimeout(time.Minute))
})
