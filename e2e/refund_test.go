package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// shopHook sends a webhook as the shop does, signed unless forged.
func shopHook(t *testing.T, path, secret, module string, at time.Time, params map[string]any) answer {
	t.Helper()
	requested := at.UTC().Format("2006-01-02T15:04:05.000Z")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("WEBHXXKTEST2:" + module + ":" + requested))
	body := map[string]any{"webhook": "WEBHXXKTEST2", "module": module, "requestedAt": requested, "params": params}
	return call(t, "POST", "http://"+shared.api+path, "", body, "Clayful-Signature", hex.EncodeToString(mac.Sum(nil)))
}

func TestRefund1Request(t *testing.T) {
	p := newShopper(t)
	id, variant := newProduct(t, 10000, 5)
	o, _ := p.paid(map[string]any{"product": id, "variant": variant, "quantity": 3})
	require.Equal(t, 2, stock(t, id, variant))
	asked := o.refund([]any{o.piece(0, 1)})
	part, amount := o.requested(asked)
	require.Equal(t, 10000, amount)
	claim := asked.object(t)
	require.Equal(t, []any{"requested", "단순 변심", nil}, []any{claim["status"], claim["reason"], claim["cancellation"]})
	require.Len(t, claim["items"], 1)
	require.InDelta(t, 1, at(t, claim["items"].([]any)[0], "quantity"), 0)
	require.Equal(t, part, o.now()["refunds"].([]any)[0].(map[string]any)["_id"])
	requireBare(t, o.call("POST", "/refund/"+o.id+"/", map[string]any{}), 400, "validation")
	requireBare(t, newShopper(t).call("POST", "/refund/"+o.id+"/", map[string]any{"payload": map[string]any{
		"reason": "변심", "items": []any{o.piece(0, 1)}, "shipments": []any{},
	}}), 404, "not-existing-order")
	require.Len(t, o.now()["refunds"], 1)
	require.Equal(t, "under-refunded", o.status())
	// Forged, stale and premature webhooks move nothing.
	params := map[string]any{"orderId": o.id, "refundId": part}
	secret := shared.variable("CLAYFUL_REFUND_WEBHOOK_SECRET")
	require.Equal(t, 401, shopHook(t, "/webhook/refund/", "forged", "order.acceptRefund", time.Now(), params).status)
	require.Equal(t, 401, shopHook(t, "/webhook/refund/", secret, "order.acceptRefund", time.Now().Add(-11*time.Minute), params).status)
	require.Equal(t, 401, shopHook(t, "/webhook/refund/", secret, "order.acceptRefund", time.Now().Add(11*time.Minute), params).status)
	require.Equal(t, 200, shopHook(t, "/webhook/refund/", secret, "order.acceptRefund", time.Now(), params).status)
	requested := time.Now()
	require.Eventually(t, func() bool { return time.Since(requested) > 5*time.Second }, 10*time.Second, 100*time.Millisecond)
	sum, _ := o.returned()
	require.Zero(t, sum, "it is not accepted")

	require.Equal(t, 200, o.accept(part).status)
	require.Equal(t, 409, o.accept(part).status)
	for range 5 { // the same notice again and again
		require.Equal(t, 200, shopHook(t, "/webhook/refund/", secret, "order.acceptRefund", time.Now(), params).status)
	}
	o.awaitReturned(10000, 1)
	o.awaitStatus("partially-refunded", 20*time.Second)
	require.Equal(t, 3, stock(t, id, variant))

	rest, amount := o.requested(o.refund([]any{o.piece(0, 2)}, o.shipment(0)))
	require.Equal(t, o.amount-10000, amount)
	fault(t, map[string]any{"vendor": "clayful-webhook", "mode": "error"}) // all notices are lost
	require.Equal(t, 200, o.accept(rest).status)
	o.awaitReturned(o.amount, 2)
	o.awaitStatus("refunded", 20*time.Second)
	require.Equal(t, 5, stock(t, id, variant))
	got := o.refund([]any{o.piece(0, 1)})
	require.Equal(t, 400, got.status, "nothing is left: %s", got.body)
}

