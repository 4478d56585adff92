package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Things of the demo shop.
const (
	parcel = "SHPMETHPARC2"
	cart3k = "CXVPXN222222" // 3,000 won off a cart
)

// product is the demo shop's n-th, and its first variant.
func product(n int) (id, variant string) {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	id = "PRDUCT2222" + string(letters[n/len(letters)]) + string(letters[n%len(letters)])
	return id, "V" + id[1:]
}

func home() map[string]any {
	return map[string]any{
		"name": map[string]any{"full": "데모"}, "company": nil, "postcode": "06236", "country": "KR", "state": "서울",
		"city": "강남구", "address1": "테헤란로 152", "address2": "1층", "mobile": "01012345678",
	}
}

// shopper is a member made for one test, who buys.
type shopper struct {
	person

	t *testing.T
}

func newShopper(t *testing.T) shopper {
	t.Helper()
	return shopper{shared.newPerson(t, members), t}
}

func (p shopper) call(method, path string, body any, headers ...string) answer {
	p.t.Helper()
	return call(p.t, method, "http://"+shared.api+path, p.token, body, headers...)
}

// line is what to buy of a demo product.
func line(n, quantity int) map[string]any {
	id, variant := product(n)
	return map[string]any{"product": id, "variant": variant, "quantity": quantity}
}

func (p shopper) fill(lines ...map[string]any) {
	p.t.Helper()
	var payloads []any
	for _, l := range lines {
		payloads = append(payloads, map[string]any{"payload": l})
	}
	got := p.call("POST", "/cart/items/", map[string]any{"payloads": payloads})
	require.Equal(p.t, 200, got.status, string(got.body))
}

// purchase is a checkout of items, or of the cart when there are none.
func purchase(items ...map[string]any) map[string]any {
	payload := map[string]any{
		"currency": "KRW", "paymentMethod": "clayful-iamport", "address": map[string]any{"shipping": home(), "billing": home()},
	}
	var list []any
	for i, item := range items {
		bought := map[string]any{"_id": fmt.Sprint("line", i), "shippingMethod": parcel}
		for key, value := range item {
			bought[key] = value
		}
		list = append(list, bought)
	}
	if list != nil {
		payload["items"] = list
	}
	return map[string]any{"payload": payload}
}

func key() string { return strings.ToLower(rand.Text()[:16]) }

// order is one that was placed.
type order struct {
	shopper

	id     string
	amount int
	items  []any
	ships  []any
}

func (p shopper) placed(got answer) order {
	p.t.Helper()
	require.Equal(p.t, 200, got.status, string(got.body))
	o := got.object(p.t)["order"].(map[string]any)
	return order{
		p, o["_id"].(string), int(o["total"].(map[string]any)["amount"].(float64)),
		o["items"].([]any), o["shipments"].([]any),
	}
}

// buy places an order of items at once.
func (p shopper) buy(items ...map[string]any) order {
	p.t.Helper()
	return p.placed(p.call("POST", "/cart/checkout/", purchase(items...), "Idempotency-Key", key()))
}

// pay does something in the payment window, without a notice unless asked.
func (o order) pay(with map[string]any) string {
	o.t.Helper()
	body := map[string]any{"merchant_uid": o.id, "notify": false}
	for key, value := range with {
		body[key] = value
	}
	got := shared.control(o.t, "POST", "/iamport/pay", body)
	require.Equal(o.t, 200, got.status, string(got.body))
	return got.object(o.t)["imp_uid"].(string)
}

func (o order) verifyAs(impUID string, amount int) answer {
	o.t.Helper()
	return call(o.t, "POST", "http://"+shared.api+"/payment/verify/", "", map[string]any{"imp_uid": impUID, "merchant_uid": o.id, "amount": amount})
}

func (o order) verify(impUID string) string {
	o.t.Helper()
	got := o.verifyAs(impUID, o.amount)
	require.Less(o.t, got.status, 300, string(got.body))
	return got.object(o.t)["status"].(string)
}

// paid places an order and pays it.
func (p shopper) paid(items ...map[string]any) (order, string) {
	p.t.Helper()
	o := p.buy(items...)
	impUID := o.pay(nil)
	require.Equal(p.t, "success", o.verify(impUID))
	return o, impUID
}

// now is the order as the shop has it, raw.
func (o order) now() map[string]any {
	o.t.Helper()
	return shopGet(o.t, "/orders/"+o.id+"?raw=true").object(o.t)
}

func shopGet(t *testing.T, path string) answer {
	t.Helper()
	got := call(t, "GET", "http://"+shared.sandbox+"/clayful/v1"+path, "", nil, "Authorization", "Bearer "+shared.variable("CLAYFUL_TOKEN"))
	require.Equal(t, 200, got.status, string(got.body))
	return got
}

