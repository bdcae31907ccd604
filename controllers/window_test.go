package controllers

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/v1alpha1"
)

func weekly(start, end, zone string, days ...v1alpha1.Weekday) *v1alpha1.RotationWindow {
	return &v1alpha1.RotationWindow{Days: days, Start: start, End: end, TimeZone: zone}
}

var _ = DescribeTable("The window of a rotation opens", func(spec *v1alpha1.RotationWindow, from, want string) {
	w, err := newWindow(spec)
	Expect(err).NotTo(HaveOccurred())
	t, err := time.Parse(time.RFC3339, from)
	Expect(err).NotTo(HaveOccurred())
	next := w.next(t)
	Expect(next.UTC().Format(time.RFC3339)).To(Equal(want))
	Expect(w.contains(next)).To(BeTrue())
	// It is the first such time, to the minute.
	for at := t; at.Before(next); at = at.Add(time.Minute) {
		Expect(w.contains(at)).To(BeFalse(), at.In(w.zone).String())
	}
},
	Entry("always where there is none", nil, "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"),
	Entry("now, inside", weekly("09:00", "17:00", ""), "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"),
	Entry("at its start", weekly("09:00", "17:00", ""), "2026-11-23T08:59:59Z", "2026-11-23T09:00:00Z"),
	Entry("the next day, at its end", weekly("09:00", "17:00", ""), "2026-11-23T17:00:00Z", "2026-11-24T09:00:00Z"),
	Entry("not on Friday night", weekly("09:00", "16:00", "Europe/Berlin", "Mon", "Tue", "Wed", "Thu"),
		"2026-11-27T12:00:00Z", "2026-11-30T08:00:00Z"), // a Friday, then a Monday
	Entry("after midnight, if it began before", weekly("22:00", "04:00", "", "Sat"), "2026-11-29T01:00:00Z", "2026-11-29T01:00:00Z"),
	Entry("not before midnight of the wrong day", weekly("22:00", "04:00", "", "Sat"), "2026-11-28T01:00:00Z", "2026-11-28T22:00:00Z"),
	Entry("a week later, on the only day", weekly("09:00", "10:00", "", "Mon"), "2026-11-23T10:00:00Z", "2026-11-30T09:00:00Z"),
	Entry("all day, where it ends when it starts", weekly("09:00", "09:00", ""), "2026-11-23T03:00:00Z", "2026-11-23T03:00:00Z"),
	Entry("by the clock of its zone, in winter", weekly("09:00", "10:00", "America/New_York"), "2026-12-01T12:00:00Z", "2026-12-01T14:00:00Z"),
	Entry("by the clock of its zone, in summer", weekly("09:00", "10:00", "America/New_York"), "2026-07-01T12:00:00Z", "2026-07-01T13:00:00Z"),
	Entry("on the day of its zone, not of ours", weekly("01:00", "02:00", "Asia/Tokyo", "Tue"), "2026-11-23T12:00:00Z", "2026-11-23T16:00:00Z"),

	// On 28 March 2027 the clocks of Berlin go from 02:00 to 03:00.
	Entry("when the clocks have skipped its start", weekly("02:30", "03:30", "Europe/Berlin"), "2027-03-28T00:00:00Z", "2027-03-28T01:00:00Z"),
	Entry("not on the day that skips all of it", weekly("02:10", "02:50", "Europe/Berlin"), "2027-03-28T00:00:00Z", "2027-03-29T00:10:00Z"),
	Entry("a week later if that day was the only one", weekly("02:10", "02:50", "Europe/Berlin", "Sun"), "2027-03-22T00:00:00Z", "2027-04-04T00:10:00Z"),
	// On 25 October 2026 they go from 03:00 back to 02:00.
	Entry("at the first of two starts", weekly("02:30", "02:45", "Europe/Berlin"), "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"),
	Entry("at the second of two starts", weekly("02:30", "02:45", "Europe/Berlin"), "2026-10-25T00:50:00Z", "2026-10-25T01:30:00Z"),
	Entry("again when the clocks go back into it", weekly("22:00", "02:30", "Europe/Berlin"), "2026-10-25T00:40:00Z", "2026-10-25T01:00:00Z"),
	Entry("where clocks change by half an hour", weekly("01:45", "02:15", "Australia/Lord_Howe"), "2027-04-03T14:00:00Z", "2027-04-03T14:45:00Z"),
	Entry("where there is no midnight", weekly("00:00", "01:30", "America/Santiago", "Sun"), "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z"),
)

var _ = DescribeTable("A window that cannot be", func(spec *v1alpha1.RotationWindow, message string) {
	_, err := newWindow(spec)
	Expect(err).To(MatchError(ContainSubstring(message)))
},
	Entry("of a place that nobody knows", weekly("09:00", "10:00", "Europe/Bonn"), `"Europe/Bonn" is not in the IANA time zone database`),
	Entry("of wherever the controller runs", weekly("09:00", "10:00", "Local"), `"Local" is not`),
	Entry("of a path", weekly("09:00", "10:00", "../../etc/passwd"), "is not in the IANA"),
	Entry("that starts at no time", weekly("25:00", "10:00", ""), `start "25:00" is no time`),
	Entry("that ends at no time", weekly("10:00", "", ""), `end "" is no time`),
)
