// Package social speaks the login of Kakao, Naver and Facebook: where a person
// is sent, what a code is good for, and whom an access token is of.
package social

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// The vendors.
const (
	Kakao    = "kakao"
	Naver    = "naver"
	Facebook = "facebook"
)

// Vendors are all of them.
var Vendors = []string{Kakao, Naver, Facebook}

// App is who we are at a vendor, and where it is.
type App struct {
	ClientID     string // "" leaves the vendor out
	ClientSecret string
	AppID        int64  // Kakao's number of the app
	Version      string // of Facebook's API; "" is v22.0
	AuthURL      string // where people log in; "" is the vendor's own
	APIURL       string // where we ask; "" is the vendor's own
}

// Config says which vendors there are.
type Config struct {
	Kakao, Naver, Facebook App
	// Callback is where the vendor sends people back to.
	Callback func(vendor string) string
	Timeout  time.Duration                             // of one call; 0 is 5 seconds
	Observe  func(http.RoundTripper) http.RoundTripper // wraps what makes the calls; nil: nothing does
}

// Client makes the vendors' calls. It is safe for concurrent use and repeats
// nothing.
type Client struct {
	http    *http.Client
	vendors map[string]*vendor
}

// vendor is one that is on.
type vendor struct {
	name    string
	oauth   oauth2.Config
	profile func(ctx context.Context, token string) (Profile, error)
	logOut  func(ctx context.Context, token string) error // nil where there is no such thing
}

// New makes a client. Error: an app that is told in half.
func New(config Config) (*Client, error) {
	if config.Timeout == 0 {
		config.Timeout = 5 * time.Second
	}
	c := &Client{http: &http.Client{Timeout: config.Timeout, Transport: http.DefaultTransport}, vendors: map[string]*vendor{}}
	if config.Observe != nil {
		c.http.Transport = config.Observe(c.http.Transport)
	}
	for name, made := range map[string]struct {
		app  App
		make func(App) (*vendor, error)
	}{
		Kakao: {config.Kakao, c.kakao}, Naver: {config.Naver, c.naver}, Facebook: {config.Facebook, c.facebook},
	} {
		if made.app.ClientID == "" {
			continue
		}
		if made.app.ClientSecret == "" {
			return nil, fmt.Errorf("%s has a client id, and no secret", name)
		}
		v, err := made.make(made.app)
		if err != nil {
			return nil, err
		}
		v.name = name
		v.oauth.ClientID, v.oauth.ClientSecret = made.app.ClientID, made.app.ClientSecret
		v.oauth.RedirectURL = config.Callback(name)
		// Tried the other way too, a code would be sent twice.
		v.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams
		c.vendors[name] = v
	}
	return c, nil
}

// On tells whether we are registered at the vendor.
func (c *Client) On(vendor string) bool { return c != nil && c.vendors[vendor] != nil }

// LoginURL is where a person is sent to log in with a vendor that is on.
func (c *Client) LoginURL(vendor, state string) string {
	return c.vendors[vendor].oauth.AuthCodeURL(state)
}

// Exchange turns the code a person came back with into their access token.
// Errors: *RefusedError, or IsUnavailable.
func (c *Client) Exchange(ctx context.Context, vendor, code, state string) (string, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.http)
	token, err := c.vendors[vendor].oauth.Exchange(ctx, code, oauth2.SetAuthURLParam("state", state)) // Naver wants it
	if err == nil {
		return token.AccessToken, nil
	}
	var refusal *oauth2.RetrieveError
	about := []string{"invalid_client", "unauthorized_client", "server_error", "temporarily_unavailable"} // us, or the vendor
	if errors.As(err, &refusal) && !troubled(refusal.Response.StatusCode, refusal.Body) && !slices.Contains(about, refusal.ErrorCode) {
		return "", &RefusedError{Vendor: vendor, Status: refusal.Response.StatusCode, Reason: refusal.ErrorCode}
	}
	if refusal != nil { // whose own words may hold the code
		err = fmt.Errorf("answered %d %s", refusal.Response.StatusCode, refusal.ErrorCode)
	}
	return "", silent(vendor, err)
}

// Profile is whom an access token is of, if it was issued to our app. (Naver
// tells nothing about that; but its ids differ by app.) Errors: *RefusedError,
// or IsUnavailable.
func (c *Client) Profile(ctx context.Context, vendor, token string) (Profile, error) {
	if !sendable(token) {
		return Profile{}, &RefusedError{Vendor: vendor, Reason: "no token"}
	}
	return c.vendors[vendor].profile(ctx, token)
}

// LogOut ends an access token, where the vendor can do that.
func (c *Client) LogOut(ctx context.Context, vendor, token string) error {
	if !c.On(vendor) || c.vendors[vendor].logOut == nil || !sendable(token) {
		return nil
	}
	return c.vendors[vendor].logOut(ctx, token)
}

// sendable tells whether a text can be an access token.
func sendable(token string) bool {
	const longest = 2000
	return token != "" && len(token) <= longest && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// RefusedError is a vendor saying that a code or a token is not good, or that
// it is not ours.
type RefusedError struct {
	Vendor string
	Status int
	Reason string
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: refused with %d %s", e.Vendor, e.Status, e.Reason)
}

// IsRefused tells whether the vendor refused.
func IsRefused(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused)
}

// silence is a call that proves nothing about the code or the token.
type silence struct {
	vendor string
	cause  error
}

// Error implements error.
func (e *silence) Error() string { return e.vendor + ": " + e.cause.Error() }

// Unwrap implements errors.Unwrap.
func (e *silence) Unwrap() error { return e.cause }

// silent marks an error as a vendor's silence. The URL, which may hold a token,
// is left out.
func silent(vendor string, err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return &silence{vendor, err}
}

// IsUnavailable tells whether a vendor was silent, busy or broken, or did not
// accept us, rather than refusing a code or a token.
func IsUnavailable(err error) bool {
	var silence *silence
	return errors.As(err, &silence) && !errors.Is(err, context.Canceled)
}

// troubled tells whether an answer that is no success is about the vendor's own
// trouble: by its status, or by the number Kakao and Facebook give it.
func troubled(status int, body []byte) bool {
	if status == http.StatusTooManyRequests || status >= http.StatusInternalServerError {
		return true
	}
	var answer struct {
		Code  int             `json:"code"`
		Error json.RawMessage `json:"error"`
	}
	var fault struct {
		Code      int  `json:"code"`
		Transient bool `json:"is_transient"`
	}
	_ = json.Unmarshal(body, &answer)        // what is no JSON has no number
	_ = json.Unmarshal(answer.Error, &fault) // nor has what is no object
	kakao := []int{-1, -7, -10, -603, -9798} // broken, being mended, too many calls, late
	facebook := []int{1, 2, 4, 17, 101, 341} // broken, too many calls, unknown app
	return slices.Contains(kakao, answer.Code) || slices.Contains(facebook, fault.Code) || fault.Transient
}

// ask makes a call with an access token ("" is none) and reads the answer.
func (c *Client) ask(ctx context.Context, vendor, method, target, token string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return silent(vendor, err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return silent(vendor, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return silent(vendor, err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		if troubled(response.StatusCode, text) {
			return silent(vendor, fmt.Errorf("answered %d", response.StatusCode))
		}
		return &RefusedError{Vendor: vendor, Status: response.StatusCode}
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(answer); err != nil {
		return silent(vendor, fmt.Errorf("decode: %w", err))
	}
	return nil
}

// at is a vendor's address, its own unless another is set.
func at(set, own string) string {
	if set == "" {
		return own
	}
	return strings.TrimSuffix(set, "/")
}
