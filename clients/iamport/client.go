// Package iamport speaks Iamport's REST API (PortOne V1), which takes customers'
// money. It knows the wire and no business rules. All amounts are whole won.
package iamport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Config says where Iamport is and who we are there.
type Config struct {
	BaseURL        string // "" is https://api.iamport.kr
	Key, Secret    string
	IncludeSandbox bool          // sees payments of test channels too
	Timeout        time.Duration // of one call; 0 is 8 seconds

	Observe func(http.RoundTripper) http.RoundTripper // wraps what makes the calls; nil: nothing does
}

// Client makes Iamport's calls. It is safe for concurrent use. GETs are
// repeated twice at most; a write only when its token was refused, which is
// before anything was done.
type Client struct {
	http   *http.Client
	config Config

	flights singleflight.Group
	mu      sync.Mutex
	token   token
}

type token struct {
	value   string
	expires time.Time // by our clock
}

// renewal is how long before its expiry a token is no longer used.
const renewal = time.Minute

// New makes a client.
func New(config Config) *Client {
	if config.BaseURL == "" {
		config.BaseURL = "https://api.iamport.kr"
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

// Error is a refusal by Iamport. A refusal may come with HTTP 200.
type Error struct {
	Status  int
	Code    int
	Message string
}

// Error implements error. It leaves Iamport's words out, which may repeat a
// customer's, for it is logged.
func (e *Error) Error() string {
	return fmt.Sprintf("iamport: %d, code %d", e.Status, e.Code)
}

// IsNotFound tells whether there is no such payment.
func IsNotFound(err error) bool {
	var refusal *Error
	return errors.As(err, &refusal) && refusal.Status == http.StatusNotFound
}

// IsRefused tells whether Iamport answered and refused: nothing was done.
func IsRefused(err error) bool {
	var refusal *Error
	return errors.As(err, &refusal) && refusal.Status < 500 && refusal.Status != http.StatusTooManyRequests && !unauthorized(err)
}

func unauthorized(err error) bool {
	var refusal *Error
	return errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized
}

// IsUnavailable tells whether Iamport was silent, busy or broken, or did not
// take our own key. Whether a write was done is not known then.
func IsUnavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var refusal *Error
	if errors.As(err, &refusal) {
		return !IsRefused(err)
	}
	var silent *silence
	return errors.As(err, &silent)
}

// silence is a call that brought no readable answer.
type silence struct{ cause error }

// Error implements error.
func (e *silence) Error() string { return "iamport: " + e.cause.Error() }

// Unwrap implements errors.Unwrap.
func (e *silence) Unwrap() error { return e.cause }

// pauses lie before the second and the third try of a GET.
var pauses = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond}

func (c *Client) do(ctx context.Context, method, path string, body, answer any) error {
	err := c.withToken(ctx, method, path, body, answer)
	if method == http.MethodGet {
		for _, pause := range pauses {
			if !IsUnavailable(err) || unauthorized(err) || ctx.Err() != nil {
				break
			}
			timer := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				timer.Stop()
				return &silence{ctx.Err()}
			case <-timer.C:
			}
			err = c.withToken(ctx, method, path, body, answer)
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, strings.SplitN(path, "?", 2)[0], err)
	}
	return nil
}

// withToken makes a call, and once more with a new token when it is refused.
func (c *Client) withToken(ctx context.Context, method, path string, body, answer any) error {
	shown, err := c.ticket(ctx, "")
	if err != nil {
		return err
	}
	err = c.once(ctx, method, path, shown, body, answer)
	if unauthorized(err) {
		if shown, err = c.ticket(ctx, shown); err != nil {
			return err
		}
		err = c.once(ctx, method, path, shown, body, answer)
	}
	return err
}

// known is the token there is, "" when it was refused or ends soon.
func (c *Client) known(refused string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token.value == refused || time.Until(c.token.expires) <= renewal {
		return ""
	}
	return c.token.value
}

// ticket is a token that is not refused and lasts. One caller fetches it, the
// others wait, as long as their own context lets them.
func (c *Client) ticket(ctx context.Context, refused string) (string, error) {
	if token := c.known(refused); token != "" {
		return token, nil
	}
	flight := c.flights.DoChan(refused, func() (any, error) {
		if token := c.known(refused); token != "" { // of a flight that has just landed
			return token, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.config.Timeout)
		defer cancel()
		var in struct {
			AccessToken string `json:"access_token"`
			Now         int64  `json:"now"`
			ExpiredAt   int64  `json:"expired_at"`
		}
		credentials := map[string]string{"imp_key": c.config.Key, "imp_secret": c.config.Secret}
		if err := c.once(ctx, http.MethodPost, "/users/getToken", "", credentials, &in); err != nil {
			return "", fmt.Errorf("get token: %w", err)
		}
		lasts := time.Duration(in.ExpiredAt-in.Now) * time.Second
		c.mu.Lock()
		defer c.mu.Unlock()
		// Within its last minute a token is extended, and worth using.
		c.token = token{in.AccessToken, time.Now().Add(max(lasts, 2*time.Second+renewal))}
		return in.AccessToken, nil
	})
	select {
	case <-ctx.Done():
		return "", &silence{ctx.Err()}
	case landed := <-flight:
		if landed.Err != nil {
			return "", landed.Err
		}
		return landed.Val.(string), nil
	}
}