func TestRefund1RequestsThatAreRefused(t *testing.T) {
	p := newShopper(t)
	placed := p.buy(line(1, 1))
	got := placed.refund([]any{placed.piece(0, 1)})
	require.Equal(t, 400, got.status)
	require.Contains(t, string(got.body), `"invalid-order-status `)
	o, _ := p.paid(line(1, 1), line(2, 1)) // two vendors
	got = o.refund([]any{o.piece(0, 1), o.piece(1, 1)})
	require.Equal(t, 400, got.status)
	require.Equal(t, `"mismatching-vendor-order-resources 여러 입점사의 주문 요소가 포함되었습니다."`, string(got.body))
	require.Equal(t, 400, o.refund([]any{o.piece(0, 2)}).status)
	require.Equal(t, 400, o.refund([]any{}).status)
	require.Equal(t, 400, o.refund([]any{map[string]any{"item": nothing, "quantity": 1}}).status)
	require.Empty(t, o.now()["refunds"])
	one, first := o.requested(o.refund([]any{o.piece(0, 1)}, o.shipment(0)))
	two, second := o.requested(o.refund([]any{o.piece(1, 1)}, o.shipment(1)))
	require.Equal(t, o.amount, first+second)
	require.Equal(t, 200, o.accept(one).status)
	require.Equal(t, 200, o.accept(two).status)
	o.awaitReturned(o.amount, 2)
	o.awaitStatus("refunded", 20*time.Second)
}

func (o order) cancelRefund(refund string) answer {
	o.t.Helper()
	return o.call("POST", "/refund/cancel/"+o.id+"/"+refund+"/", map[string]any{"payload": map[string]any{"reason": "그대로 쓸게요"}})
}

func TestRefund2Cancel(t *testing.T) {
	p := newShopper(t)
	o, _ := p.paid(line(1, 2))
	refund, _ := o.requested(o.refund([]any{o.piece(0, 1)}))
	got := o.cancelRefund(refund)
	require.Equal(t, 200, got.status, string(got.body))
	require.Equal(t, "paid", o.status())
	for _, claim := range []any{got.object(t), o.now()["refunds"].([]any)[0]} {
		claim := claim.(map[string]any)
		require.Equal(t, []any{refund, "cancelled", "그대로 쓸게요"}, []any{claim["_id"], claim["status"], claim["cancellation"].(map[string]any)["reason"]})
	}
	require.Equal(t, 409, o.accept(refund).status)
	requireBare(t, o.cancelRefund(refund), 400, "invalid-refund-status")
	requireBare(t, o.cancelRefund(nothing), 404, "not-existing-refund")
	sum, _ := o.returned()
	require.Zero(t, sum)

	// At the very moment of acceptance, one of the two wins.
	for range 4 {
		refund, amount := o.requested(o.refund([]any{o.piece(0, 1)}))
		before, parts := o.returned()
		var accepted, cancelled int
		atOnce(2, func(i int) {
			if i == 0 {
				accepted = o.accept(refund).status
			} else {
				cancelled = o.cancelRefund(refund).status
			}
		})
		require.NotEqual(t, accepted == 200, cancelled == 200, "%d %d", accepted, cancelled)
		if accepted == 200 {
			o.awaitReturned(before+amount, parts+1)
			break
		}
		sum, _ := o.returned()
		require.Equal(t, before, sum)
	}
}

// TestMoneyGoesBackOnceOnBadDays has Iamport act and cut the line, fail and
// refuse, and the shop fail at what follows.
func TestMoneyGoesBackOnceOnBadDays(t *testing.T) {
	for name, bad := range map[string]map[string]any{
		"acts and cuts the line": {"vendor": "iamport", "method": "POST", "path": "/payments/cancel", "mode": "drop", "times": 1},
		"answers 500":            {"vendor": "iamport", "method": "POST", "path": "/payments/cancel", "mode": "error", "times": 2},
		"acts late":              {"vendor": "iamport", "method": "POST", "path": "/payments/cancel", "mode": "delay", "ms": 9000, "times": 1},
		"restock is cut":         {"vendor": "clayful", "method": "POST", "path": "/v1/orders/", "mode": "drop", "times": 1},
		"sync fails":             {"vendor": "clayful", "method": "PUT", "path": "/v1/orders/", "mode": "error", "times": 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newShopper(t)
			id, variant := newProduct(t, 10000, 5)
			o, _ := p.paid(map[string]any{"product": id, "variant": variant, "quantity": 2})
			refund, amount := o.requested(o.refund([]any{o.piece(0, 1)}))
			fault(t, bad)
			require.Equal(t, 200, o.accept(refund).status)
			o.awaitStatus("partially-refunded", 2*time.Minute)
			o.awaitReturned(amount, 1)
			require.Eventually(t, func() bool { return stock(t, id, variant) == 4 }, 30*time.Second, 200*time.Millisecond)
		})
	}
}

