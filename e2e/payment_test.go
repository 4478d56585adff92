package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const syncRoute = "PUT /v1/orders/{id}/transactions"

// notice is what Iamport sends when something became of a payment.
func (o order) notice(impUID, status string) answer {
	o.t.Helper()
	return call(o.t, "POST", "http://"+shared.api+"/webhook/iamport/", "", map[string]any{"imp_uid": impUID, "merchant_uid": o.id, "status": status})
}

// TestVerifyAndNoticeRace sends both ten times at once, in any order.
func TestVerifyAndNoticeRace(t *testing.T) {
	for range 3 {
		o := newShopper(t).buy(line(1, 1))
		impUID := o.pay(nil)
		before := calls(t, "clayful", syncRoute)
		answers := make([]answer, 20)
		atOnce(20, func(i int) {
			if i%2 == 0 {
				answers[i] = o.verifyAs(impUID, o.amount)
			} else {
				answers[i] = o.notice(impUID, "paid")
			}
		})
		for i, got := range answers {
			require.Equal(t, 200, got.status, string(got.body))
			if i%2 == 0 {
				require.Equal(t, "success", got.object(t)["status"])
			}
		}
		o.awaitStatus("paid", 10*time.Second)
		require.Equal(t, "success", o.verify(impUID), "and once more")
		require.Equal(t, 1, calls(t, "clayful", syncRoute)-before)
		sum, _ := o.returned()
		require.Zero(t, sum)
	}
}

