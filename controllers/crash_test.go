package controllers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"oauth-operator.dev/api/credential"
	"oauth-operator.dev/api/keyring"
	"oauth-operator.dev/api/v1alpha1"
)

// failure is what happens to one write of a scenario.
type failure struct {
	name string

	// arrives says that the write reaches the API server at once: only the
	// response does not come back.
	arrives bool

	// conflict says that the API server answers that somebody was faster.
	conflict bool

	// late says that it reaches the API server after that many more writes: 0 is
	// before the next one, after what that is decided on was read.
	late *int
}

func after(writes int) *int { return &writes }

// atTheEnd is later than any scenario lasts.
const atTheEnd = 1000

var failures = []failure{
	{name: "fails before it takes effect"},
	{name: "takes effect and its response is lost", arrives: true},
	{name: "meets a conflict", conflict: true},
	{name: "times out and takes effect before the next write", late: after(0)},
	{name: "times out and takes effect after the next write", late: after(1)},
	{name: "times out and takes effect two writes later", late: after(2)},
	{name: "times out and takes effect when all is over", late: after(atTheEnd)},
}

// faultyTransport lets one write fail, and has every other looked at.
type faultyTransport struct {
	next http.RoundTripper

	nth     int // the write that fails, counted from 1
	failure failure
	kill    bool // the controller ends with that write

	writes int
	failed bool
	dead   bool          // the controller has ended: it asks for nothing more
	held   *http.Request // what comes late
	due    int           // the write after which it comes

	// wrote is called when a write has reached the API server.
	wrote func(number int)
}

func (f *faultyTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if f.dead {
		return nil, errors.New("the controller has ended")
	}
	if request.Method == http.MethodGet {
		return f.next.RoundTrip(request)
	}
	f.writes++
	if f.held != nil && f.due == 0 {
		f.release()
	}
	if f.writes == f.nth {
		return f.fail(request)
	}
	response, err := f.next.RoundTrip(request)
	f.wrote(f.writes)
	f.due--
	if f.held != nil && f.due == 0 {
		f.release()
	}
	return response, err
}

func (f *faultyTransport) fail(request *http.Request) (*http.Response, error) {
	f.failed, f.dead = true, f.kill
	switch {
	case f.failure.arrives:
		response, err := f.next.RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
		}
		f.wrote(f.writes)
		return nil, errors.New("the response is lost")
	case f.failure.conflict:
		body := `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409,"message":"somebody was faster"}`
		return &http.Response{
			StatusCode: http.StatusConflict, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	case f.failure.late != nil:
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		f.held = request.Clone(suiteCtx)
		f.held.Body = io.NopCloser(bytes.NewReader(body))
		f.due = *f.failure.late
		return nil, errors.New("timed out")
	default:
		return nil, errors.New("the connection broke")
	}
}

// release lets the late write arrive.
func (f *faultyTransport) release() {
	if f.held == nil {
		return
	}
	held := f.held
	f.held = nil
	if response, err := f.next.RoundTrip(held); err == nil {
		_ = response.Body.Close()
	}
	f.wrote(f.writes)
}

// crashScenario is a change in the life of a client. The secret of the client is
// new afterwards, or the Secret that holds it.
type crashScenario struct {
	name string

	// spec is of the client that is Ready before.
	spec func(*v1alpha1.OAuthClient)

	// begin is what happens to the client.
	begin func(*crashWorld)

	// meanwhile happens once, when that many writes were made. 0 is never.
	meanwhile      func(*crashWorld)
	meanwhileAfter int

	// keeps says that the secret is not a new one in the end.
	keeps bool
}

func rotation30m(c *v1alpha1.OAuthClient) {
	c.Spec.Rotation = &v1alpha1.Rotation{Interval: &metav1.Duration{Duration: thirty}}
}

func overlapNone(c *v1alpha1.OAuthClient) {
	c.Spec.Rotation = &v1alpha1.Rotation{Overlap: &metav1.Duration{}}
}

func askToRotate(w *crashWorld) {
	w.edit(func(c *v1alpha1.OAuthClient) { c.Annotations = map[string]string{v1alpha1.AnnotationRotate: "now"} })
}

func rename(w *crashWorld) {
	w.edit(func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Name = c.Name + "-renamed" })
}

func withTemplate(w *crashWorld) {
	w.edit(func(c *v1alpha1.OAuthClient) {
		c.Spec.Secret.Template = &v1alpha1.SecretTemplate{
			Labels: map[string]string{"team": "web"},
			Data:   map[string]v1alpha1.TemplateText{"env": "ID={{ .ClientID }}\nSECRET={{ .ClientSecret }}\n"},
		}
	})
}

func withType(w *crashWorld) {
	w.edit(func(c *v1alpha1.OAuthClient) { c.Spec.Secret.Template = &v1alpha1.SecretTemplate{Type: "Opaque"} })
}

func bring(w *crashWorld) { w.bring(credential.NewSecret() + "-brought") }

func reference1(c *v1alpha1.OAuthClient) {
	c.Spec.Secret.Ref = &v1alpha1.ClientSecretReference{Name: "brought-" + c.Name}
}

