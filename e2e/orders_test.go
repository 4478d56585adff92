package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOrder1List(t *testing.T) {
	p := shopper{person{"DEM222222AA2", "demo", shared.logIn(t, "demo", "demo1234!")}, t}
	all := p.call("GET", "/order/", nil).list(t)
	require.Len(t, all, 120)
	rest := p.call("GET", "/order/?page=2", nil).list(t)
	require.GreaterOrEqual(t, len(rest), 10)
	require.Empty(t, p.call("GET", "/order/?page=3", nil).list(t))
	statuses := map[string]bool{}
	for _, o := range append(all, rest...) {
		statuses[o["status"].(string)] = true
		for _, field := range []string{"tax", "customer", "currency"} {
			require.NotContains(t, o, field)
		}
		require.NotEmpty(t, o["transactions"])
		requireFlatOrder(t, o)
		require.NotContains(t, o["total"], "vendors")
		for _, refund := range o["refunds"].([]any) {
			item := refund.(map[string]any)["items"].([]any)[0].(map[string]any)["item"].(map[string]any)
			require.NotEmpty(t, item["product"].(map[string]any)["name"])
			require.Contains(t, item["variant"].(map[string]any)["price"], "sale")
		}
		for _, item := range o["items"].([]any) {
			item := item.(map[string]any)
			require.NotEmpty(t, item["product"].(map[string]any)["thumbnail"].(map[string]any)["url"])
			for _, field := range []string{"weight", "width", "height", "depth"} {
				require.NotContains(t, item["variant"], field)
			}
			require.IsType(t, []any{}, item["variant"].(map[string]any)["types"])
		}
	}
	for _, status := range []string{"placed", "paid", "under-paid", "over-paid", "cancelled", "under-refunded", "over-refunded", "partially-refunded"} {
		require.True(t, statuses[status], status)
	}
	for i := range all[1:] {
		require.Greater(t, all[i]["createdAt"], all[i+1]["createdAt"], "the newest first")
	}
	requireBare(t, p.call("GET", "/order/?page=0", nil), 400, "validation")
	// Three are hidden; the pages move up.
	for _, i := range []int{0, 1, 60} {
		path := "/order/history/" + all[i]["_id"].(string) + "/"
		require.Equal(t, 204, p.call("DELETE", path, nil).status)
		p.refused(409, "DELETE", path, nil)
	}
	shared.control(t, "DELETE", "/calls", nil)
	again := p.call("GET", "/order/", nil).list(t)
	require.LessOrEqual(t, calls(t, "clayful", "GET /v1/me/orders"), 2)
	require.Len(t, again, 120)
	require.Equal(t, all[2]["_id"], again[0]["_id"])
	require.Equal(t, rest[2]["_id"], again[119]["_id"])
	next := p.call("GET", "/order/?page=2", nil).list(t)
	require.Len(t, next, len(rest)-3)
	require.Equal(t, rest[3]["_id"], next[0]["_id"])
}

func TestReceivedAndDone(t *testing.T) {
	p := newShopper(t)
	o, _ := p.paid(line(1, 1))
	mark := func(method string) answer { return o.call(method, "/order/"+o.id+"/receivemark/", map[string]any{}) }
	require.Equal(t, 200, mark("POST").status)
	got := mark("POST")
	require.Equal(t, 400, got.status)
	require.Equal(t, `"received-order 이미 수령 완료된 주문입니다."`, string(got.body))
	require.Equal(t, 200, mark("DELETE").status)

	week, _ := p.paid(line(1, 1))
	day, _ := p.paid(line(1, 1))
	fault(t, map[string]any{"vendor": "clayful-webhook", "mode": "error"}) // nobody tells
	require.Equal(t, 200, shared.control(t, "POST", "/clayful/orders/"+week.id+"/arrive?days_ago=8", map[string]any{}).status)
	require.Equal(t, 200, shared.control(t, "POST", "/clayful/orders/"+day.id+"/arrive?days_ago=6", map[string]any{}).status)
	require.Eventually(t, func() bool { return week.now()["done"] == true }, 90*time.Second, 200*time.Millisecond)
	require.Equal(t, false, day.now()["done"])
	secret := shared.variable("CLAYFUL_MARKDONE_WEBHOOK_SECRET")
	require.Equal(t, 401, shopHook(t, "/webhook/markdone/", "forged", "order.updateFulfillment", time.Now(), map[string]any{"orderId": day.id}).status)
	require.Equal(t, 200, shopHook(t, "/webhook/markdone/", secret, "order.updateFulfillment", time.Now(), map[string]any{"orderId": day.id}).status)
	require.Equal(t, true, day.now()["done"], "all of it has arrived")
}

