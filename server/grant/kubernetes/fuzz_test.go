package kubernetes_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"oauth-operator.dev/server/grant"
	"oauth-operator.dev/server/grant/kubernetes"
)

// answers is an API server that answers everything with one document.
func answers(t testing.TB, document []byte) *kubernetes.Store {
	t.Helper()
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(bytes.NewReader(document)), ContentLength: int64(len(document)), Request: r,
		}, nil
	})
	store, err := kubernetes.New(&rest.Config{Host: "https://api.example", QPS: -1}, &http.Client{Transport: transport}, "operator")
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// field returns what is at a path of a document, or nil.
func field(in any, path ...string) any {
	for _, name := range path {
		object, _ := in.(map[string]any)
		in = object[name]
	}
	return in
}

// texts returns a list of texts of a document.
func texts(in any) []string {
	list, _ := in.([]any)
	var found []string
	for _, one := range list {
		text, _ := one.(string)
		found = append(found, text)
	}
	return found
}

// instant returns a time of a document, or one that is long over.
func instant(in any) time.Time {
	text, _ := in.(string)
	at, _ := time.Parse(time.RFC3339, text)
	return at
}

// standing reports whether the object says of itself that the grant stands at that
// time, read as anybody would read it.
func standing(object any, now time.Time) bool {
	conditions, _ := field(object, "status", "conditions").([]any)
	active := 0
	for _, one := range conditions {
		if field(one, "type") != "Active" {
			continue
		}
		if field(one, "status") != "True" {
			return false
		}
		active++
	}
	return active > 0 && field(object, "metadata", "deletionTimestamp") == nil &&
		now.Before(instant(field(object, "status", "expiresAt"))) && now.Before(instant(field(object, "spec", "endsAt")))
}

// FuzzGrant reads anything as the object of a grant. What comes of it is never looser
// than the object says: it stands only where every word for it is there, it is of the
// client and the name that were asked for, and it allows what the object allows.
func FuzzGrant(f *testing.F) {
	const (
		id   = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
		spec = `"spec":{"authorizationServer":"people","clientID":"team.web","clientUID":"uid","subject":"s","username":"ada","scopes":["openid","profile"],` +
			`"claims":["userinfo:email"],"resources":["https://api.example"],"sessionID":"sid","authTime":"2026-01-02T03:04:05Z","createdAt":"2026-01-02T03:04:05Z","endsAt":"2026-03-02T03:04:05Z"}`
		head = `{"apiVersion":"oauth-operator.dev/v1alpha1","kind":"OAuthGrant","metadata":{"name":"` + id + `","namespace":"team"`
	)
	with := func(metadata, conditions string) []byte {
		return []byte(head + metadata + `},` + spec + `,"status":{"generation":3,"refreshedAt":"2026-01-02T03:04:05.000006Z","expiresAt":"2026-02-02T03:04:05Z","conditions":[` + conditions + `]}}`)
	}
	const active = `{"type":"Active","status":"True","reason":"Granted","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}`
	f.Add(with("", active))
	f.Add(with("", `{"type":"Active","status":"False","reason":"LoggedOut"}`))
	f.Add(with("", `{"type":"Active","status":"False","reason":""}`))
	f.Add(with("", `{"type":"Active","status":"Unknown"},{"type":"Seen","status":"True"}`))
	f.Add(with("", active+`,{"type":"Active","status":"False","reason":"LoggedOut"}`))
	f.Add(with(`,"deletionTimestamp":"2026-01-02T03:04:05Z","finalizers":["a/b"]`, active))
	f.Add(with(`,"name":"bbbbbbbbbbbbbbbbbbbbbbbbbb"`, active))
	f.Add([]byte(`{"apiVersion":"oauth-operator.dev/v1alpha1","kind":"OAuthGrantList","items":[` + string(with("", active)) + `]}`))
	f.Add([]byte(`{"apiVersion":"v1","kind":"Status","status":"Success"}`))
	f.Add([]byte(`{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"b"}}`))
	f.Add([]byte(head + `},"status":{"generation":-1,"expiresAt":null}}`))

	key, now := grant.Key{ClientID: "team.web", ID: id}, time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	found, err := answers(f, with("", active)).Get(f.Context(), key)
	if err != nil || !found.Active(now) || found.Generation != 3 || found.RefreshedAt.Nanosecond() != 6000 {
		f.Fatalf("nothing is found of a good grant: %+v, %v", found, err)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		store := answers(t, document)
		_, _ = store.Get(t.Context(), key)
		_, _ = store.Noted(t.Context(), "id")
		_ = store.Each(t.Context(), grant.Filter{}, func(grant.Grant) error { return errors.New("enough") })

		// An API server says nothing twice; what it says then can be read by others too.
		var object any
		if json.Unmarshal(document, &object) != nil {
			return
		}
		once, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		store = answers(t, once)
		g, err := store.Get(t.Context(), key)
		if err != nil {
			if !reflect.DeepEqual(g, grant.Grant{}) {
				t.Errorf("%s: %+v with %v", once, g, err)
			}
		} else {
			holds(t, object, g, key, now)
		}
		_ = store.Revoke(t.Context(), key, grant.LoggedOut)
		if g, err := store.Advance(t.Context(), key, 3, now, now.Add(time.Hour)); err == nil {
			holds(t, object, g, key, now)
		}
	})
}

// holds compares a grant with the object that it was made of.
func holds(t *testing.T, object any, g grant.Grant, key grant.Key, now time.Time) {
	t.Helper()
	if g.Key() != key || field(object, "spec", "clientID") != key.ClientID || field(object, "metadata", "name") != key.ID {
		t.Errorf("%v: the grant %v, and %v was asked for", object, g.Key(), key)
	}
	if g.Active(now) && !standing(object, now) {
		t.Errorf("%v: does not say that it stands, and does", object)
	}
	if g.Issuer != field(object, "spec", "authorizationServer") && g.Issuer != "" || g.ClientUID != field(object, "spec", "clientUID") && g.ClientUID != "" ||
		g.Subject != field(object, "spec", "subject") && g.Subject != "" {
		t.Errorf("%v: is the grant of somebody else: %+v", object, g)
	}
	for _, lists := range [][2][]string{
		{g.Scope, texts(field(object, "spec", "scopes"))}, {g.Claims, texts(field(object, "spec", "claims"))}, {g.Resources, texts(field(object, "spec", "resources"))},
	} {
		if !slices.Equal(lists[0], lists[1]) {
			t.Errorf("%v: allows %q, and the object %q", object, lists[0], lists[1])
		}
	}
	if !reflect.DeepEqual(g, g.Normal()) {
		t.Errorf("%v: %+v is not normal", object, g)
	}
}
