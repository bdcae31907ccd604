package controlplane

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// progress runs a go command and tells from time to time how far it has come.
type progress struct {
	log      io.Writer
	say      func(*progress) string
	modules  int
	packages int
	tail     []string
}

const (
	progressEvery = 15 * time.Second
	tailLines     = 20
)

func (p *progress) run(cmd *exec.Cmd) error {
	lines, err := startReading(cmd)
	if err != nil {
		return err
	}
	start := time.Now()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for reading := true; reading; {
		select {
		case line, open := <-lines:
			p.read(line)
			reading = open
		case <-tick.C:
			_, _ = fmt.Fprintf(p.log, "control plane: %s, %s\n", time.Since(start).Round(time.Second), p.say(p))
		}
	}
	if err := cmd.Wait(); err != nil {
		return errors.Join(err, errors.New(strings.Join(p.tail, "\n")))
	}
	_, _ = fmt.Fprintf(p.log, "control plane: %s in %s\n", p.say(p), time.Since(start).Round(time.Second))
	return nil
}

// read counts what go build -v and go's downloads say, and keeps the rest, which
// is what went wrong.
func (p *progress) read(line string) {
	switch {
	case line == "":
	case strings.HasPrefix(line, "go: downloading "):
		p.modules++
	case !strings.Contains(line, " "):
		p.packages++
	default:
		p.tail = append(p.tail, line)
		if len(p.tail) > tailLines {
			p.tail = p.tail[1:]
		}
	}
}

// startReading starts cmd and sends the lines of its standard error. The channel
// is closed at their end, when cmd.Wait may be called.
func startReading(cmd *exec.Cmd) (<-chan string, error) {
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return lines, nil
}
