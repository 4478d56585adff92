package clayful

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Webhook is what the shop reports. Its head is signed, its parameters are not:
// what they name has to be read again.
type Webhook struct {
	Webhook     string `json:"webhook"`
	Module      string `json:"module"` // as order.acceptRefund
	RequestedAt string `json:"requestedAt"`
	Params      struct {
		OrderID    string `json:"orderId"`
		RefundID   string `json:"refundId"`
		CustomerID string `json:"customerId"`
	} `json:"params"`
}

// ErrSignature is a webhook that is not the shop's, or not of now.
var ErrSignature = errors.New("the webhook's signature is not right")

// webhookAge is how far a webhook's time may be from ours.
const webhookAge = 10 * time.Minute

// ParseWebhook reads a webhook whose signature proves it: the lower-case hex
// HMAC-SHA256 of webhook:module:requestedAt.
func ParseWebhook(signature string, body []byte, secret string, now time.Time) (Webhook, error) {
	var hook Webhook
	err := json.Unmarshal(body, &hook)
	if err != nil && !isWrongType(err) {
		return hook, fmt.Errorf("decode webhook: %w", err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(hook.Webhook + ":" + hook.Module + ":" + hook.RequestedAt))
	if secret == "" || !hmac.Equal([]byte(signature), []byte(hex.EncodeToString(mac.Sum(nil)))) {
		return hook, ErrSignature
	}
	if err != nil {
		return hook, fmt.Errorf("decode webhook: %w", err)
	}
	at, err := time.Parse(time.RFC3339, hook.RequestedAt)
	if err != nil || now.Sub(at).Abs() > webhookAge {
		return hook, ErrSignature
	}
	return hook, nil
}

func isWrongType(err error) bool {
	var wrongType *json.UnmarshalTypeError
	return errors.As(err, &wrongType)
}
