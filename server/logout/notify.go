package logout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"oauth-operator.dev/server/accesstoken"
	"oauth-operator.dev/server/resourceowner"
)

// notify tells the clients that were visited in the session, each once. It does
// not wait for them: Back-Channel Logout §2.5 lets the rest of the logout go on.
func (e *Endpoint) notify(ctx context.Context, session *resourceowner.Session) {
	if e.Notifier == nil {
		return
	}
	log := logr.FromContextOrDiscard(ctx)
	told := map[string]bool{}
	for _, v := range session.Visits() {
		about := v.ClientID + " " + v.SessionID
		if told[about] {
			continue
		}
		told[about] = true
		client, err := e.Registry.Lookup(ctx, v.ClientID)
		if err != nil || client.OpenID.BackchannelLogoutURI == "" {
			continue // who is gone needs no word
		}
		token := accesstoken.LogoutToken{Client: client, Subject: session.Person.Subject, SessionID: v.SessionID}
		signed, err := token.Sign(e.Settings, e.Keys.Load(), e.Now())
		if err != nil {
			log.Error(err, "A logout token could not be made.", "client", client.ID)
			continue
		}
		e.Notifier.send(log, notice{clientID: client.ID, address: client.OpenID.BackchannelLogoutURI, token: signed})
	}
}

// notice is one logout token on its way.
type notice struct{ clientID, address, token string }

// NotifierOptions are what a Notifier stands on.
type NotifierOptions struct {
	// Client fetches nothing but what strangers may have fetched: it must not
	// follow redirects, nor reach addresses that a client must not make us reach.
	Client *http.Client

	// Pause is how long to wait before the second try, and four times as long
	// before the third. Zero for a second.
	Pause time.Duration
}

// Notifier sends logout tokens (Back-Channel Logout §2.5). What waits is kept in
// memory: if the process ends, it is lost, and the client's session ends when
// its own time is over.
type Notifier struct {
	options NotifierOptions
	slots   chan struct{}
}

const (
	// maxNotices bounds how many logout tokens are on their way at once. What
	// comes on top is dropped and logged.
	maxNotices = 256

	// noticeTries bounds how often one is sent, noticeTimeout how long each
	// takes, and noticeLife how long all of them may: a logout token is good for two
	// minutes.
	noticeTries   = 3
	noticeTimeout = 10 * time.Second
	noticeLife    = 2 * time.Minute
)

// NewNotifier returns a Notifier.
func NewNotifier(o NotifierOptions) *Notifier {
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	return &Notifier{options: o, slots: make(chan struct{}, maxNotices)}
}

// send sends the notice, and returns at once.
func (n *Notifier) send(log logr.Logger, what notice) {
	log = log.WithValues("client", what.clientID)
	select {
	case n.slots <- struct{}{}:
	default:
		log.Info("A logout token was dropped: too many are on their way.")
		return
	}
	go func() {
		defer func() { <-n.slots }()
		// One that has expired is not worth another try.
		ctx, cancel := context.WithTimeout(context.Background(), noticeLife)
		defer cancel()
		pause := n.options.Pause
		for try := 1; ; try++ {
			err := n.post(ctx, what)
			switch {
			case err == nil:
				return
			case try == noticeTries || errors.Is(err, errRefused):
				log.Info("A client could not be told of a logout.", "tries", try, "problem", err.Error())
				return
			}
			select {
			case <-ctx.Done():
				log.Info("A client could not be told of a logout.", "tries", try, "problem", err.Error())
				return
			case <-time.After(pause):
			}
			pause *= 4
		}
	}()
}

// errRefused says that the client does not want the logout token: it will not
// want it the next time either.
var errRefused = errors.New("logout: the client refuses the logout token")

// post sends the logout token once (Back-Channel Logout §2.5). Its errors have
// nothing of it.
func (n *Notifier) post(ctx context.Context, what notice) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	body := url.Values{"logout_token": {what.token}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, what.address, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := n.options.Client.Do(r)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err // the query of the address may hold something
		}
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	switch {
	case response.StatusCode == http.StatusOK, response.StatusCode == http.StatusNoContent:
		return nil
	case response.StatusCode >= http.StatusInternalServerError, response.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("logout: the client answered with status %d", response.StatusCode)
	}
	return fmt.Errorf("%w: status %d", errRefused, response.StatusCode)
}

// maxAnswer is how much of a client's answer is read, so that its connection can
// be used again.
const maxAnswer = 4 << 10
