package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"

	. "github.com/onsi/gomega"
)

// auditPolicy notes who did what to which object, and nothing of its content.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  resources: [{group: coordination.k8s.io}]
- level: Metadata
`

// event is what the API server notes of one request.
type event struct {
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

const (
	controllerAccount = "system:serviceaccount:oauth-operator-system:oauth-operator-controller"
	serverAccount     = "system:serviceaccount:oauth-operator-system:oauth-operator-server"
)

// mark returns a place in the log, to read from later.
func (a *auditLog) mark() int64 {
	info, err := os.Stat(a.path)
	Expect(err).NotTo(HaveOccurred())
	return info.Size()
}

// since returns what was noted since the mark of the account's requests.
func (a *auditLog) since(mark int64, account string) []event {
	content, err := os.ReadFile(a.path)
	Expect(err).NotTo(HaveOccurred())
	var events []event
	lines := bufio.NewScanner(bytes.NewReader(content[mark:]))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		Expect(json.Unmarshal(lines.Bytes(), &e)).To(Succeed())
		if e.User.Username == account {
			events = append(events, e)
		}
	}
	return events
}

// records reports whether the server wrote when a client secret was last used. It
// does so once in a while, and not while it answers a request.
func (e event) records() bool {
	return e.User.Username == serverAccount && e.Verb == "patch" &&
		e.ObjectRef.Resource == "oauthclients" && e.ObjectRef.Subresource == "status"
}

// writes returns, in short form, what of it changed something or tried to, but
// for the records of uses.
func writes(events []event) []string {
	short := []string{}
	for _, e := range events {
		if slices.Contains([]string{"get", "list", "watch"}, e.Verb) || e.ObjectRef.Resource == "events" || e.records() {
			continue
		}
		resource := e.ObjectRef.Resource
		if e.ObjectRef.Subresource != "" {
			resource += "/" + e.ObjectRef.Subresource
		}
		short = append(short, e.Verb+" "+resource)
	}
	return short
}
