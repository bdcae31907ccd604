package pages

import "net/http"

var (
	logoutTemplate = parse("logout")
	leftTemplate   = parse("left")
)

// Logout is the content of the page that asks whether to sign out: form#logout
// with #leave and #stay, which are the field decision.
type Logout struct {
	Action string // URL that the form is posted to
	State  string // hidden field state

	// Name and Username of the account. Name may be "".
	Name     string
	Username string

	// Client is the name of what the person comes from: "" if nobody knows.
	Client string

	// ReturnTo is the URL that the answer leads to in the end, or "".
	ReturnTo string
}

// Values of the field decision of the logout page.
const (
	DecisionLeave = "leave"
	DecisionStay  = "stay"
)

// Left is the content of the page after a logout.
type Left struct {
	// Stayed says that the person has chosen not to sign out.
	Stayed bool

	// Client and ReturnTo are the name of what the person came from, and where
	// a link goes back to it. Both are "" if nobody knows.
	Client   string
	ReturnTo string
}

// Logout writes the page that asks whether to sign out.
func (p *Pages) Logout(w http.ResponseWriter, v Logout) {
	write(w, http.StatusOK, logoutTemplate, policy(v.ReturnTo), struct {
		frame
		Logout
	}{p.frame, v})
}

// Left writes the page after a logout.
func (p *Pages) Left(w http.ResponseWriter, v Left) {
	write(w, http.StatusOK, leftTemplate, policy(""), struct {
		frame
		Left
	}{p.frame, v})
}
