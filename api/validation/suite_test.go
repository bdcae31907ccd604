package validation_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestValidation(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "api/validation")
}

// lines reads a file of testdata with one Go string a line.
func lines(name string) ([]string, error) {
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var values []string
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		if line := scanner.Text(); line != "" && !strings.HasPrefix(line, "#") {
			value, err := strconv.Unquote(line)
			if err != nil {
				return nil, err
			}
			values = append(values, value)
		}
	}
	return values, scanner.Err()
}