// requireFlatOrder looks at what of an order is plain.
func requireFlatOrder(t *testing.T, o map[string]any) {
	t.Helper()
	for _, path := range []string{
		"amount", "paid", "cancelled", "refunded", "discounted", "taxed", "price.withTax", "items.price.original", "items.taxed", "shipping.fee.withTax",
	} {
		at(t, o["total"], path)
	}
	for _, item := range o["items"].([]any) {
		for _, path := range []string{"quantity", "discounted", "taxed", "unfulfilled", "price.withTax", "total.price.sale", "variant.price.sale"} {
			at(t, item, path)
		}
	}
	for _, shipment := range o["shipments"].([]any) {
		at(t, shipment, "fee.original")
		at(t, shipment, "rule.fee")
		require.NotEmpty(t, shipment.(map[string]any)["items"].([]any)[0].(map[string]any)["_id"])
	}
	for _, transaction := range o["transactions"].([]any) {
		for _, path := range []string{"paid", "cancelled", "refunded"} {
			at(t, transaction, path)
		}
		require.IsType(t, []any{}, transaction.(map[string]any)["vbanks"])
	}
	for _, refund := range o["refunds"].([]any) {
		at(t, refund, "total.price.withTax")
	}
	require.IsType(t, "", o["createdAt"])
	require.IsType(t, "", o["updatedAt"])
	for _, list := range []string{"refunds", "fulfillments", "reviews"} {
		require.IsType(t, []any{}, o[list])
	}
	require.IsType(t, map[string]any{}, o["meta"])
}

// TestOrderPolicy takes one order back before it is paid and another after:
// the one is cancelled, the other refunded, and never the other way round.
func TestOrderPolicy(t *testing.T) {
	p := newShopper(t)
	cancel := func(o order) answer {
		return p.call("POST", "/order/cancel/"+o.id+"/", map[string]any{"payload": map[string]any{"reason": "변심"}})
	}
	unpaid := p.buy(line(1, 1))
	requireBare(t, unpaid.refund([]any{unpaid.piece(0, 1)}), 400, "invalid-order-status")
	require.Equal(t, "placed", unpaid.status())
	require.Equal(t, 200, cancel(unpaid).status)
	require.Equal(t, "cancelled", unpaid.status())
	requireBare(t, unpaid.refund([]any{unpaid.piece(0, 1)}), 400, "invalid-order-status")
	require.Empty(t, unpaid.now()["refunds"])

	paid, _ := p.paid(line(1, 1))
	requireBare(t, cancel(paid), 400, "invalid-order-status")
	require.Equal(t, "paid", paid.status())
	_, amount := paid.requested(paid.refund([]any{paid.piece(0, 1)}))
	require.Positive(t, amount)
	sum, _ := paid.returned()
	require.Zero(t, sum, "not before the shop accepts")
}

