// Package clayful speaks the Clayful REST API, version 1: the shop below
// byeolshow. It knows the wire and no business rules.
package clayful

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says where Clayful is and who we are there.
type Config struct {
	BaseURL string        // "" is https://api.clayful.io
	Token   string        // the backend client token
	Timeout time.Duration // of one call; 0 is 8 seconds

	Observe func(http.RoundTripper) http.RoundTripper // wraps what makes the calls; nil: nothing does
}

// Client makes Clayful's calls. It is safe for concurrent use. GETs are
// repeated twice at most; a write never is.
type Client struct {
	http   *http.Client
	config Config
}

// New makes a client.
func New(config Config) *Client {
	if config.BaseURL == "" {
		config.BaseURL = "https://api.clayful.io"
	}
	if config.Timeout == 0 {
		config.Timeout = 8 * time.Second
	}
	config.BaseURL = strings.TrimSuffix(config.BaseURL, "/")
	transport := http.DefaultTransport
	if plain, ok := transport.(*http.Transport); ok {
		own := plain.Clone()
		own.MaxIdleConnsPerHost = 64
		transport = own
	}
	if config.Observe != nil {
		transport = config.Observe(transport)
	}
	return &Client{http: &http.Client{Timeout: config.Timeout, Transport: transport}, config: config}
}

// Error is a refusal by Clayful, in its own words.
type Error struct {
	Status  int
	Code    string // errorCode, perhaps ""
	Message string
	Source  string // the field a validation failed on, perhaps ""

	besides bool // it is not about what was asked: our own token, or somebody in between
}

// Error implements error. It leaves the shop's words out, which may repeat a
// customer's, for it is logged.
func (e *Error) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("clayful: %d %s", e.Status, e.Code), " ")
}

// IsCode tells whether err is a refusal with that errorCode.
func IsCode(err error, code string) bool {
	var refusal *Error
	return errors.As(err, &refusal) && refusal.Code == code
}

// IsUnavailable tells whether Clayful was silent, busy (429) or broken (5xx),
// answered something unreadable, or did not take our own token, rather than
// refusing what was asked.
func IsUnavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Status == http.StatusTooManyRequests || refusal.Status >= 500 || refusal.besides
	}
	var silent *silence
	return errors.As(err, &silent)
}

// IsUndone tells whether a write certainly did nothing that may be asked for
// again: Clayful was too busy (429, 503), or nobody reached it.
func IsUndone(err error) bool {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Status == http.StatusTooManyRequests || refusal.Status == http.StatusServiceUnavailable
	}
	var line *net.OpError
	return errors.As(err, &line) && line.Op == "dial"
}

// silence is a call that brought no readable answer.
type silence struct{ cause error }

// Error implements error.
func (e *silence) Error() string { return e.cause.Error() }

// Unwrap implements errors.Unwrap.
func (e *silence) Unwrap() error { return e.cause }

type request struct {
	method   string
	path     string // below /v1
	query    url.Values
	customer string // customer token for /me
	body     any
	upload   *Upload // instead of a body
}

// pauses lie before the second and the third try of a GET.
var pauses = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond}

func (c *Client) do(ctx context.Context, r request, answer any) error {
	err := c.once(ctx, r, answer)
	if r.method != http.MethodGet {
		return wrap(r, err)
	}
	for _, pause := range pauses {
		if !IsUnavailable(err) || ctx.Err() != nil {
			break
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return wrap(r, &silence{ctx.Err()})
		case <-timer.C:
		}
		err = c.once(ctx, r, answer)
	}
	return wrap(r, err)
}

func wrap(r request, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", r.method, r.path, err)
}

func (c *Client) once(ctx context.Context, r request, answer any) error {
	payload, size, contentType, err := r.payload()
	if err != nil {
		return err
	}
	target := c.config.BaseURL + "/v1" + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, payload)
	if err != nil {
		return err
	}
	req.ContentLength = size
	for name, value := range map[string]string{
		"Authorization":         "Bearer " + c.config.Token,
		"Accept-Language":       "ko",
		"Accept-Currency":       "KRW",
		"Accept-Time-Zone":      "Asia/Seoul",
		"Accept-Debug-Language": "ko",
		"Clayful-SDK":           "clayful-go",
	} {
		req.Header.Set(name, value)
	}
	if r.customer != "" {
		req.Header.Set("Authorization-Customer", r.customer)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	response, err := c.http.Do(req)
	if err != nil {
		return &silence{errors.Unwrap(err)} // without the address, which may hold what nobody is to read
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err != nil {
		return &silence{err}
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return refusal(response.StatusCode, text, r.customer != "")
	}
	if answer == nil || len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return &silence{fmt.Errorf("decode: %w", err)}
	}
	return nil
}

// payload is what is sent, and its size in bytes.
func (r request) payload() (body io.Reader, size int64, contentType string, err error) {
	switch {
	case r.upload != nil:
		return r.upload.form()
	case r.body == nil:
		return http.NoBody, 0, "", nil
	}
	encoded, err := json.Marshal(r.body)
	if err != nil {
		return nil, 0, "", fmt.Errorf("encode: %w", err)
	}
	return bytes.NewReader(encoded), int64(len(encoded)), "application/json", nil
}

// refusal reads Clayful's error envelope; what is not one keeps its status. Only
// a call for a customer can be unauthorized by the caller's fault, and only
// Clayful itself knows that something does not exist.
func refusal(status int, body []byte, forCustomer bool) error {
	var envelope struct {
		Error      string `json:"error"`
		ErrorCode  string `json:"errorCode"`
		Message    string `json:"message"`
		Validation struct {
			Source string `json:"source"`
		} `json:"validation"`
	}
	_ = json.Unmarshal(body, &envelope) // a proxy's page has no code
	message := envelope.Message
	if message == "" {
		message = envelope.Error
	}
	besides := !forCustomer && (status == http.StatusUnauthorized || status == http.StatusForbidden) ||
		status == http.StatusNotFound && envelope.ErrorCode == "" && message == ""
	return &Error{Status: status, Code: envelope.ErrorCode, Message: message, Source: envelope.Validation.Source, besides: besides}
}
