package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

// issue gives the shopper a coupon of the shop's.
func (p shopper) issue(coupon string) {
	p.t.Helper()
	got := shopSend(p.t, "POST", "/customers/"+p.id+"/coupons", map[string]any{"coupon": coupon})
	require.Equal(p.t, 200, got.status, string(got.body))
}

// TestTotalsToTheWon buys of two vendors, with a coupon on the cart, a
// discounted product and one that is sold by its variants. All won below were
// computed by hand.
//
//	2 × product 3: 12,900 each, 1,000 off    original 25,800  sale 23,800
//	1 × product 7 in L: 16,900               original 16,900  sale 16,900
//	coupon of 3,000 over 40,700: 1,754 (3,000 × 23,800 / 40,700) and 1,246
//	product 3: 22,046, without tax 20,041; product 7: 15,654, without tax 14,230
//	shipping: 3,500, without tax 3,181; 4,000, without tax 3,636
func TestTotalsToTheWon(t *testing.T) {
	p := newShopper(t)
	p.issue(cart3k)
	seven, _ := product(7)
	large := map[string]any{"product": seven, "variant": "W" + seven[1:], "quantity": 1}
	p.fill(line(3, 2), large)
	asked := map[string]any{"address": map[string]any{"shipping": home(), "billing": home()}, "discount": map[string]any{"cart": map[string]any{"coupon": cart3k}}}
	want := map[string]float64{
		"items.price.original": 42700, "items.price.sale": 37700, "items.price.withTax": 37700, "items.price.withoutTax": 34271,
		"items.discounted": 5000, "items.taxed": 3429, "shipping.fee.original": 7500, "shipping.fee.sale": 7500,
		"shipping.fee.withTax": 7500, "shipping.fee.withoutTax": 6817, "shipping.taxed": 683, "shipping.discounted": 0,
		"price.original": 50200, "price.sale": 45200, "price.withTax": 45200, "price.withoutTax": 41088,
		"discounted": 5000, "taxed": 4112, "amount": 45200,
	}
	check := func(where string, total any) {
		for path, won := range want {
			require.InDelta(t, won, at(t, total, path), 0, "%s %s", where, path)
		}
	}
	for _, body := range []any{asked, map[string]any{"payload": asked}} {
		got := p.call("POST", "/cart/", body)
		require.Equal(t, 200, got.status, string(got.body))
		check("cart", got.object(t)["total"])
		groups := got.object(t)["cart"].([]any)
		require.Len(t, groups, 2)
		first := groups[0].(map[string]any)
		require.Equal(t, "별공방", first["vendor"].(map[string]any)["name"])
		require.InDelta(t, 3500, at(t, first["ShippingPolicy"].(map[string]any)["rules"].([]any)[0], "fee"), 0)
		item := first["items"].([]any)[0].(map[string]any)
		require.InDelta(t, 22046, at(t, item, "price.sale"), 0)
		require.InDelta(t, 20041, at(t, item, "price.withoutTax"), 0)
		require.Equal(t, "bundled", item["calculation"])
		require.Equal(t, true, item["IsDomestic"])
		require.Contains(t, item, "stock")
		require.Nil(t, item["stock"])
		require.InDelta(t, 11, groups[1].(map[string]any)["items"].([]any)[0].(map[string]any)["stock"], 0)
	}

	body := purchase()
	body["payload"].(map[string]any)["discount"] = asked["discount"]
	got := p.call("PUT", "/cart/checkout/", body)
	o := p.placed(got)
	check("checkout", got.object(t)["order"].(map[string]any)["total"])
	check("shop", o.now()["total"])
	one := p.call("GET", "/order/"+o.id, nil).object(t)
	check("order", one["total"])
	list := p.call("GET", "/order/", nil).list(t)
	require.Len(t, list, 1)
	check("orders", list[0]["total"])
	empty := p.call("POST", "/cart/", nil).object(t)
	require.Equal(t, []any{}, empty["cart"])
	require.Empty(t, shopGet(t, "/customers/"+p.id+"/coupons").list(t), "the coupon is used up")
}

