package main_test

import (
	"crypto/tls"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("TLS", func() {
	It("RFC 6749 §1.6: where the server ends TLS itself it speaks 1.2 and later, and nothing older", func(ctx SpecContext) {
		address, err := in.AddServer(ctx, certificateFlags()...)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(in.EndAdded()).To(Succeed()) })
		shake := func(version uint16) error {
			dialer := tls.Dialer{Config: &tls.Config{
				MinVersion: version, MaxVersion: version, // #nosec G402 -- to be refused
				InsecureSkipVerify: true, // #nosec G402 -- the certificate is nobody's
			}}
			connection, err := dialer.DialContext(ctx, "tcp", address)
			if err != nil {
				return err
			}
			return connection.Close()
		}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			Expect(shake(version)).To(Succeed(), tls.VersionName(version))
		}
		for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
			Expect(shake(version)).To(MatchError(ContainSubstring("protocol version")), tls.VersionName(version))
		}
	})
})
