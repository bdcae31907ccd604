package protocoltest

import (
	"encoding/xml"
	"fmt"
	"io"
)

// Failed reports whether a case failed.
func Failed(results []Result) bool {
	for _, r := range results {
		if r.Outcome == Fail {
			return true
		}
	}
	return false
}

// WriteText writes the results by document and section.
func WriteText(w io.Writer, results []Result) error {
	count := map[Outcome]int{}
	document, section := "", ""
	for _, r := range results {
		count[r.Outcome]++
		if r.Case.Document != document || r.Case.Section != section {
			document, section = r.Case.Document, r.Case.Section
			if _, err := fmt.Fprintf(w, "\n%s §%s\n", document, section); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "  %-13s  %s (%s): %s\n", r.Outcome, r.Case.ID(), r.Case.Level, r.Case.Says); err != nil {
			return err
		}
		if r.Reason != "" {
			if _, err := fmt.Fprintf(w, "  %-13s  %s\n", "", r.Reason); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "\n%d passed, %d failed, %d not supported\n", count[Pass], count[Fail], count[NotSupported])
	return err
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	Time    string      `xml:"time,attr"` // seconds
	Failure *junitState `xml:"failure,omitempty"`
	Skipped *junitState `xml:"skipped,omitempty"`
}

type junitState struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes the results as JUnit XML.
func WriteJUnit(w io.Writer, results []Result) error {
	suite := junitSuite{Name: "protocol", Tests: len(results)}
	for _, r := range results {
		c := junitCase{Class: r.Case.Document + " §" + r.Case.Section, Name: r.Case.ID() + ": " + r.Case.Says, Time: fmt.Sprintf("%.3f", r.Duration.Seconds())}
		switch r.Outcome {
		case Pass:
		case Fail:
			suite.Failures++
			c.Failure = &junitState{r.Reason}
		case NotSupported:
			suite.Skipped++
			c.Skipped = &junitState{r.Reason}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	return encoder.Encode(suite)
}