func TestOrder2One(t *testing.T) {
	p := newShopper(t)
	seven, _ := product(7)
	o, _ := p.paid(line(7, 2), line(3, 1))
	refund, _ := o.requested(o.refund([]any{o.piece(0, 1)}))
	got := p.call("GET", "/order/"+o.id, nil)
	require.Equal(t, 200, got.status, string(got.body))
	one := got.object(t)
	requireFlatOrder(t, one)
	for _, field := range []string{"customer", "currency", "tax"} {
		require.IsType(t, map[string]any{}, one[field])
	}
	require.Equal(t, p.id, one["customer"].(map[string]any)["_id"])
	require.InDelta(t, 1, at(t, one, "currency.rate"), 0)
	require.Equal(t, []any{o.id, "under-refunded", false, nil}, []any{one["_id"], one["status"], one["done"], one["cancellation"]})
	require.InDelta(t, o.amount, at(t, one, "total.amount"), 0)
	require.InDelta(t, o.amount, at(t, one, "total.paid"), 0)
	item := one["items"].([]any)[0].(map[string]any)
	bought := item["product"].(map[string]any)
	require.Equal(t, []any{seven, "별쇼 상품 07"}, []any{bought["_id"], bought["name"]})
	require.NotEmpty(t, bought["thumbnail"].(map[string]any)["url"])
	require.NotEmpty(t, item["vendor"].(map[string]any)["name"])
	require.Len(t, item["variant"].(map[string]any)["types"], 1)
	require.InDelta(t, 0.5, at(t, item, "variant.weight"), 0, "only lists leave it out")
	require.Len(t, one["shipments"], 2, "of two vendors")
	require.NotEmpty(t, one["shipments"].([]any)[0].(map[string]any)["vendor"].(map[string]any)["_id"])
	claim := one["refunds"].([]any)[0].(map[string]any)
	require.Equal(t, []any{refund, "requested"}, []any{claim["_id"], claim["status"]})
	back := claim["items"].([]any)[0].(map[string]any)["item"].(map[string]any)
	require.Equal(t, seven, back["product"].(map[string]any)["_id"])
	at(t, back, "variant.price.sale")
	require.Len(t, back["variant"].(map[string]any)["types"], 1)

	requireBare(t, p.call("GET", "/order/"+nothing, nil), 404, "not-existing-order")
	requireBare(t, newShopper(t).call("GET", "/order/"+o.id, nil), 404, "not-existing-order")
}

func TestOrder3Edit(t *testing.T) {
	o := newShopper(t).buy(line(1, 1))
	got := o.call("PUT", "/order/"+o.id, map[string]any{"payload": map[string]any{"request": "문 앞에", "meta": map[string]any{"PCCC": "P123", "checkout_key": "stolen"}}})
	require.Equal(t, 200, got.status, string(got.body))
	require.Equal(t, []any{o.id, "문 앞에"}, []any{got.object(t)["_id"], got.object(t)["request"]})
	moved := home()
	moved["address2"] = "2층"
	got = o.call("PUT", "/order/"+o.id+"/", map[string]any{"payload": map[string]any{"address": map[string]any{"shipping": moved, "billing": home()}}})
	require.Equal(t, 200, got.status, string(got.body))
	now := o.now()
	require.Equal(t, "2층", now["address"].(map[string]any)["shipping"].(map[string]any)["address2"])
	require.Equal(t, "문 앞에", now["request"])
	require.Equal(t, "P123", now["meta"].(map[string]any)["PCCC"])
	require.NotEqual(t, "stolen", now["meta"].(map[string]any)["checkout_key"])
	requireBare(t, o.call("PUT", "/order/"+o.id, map[string]any{"payload": 5}), 400, "validation")
	change := map[string]any{"payload": map[string]any{"request": "훔친 주문"}}
	requireBare(t, newShopper(t).call("PUT", "/order/"+o.id, change), 404, "not-existing-order")
	require.Equal(t, "문 앞에", o.now()["request"])
}

// personal are the routes that name a document of one person's, with the ids to
// put in: {order}, {refund}, {item}. Every other route has to be in public or in
// guarded, so that a new one is not forgotten.
var personal = map[string]any{
	"GET /order/{order}":                   nil,
	"PUT /order/{order}":                   map[string]any{"payload": map[string]any{"request": "x"}},
	"POST /order/cancel/{order}":           map[string]any{"payload": map[string]any{"reason": "x"}},
	"POST /order/{order}/receivemark":      map[string]any{},
	"DELETE /order/{order}/receivemark":    map[string]any{},
	"DELETE /order/history/{order}":        nil,
	"POST /refund/{order}":                 map[string]any{"payload": map[string]any{"reason": "x", "items": []any{map[string]any{"item": "{item}", "quantity": 1}}, "shipments": []any{}}},
	"POST /refund/cancel/{order}/{refund}": map[string]any{"payload": map[string]any{"reason": "x"}},
	"PUT /cart/items {line}":               map[string]any{"payloads": []any{map[string]any{"item_id": "{line}", "payload": map[string]any{"quantity": 9}}}},
	"DELETE /cart/items {line}":            map[string]any{"item_ids": []any{"{line}"}},
	"POST /media/start {vod}":              map[string]any{"media_id": "{vod}"},
	"POST /media/edit {vod}":               map[string]any{"media_id": "{vod}", "title": "x"},
	"POST /media/end {vod}":                map[string]any{"media_id": "{vod}"},
	"DELETE /media/delete {vod}":           map[string]any{"media_id": "{vod}"},
	"POST /media/live_alarm {vod}":         map[string]any{"media_id": "{vod}"},
	"PUT /review/{review}":                 map[string]any{"title": "x", "images": []any{}},
	"DELETE /review/{review}":              nil,
}

