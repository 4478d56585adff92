package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKeysAreRotated does what docs/deployment.md tells: a new key beside the
// old one, then in front of it, then alone.
func TestKeysAreRotated(t *testing.T) {
	fresh := func() string {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		return "new:" + base64.RawURLEncoding.EncodeToString(secret)
	}
	oldJWT, oldPayload, newJWT, newPayload := shared.variable("JWT_KEYS"), shared.variable("PAYLOAD_KEYS"), fresh(), fresh()
	shared.killWorker()
	t.Cleanup(shared.startWorker)
	var api, worker *node
	serve := func(jwt, payload string) {
		t.Helper()
		if api != nil {
			api.stop(t)
			worker.stop(t)
		}
		extra := []string{"JWT_KEYS=" + jwt, "PAYLOAD_KEYS=" + payload}
		api, worker = shared.startNode(t, "api", extra...), shared.startNode(t, "worker", extra...)
		api.awaitAnswering(t)
		shared.awaitPolling(t, worker)
	}
	knows := func(token string) bool {
		t.Helper()
		return call(t, "GET", "http://"+api.address+"/order/", token, nil).status == 200
	}
	checkOut := func(p shopper, key string) answer {
		t.Helper()
		return call(t, "POST", "http://"+api.address+"/cart/checkout/", p.token, purchase(line(1, 1)), "Idempotency-Key", key)
	}

	serve(oldJWT, oldPayload)
	p := newShopper(t)
	first, last := key(), key()
	o := p.placed(checkOut(p, first))
	impUID := o.pay(nil)

	serve(oldJWT+","+newJWT, oldPayload+","+newPayload) // all know the new key, none uses it
	require.True(t, knows(p.token))

	serve(newJWT+","+oldJWT, newPayload+","+oldPayload)
	require.True(t, knows(p.token), "a session begun under the old key goes on")
	require.Equal(t, o.id, p.placed(checkOut(p, first)).id, "what was sealed with the old key is opened")
	got := call(t, "POST", "http://"+api.address+"/payment/verify/", "", map[string]any{"imp_uid": impUID, "merchant_uid": o.id, "amount": o.amount})
	require.Equal(t, "success", got.object(t)["status"], "an order begun under the old key goes on")
	later := p.placed(checkOut(p, last))
	got = call(t, "POST", "http://"+api.address+"/user/auth/", "", map[string]string{"userId": p.userID, "password": "pass1234!"})
	require.Equal(t, 200, got.status)
	token := got.header.Get("Custom-Token")

	serve(newJWT, newPayload)
	require.False(t, knows(p.token), "a session begun under the old key is over")
	require.True(t, knows(token))
	p.token = token
	require.Equal(t, later.id, p.placed(checkOut(p, last)).id)
	require.GreaterOrEqual(t, checkOut(p, first).status, 500, "what was sealed with the old key is lost")
	orders := p.orders()
	require.Len(t, orders, 2, "and nothing was ordered twice")
	later.awaitStatus("cancelled", time.Minute) // unpaid: workflows that hold nothing sealed go on
}