// at is a number at a path of a document.
func at(t *testing.T, v any, path string) float64 {
	t.Helper()
	found := v
	for _, name := range splitPath(path) {
		object, ok := found.(map[string]any)
		require.True(t, ok, "%s: %v is no object", path, found)
		found = object[name]
	}
	n, ok := found.(float64)
	require.True(t, ok, "%s is %v", path, found)
	return n
}

func splitPath(path string) (names []string) {
	name := ""
	for _, c := range path + "." {
		if c == '.' {
			names, name = append(names, name), ""
		} else {
			name += string(c)
		}
	}
	return names
}

// atOnce sends something n times at the same moment.
func atOnce(n int, send func(int)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { send(i) })
	}
	wait.Wait()
}

func (p shopper) orders() []map[string]any {
	p.t.Helper()
	return shopGet(p.t, "/orders?raw=true&limit=120&customer="+p.id).list(p.t)
}

func TestOneOrderPerKey(t *testing.T) {
	p := newShopper(t)
	p.fill(line(1, 1))
	k := key()
	answers := make([]answer, 20)
	atOnce(20, func(i int) { answers[i] = p.call("POST", "/cart/checkout/", purchase(), "Idempotency-Key", k) })
	first := p.placed(answers[0])
	for _, got := range answers {
		require.JSONEq(t, string(answers[0].body), string(got.body))
	}
	require.Len(t, p.orders(), 1)
	got := p.call("POST", "/cart/checkout/", purchase(line(2, 1)), "Idempotency-Key", k)
	require.Equal(t, 409, got.status, "another payload under the key")
	require.Contains(t, string(got.body), `"idempotency-conflict `)
	require.Len(t, p.orders(), 1)
	require.Equal(t, first.id, p.orders()[0]["_id"])
}

func TestDoubleTapWithoutAKey(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]map[string]any{"the cart": purchase(), "an item": purchase(line(4, 1))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newShopper(t)
			p.fill(line(1, 1))
			answers := make([]answer, 6)
			atOnce(6, func(i int) { answers[i] = p.call("POST", "/cart/checkout/", body) })
			for _, got := range answers {
				require.Equal(t, 200, got.status, string(got.body))
				require.JSONEq(t, string(answers[0].body), string(got.body))
			}
			require.JSONEq(t, string(answers[0].body), string(p.call("PUT", "/cart/checkout/", body).body), "a moment later")
			require.Len(t, p.orders(), 1)
			placed := time.Now()
			p.fill(line(1, 1))
			if name == "the cart" {
				require.Equal(t, 200, p.call("POST", "/cart/checkout/", body).status)
				require.Len(t, p.orders(), 2, "the cart holds something new")
				return
			}
			require.Eventually(t, func() bool { return time.Since(placed) > 6*time.Second }, 10*time.Second, 100*time.Millisecond)
			require.Equal(t, 200, p.call("POST", "/cart/checkout/", body).status)
			require.Len(t, p.orders(), 2, "the window is over")
		})
	}
}

func TestCheckoutOnBadDays(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"drop", "error", "hang"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := newShopper(t)
			p.fill(line(1, 1))
			fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/" + p.id + "/cart/checkout", "mode": mode, "times": 1})
			o := p.placed(p.call("POST", "/cart/checkout/", purchase(), "Idempotency-Key", key()))
			require.Len(t, p.orders(), 1)
			impUID := o.pay(nil)
			require.Equal(t, "success", o.verify(impUID))
		})
	}
}

// TestTwinWaitsNoLongerThanItMay sends a checkout twice while the shop says
// nothing for long: whoever came second is told that the first is under way.
func TestTwinWaitsNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	p := newShopper(t)
	p.fill(line(1, 1))
	fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/" + p.id + "/cart/checkout", "mode": "hang", "times": 2})
	k := key()
	send := func() answer { return p.call("POST", "/cart/checkout/", purchase(), "Idempotency-Key", k) }
	answers := make([]answer, 2)
	atOnce(2, func(i int) { answers[i] = send() })
	if answers[0].status == 409 {
		answers[0], answers[1] = answers[1], answers[0]
	}
	require.Equal(t, 409, answers[1].status, string(answers[1].body))
	require.Contains(t, string(answers[1].body), `"checkout-in-progress `)
	require.Contains(t, []int{200, 503}, answers[0].status, string(answers[0].body)) // by how long the shop took
	require.Eventually(t, func() bool { return send().status == 200 }, time.Minute, 200*time.Millisecond)
	require.Len(t, p.orders(), 1)
}

