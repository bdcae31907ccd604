package mounted_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"

	"oauth-operator.dev/hack/demo/mounted"
)

// publish writes a version of a Secret as the kubelet does: files in a folder of
// their own, a link that is changed, and the folder before it is removed.
func publish(t *testing.T, folder string, version int) {
	t.Helper()
	g := NewWithT(t)
	own := filepath.Join(folder, "..version-"+strconv.Itoa(version))
	g.Expect(os.Mkdir(own, 0o700)).To(Succeed())
	for _, key := range []string{"client-id", "client-secret"} {
		g.Expect(os.WriteFile(filepath.Join(own, key), []byte(strconv.Itoa(version)), 0o600)).To(Succeed())
	}
	link := filepath.Join(folder, "..data_tmp")
	g.Expect(os.Symlink(filepath.Base(own), link)).To(Succeed())
	g.Expect(os.Rename(link, filepath.Join(folder, "..data"))).To(Succeed())
	if version == 1 {
		for _, key := range []string{"client-id", "client-secret"} {
			g.Expect(os.Symlink(filepath.Join("..data", key), filepath.Join(folder, key))).To(Succeed())
		}
	}
	g.Expect(os.RemoveAll(filepath.Join(folder, "..version-"+strconv.Itoa(version-1)))).To(Succeed())
}

func TestReadsOneVersionWhileItChanges(t *testing.T) {
	g := NewWithT(t)
	folder := t.TempDir()
	publish(t, folder, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for version := 2; version < 300; version++ {
			publish(t, folder, version)
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		secret, err := mounted.Read(folder)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(secret).To(HaveLen(2))
		g.Expect(secret["client-id"]).To(Equal(secret["client-secret"]), "of two versions")
	}
	secret, err := mounted.Read(folder)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(secret["client-id"]).To(Equal("299"))
}

func TestNeed(t *testing.T) {
	g := NewWithT(t)
	secret := mounted.Secret{"client-id": "demo.webapp", "scopes": ""}
	g.Expect(secret.Need("client-id")).To(Succeed())
	g.Expect(secret.Need("client-id", "scopes")).To(MatchError(ContainSubstring("scopes")))
	_, err := mounted.Read(filepath.Join(t.TempDir(), "absent"))
	g.Expect(err).To(MatchError(os.ErrNotExist))
}
