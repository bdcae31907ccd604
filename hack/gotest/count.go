package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
)

// count is how many tests ended in which way.
type count struct {
	passed, failed, skipped int
}

func (c count) plus(d count) count {
	return count{passed: c.passed + d.passed, failed: c.failed + d.failed, skipped: c.skipped + d.skipped}
}

// one is a single test that ended with that action of go test -json.
func one(action string) count {
	switch action {
	case "pass":
		return count{passed: 1}
	case "skip":
		return count{skipped: 1}
	default:
		return count{failed: 1}
	}
}

var (
	colour = regexp.MustCompile("\x1b\\[[0-9;]*m")
	specs  = regexp.MustCompile(`(\d+) Passed \| (\d+) Failed \| (\d+) Pending \| (\d+) Skipped`)
)

// suite reads what Ginkgo says at the end of a suite that is a single test to
// go test.
func suite(output, action string) (count, bool) {
	all := specs.FindAllStringSubmatch(colour.ReplaceAllString(output, ""), -1)
	if len(all) == 0 {
		return count{}, false
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(all[len(all)-1][i+1])
	}
	c := count{passed: n[0], failed: n[1], skipped: n[2] + n[3]}
	if action == "fail" && c.failed == 0 {
		// Such as a BeforeSuite, which is no spec.
		c.failed = 1
	}
	return c, true
}

// tally adds the count as a line to a file, for whoever runs several of these and
// wants the sum. An empty path is none.
func tally(path string, c count) error {
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(file, c.passed, c.failed, c.skipped); err != nil {
		return err
	}
	return file.Close()
}