var crashScenarios = []crashScenario{
	{name: "the rotation by interval", spec: rotation30m, begin: func(w *crashWorld) { w.sleep(2 * thirty) }},
	{name: "the rotation on demand", begin: askToRotate},
	{name: "the rotation on demand without overlap", spec: overlapNone, begin: askToRotate},
	{name: "the loss of the Secret", begin: func(w *crashWorld) { w.lose() }},
	{name: "the loss of the Secret without overlap", spec: overlapNone, begin: func(w *crashWorld) { w.lose() }},
	{name: "damage to the Secret", begin: func(w *crashWorld) { w.damage() }},
	{name: "the loss of the Secret in the middle of a rotation", begin: askToRotate, meanwhile: (*crashWorld).lose, meanwhileAfter: 1},
	{name: "a change of the secret that is brought", spec: reference1, begin: bring},
	{name: "a change of the secret that is brought, twice", spec: reference1, begin: bring, meanwhile: bring, meanwhileAfter: 1},
	{name: "another name of the Secret", begin: rename, keeps: true},
	{name: "another name of the Secret once the rotation has begun", begin: askToRotate, meanwhile: rename, meanwhileAfter: 1},
	{name: "another name of the Secret once the Secret is written", begin: askToRotate, meanwhile: rename, meanwhileAfter: 2},
	{name: "another name without overlap", spec: overlapNone, begin: askToRotate, meanwhile: rename, meanwhileAfter: 2},
	{name: "a template once the rotation has begun", begin: askToRotate, meanwhile: withTemplate, meanwhileAfter: 1},
	{name: "a template once the Secret is written", begin: askToRotate, meanwhile: withTemplate, meanwhileAfter: 2},
	{name: "another type of the Secret once the rotation has begun", begin: askToRotate, meanwhile: withType, meanwhileAfter: 1},
	{name: "the adoption of a Secret", begin: func(w *crashWorld) { w.adopt() }},
}

// Whatever write of a replacement fails, and however: no client secret is ever in
// a Secret of the client that the server refuses, and all comes to its end.
var _ = Describe("A replacement of a client secret that is interrupted", Serial, Ordered, func() {
	var as *v1alpha1.AuthorizationServer
	BeforeAll(func() {
		as = server()
		Expect(admin.Create(suiteCtx, as)).To(Succeed())
		expectReady(as)
		Eventually(verifierRing).ShouldNot(Equal(keyring.Ring{}))
		stopManager() // so that nobody else works on the clients
	})
	AfterAll(func() {
		stopManager = startManager()
		Expect(admin.Delete(suiteCtx, as)).To(Succeed())
	})

	for _, scenario := range crashScenarios {
		It("is safe at every write: "+scenario.name, func() {
			var runs atomic.Int64
			var all sync.WaitGroup
			for _, failure := range failures {
				for _, kill := range []bool{false, true} {
					ns := newNamespace(nil)
					all.Go(func() {
						defer GinkgoRecover()
						runs.Add(everyWrite(ns, as, scenario, failure, kill))
					})
				}
			}
			all.Wait()
			GinkgoWriter.Printf("%d runs\n", runs.Load())
			Expect(runs.Load()).To(BeNumerically(">", len(failures)*2*2))
		})
	}
})

// everyWrite runs the scenario with each of its writes failing in turn, and
// returns how often.
func everyWrite(ns string, as *v1alpha1.AuthorizationServer, s crashScenario, f failure, kill bool) int64 {
	for nth := 1; ; nth++ {
		w := newCrashWorld(ns, as, s)
		w.transport.nth, w.transport.failure, w.transport.kill = nth, f, kill
		w.run(fmt.Sprintf("write %d %s, killed: %t", nth, f.name, kill))
		w.cleanUp()
		if !w.transport.failed {
			return int64(nth)
		}
	}
}

// verifiedBy returns the ids of the credentials of the status that accept the value.
func verifiedBy(w *crashWorld, c *v1alpha1.OAuthClient, value string) (ids []string) {
	for _, p := range c.Status.Credentials {
		keyID, err := credential.KeyID(p.Verifier)
		if err != nil {
			continue
		}
		key, ok := w.ring.Find(keyring.UseVerifier, keyID, w.clock)
		subject := credential.Subject{ClientUID: string(c.UID), CredentialID: p.ID}
		if ok && credential.Matches(p.Verifier, key.Material, subject, value) && (p.ExpiresAt == nil || w.clock.Before(p.ExpiresAt.Time)) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// accepted reports what is in a Secret of the client that the server refuses. What
// somebody else has put there is not the controller's doing.
func (w *crashWorld) accepted() error {
	c := &v1alpha1.OAuthClient{}
	if err := admin.Get(suiteCtx, client.ObjectKeyFromObject(w.client), c); err != nil {
		return err
	}
	if len(c.Status.Credentials) == 0 {
		return nil
	}
	var secrets corev1.SecretList
	if err := admin.List(suiteCtx, &secrets, client.InNamespace(c.Namespace), client.MatchingLabels{v1alpha1.LabelClient: c.Name}); err != nil {
		return err
	}
	for i := range secrets.Items {
		value := string(secrets.Items[i].Data[v1alpha1.SecretKeyClientSecret])
		if value == "" || slices.Contains(w.strange, value) {
			continue
		}
		if len(verifiedBy(w, c, value)) == 0 {
			return fmt.Errorf("Secret %s holds a client secret (credential %s) that the server refuses: it accepts %s",
				secrets.Items[i].Name, secrets.Items[i].Annotations[v1alpha1.AnnotationCredential], describe(c.Status.Credentials))
		}
	}
	return nil
}

func describe(credentials []v1alpha1.ClientCredential) string {
	var all []string
	for _, p := range credentials {
		all = append(all, fmt.Sprintf("%s (%s)", p.ID, p.State))
	}
	return strings.Join(all, ", ")
}