func shopSend(t *testing.T, method, path string, body any) answer {
	t.Helper()
	return call(t, method, "http://"+shared.sandbox+"/clayful/v1"+path, "", body, "Authorization", "Bearer "+shared.variable("CLAYFUL_TOKEN"))
}

func (o order) status() string {
	o.t.Helper()
	return o.now()["status"].(string)
}

func (o order) awaitStatus(status string, within time.Duration) {
	o.t.Helper()
	require.Eventually(o.t, func() bool { return o.status() == status }, within, 100*time.Millisecond, "%s: %s", o.id, status)
}

// ledger is what Iamport knows of the order's payments.
func (o order) ledger() []map[string]any {
	o.t.Helper()
	return shared.control(o.t, "GET", "/iamport/ledger?merchant_uid="+o.id, nil).list(o.t)
}

// returned is all that was given back of the order, and in how many parts.
func (o order) returned() (sum, parts int) {
	o.t.Helper()
	for _, payment := range o.ledger() {
		sum += int(payment["cancel_amount"].(float64))
		parts += len(payment["cancels"].([]any))
	}
	return sum, parts
}

func (o order) awaitReturned(sum, parts int) {
	o.t.Helper()
	require.Eventually(o.t, func() bool {
		s, n := o.returned()
		return s == sum && n == parts
	}, 90*time.Second, 100*time.Millisecond, "%s gives %d back in %d", o.id, sum, parts)
}

// refund asks items back.
func (o order) refund(items []any, shipments ...string) answer {
	o.t.Helper()
	if shipments == nil {
		shipments = []string{}
	}
	return o.call("POST", "/refund/"+o.id+"/", map[string]any{"payload": map[string]any{"reason": "단순 변심", "items": items, "shipments": shipments}})
}

func (o order) piece(i, quantity int) map[string]any {
	return map[string]any{"item": o.items[i].(map[string]any)["_id"], "quantity": quantity}
}

func (o order) shipment(i int) string { return o.ships[i].(map[string]any)["_id"].(string) }

func (o order) requested(got answer) (refund string, amount int) {
	o.t.Helper()
	require.Equal(o.t, 200, got.status, string(got.body))
	r := got.object(o.t)
	price := r["total"].(map[string]any)["price"].(map[string]any)
	return r["_id"].(string), int(price["withTax"].(float64))
}

func (o order) accept(refund string) answer {
	o.t.Helper()
	return call(o.t, "POST", "http://"+shared.sandbox+"/control/clayful/orders/"+o.id+"/refunds/"+refund+"/accept", "", map[string]any{})
}

// stock is what is left of a variant.
func stock(t *testing.T, product, variant string) int {
	t.Helper()
	for _, v := range shopGet(t, "/products/"+product+"?raw=true").object(t)["variants"].([]any) {
		if v := v.(map[string]any); v["_id"] == variant {
			return int(v["quantity"].(float64))
		}
	}
	t.Fatalf("no variant %s", variant)
	return 0
}

// newProduct puts a product with some stock on the shelf.
func newProduct(t *testing.T, price, quantity int) (id, variant string) {
	t.Helper()
	id = newProductWith(t, map[string]any{"price": map[string]any{"original": price}})
	got := shopSend(t, "POST", "/products/"+id+"/variants", map[string]any{"available": true, "quantity": quantity, "types": []any{}})
	require.Equal(t, 201, got.status, string(got.body))
	return id, got.object(t)["_id"].(string)
}

// newProductWith makes a product that is on sale, with some fields as given.
func newProductWith(t *testing.T, fields map[string]any) string {
	t.Helper()
	body := map[string]any{
		"name": map[string]any{"ko": "시험 상품"}, "price": map[string]any{"original": 10000}, "available": true,
		"shipping": map[string]any{"methods": []string{parcel}, "calculation": "bundled"}, "taxCategories": []string{"TAXVAT222222"},
		"collections": []string{"CCBEAUTY2222"}, "vendor": "VENDER222AA2",
	}
	for key, value := range fields {
		body[key] = value
	}
	got := shopSend(t, "POST", "/products", body)
	require.Equal(t, 201, got.status, string(got.body))
	return got.object(t)["_id"].(string)
}

// fault has a bad day happen until the test ends, or its times are used up.
// Tests that run side by side may only have those, on paths of their own.
func fault(t *testing.T, with map[string]any) {
	t.Helper()
	require.Equal(t, 201, shared.control(t, "POST", "/faults", with).status)
	if _, counted := with["times"]; counted {
		return
	}
	t.Cleanup(func() { call(t, http.MethodDelete, "http://"+shared.sandbox+"/control/faults", "", nil) })
}

// calls counts the calls of an upstream route.
func calls(t *testing.T, vendor, route string) int {
	t.Helper()
	n, _ := shared.control(t, "GET", "/calls?vendor="+vendor, nil).object(t)[route].(float64)
	return int(n)
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return text
}