// TestLateTwinIsCancelled has the shop make the order of an attempt that was
// given up, after another attempt made one: the twin is cancelled.
func TestLateTwinIsCancelled(t *testing.T) {
	t.Parallel()
	p := newShopper(t)
	fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/" + p.id + "/cart/checkout", "mode": "delay", "ms": 13000, "times": 1})
	o := p.placed(p.call("POST", "/cart/checkout/", purchase(line(1, 1)), "Idempotency-Key", key()))
	require.Eventually(t, func() bool { return len(p.orders()) == 2 }, 20*time.Second, 200*time.Millisecond, "the twin turns up")
	require.Equal(t, "success", o.verify(o.pay(nil)))
	require.Eventually(t, func() bool {
		for _, other := range p.orders() {
			if other["_id"] != o.id && other["status"] != "cancelled" {
				return false
			}
		}
		return true
	}, 90*time.Second, time.Second)
	require.Equal(t, "paid", o.status())
}

func TestRefusedCheckoutFreesItsKey(t *testing.T) {
	p := newShopper(t)
	id, variant := newProduct(t, 10000, 1)
	item := map[string]any{"product": id, "variant": variant, "quantity": 2}
	k := key()
	got := p.call("POST", "/cart/checkout/", purchase(item), "Idempotency-Key", k)
	require.Equal(t, 400, got.status)
	require.Contains(t, string(got.body), `"exceeded-item-quantity `)
	require.Equal(t, 1, stock(t, id, variant))
	item["quantity"] = 1
	p.placed(p.call("POST", "/cart/checkout/", purchase(item), "Idempotency-Key", k))
	require.Equal(t, 0, stock(t, id, variant))
}

func TestOrderThatCostsNothing(t *testing.T) {
	p := newShopper(t)
	got := shopSend(t, "POST", "/products", map[string]any{
		"type": "downloadable", "name": map[string]any{"ko": "무료 배경화면"}, "price": map[string]any{"original": 0}, "available": true,
	})
	require.Equal(t, 201, got.status, string(got.body))
	id := got.object(t)["_id"].(string)
	got = shopSend(t, "POST", "/products/"+id+"/variants", map[string]any{"available": true, "types": []any{}})
	item := map[string]any{"product": id, "variant": got.object(t)["_id"], "quantity": 1}
	body := purchase(item)
	require.Equal(t, 400, p.call("POST", "/cart/checkout/", body, "Idempotency-Key", key()).status, "there is nothing to pay")
	delete(body["payload"].(map[string]any), "paymentMethod")
	o := p.placed(p.call("POST", "/cart/checkout/", body, "Idempotency-Key", key()))
	require.Zero(t, o.amount)
	require.Equal(t, "paid", o.status())
	found, err := shared.operator(t).DescribeWorkflow(t.Context(), "order/"+o.id, "")
	require.NoError(t, err)
	stage, _ := found.TypedSearchAttributes.GetKeyword(temporal.NewSearchAttributeKeyKeyword("OrderStage"))
	require.Equal(t, "paid", stage)
}

func TestTheLastPieceIsSoldOnce(t *testing.T) {
	id, variant := newProduct(t, 10000, 1)
	statuses := make([]int, 8)
	buyers := make([]shopper, len(statuses))
	for i := range buyers {
		buyers[i] = newShopper(t)
	}
	atOnce(len(statuses), func(i int) {
		item := map[string]any{"product": id, "variant": variant, "quantity": 1}
		statuses[i] = buyers[i].call("POST", "/cart/checkout/", purchase(item), "Idempotency-Key", key()).status
	})
	won := 0
	for _, status := range statuses {
		if status == 200 {
			won++
		} else {
			require.Equal(t, 400, status)
		}
	}
	require.Equal(t, 1, won, fmt.Sprint(statuses))
	require.Equal(t, 0, stock(t, id, variant))
}