func TestPayment1VerifyInEveryForm(t *testing.T) {
	o := newShopper(t).buy(line(1, 1))
	impUID := o.pay(nil)
	form := url.Values{"imp_uid": {impUID}, "merchant_uid": {o.id}, "amount": {"00" + itoa(o.amount)}}
	got := call(t, "GET", "http://"+shared.api+"/payment/verify?"+form.Encode(), "", nil)
	require.Equal(t, "success", got.object(t)["status"])
	got = call(t, "POST", "http://"+shared.api+"/payment/verify/", "", []byte(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, "success", got.object(t)["status"])
	got = call(t, "POST", "http://"+shared.api+"/payment/verify/", "", map[string]any{"imp_uid": impUID, "merchant_uid": o.id, "amount": itoa(o.amount)})
	require.Equal(t, "success", got.object(t)["status"])
	for name, body := range map[string]map[string]any{
		"no amount": {"imp_uid": impUID, "merchant_uid": o.id}, "half a won": {"imp_uid": impUID, "merchant_uid": o.id, "amount": 1.5},
		"no order": {"imp_uid": impUID, "amount": o.amount}, "a path": {"imp_uid": "../x", "merchant_uid": o.id, "amount": o.amount},
	} {
		got := call(t, "POST", "http://"+shared.api+"/payment/verify/", "", body)
		require.Equal(t, 400, got.status, name)
		require.True(t, strings.HasPrefix(string(got.body), `"validation `), name)
	}
}

func itoa(n int) string {
	text := ""
	for ; n > 0; n /= 10 {
		text = string(rune('0'+n%10)) + text
	}
	return text
}

// TestPayment1Verify goes through the contract's table, row by row.
func TestPayment1Verify(t *testing.T) {
	p := newShopper(t)
	t.Run("paid", func(t *testing.T) {
		o := p.buy(line(1, 2))
		impUID := o.pay(nil)
		for range 2 { // moves nothing twice
			got := o.verifyAs(impUID, o.amount)
			require.Equal(t, 200, got.status, string(got.body))
			verdict := got.object(t)
			require.Len(t, verdict, 2)
			require.Equal(t, "success", verdict["status"])
			require.NotEmpty(t, verdict["message"])
		}
		o.awaitStatus("paid", 10*time.Second)
		require.InDelta(t, o.amount, at(t, o.now()["transactions"].([]any)[0], "paid"), 0)
		sum, _ := o.returned()
		require.Zero(t, sum)
	})
	t.Run("malformed", func(t *testing.T) {
		requireBare(t, (order{shopper: p}).verifyAs("imp_000000000000", 1000), 400, "validation")
	})
	t.Run("no such payment", func(t *testing.T) {
		require.Equal(t, "fail", p.buy(line(1, 1)).verify("imp_000000000000"))
	})
	t.Run("a payment of another order", func(t *testing.T) {
		_, theirs := p.paid(line(1, 1))
		o := p.buy(line(1, 1))
		require.Equal(t, "fail", o.verify(theirs))
		require.Equal(t, "placed", o.status())
	})
	t.Run("an unknown order", func(t *testing.T) {
		o := order{p, nothing, 1000, nil, nil}
		impUID := o.pay(map[string]any{"amount": 1000})
		got := o.verifyAs(impUID, 1000)
		require.Equal(t, 404, got.status)
		require.True(t, strings.HasPrefix(string(got.body), `"not-existing-order `), string(got.body))
		require.Equal(t, "fail", o.verify(o.pay(map[string]any{"amount": 1000, "sandbox": true})), "a payment that does not count comes first")
	})
	t.Run("a test channel", func(t *testing.T) {
		o := p.buy(line(1, 1))
		require.Equal(t, "fail", o.verify(o.pay(map[string]any{"sandbox": true})))
		require.Equal(t, "placed", o.status())
	})
	t.Run("another amount sent", func(t *testing.T) {
		o := p.buy(line(1, 1))
		impUID := o.pay(nil)
		require.Equal(t, "fail", o.verifyAs(impUID, o.amount-1).object(t)["status"])
		sum, _ := o.returned()
		require.Zero(t, sum, "nothing a caller sends costs money")
		require.Equal(t, "success", o.verify(impUID))
	})
	t.Run("another amount paid", func(t *testing.T) {
		o := p.buy(line(1, 1))
		impUID := o.pay(map[string]any{"amount": 100})
		require.Equal(t, "fail", o.verify(impUID))
		o.awaitReturned(100, 1)
		o.awaitStatus("cancelled", 20*time.Second)
		require.Equal(t, "fail", o.verify(impUID))
		o.awaitReturned(100, 1)
	})
	t.Run("a cancelled order", func(t *testing.T) {
		o := p.buy(line(1, 1))
		require.Equal(t, 200, o.call("POST", "/order/cancel/"+o.id+"/", map[string]any{"payload": map[string]any{"reason": "x"}}).status)
		impUID := o.pay(nil)
		require.Equal(t, "fail", o.verify(impUID))
		o.awaitReturned(o.amount, 1)
		require.Equal(t, "fail", o.verify(impUID))
		require.Equal(t, 200, o.notice(impUID, "paid").status)
		o.awaitReturned(o.amount, 1)
	})
	t.Run("cancelled in the console", func(t *testing.T) {
		o := p.buy(line(1, 1))
		impUID := o.pay(nil)
		require.Equal(t, 200, shared.control(t, "POST", "/iamport/cancel", map[string]any{"imp_uid": impUID, "notify": true}).status)
		require.Equal(t, "fail", o.verify(impUID))
		o.awaitReturned(o.amount, 1)
	})
	t.Run("failed, then paid", func(t *testing.T) {
		o := p.buy(line(1, 1))
		impUID := o.pay(map[string]any{"outcome": "failed"})
		require.Equal(t, "fail", o.verify(impUID))
		require.Equal(t, impUID, o.pay(map[string]any{"imp_uid": impUID}))
		require.Equal(t, "success", o.verify(impUID))
		require.Equal(t, "paid", o.status())
	})
	t.Run("a window that is open", func(t *testing.T) {
		o := p.buy(line(1, 1))
		got := o.verifyAs(o.pay(map[string]any{"outcome": "ready"}), o.amount)
		require.Equal(t, 202, got.status)
		require.Equal(t, "pending", got.object(t)["status"])
	})
	t.Run("paid twice", func(t *testing.T) {
		o, first := p.paid(line(1, 1))
		second := o.pay(nil)
		require.Equal(t, "fail", o.verify(second))
		o.awaitReturned(o.amount, 1)
		require.Equal(t, "success", o.verify(first))
	})
	t.Run("a silent upstream", func(t *testing.T) {
		o := p.buy(line(1, 1))
		impUID := o.pay(nil)
		fault(t, map[string]any{"vendor": "iamport", "mode": "error", "status": 500})
		got := o.verifyAs(impUID, o.amount)
		require.Equal(t, 202, got.status, string(got.body))
		require.Equal(t, "pending", got.object(t)["status"])
		shared.control(t, "DELETE", "/faults", nil)
		o.awaitStatus("paid", 20*time.Second)
	})
	t.Run("a notice while Iamport is silent", func(t *testing.T) {
		o := p.buy(line(1, 1))
		impUID := o.pay(nil)
		fault(t, map[string]any{"vendor": "iamport", "mode": "error", "status": 500})
		require.Equal(t, 200, o.notice(impUID, "paid").status, "it is kept")
		shared.control(t, "DELETE", "/faults", nil)
		o.awaitStatus("paid", 20*time.Second)
		require.Equal(t, 200, (order{p, nothing, 1, nil, nil}).notice("imp_000000000000", "paid").status, "of nothing")
	})
	t.Run("a shop that cannot take it over", func(t *testing.T) {
		o := p.buy(line(1, 1))
		impUID := o.pay(nil)
		fault(t, map[string]any{"vendor": "clayful", "method": "PUT", "path": "/v1/orders/" + o.id + "/transactions", "mode": "error", "status": 502, "times": 4})
		require.Contains(t, []string{"success", "pending"}, o.verify(impUID))
		o.awaitStatus("paid", 90*time.Second)
	})
}

func TestLostNoticeIsNoLoss(t *testing.T) {
	t.Parallel()
	o := newShopper(t).buy(line(1, 1))
	o.pay(nil)
	o.awaitStatus("paid", 20*time.Second)
}

func TestUnpaidOrderExpires(t *testing.T) {
	t.Parallel()
	p := newShopper(t)
	id, variant := newProduct(t, 10000, 3)
	o := p.buy(map[string]any{"product": id, "variant": variant, "quantity": 2})
	require.Equal(t, 1, stock(t, id, variant))
	o.awaitStatus("cancelled", 60*time.Second)
	require.Equal(t, 3, stock(t, id, variant))
	late := o.pay(map[string]any{"notify": true})
	o.awaitReturned(o.amount, 1)
	require.Equal(t, "fail", o.verify(late))
}

func TestOrder4Cancel(t *testing.T) {
	p := newShopper(t)
	id, variant := newProduct(t, 10000, 3)
	o := p.buy(map[string]any{"product": id, "variant": variant, "quantity": 2})
	cancel := func() answer {
		return o.call("POST", "/order/cancel/"+o.id+"/", map[string]any{"payload": map[string]any{"reason": "변심"}})
	}
	got := cancel()
	require.Equal(t, 200, got.status, string(got.body))
	require.Equal(t, "cancelled", got.object(t)["status"])
	cancellation := got.object(t)["cancellation"].(map[string]any)
	require.Equal(t, []any{"customer", "변심"}, []any{cancellation["by"], cancellation["reason"]})
	require.Equal(t, "cancelled", o.status())
	require.Equal(t, 3, stock(t, id, variant))
	requireBare(t, cancel(), 400, "invalid-order-status")
	require.Equal(t, 3, stock(t, id, variant))
	requireBare(t, p.call("POST", "/order/cancel/"+o.id+"/", map[string]any{}), 400, "validation")
	stranger := newShopper(t).call("POST", "/order/cancel/"+o.id+"/", map[string]any{"payload": map[string]any{"reason": "변심"}})
	requireBare(t, stranger, 404, "not-existing-order")

	paid := p.buy(line(1, 1))
	paid.pay(nil) // a second ago; nobody was told
	got = paid.call("POST", "/order/cancel/"+paid.id+"/", map[string]any{"payload": map[string]any{"reason": "변심"}})
	requireBare(t, got, 400, "invalid-order-status")
	paid.awaitStatus("paid", 10*time.Second)

	cut := p.buy(line(1, 1))
	fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/orders/" + cut.id + "/cancellation", "mode": "drop", "times": 1})
	got = cut.call("POST", "/order/cancel/"+cut.id+"/", map[string]any{"payload": map[string]any{"reason": nil}})
	require.Equal(t, 200, got.status, string(got.body))
	require.Equal(t, "cancelled", got.object(t)["status"])
}

func (p shopper) registerAccount() {
	p.t.Helper()
	got := shopSend(p.t, "PUT", "/customers/"+p.id, map[string]any{"meta": map[string]any{
		"refund_holder": "데모", "refund_bank": "04", "refund_account": "110123456789",
	}})
	require.Equal(p.t, 200, got.status)
}

func TestVirtualAccount(t *testing.T) {
	t.Parallel()
	deposit := func(t *testing.T, impUID string, notify bool) {
		t.Helper()
		got := shared.control(t, "POST", "/iamport/deposit", map[string]any{"imp_uid": impUID, "notify": notify})
		require.Equal(t, 200, got.status, string(got.body))
	}
	issue := func(t *testing.T, o order, seconds int) string {
		t.Helper()
		impUID := o.pay(map[string]any{"pay_method": "vbank", "outcome": "ready", "expires_in": seconds})
		require.Equal(t, "vbankIssued", o.verify(impUID))
		return impUID
	}
	t.Run("deposited late", func(t *testing.T) {
		t.Parallel()
		o := newShopper(t).buy(line(1, 1))
		impUID := issue(t, o, 600)
		banks := o.now()["transactions"].([]any)[0].(map[string]any)["vbanks"].([]any)
		require.Len(t, banks, 1)
		shown := o.call("GET", "/order/"+o.id, nil).object(t)["transactions"].([]any)[0].(map[string]any)["vbanks"].([]any)[0].(map[string]any)
		require.InDelta(t, o.amount, at(t, shown, "amount.raw"), 0)
		require.NotEmpty(t, shown["expiresAt"].(map[string]any)["raw"])
		// Longer than an order without a virtual account waits.
		issued := time.Now()
		require.Eventually(t, func() bool { return time.Since(issued) > 22*time.Second }, 40*time.Second, time.Second)
		require.Equal(t, "placed", o.status())
		deposit(t, impUID, false)
		o.awaitStatus("paid", 20*time.Second)
		require.Equal(t, "success", o.verify(impUID))
	})
	t.Run("deposited after its end", func(t *testing.T) {
		t.Parallel()
		p := newShopper(t)
		p.registerAccount()
		o := p.buy(line(1, 1))
		impUID := issue(t, o, 1)
		o.awaitStatus("cancelled", 30*time.Second)
		deposit(t, impUID, true)
		o.awaitReturned(o.amount, 1)
		account := o.ledger()[0]["refund_accounts"].([]any)[0].(map[string]any)
		require.Equal(t, map[string]any{"Holder": "데모", "Bank": "04", "Number": "110123456789"}, account)
	})
	t.Run("deposited after its end without an account", func(t *testing.T) {
		t.Parallel()
		p := newShopper(t)
		o := p.buy(line(1, 1))
		impUID := issue(t, o, 1)
		o.awaitStatus("cancelled", 30*time.Second)
		deposit(t, impUID, true)
		require.Eventually(t, func() bool { return shared.stuck(t, "order/"+o.id) == "operator-needed" }, 60*time.Second, 500*time.Millisecond)
		sum, _ := o.returned()
		require.Zero(t, sum)
		p.registerAccount()
		shared.signal(t, "order/"+o.id, "changed")
		o.awaitReturned(o.amount, 1)
		require.Eventually(t, func() bool { return shared.stuck(t, "order/"+o.id) == "" }, 20*time.Second, 200*time.Millisecond)
	})
	t.Run("refunded", func(t *testing.T) {
		t.Parallel()
		p := newShopper(t)
		o := p.buy(line(1, 1))
		deposit(t, issue(t, o, 600), true)
		o.awaitStatus("paid", 20*time.Second)
		got := o.refund([]any{o.piece(0, 1)})
		require.Equal(t, 409, got.status, "no account is registered")
		require.Contains(t, string(got.body), `"refund-account-required `)
		require.Empty(t, o.now()["refunds"], "nothing was requested")
		p.registerAccount()
		refund, amount := o.requested(o.refund([]any{o.piece(0, 1)}))
		require.Equal(t, 200, o.accept(refund).status)
		o.awaitReturned(amount, 1)
		require.Len(t, o.ledger()[0]["refund_accounts"], 1)
	})
}

// TestAnOrderIsToldOfPaymentsOnlySoOften, however many callers there are; other
// orders do not feel it.
func TestAnOrderIsToldOfPaymentsOnlySoOften(t *testing.T) {
	t.Parallel()
	p := newShopper(t)
	o, other := p.buy(line(1, 1)), p.buy(line(1, 1))
	impUID := o.pay(nil)
	require.Equal(t, "success", o.verify(impUID))
	require.Eventually(t, func() bool { return o.notice(impUID, "paid").status == 503 }, 30*time.Second, time.Millisecond)
	require.Equal(t, 429, o.verifyAs(impUID, o.amount).status)
	require.Equal(t, 200, o.notice("imp_of_nobody", "paid").status)
	require.Equal(t, "success", other.verify(other.pay(nil)))
}