// own are routes of the caller's own things that name no id of anybody's.
var own = []string{
	"GET /influencer/streamkey", "GET /influencer/reset", "POST /influencer/update", "GET /influencer/myreadyvod", "POST /media/reserve",
	"POST /media/alarm", "GET /media/alarm", "POST /user/upload_token", "POST /user/delete_token", "POST /cart", "DELETE /cart",
	"POST /cart/items", "POST /cart/checkout", "PUT /cart/checkout", "GET /order",
	"POST /user/influencer/like", "GET /user/influencer/like", "POST /user/myvod", "GET /user/myvod",
	"GET /wishlist", "POST /wishlist", "DELETE /wishlist",
	"POST /coupon", "GET /coupon", "DELETE /coupon", "POST /coupon/add", "GET /coupon/add", "DELETE /coupon/add",
	"GET /images", "POST /images", "DELETE /images", "POST /images/influencer", "DELETE /images/influencer", "POST /review",
	"GET /user", "POST /user", "DELETE /user", "POST /user/unsubscribe", "GET /user/active", "GET /user/push_agree", "POST /user/push_agree",
	"GET /user/live-agree", "POST /user/live-agree", "GET /user/refund_bank", "POST /user/refund_bank",
}

// TestOtherPeoplesThings tries every route that names somebody's document as
// another customer, another influencer and nobody: nothing is shown, nothing
// changes.
func TestOtherPeoplesThings(t *testing.T) {
	for _, r := range routes { // no route is forgotten
		if r.who == "" {
			continue
		}
		name := r.method + " " + r.path
		known := false
		for _, path := range own {
			known = known || path == name
		}
		for pattern := range personal {
			pattern, _, _ = strings.Cut(strings.NewReplacer("{order}", nothing, "{refund}", nothing, "{review}", nothing).Replace(pattern), " {")
			known = known || pattern == name
		}
		require.True(t, known, "%s is in neither list: is it about somebody's own?", name)
	}

	owner := newShopper(t)
	owner.fill(line(1, 1))
	cart := owner.call("POST", "/cart/", nil).object(t)["cart"].([]any)[0].(map[string]any)["items"].([]any)[0].(map[string]any)["_id"].(string)
	o, impUID := owner.paid(line(2, 2))
	refund, _ := o.requested(o.refund([]any{o.piece(0, 1)}))
	star := shared.newSeller(t)
	vod := star.reserve(t, nil)
	bought, _ := product(2)
	review := owner.write(t, bought, 1)["_id"].(string)
	fill := strings.NewReplacer("{order}", o.id, "{refund}", refund, "{item}", o.items[0].(map[string]any)["_id"].(string),
		"{line}", cart, "{vod}", fmt.Sprint(vod), "{review}", review)
	snapshot := func() string {
		return fmt.Sprint(o.now(), shopGet(t, "/customers/"+owner.id+"/cart/items/count").object(t), shared.media(t, vod), reviewed(t, review), stored(t, owner.id),
			owner.call("POST", "/cart/", nil).object(t)["total"])
	}
	before := snapshot()
	for who, token := range map[string]string{
		"another customer": newShopper(t).token, "another influencer": shared.newSeller(t).token, "nobody": "",
	} {
		for pattern, body := range personal {
			method, path, _ := strings.Cut(fill.Replace(pattern), " ")
			path, _, _ = strings.Cut(path, " ")
			var sent any
			if body != nil {
				sent = []byte(fill.Replace(string(encoded(t, body))))
			}
			got := call(t, method, "http://"+shared.api+path, token, sent)
			require.Contains(t, []int{400, 401, 404}, got.status, "%s as %s: %s", pattern, who, got.body)
			require.NotContains(t, string(got.body), "테헤란로", pattern)
		}
		if token == "" {
			continue
		}
		info := call(t, "GET", "http://"+shared.api+"/payment/pay_info/?order_id="+o.id, token, nil).object(t)
		require.Len(t, info, 3, "%s sees how it was paid, and no more", who)
	}
	require.Equal(t, before, snapshot())
	info := owner.call("GET", "/payment/pay_info/?order_id="+o.id, nil).object(t)
	require.Equal(t, impUID, info["imp_uid"])
	for pattern, body := range map[string]any{"GET /order/{order}": nil, "POST /refund/cancel/{order}/{refund}": personal["POST /refund/cancel/{order}/{refund}"]} {
		method, path, _ := strings.Cut(fill.Replace(pattern), " ")
		require.Equal(t, 200, owner.call(method, path, body).status, "the owner may: %s", pattern)
	}
}