func TestRefundRequestThatWasNotAnswered(t *testing.T) {
	o, _ := newShopper(t).paid(line(1, 2))
	fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/me/orders/" + o.id + "/refunds", "mode": "drop", "times": 1})
	refund, amount := o.requested(o.refund([]any{o.piece(0, 1)}))
	require.Len(t, o.now()["refunds"], 1)
	require.Equal(t, 200, o.accept(refund).status)
	o.awaitReturned(amount, 1)
}

func TestIamportRefusesForAWhile(t *testing.T) {
	t.Parallel()
	o, impUID := newShopper(t).paid(line(1, 1))
	refund, amount := o.requested(o.refund([]any{o.piece(0, 1)}))
	// Money that somebody took out by hand is missing: Iamport would refuse.
	require.Equal(t, 200, shared.control(t, "POST", "/iamport/cancel", map[string]any{"imp_uid": impUID, "amount": o.amount, "notify": false}).status)
	require.Equal(t, 200, o.accept(refund).status)
	id := "refund/" + o.id + "/" + refund
	require.Eventually(t, func() bool { return shared.stuck(t, id) == "operator-needed" }, 2*time.Minute, 500*time.Millisecond)
	sum, parts := o.returned()
	require.Equal(t, []int{o.amount, 1}, []int{sum, parts}, "nothing more was given back")
	require.Positive(t, amount)
	// A person has seen to it.
	shared.signal(t, id, "by-hand")
	shared.signal(t, id, "by-hand")
	require.Eventually(t, func() bool { return shared.stuck(t, id) == "" }, 30*time.Second, 200*time.Millisecond)
	o.awaitStatus("over-refunded", 20*time.Second)
	sum, parts = o.returned()
	require.Equal(t, []int{o.amount, 1}, []int{sum, parts}, "and nothing after that")
}

// TestARefundThatWasEndedByHandIsStartedAnew by its order's retry, or by the
// shop's notice. What has gone back goes no second time.
func TestARefundThatWasEndedByHandIsStartedAnew(t *testing.T) {
	t.Parallel()
	temporal := shared.operator(t)
	p := newShopper(t)
	id, variant := newProduct(t, 10000, 5)
	o, _ := p.paid(map[string]any{"product": id, "variant": variant, "quantity": 2})
	refund, amount := o.requested(o.refund([]any{o.piece(0, 1)}))
	workflowID := "refund/" + o.id + "/" + refund
	for range 2 {
		require.NoError(t, temporal.TerminateWorkflow(t.Context(), workflowID, "", "by mistake"))
		require.Eventually(t, func() bool { // the order may not have heard of the end yet
			handle, err := temporal.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
				WorkflowID: "order/" + o.id, UpdateName: "retry", WaitForStage: client.WorkflowUpdateStageCompleted,
			})
			if err != nil || handle.Get(t.Context(), nil) != nil {
				return false
			}
			found, err := temporal.DescribeWorkflow(t.Context(), workflowID, "")
			return err == nil && found.Status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
		}, 20*time.Second, 500*time.Millisecond)
	}

	restock := "/v1/orders/" + o.id + "/refunds/" + refund + "/restock"
	fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": restock, "mode": "error", "times": 3})
	require.Equal(t, 200, o.accept(refund).status)
	o.awaitReturned(amount, 1)
	require.NoError(t, temporal.TerminateWorkflow(t.Context(), workflowID, "", "after its money is back"))
	params := map[string]any{"orderId": o.id, "refundId": refund}
	require.Equal(t, 200, shopHook(t, "/webhook/refund/", shared.variable("CLAYFUL_REFUND_WEBHOOK_SECRET"), "order.acceptRefund", time.Now(), params).status)
	require.Eventually(t, func() bool { return stock(t, id, variant) == 4 }, 30*time.Second, 200*time.Millisecond)
	o.awaitStatus("partially-refunded", 20*time.Second)
	o.awaitReturned(amount, 1)
}
