// Package push sends notifications to phones through Firebase Cloud Messaging,
// HTTP v1.
package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"
)

const scope = "https://www.googleapis.com/auth/firebase.messaging"

// Config says where FCM is and who we are there.
type Config struct {
	BaseURL     string // "" is https://fcm.googleapis.com
	Credentials []byte // the service account's JSON, as Google hands it out

	Observe func(http.RoundTripper) http.RoundTripper // wraps what makes the calls; nil: nothing does
}

// Client sends messages. It is safe for concurrent use and repeats nothing.
type Client struct {
	http *http.Client
	url  string
}

// New makes a client of the service account's project.
func New(config Config) (*Client, error) {
	var account struct {
		Project  string `json:"project_id"`
		Email    string `json:"client_email"`
		Key      string `json:"private_key"`
		KeyID    string `json:"private_key_id"`
		TokenURI string `json:"token_uri"`
	}
	if err := json.Unmarshal(config.Credentials, &account); err != nil {
		return nil, errors.New("FCM credentials are no service account in JSON")
	}
	if account.Project == "" || account.Email == "" || account.Key == "" || account.TokenURI == "" {
		return nil, errors.New("FCM credentials lack project_id, client_email, private_key or token_uri")
	}
	grant := &jwt.Config{
		Email: account.Email, PrivateKey: []byte(account.Key), PrivateKeyID: account.KeyID,
		TokenURL: account.TokenURI, Scopes: []string{scope},
	}
	if config.BaseURL == "" {
		config.BaseURL = "https://fcm.googleapis.com"
	}
	plain := &http.Client{Timeout: 10 * time.Second, Transport: http.DefaultTransport}
	if config.Observe != nil {
		plain.Transport = config.Observe(plain.Transport)
	}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, plain)
	client := grant.Client(ctx)
	client.Timeout = plain.Timeout
	return &Client{http: client, url: config.BaseURL + "/v1/projects/" + account.Project + "/messages:send"}, nil
}

// Message is one notification to one device.
type Message struct {
	Token string // the device
	Title string
	Body  string
	Image string // URL, or ""
	Data  map[string]string
}

// ErrUnregistered is that the device cannot be reached any more and should be
// forgotten.
var ErrUnregistered = errors.New("push: device is not registered")

// RefusedError is FCM saying that it did not send the message.
type RefusedError struct {
	Status int
	Reason string
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("push: refused with %d %s", e.Status, e.Reason)
}

// IsUnsent tells whether the message certainly did not go out and may go out
// later: FCM was too busy (429) or down (503), does not know us or our project
// (401, 403, 404), or its token service gave us no token.
func IsUnsent(err error) bool {
	var refused *RefusedError
	if errors.As(err, &refused) {
		switch refused.Status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable,
			http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			return true
		}
		return false
	}
	var token *oauth2.RetrieveError
	return errors.As(err, &token)
}

// Send sends one message. Errors: ErrUnregistered, *RefusedError, or one that
// leaves open whether it went out.
func (c *Client) Send(ctx context.Context, m Message) error {
	notification := map[string]string{"title": m.Title, "body": m.Body}
	if m.Image != "" {
		notification["image"] = m.Image
	}
	body, err := json.Marshal(map[string]any{"message": map[string]any{
		"token": m.Token, "notification": notification, "data": m.Data,
	}})
	if err != nil {
		return fmt.Errorf("encode push: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make push: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("send push: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if response.StatusCode < 300 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read push answer: %w", err)
	}
	return refusal(response.StatusCode, text)
}

func refusal(status int, body []byte) error {
	var answer struct {
		Error struct {
			Status  string `json:"status"`
			Details []struct {
				ErrorCode string `json:"errorCode"`
			} `json:"details"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // a body that is not JSON has no reason
	for _, detail := range answer.Error.Details {
		if detail.ErrorCode == "UNREGISTERED" {
			return ErrUnregistered
		}
	}
	return &RefusedError{Status: status, Reason: answer.Error.Status}
}