// TestReadsAreFew counts the shop's calls for one of ours.
func TestReadsAreFew(t *testing.T) {
	p := newShopper(t)
	for n := 1; n <= 30; n++ {
		p.fill(line(n, 1))
	}
	for range 3 {
		p.paid(line(1, 1), line(2, 1), line(4, 1))
	}
	one, _ := product(1)
	for name, c := range map[string]struct {
		do   func() answer
		most int
	}{
		"cart": {func() answer {
			return p.call("POST", "/cart/", map[string]any{"address": map[string]any{"shipping": home(), "billing": home()}})
		}, 3},
		"orders":     {func() answer { return p.call("GET", "/order/", nil) }, 3},
		"product":    {func() answer { return p.call("GET", "/product/"+one, nil) }, 2},
		"collection": {func() answer { return p.call("GET", "/product/collection/?page=1", nil) }, 3},
		"about":      {func() answer { return p.call("GET", "/product/about/CCBAGS222222", nil) }, 3},
		"hot deals":  {func() answer { return p.call("GET", "/product/catalog/percentage/?min=1", nil) }, 3},
		"search":     {func() answer { return p.call("POST", "/product/search/", map[string]any{"search": "상품 0"}) }, 3},
		"catalogues": {func() answer { return p.call("GET", "/catalog/special/", nil) }, 3},
		"related":    {func() answer { return p.call("GET", "/media/related/?product_id="+one, nil) }, 3},
	} {
		require.Eventually(t, func() bool { // what was remembered is forgotten
			shared.control(t, "DELETE", "/calls", nil)
			require.Equal(t, 200, c.do().status, name)
			n := 0
			for route, count := range shared.control(t, "GET", "/calls?vendor=clayful", nil).object(t) {
				if !strings.Contains(route, "/v1/orders") { // workflows look after their orders
					n += int(count.(float64))
				}
			}
			require.LessOrEqual(t, n, c.most, name)
			return n > 0
		}, 10*time.Second, time.Second, name)
	}
}

func TestCatalogueGoesOnWhileTheShopIsDown(t *testing.T) {
	path := "/product/about/CCMAKEUP2222/"
	good := shared.call(t, "GET", path, "", nil)
	require.Equal(t, 200, good.status)
	require.Empty(t, good.header.Get("Warning"))
	require.LessOrEqual(t, len(good.list(t)), 10)
	fault(t, map[string]any{"vendor": "clayful", "mode": "error", "status": 500})
	require.Eventually(t, func() bool { return shared.call(t, "GET", path, "", nil).header.Get("Warning") != "" }, 20*time.Second, 200*time.Millisecond)
	stale := shared.call(t, "GET", path, "", nil)
	require.Equal(t, 200, stale.status)
	require.JSONEq(t, string(good.body), string(stale.body))
	require.NotEmpty(t, stale.header.Get("Age"))
	got := shared.call(t, "GET", "/product/about/CCSXMETHXNG2/", "", nil)
	require.Equal(t, 503, got.status)
	require.Contains(t, string(got.body), `"upstream-unavailable `)
}
