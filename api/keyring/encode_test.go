package keyring_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"oauth-operator.dev/api/keyring"
)

// start is a time of whole seconds, as times are in a ring.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sample returns a ring of two keys.
func sample() keyring.Ring {
	return keyring.Ring{Keys: []keyring.Key{
		{ID: "old", Use: keyring.UseCode, NotBefore: start, NotAfter: start.Add(time.Hour), Material: []byte("hush-hush-old")},
		{ID: "new", Use: keyring.UseCode, NotBefore: start.Add(time.Minute), Material: []byte("hush-hush-new")},
	}}
}

var _ = Describe("Encode and Decode", func() {
	It("are the inverse of each other", func() {
		data, err := sample().Encode()
		Expect(err).NotTo(HaveOccurred())
		Expect(keyring.Decode(data)).To(Equal(sample()))
		again, err := sample().Encode()
		Expect(err).NotTo(HaveOccurred())
		Expect(again).To(Equal(data))
	})

	It("keep the form that is in Secrets already", func() {
		data, err := sample().Encode()
		Expect(err).NotTo(HaveOccurred())
		Expect(data).To(MatchJSON(`{"version": 1, "keys": [
			{"id": "old", "use": "code", "notBefore": "2026-03-01T12:00:00Z", "notAfter": "2026-03-01T13:00:00Z", "material": "aHVzaC1odXNoLW9sZA=="},
			{"id": "new", "use": "code", "notBefore": "2026-03-01T12:01:00Z", "material": "aHVzaC1odXNoLW5ldw=="}]}`))
	})

	It("keep what Rotate makes", func() {
		ring, _, _, err := keyring.Rotate(keyring.Ring{}, []keyring.Schedule{
			{Use: keyring.UseVerifier}, {Use: keyring.UseSignES256},
		}, start.Add(123456789))
		Expect(err).NotTo(HaveOccurred())
		data, err := ring.Encode()
		Expect(err).NotTo(HaveOccurred())
		Expect(keyring.Decode(data)).To(Equal(ring))
	})

	DescribeTable("refuse", func(data, words string) {
		_, err := keyring.Decode([]byte(data))
		Expect(err).To(MatchError(ContainSubstring(words)))
		Expect(err.Error()).NotTo(ContainSubstring("hush"))
	},
		Entry("nothing", ``, "not a JSON document"),
		Entry("what is no JSON", `{"version": 1, "keys": "hush"`, "not a JSON document"),
		Entry("another form", `{"version": 1, "keys": "hush"}`, "not a JSON document"),
		Entry("material that is no base64", `{"version": 1, "keys": [{"id": "a", "use": "code", "notBefore": "2026-03-01T12:00:00Z", "material": "hush!"}]}`, "not a JSON document"),
		Entry("a time that is none", `{"version": 1, "keys": [{"id": "a", "use": "code", "notBefore": "hush", "material": "aGk="}]}`, "not a JSON document"),
		Entry("no version", `{"keys": []}`, "version 0"),
		Entry("a later version", `{"version": 2, "keys": []}`, "version 2"),
		Entry("no id", `{"version": 1, "keys": [{"use": "code", "material": "aGk="}]}`, "key 0 is incomplete"),
		Entry("no use", `{"version": 1, "keys": [{"id": "a", "material": "aGk="}]}`, "key 0 is incomplete"),
		Entry("no material", `{"version": 1, "keys": [{"id": "a", "use": "code", "material": null}]}`, "key 0 is incomplete"),
		Entry("an id twice", `{"version": 1, "keys": [{"id": "a", "use": "code", "material": "aGk="}, {"id": "a", "use": "refresh", "material": "aGk="}]}`, "key 1 has the id of another"),
	)
})

var _ = Describe("Material", func() {
	It("does not print, whatever is asked", func() {
		ring := sample()
		key := ring.Keys[0]
		var printed bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U"} {
			for _, value := range []any{key.Material, &key.Material, key, &key, ring, &ring, []keyring.Material{key.Material}} {
				_, _ = fmt.Fprintf(&printed, verb+"\n", value)
			}
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
			slog.New(handler).Info("x", "material", key.Material, "key", key, "ring", ring)
		}
		for _, value := range []any{key.Material, key, ring} {
			data, err := json.Marshal(value)
			Expect(err).NotTo(HaveOccurred())
			printed.Write(data)
		}
		text := strings.ToLower(printed.String())
		Expect(text).To(ContainSubstring("[redacted]"))
		for _, form := range []string{"%s", "%x", "%d", "%o", "%b", "% x"} {
			Expect(text).NotTo(ContainSubstring(strings.Trim(fmt.Sprintf(form, []byte("hush-hush")), "[]")), form)
		}
		Expect(text).NotTo(ContainSubstring(strings.ToLower(base64.StdEncoding.EncodeToString([]byte("hush-hush")))))
	})
})

func FuzzDecode(f *testing.F) {
	data, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"keys":[]}`))
	f.Add([]byte(`{"version":1,"keys":[{"id":"a","use":"code","notBefore":"2026-03-01T12:00:00.5+02:00","material":"aGk="}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ring, err := keyring.Decode(data)
		if err != nil {
			return
		}
		for _, k := range ring.Keys {
			if k.ID == "" || k.Use == "" || len(k.Material) == 0 {
				t.Fatalf("accepted the incomplete key %v", k)
			}
		}
		encoded, err := ring.Encode()
		if err != nil {
			t.Fatalf("accepted what cannot be encoded: %v", err)
		}
		again, err := keyring.Decode(encoded)
		if err != nil {
			t.Fatalf("cannot read what it wrote: %v", err)
		}
		reencoded, err := again.Encode()
		if err != nil || !bytes.Equal(encoded, reencoded) {
			t.Fatalf("does not keep what it reads: %s and %s", encoded, reencoded)
		}
	})
}
