package clayful_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

func signed(secret, webhook, module, at string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(webhook + ":" + module + ":" + at))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestWebhooksAreProven(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format("2006-01-02T15:04:05.000Z") }
	body := func(when string) []byte {
		return fmt.Appendf(nil, `{"webhook":"W","module":"order.acceptRefund","requestedAt":"%s","params":{"orderId":"O","refundId":"R"}}`, when)
	}
	good := signed("secret", "W", "order.acceptRefund", at(0))
	hook, err := clayful.ParseWebhook(good, body(at(0)), "secret", now)
	require.NoError(t, err)
	require.Equal(t, "O", hook.Params.OrderID)
	require.Equal(t, "R", hook.Params.RefundID)
	for name, c := range map[string]struct {
		signature, secret string
		body              []byte
	}{
		"none":             {"", "secret", body(at(0))},
		"forged":           {signed("other", "W", "order.acceptRefund", at(0)), "secret", body(at(0))},
		"of another time":  {good, "secret", body(at(time.Second))},
		"upper case":       {"A" + good[1:], "secret", body(at(0))},
		"old":              {signed("secret", "W", "order.acceptRefund", at(-11*time.Minute)), "secret", body(at(-11 * time.Minute))},
		"of the future":    {signed("secret", "W", "order.acceptRefund", at(11*time.Minute)), "secret", body(at(11 * time.Minute))},
		"without a time":   {signed("secret", "W", "order.acceptRefund", ""), "secret", body("")},
		"no secret is set": {signed("", "W", "order.acceptRefund", at(0)), "", body(at(0))},
	} {
		_, err := clayful.ParseWebhook(c.signature, c.body, c.secret, now)
		require.ErrorIs(t, err, clayful.ErrSignature, name)
	}
	_, err = clayful.ParseWebhook(good, []byte(`{`), "secret", now)
	require.NotErrorIs(t, err, clayful.ErrSignature)
	require.Error(t, err)
}

func FuzzParseWebhook(f *testing.F) {
	f.Add([]byte(`{"webhook":"W","module":"m","requestedAt":"2026-11-24T12:00:00.000Z","params":{"orderId":5}}`), "00")
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		hook, err := clayful.ParseWebhook(signature, body, "secret", time.Now())
		if err == nil && signature != signed("secret", hook.Webhook, hook.Module, hook.RequestedAt) {
			t.Fatal("a webhook without proof was believed")
		}
	})
}
