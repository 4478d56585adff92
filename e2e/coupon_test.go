package e2e

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newCoupon makes a cart coupon of 1,000 won in the shop.
func newCoupon(t *testing.T, with map[string]any) string {
	t.Helper()
	coupon := map[string]any{
		"name": map[string]any{"ko": "시험 쿠폰"}, "type": "cart", "active": true, "discount": map[string]any{"type": "fixed", "value": 1000, "min": nil, "max": nil},
		"price": map[string]any{"min": 1000, "max": nil}, "expiresAt": time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	for field, value := range with {
		coupon[field] = value
	}
	got := shopSend(t, "POST", "/coupons", coupon)
	require.Equal(t, 201, got.status, string(got.body))
	return got.object(t)["_id"].(string)
}

func (p shopper) ask(coupon any) answer {
	p.t.Helper()
	return p.call("POST", "/coupon/add/", map[string]any{"payload": map[string]any{"coupon": coupon}})
}

func (p shopper) take(coupon string) {
	p.t.Helper()
	got := p.ask(coupon)
	require.Equal(p.t, 200, got.status, string(got.body))
}

func (p shopper) askedAgain(coupon string) {
	p.t.Helper()
	got := p.ask(coupon)
	require.Equal(p.t, 409, got.status, string(got.body))
	require.Regexp(p.t, `^"issued-coupon .+"$`, string(got.body))
}

func (p shopper) coupons(query string) []map[string]any {
	p.t.Helper()
	got := p.call("GET", "/coupon/"+query, nil)
	require.Equal(p.t, 200, got.status, string(got.body))
	return got.list(p.t)
}

// managed is the coupon as the manager's list shows it to somebody.
func managed(t *testing.T, token, coupon string) map[string]any {
	t.Helper()
	var found map[string]any
	require.Eventually(t, func() bool { // the list is remembered for some seconds
		got := shared.call(t, "GET", "/coupon/manager/", token, nil)
		require.Equal(t, 200, got.status, string(got.body))
		for _, c := range got.list(t) {
			if c["_id"] == coupon {
				found = c
			}
		}
		return found != nil
	}, 10*time.Second, 200*time.Millisecond)
	return found
}

// given counts how often the shop gave the coupon to anybody.
func given(t *testing.T, coupon string) any {
	t.Helper()
	return shopGet(t, "/coupons/"+coupon+"?raw=true").object(t)["amount"].(map[string]any)["issued"]
}

// interrupted asks for a coupon, and kills the worker while the shop gives it.
func (p shopper) interrupted(coupon string) <-chan answer {
	p.t.Helper()
	const route = "POST /v1/customers/{id}/coupons"
	fault(p.t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/" + p.id + "/coupons", "mode": "delay", "ms": 1000, "times": 1})
	before := calls(p.t, "clayful", route)
	asked := make(chan answer, 1)
	go func() {
		got, _ := try("POST", "http://"+shared.api+"/coupon/add/", p.token, map[string]any{"payload": map[string]any{"coupon": coupon}})
		asked <- got
	}()
	require.Eventually(p.t, func() bool { return calls(p.t, "clayful", route) > before }, 10*time.Second, 10*time.Millisecond)
	shared.killWorker()
	require.Eventually(p.t, func() bool { return given(p.t, coupon) == 1.0 }, 10*time.Second, 20*time.Millisecond)
	return asked
}

func TestCoupon1Issue(t *testing.T) {
	p, coupon := newShopper(t), newCoupon(t, nil)
	got := p.ask(coupon)
	require.Equal(t, 200, got.status, string(got.body))
	require.Equal(t, coupon, got.object(t)["_id"], "the shop's body")
	p.askedAgain(coupon)
	got = p.call("POST", "/coupon/", map[string]any{"payload": map[string]any{"coupon": coupon}})
	require.Equal(t, 409, got.status, "the other URL is the same")
	require.InDelta(t, 1, given(t, coupon), 0)
	newShopper(t).take(coupon)

	for _, bad := range []any{nil, "", 5, "a/b", []any{coupon}} {
		require.Regexp(t, `^"validation .+"$`, string(p.ask(bad).body))
	}
	got = p.ask(nothing)
	require.Equal(t, 400, got.status)
	require.Regexp(t, `^"not-existing-coupon-relation .+"$`, string(got.body))
	expired, none := newCoupon(t, map[string]any{"expiresAt": "2020-01-01T00:00:00.000Z"}), newCoupon(t, map[string]any{"amount": map[string]any{"total": 0}})
	require.Regexp(t, `^"expired-coupon .+"$`, string(p.ask(expired).body))
	require.Regexp(t, `^"exhausted-coupon .+"$`, string(p.ask(none).body))
	// What was refused may be asked for again.
	require.Equal(t, 200, shopSend(t, "POST", "/coupons/"+none+"/amount/total", map[string]any{"value": 1}).status)
	p.take(none)
	require.Equal(t, 400, newShopper(t).ask(none).status, "the last one")
}

func TestCouponPolicy(t *testing.T) {
	t.Run("asked 50 times at once", func(t *testing.T) {
		p, coupon := newShopper(t), newCoupon(t, nil)
		statuses := make([]int, 50)
		var wait sync.WaitGroup
		for i := range statuses {
			wait.Go(func() {
				got, err := try("POST", "http://"+shared.api+"/coupon/add/", p.token, map[string]any{"payload": map[string]any{"coupon": coupon}})
				if err != nil {
					t.Errorf("no answer: %v", err)
				}
				statuses[i] = got.status
			})
		}
		wait.Wait()
		counts := map[int]int{}
		for _, status := range statuses {
			counts[status]++
		}
		require.Equal(t, map[int]int{200: 1, 409: 49}, counts)
		require.InDelta(t, 1, given(t, coupon), 0)
		require.Len(t, p.coupons(""), 1)
	})
	t.Run("after it was deleted", func(t *testing.T) {
		p, coupon := newShopper(t), newCoupon(t, nil)
		p.take(coupon)
		require.Equal(t, 200, p.call("DELETE", "/coupon/", map[string]any{"coupon_ids": []string{coupon}}).status)
		p.askedAgain(coupon)
		require.Equal(t, true, managed(t, p.token, coupon)["Issued"])
	})
	t.Run("after it was used, and the order cancelled", func(t *testing.T) {
		p, coupon := newShopper(t), newCoupon(t, nil)
		p.take(coupon)
		body := purchase(line(1, 1))
		body["payload"].(map[string]any)["discount"] = map[string]any{"cart": map[string]any{"coupon": coupon}}
		o := p.placed(p.call("POST", "/cart/checkout/", body, "Idempotency-Key", key()))
		require.Empty(t, p.coupons(""))
		require.Equal(t, 200, o.call("POST", "/order/cancel/"+o.id+"/", map[string]any{"payload": map[string]any{"reason": "변심"}}).status)
		require.Empty(t, p.coupons(""), "it does not come back")
		p.askedAgain(coupon)
		require.InDelta(t, 1, given(t, coupon), 0)
	})
	t.Run("given, and the answer lost", func(t *testing.T) {
		p, coupon := newShopper(t), newCoupon(t, nil)
		fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/" + p.id + "/coupons", "mode": "drop", "times": 1})
		p.take(coupon)
		p.askedAgain(coupon)
		require.InDelta(t, 1, given(t, coupon), 0)
	})
	t.Run("given by the shop's own hand", func(t *testing.T) {
		p, coupon := newShopper(t), newCoupon(t, nil)
		require.Equal(t, 200, shopSend(t, "POST", "/customers/"+p.id+"/coupons", map[string]any{"coupon": coupon}).status)
		p.askedAgain(coupon)
		require.InDelta(t, 1, given(t, coupon), 0)
	})
	t.Run("used before anybody knew it was given", func(t *testing.T) {
		p, coupon := newShopper(t), newCoupon(t, nil)
		asked := p.interrupted(coupon)
		// Nobody can look at the list until the coupon has been used.
		fault(t, map[string]any{"vendor": "clayful", "method": "GET", "path": "/v1/customers/" + p.id + "/coupons", "mode": "error"})
		shared.startWorker()
		body := purchase(line(1, 1))
		body["payload"].(map[string]any)["discount"] = map[string]any{"cart": map[string]any{"coupon": coupon}}
		p.placed(p.call("POST", "/cart/checkout/", body, "Idempotency-Key", key()))
		shared.control(t, "DELETE", "/faults", nil)
		require.Contains(t, []int{409, 503}, (<-asked).status)
		p.askedAgain(coupon)
		require.InDelta(t, 1, given(t, coupon), 0)
	})
	t.Run("deleted before anybody knew it was given", func(t *testing.T) {
		p, coupon := newShopper(t), newCoupon(t, nil)
		asked := p.interrupted(coupon)
		require.Equal(t, 200, p.call("DELETE", "/coupon/", map[string]any{"coupon_ids": []string{coupon}}).status)
		shared.startWorker()
		require.Equal(t, 409, (<-asked).status)
		p.askedAgain(coupon)
		require.InDelta(t, 1, given(t, coupon), 0)
	})
	t.Run("not given, and the answer lost", func(t *testing.T) {
		p, coupon := newShopper(t), newCoupon(t, nil)
		fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/customers/" + p.id + "/coupons", "mode": "error", "times": 1})
		got := p.ask(coupon)
		require.Equal(t, 503, got.status)
		require.Regexp(t, `^"upstream-unavailable .+"$`, string(got.body))
		require.Equal(t, false, managed(t, p.token, coupon)["Issued"])
		p.take(coupon)
		require.InDelta(t, 1, given(t, coupon), 0)
	})
	t.Run("the worker killed while the shop gives it", func(t *testing.T) {
		p, coupon := newShopper(t), newCoupon(t, nil)
		asked := p.interrupted(coupon)
		shared.startWorker()
		require.Equal(t, 200, (<-asked).status)
		p.askedAgain(coupon)
		require.InDelta(t, 1, given(t, coupon), 0)
		require.Len(t, p.coupons(""), 1)
	})
	t.Run("asked too often", func(t *testing.T) {
		p := newShopper(t)
		require.Eventually(t, func() bool { return p.ask("").status == 429 }, 20*time.Second, time.Millisecond)
		got := p.ask(newCoupon(t, nil))
		requireError(t, got, "too often")
		require.NotEmpty(t, got.header.Get("Retry-After"))
		require.Equal(t, 200, p.call("GET", "/coupon/", nil).status)
		newShopper(t).take(newCoupon(t, nil))
	})
}

func TestCoupon2List(t *testing.T) {
	p := newShopper(t)
	require.Equal(t, "[]", string(p.call("GET", "/coupon/", nil).body))
	coupon := newCoupon(t, map[string]any{"category": map[string]any{"type": "include", "products": []any{}, "brands": []any{}, "collections": []any{"CCBEAUTY2222"}}})
	p.take(coupon)
	found := p.coupons("")
	require.Len(t, found, 1)
	c := found[0]
	require.Equal(t, coupon, c["_id"])
	require.Equal(t, "cart", c["type"])
	require.Equal(t, false, c["only"])
	require.IsType(t, "", c["expiresAt"])
	require.NotEmpty(t, c["discount"].(map[string]any)["value"].(map[string]any)["formatted"], "only expiresAt is flattened")
	price := c["price"].(map[string]any)
	require.InDelta(t, 1000, price["min"].(map[string]any)["raw"], 0)
	require.Nil(t, price["max"])
	category := c["category"].(map[string]any)
	require.Equal(t, "include", category["type"])
	require.Equal(t, "CCBEAUTY2222", category["collections"].([]any)[0].(map[string]any)["_id"])
	endless := newCoupon(t, map[string]any{"expiresAt": nil})
	p.take(endless)
	require.Nil(t, p.coupons("")[0]["expiresAt"])

	// Expired ones are left out before the pages are cut.
	for i := range 130 {
		expires := any(nil)
		if i%10 == 0 {
			expires = time.Now().Add(2 * time.Second).UTC().Format("2006-01-02T15:04:05.000Z")
		}
		id := newCoupon(t, map[string]any{"expiresAt": expires})
		require.Equal(t, 200, shopSend(t, "POST", "/customers/"+p.id+"/coupons", map[string]any{"coupon": id}).status)
		if expires != nil {
			require.Equal(t, 200, shopSend(t, "PUT", "/coupons/"+id, map[string]any{"expiresAt": "2020-01-01T00:00:00.000Z"}).status)
		}
	}
	require.Len(t, p.coupons("?page=1"), 119, "130 and two, less thirteen")
	require.Empty(t, p.coupons("?page=2"))
	require.Equal(t, `"validation"`, string(p.call("GET", "/coupon/?page=0", nil).body))
	require.Len(t, p.call("GET", "/coupon/add/", nil).list(t), 119)
}

func TestCoupon3Delete(t *testing.T) {
	p, first, second, third := newShopper(t), newCoupon(t, nil), newCoupon(t, nil), newCoupon(t, nil)
	for _, coupon := range []string{first, second, third} {
		p.take(coupon)
	}
	remove := func(ids any) answer { return p.call("DELETE", "/coupon/", map[string]any{"coupon_ids": ids}) }
	for _, ids := range []any{nil, []string{}, "x", []any{1}} {
		got := remove(ids)
		require.Equal(t, 400, got.status)
		require.Equal(t, `"validation"`, string(got.body))
	}
	got := remove([]string{first, nothing})
	require.Equal(t, 400, got.status)
	require.Equal(t, `"not-existing-coupon"`, string(got.body))
	require.Len(t, p.coupons(""), 3, "nothing was deleted")
	got = remove([]string{first, second, first})
	require.Equal(t, 200, got.status)
	require.Regexp(t, `^".*2.*"$`, string(got.body))
	left := p.coupons("")
	require.Len(t, left, 1)
	require.Equal(t, third, left[0]["_id"])
	require.Equal(t, 200, remove([]string{first}).status, "it is deleted")
	fourth := newCoupon(t, nil)
	p.take(fourth)
	gone := []string{third, fourth}
	slices.Sort(gone)
	shared.control(t, "POST", "/faults", map[string]any{"vendor": "clayful", "method": "DELETE", "path": "/v1/me/coupons/" + gone[1], "mode": "error", "times": 1})
	require.Equal(t, 503, remove(gone).status)
	require.Len(t, p.coupons(""), 1, "half of it was done")
	require.Equal(t, 200, remove(gone).status, "and the rest when it is asked again")
	require.Empty(t, p.coupons(""))
	p.take(newCoupon(t, nil))
	third = p.coupons("")[0]["_id"].(string)
	require.Equal(t, 200, p.call("DELETE", "/coupon/add/", map[string]any{"coupon_ids": []string{third}}).status)
	require.Empty(t, p.coupons(""))
}

func TestCouponManager1List(t *testing.T) {
	p := newShopper(t)
	coupon := newCoupon(t, map[string]any{"amount": map[string]any{"total": 10}})
	expired := newCoupon(t, map[string]any{"expiresAt": "2020-01-01T00:00:00.000Z"})
	c := managed(t, p.token, coupon)
	require.Equal(t, false, c["Issued"])
	require.IsType(t, "", c["expiresAt"])
	require.IsType(t, "", c["createdAt"])
	require.IsType(t, "", c["updatedAt"])
	discount := c["discount"].(map[string]any)
	require.InDelta(t, 1000, discount["value"], 0)
	require.Nil(t, discount["min"])
	require.InDelta(t, 1000, c["price"].(map[string]any)["min"], 0)
	require.Equal(t, map[string]any{"total": 10.0, "used": 0.0, "left": 10.0, "issued": 0.0, "unissued": 10.0}, c["amount"])
	p.take(coupon)
	require.Equal(t, true, managed(t, p.token, coupon)["Issued"])
	require.Equal(t, false, managed(t, newShopper(t).token, coupon)["Issued"])
	require.Equal(t, false, managed(t, "", coupon)["Issued"], "nobody in particular")
	for _, other := range shared.call(t, "GET", "/coupon/manager/", "", nil).list(t) {
		require.NotEqual(t, expired, other["_id"])
	}
	require.Equal(t, 400, shared.call(t, "GET", "/coupon/manager/?page=x", "", nil).status)
	require.Equal(t, "[]", string(shared.call(t, "GET", "/coupon/manager/?page=99", "", nil).body))
}
