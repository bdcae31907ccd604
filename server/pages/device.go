package pages

import (
	"net/http"
	"time"
)

var (
	deviceTemplate        = parse("device")
	deviceWaitTemplate    = parse("devicewait")
	deviceConsentTemplate = parse("deviceconsent")
	deviceDoneTemplate    = parse("devicedone")
)

// Device is the content of the page where the code of a device is entered (RFC
// 8628 §3.3): form#device with #user_code and #next.
type Device struct {
	Action string // URL that the form is posted to
	State  string // hidden field state

	// UserCode is what the field is filled with. With one before the first try, the
	// page asks to compare it (RFC 8628 §3.3.1).
	UserCode string

	// Message says what went wrong with the last try: "" before the first.
	Message string
}

// DeviceWait is the content of the page that waits for a device. It looks again by
// itself, without a script, and by the link #again.
type DeviceWait struct {
	UserCode string

	// Next is the URL to look at, after that many seconds.
	Next    string
	Seconds int
}

// DeviceConsent is the content of the page that asks whether to allow what a
// device asks for: form#consent with #allow and #deny, and form#switch with
// #another. Both have the fields state and decision.
type DeviceConsent struct {
	Action string // URL that both forms are posted to
	State  string // hidden field state

	// UserCode is to be compared with what the device shows: #user-code.
	UserCode string

	Client   string
	ClientID string

	// Name and Username of the account. Name may be "".
	Name     string
	Username string

	// Scopes are descriptions of what is asked for.
	Scopes []string

	// Lifetime is how long what is allowed lasts at most: #lifetime (RFC 6749
	// §10.2). Nothing is said of 0.
	Lifetime time.Duration

	// Links are what the client says about itself.
	Links []Link
}

// DeviceDone is the content of the page after that.
type DeviceDone struct {
	Client  string
	Allowed bool
}

// Device writes the page where the code of a device is entered.
func (p *Pages) Device(w http.ResponseWriter, status int, v Device) {
	write(w, status, deviceTemplate, policy(""), struct {
		frame
		Device
	}{p.frame, v})
}

// DeviceWait writes the page that waits for a device.
func (p *Pages) DeviceWait(w http.ResponseWriter, v DeviceWait) {
	write(w, http.StatusOK, deviceWaitTemplate, policy(""), struct {
		frame
		DeviceWait
	}{p.frame, v})
}

// DeviceConsent writes the page that asks whether to allow what a device asks for.
func (p *Pages) DeviceConsent(w http.ResponseWriter, v DeviceConsent) {
	write(w, http.StatusOK, deviceConsentTemplate, policy(""), struct {
		frame
		DeviceConsent
	}{p.frame, v})
}

// DeviceDone writes the page that sends the person back to the device.
func (p *Pages) DeviceDone(w http.ResponseWriter, v DeviceDone) {
	write(w, http.StatusOK, deviceDoneTemplate, policy(""), struct {
		frame
		DeviceDone
	}{p.frame, v})
}