func (c *Client) once(ctx context.Context, method, path, token string, body, answer any) error {
	var payload io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		payload = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.config.BaseURL+path, payload)
	if err != nil {
		return err
	}
	if token != "" {
		request.Header.Set("Authorization", token)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return &silence{errors.Unwrap(err)} // without the address, which may hold what nobody is to read
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return &silence{err}
	}
	var envelope struct {
		Code     *int            `json:"code"`
		Message  *string         `json:"message"`
		Response json.RawMessage `json:"response"`
	}
	decodeErr := json.Unmarshal(text, &envelope)
	if response.StatusCode == http.StatusNotFound && envelope.Code == nil {
		return &silence{errors.New("somebody in between says 404")} // Iamport alone knows that there is no payment
	}
	if response.StatusCode < 200 || response.StatusCode > 299 || envelope.Code != nil && *envelope.Code != 0 {
		refusal := &Error{Status: response.StatusCode}
		if envelope.Code != nil {
			refusal.Code = *envelope.Code
		}
		if envelope.Message != nil {
			refusal.Message = *envelope.Message
		}
		return refusal
	}
	if decodeErr != nil || envelope.Code == nil {
		return &silence{errors.New("the answer is not Iamport's")}
	}
	if answer == nil {
		return nil
	}
	if len(envelope.Response) == 0 || bytes.Equal(envelope.Response, []byte("null")) {
		return &silence{errors.New("the answer says nothing")} // which must not pass for a payment, or for none
	}
	if err := json.Unmarshal(envelope.Response, answer); err != nil {
		return &silence{fmt.Errorf("decode: %w", err)}
	}
	return nil
}

// Payment reads one payment. An unknown one is IsNotFound.
func (c *Client) Payment(ctx context.Context, impUID string) (Payment, error) {
	var p Payment
	err := c.do(ctx, http.MethodGet, "/payments/"+url.PathEscape(impUID)+c.sandbox("?"), nil, &p)
	return p, err
}

func (c *Client) sandbox(separator string) string {
	if c.config.IncludeSandbox {
		return separator + "include_sandbox=true"
	}
	return ""
}

// Find reads the newest payment that names the order. None is IsNotFound.
func (c *Client) Find(ctx context.Context, merchantUID string) (Payment, error) {
	var p Payment
	path := "/payments/find/" + url.PathEscape(merchantUID) + "?sorting=-started" + c.sandbox("&")
	return p, c.do(ctx, http.MethodGet, path, nil, &p)
}

// pageSize is the largest page findAll gives.
const pageSize = 1000

// Payments are all payments that name the order, newest first; none is no
// error.
func (c *Client) Payments(ctx context.Context, merchantUID string) ([]Payment, error) {
	var all []Payment
	for page := 1; page > 0; {
		var found struct {
			Next int       `json:"next"`
			List []Payment `json:"list"`
		}
		path := "/payments/findAll/" + url.PathEscape(merchantUID) + "?sorting=-started&limit=" + strconv.Itoa(pageSize) +
			"&page=" + strconv.Itoa(page) + c.sandbox("&")
		err := c.do(ctx, http.MethodGet, path, nil, &found)
		if IsNotFound(err) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found.List...)
		if found.Next <= page {
			break
		}
		page = found.Next
	}
	return all, nil
}

// Prepare registers what an order costs, so that the payment window takes no
// other amount. Registering it again is no error.
func (c *Client) Prepare(ctx context.Context, merchantUID string, amount int64) error {
	body := map[string]any{"merchant_uid": merchantUID, "amount": amount}
	err := c.do(ctx, http.MethodPost, "/payments/prepare", body, nil)
	if !IsRefused(err) {
		return err
	}
	var known struct {
		Amount number `json:"amount"`
	}
	if readErr := c.do(ctx, http.MethodGet, "/payments/prepare/"+url.PathEscape(merchantUID), nil, &known); readErr != nil {
		return errors.Join(err, readErr)
	}
	if int64(known.Amount) == amount {
		return nil
	}
	return c.do(ctx, http.MethodPut, "/payments/prepare", body, nil)
}

// CancelRequest gives money of a payment back. Checksum is what we believe is
// left of it; Iamport refuses when it is not. The account is needed for a
// payment into a virtual account.
type CancelRequest struct {
	ImpUID        string `json:"imp_uid"`
	MerchantUID   string `json:"merchant_uid"`
	Amount        int64  `json:"amount"`
	Checksum      int64  `json:"checksum"`
	Reason        string `json:"reason"`
	RefundHolder  string `json:"refund_holder,omitempty"`
	RefundBank    string `json:"refund_bank,omitempty"`
	RefundAccount string `json:"refund_account,omitempty"`
}

// Cancel gives money back. It is not repeated: after IsUnavailable the payment
// has to be read to learn whether it was done.
func (c *Client) Cancel(ctx context.Context, r CancelRequest) (Payment, error) {
	if r.Amount <= 0 { // 0 would be everything
		return Payment{}, fmt.Errorf("cancel %s: %d won is nothing to give back", r.ImpUID, r.Amount)
	}
	var p Payment
	return p, c.do(ctx, http.MethodPost, "/payments/cancel", r, &p)
}
