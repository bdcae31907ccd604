package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// validity of what the authority signs.
const validity = 12 * time.Hour

// authority signs certificates for this run, and is trusted by nobody but those who
// take part in it.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pins        []string // of the keys that were certified, as Chromium takes them
}

func newAuthority() *authority {
	GinkgoHelper()
	a := &authority{}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "oauth-operator end-to-end tests"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	a.certificate, a.key = a.sign(template)
	return a
}

// sign makes a key and a certificate for it; the first is the authority's own.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	Expect(err).NotTo(HaveOccurred())
	// An hour ago, because the clocks of nodes differ.
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(validity)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	Expect(err).NotTo(HaveOccurred())
	certificate, err := x509.ParseCertificate(der)
	Expect(err).NotTo(HaveOccurred())
	return certificate, key
}

// secret is a kubernetes.io/tls Secret for these hosts.
func (a *authority) secret(namespace, name string, hosts ...string) *corev1.Secret {
	GinkgoHelper()
	certificate, key := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	pin := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	a.pins = append(a.pins, base64.StdEncoding.EncodeToString(pin[:]))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey:       encode("CERTIFICATE", certificate.Raw),
			corev1.TLSPrivateKeyKey: encode("PRIVATE KEY", der),
		},
	}
}

// configMap is the one in which workloads find the authority's certificate.
func (a *authority) configMap(namespace string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "issuer-ca"},
		Data:       map[string]string{"ca.crt": string(encode("CERTIFICATE", a.certificate.Raw))},
	}
}

// pool trusts the authority alone.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
