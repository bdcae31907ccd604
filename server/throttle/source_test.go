package throttle_test

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/server/throttle"
)

var _ = Describe("The source of a request", func() {
	DescribeTable("is one for a subscriber",
		func(remote, want string) { Expect(throttle.Source(&http.Request{RemoteAddr: remote})).To(Equal(want)) },
		Entry("IPv4", "192.0.2.1:1234", "192.0.2.1"),
		Entry("IPv4 in IPv6", "[::ffff:192.0.2.1]:1234", "192.0.2.1"),
		Entry("IPv6", "[2001:db8:1:2:3:4:5:6]:1234", "2001:db8:1:2::/64"),
		Entry("IPv6 with zone", "[fe80::1%eth0]:1234", "fe80::/64"),
		Entry("no port", "192.0.2.1", "192.0.2.1"),
		Entry("something else", "@", "@"),
	)
})
