package keyring_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
)

var _ = Describe("Active", func() {
	noon := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	key := func(id string, begins time.Duration, ends ...time.Duration) keyring.Key {
		k := keyring.Key{ID: id, Use: keyring.UseCode, NotBefore: noon.Add(begins)}
		if len(ends) > 0 {
			k.NotAfter = noon.Add(ends[0])
		}
		return k
	}

	DescribeTable("is the newest key whose time has come",
		func(expected string, keys ...keyring.Key) {
			active, ok := keyring.Ring{Keys: keys}.Active(keyring.UseCode, noon)
			Expect(ok).To(Equal(expected != ""))
			Expect(active.ID).To(Equal(expected))
		},
		Entry("the only one", "a", key("a", -time.Hour)),
		Entry("the newer one", "b", key("a", -2*time.Hour), key("b", -time.Hour)),
		Entry("the newer one, wherever it stands", "b", key("b", -time.Hour), key("a", -2*time.Hour)),
		Entry("from the very moment on", "b", key("a", -time.Hour), key("b", 0)),
		Entry("not one that is only published", "a", key("a", -time.Hour), key("b", time.Hour)),
		Entry("not one that has expired", "a", key("a", -2*time.Hour), key("b", -time.Hour, -time.Minute)),
		Entry("the first of all, where the clock here is behind", "a", key("a", time.Minute), key("b", time.Hour)),
		Entry("the first of all, wherever it stands", "a", key("b", time.Hour), key("a", time.Minute)),
		Entry("none, where all have expired", "", key("a", -2*time.Hour, -time.Hour)),
		Entry("none, where there is none", ""),
	)
})
