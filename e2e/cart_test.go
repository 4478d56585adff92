package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// cart is what the caller's cart holds: the lines, by product.
func (p shopper) cart() map[any]map[string]any {
	p.t.Helper()
	got := p.call("POST", "/cart/", nil)
	require.Equal(p.t, 200, got.status, string(got.body))
	lines := map[any]map[string]any{}
	for _, group := range got.object(p.t)["cart"].([]any) {
		for _, item := range group.(map[string]any)["items"].([]any) {
			item := item.(map[string]any)
			lines[item["product"].(map[string]any)["_id"]] = item
		}
	}
	return lines
}

func (p shopper) change(changes ...map[string]any) answer {
	p.t.Helper()
	return p.call("PUT", "/cart/items/", map[string]any{"payloads": changes})
}

func TestCart1Edit(t *testing.T) {
	p := newShopper(t)
	one, _ := product(1)
	two, _ := product(2)
	p.fill(line(1, 1), line(2, 1))
	lines := p.cart()
	to := func(id any, quantity any) map[string]any {
		return map[string]any{"item_id": id, "payload": map[string]any{"quantity": quantity}}
	}
	got := p.change(to(lines[two]["_id"], 4), to(lines[one]["_id"], 3))
	require.Equal(t, 200, got.status, string(got.body))
	results := got.list(t)
	require.Len(t, results, 2, "in order")
	require.Equal(t, []any{lines[two]["_id"], 4.0}, []any{results[0]["_id"], results[0]["quantity"]})
	require.Equal(t, []any{lines[one]["_id"], 3.0}, []any{results[1]["_id"], results[1]["quantity"]})
	lines = p.cart()
	require.Equal(t, []any{3.0, 4.0}, []any{lines[one]["quantity"], lines[two]["quantity"]})

	requireBare(t, p.change(to(lines[one]["_id"], 5), to(nothing, 9), to(lines[two]["_id"], 9)), 404, "not-existing-cart-item")
	lines = p.cart()
	require.Equal(t, []any{5.0, 4.0}, []any{lines[one]["quantity"], lines[two]["quantity"]}, "the first error ends it")
	requireBare(t, p.change(to(lines[one]["_id"], -1)), 400, "validation")
	requireBare(t, p.change(map[string]any{"payload": map[string]any{"quantity": 9}}), 400, "validation")
	requireBare(t, p.call("PUT", "/cart/items/", map[string]any{}), 400, "validation")
	require.InDelta(t, 5, p.cart()[one]["quantity"], 0)
}

func TestCart2Delete(t *testing.T) {
	p := newShopper(t)
	two, _ := product(2)
	p.fill(line(1, 1), line(2, 1), line(3, 1))
	lines := p.cart()
	var others []any
	for id, item := range lines {
		if id != two {
			others = append(others, item["_id"])
		}
	}
	got := p.call("DELETE", "/cart/items/", map[string]any{"item_ids": others})
	require.Equal(t, 200, got.status, string(got.body))
	require.Regexp(t, `^"[^"]+"$`, string(got.body))
	left := p.cart()
	require.Len(t, left, 1)
	require.Contains(t, left, two)
	requireBare(t, p.call("DELETE", "/cart/items/", map[string]any{"item_ids": others[:1]}), 404, "not-existing-cart-item")
	requireBare(t, p.call("DELETE", "/cart/items/", map[string]any{"item_ids": []string{}}), 400, "validation")
	requireBare(t, p.call("DELETE", "/cart/items/", map[string]any{"item_ids": []string{""}}), 400, "validation")
	require.Len(t, p.cart(), 1)
}

func TestCart3Empty(t *testing.T) {
	p, other := newShopper(t), newShopper(t)
	p.fill(line(1, 1), line(2, 1))
	other.fill(line(1, 1))
	for range 2 { // an empty one too
		got := p.call("DELETE", "/cart/", nil)
		require.Equal(t, 200, got.status, string(got.body))
		require.Regexp(t, `^"[^"]+"$`, string(got.body))
		require.Empty(t, p.cart())
	}
	require.Len(t, other.cart(), 1)
	require.Equal(t, 401, shared.call(t, "DELETE", "/cart/", "", nil).status)
	require.Len(t, other.cart(), 1)
}

// TestCart4Read reads a cart of two vendors and the house, of more than there is
// of a thing. Its sums are TestTotalsToTheWon's.
func TestCart4Read(t *testing.T) {
	p := newShopper(t)
	empty := p.call("POST", "/cart/", nil)
	require.Equal(t, 200, empty.status, string(empty.body))
	requireKeys(t, empty.object(t), []string{"cart", "total"})
	require.Equal(t, []any{}, empty.object(t)["cart"])

	scarce, variant := newProduct(t, 10000, 5)
	p.fill(map[string]any{"product": scarce, "variant": variant, "quantity": 4}, line(6, 1), line(10, 2), line(7, 1))
	require.Equal(t, 200, shopSend(t, "PUT", "/products/"+scarce+"/variants/"+variant, map[string]any{"quantity": 3}).status)
	ships := map[string]any{"address": map[string]any{"shipping": home(), "billing": home()}}
	got := p.call("POST", "/cart/", ships)
	require.Equal(t, 200, got.status, string(got.body))
	require.JSONEq(t, string(got.body), string(p.call("POST", "/cart", map[string]any{"payload": ships}).body), "bare, or under payload")
	fees := map[string]float64{"byeolshow": 3000, "VENDER222AA2": 3500, "VENDER222AA3": 4000}
	groups := got.object(t)["cart"].([]any)
	require.Len(t, groups, len(fees))
	for _, group := range groups {
		group := group.(map[string]any)
		requireKeys(t, group, []string{"vendor", "items", "ShippingPolicy"})
		vendor, house := group["vendor"].(string)
		policy := group["ShippingPolicy"].(map[string]any)
		requireKeys(t, policy, []string{"method", "country", "rules", "regions", "vendor"})
		if house {
			require.Nil(t, policy["vendor"])
		} else {
			vendor = group["vendor"].(map[string]any)["_id"].(string)
			require.NotEmpty(t, group["vendor"].(map[string]any)["name"])
			require.Equal(t, vendor, policy["vendor"].(map[string]any)["_id"])
		}
		require.InDelta(t, fees[vendor], at(t, policy["rules"].([]any)[0], "fee"), 0, vendor)
		for _, item := range group["items"].([]any) {
			for _, path := range []string{
				"quantity", "discounted", "taxed", "price.original", "price.sale", "price.withTax", "price.withoutTax", "variant.price.original",
				"variant.price.sale", "variant.discount.discounted", "total.discounted", "total.taxed", "total.price.withTax",
			} {
				at(t, item, path)
			}
			require.IsType(t, "", item.(map[string]any)["addedAt"])
		}
	}
	lines := p.cart()
	short := lines[scarce]
	require.Equal(t, []any{3.0, 3.0, "bundled", nil}, []any{short["quantity"], short["stock"], short["calculation"], short["IsDomestic"]}, "clipped")
	six, _ := product(6)
	require.Equal(t, []any{nil, true}, []any{lines[six]["stock"], lines[six]["IsDomestic"]}, "of any number")
	require.InDelta(t, 10, at(t, lines[six]["discounts"].([]any)[0], "value"), 0)
	seven, _ := product(7)
	require.IsType(t, map[string]any{}, lines[seven]["variant"].(map[string]any)["quantity"], "not listed, so not flattened")
	total := got.object(t)["total"]
	require.InDelta(t, at(t, total, "items.price.withTax")+at(t, total, "shipping.fee.withTax"), at(t, total, "amount"), 0)

	requireBare(t, p.call("POST", "/cart/", map[string]any{"payload": 5}), 400, "validation")
	got = shared.call(t, "POST", "/cart/", "", nil)
	require.Equal(t, 401, got.status)
	requireError(t, got, "whose?")
}

func TestCart5Add(t *testing.T) {
	p := newShopper(t)
	one, variant := product(1)
	five, _ := product(5)
	add := func(payloads ...any) answer {
		list := []any{}
		for _, payload := range payloads {
			list = append(list, map[string]any{"payload": payload})
		}
		return p.call("POST", "/cart/items/", map[string]any{"payloads": list})
	}
	courier := line(1, 2)
	courier["shippingMethod"] = "SHPMETHQVCK2"
	got := add(line(5, 1), courier)
	require.Equal(t, 200, got.status, string(got.body))
	results := got.list(t)
	require.Len(t, results, 2)
	require.Equal(t, []any{one, variant, 2.0, parcel},
		[]any{results[1]["product"], results[1]["variant"], results[1]["quantity"], results[1]["shippingMethod"]}, "shipped by the product's first method")
	got = add(line(1, 7))
	require.Equal(t, 200, got.status, string(got.body))
	require.Equal(t, results[1]["_id"], got.list(t)[0]["_id"], "one line per variant")
	lines := p.cart()
	require.Len(t, lines, 2)
	require.Equal(t, []any{7.0, 1.0}, []any{lines[one]["quantity"], lines[five]["quantity"]}, "replaced, not added up")
	for _, item := range lines {
		require.Equal(t, parcel, item["shippingMethod"].(map[string]any)["_id"])
	}
	for name, payload := range map[string]any{
		"no variant": map[string]any{"product": one, "quantity": 1}, "no product": map[string]any{"variant": variant, "quantity": 1}, "nothing": nil,
	} {
		got := add(payload)
		require.Equal(t, 400, got.status, name)
		requireBare(t, got, 400, "validation")
	}
	requireBare(t, add(), 400, "validation")
	requireBare(t, add(line(1, 0)), 400, "validation")
	require.InDelta(t, 7, p.cart()[one]["quantity"], 0)
}

func TestCart6Checkout(t *testing.T) {
	p := newShopper(t)
	id, variant := newProduct(t, 10000, 5)
	three := map[string]any{"product": id, "variant": variant, "quantity": 3}
	p.fill(three)
	for name, spoil := range map[string]func(map[string]any){
		"dollars":       func(payload map[string]any) { payload["currency"] = "USD" },
		"no address":    func(payload map[string]any) { delete(payload, "address") },
		"half of it":    func(payload map[string]any) { payload["address"] = map[string]any{"shipping": home()} },
		"no such item":  func(payload map[string]any) { payload["items"] = []any{} },
		"a wrong piece": func(payload map[string]any) { payload["items"] = "all" },
	} {
		body := purchase()
		spoil(body["payload"].(map[string]any))
		got := p.call("POST", "/cart/checkout/", body)
		require.Equal(t, 400, got.status, "%s: %s", name, got.body)
		requireBare(t, got, 400, "[a-z-]+")
	}
	require.Empty(t, p.orders())
	require.Equal(t, 5, stock(t, id, variant))

	k := key()
	got := p.call("POST", "/cart/checkout/", purchase(), "Idempotency-Key", k)
	o := p.placed(got)
	made := got.object(t)
	require.Len(t, made, 1)
	placed := made["order"].(map[string]any)
	require.Equal(t, "placed", placed["status"])
	require.InDelta(t, 33500, at(t, placed, "total.amount"), 0, "plain numbers")
	require.InDelta(t, 3, at(t, o.items[0], "quantity"), 0)
	require.Equal(t, id, o.items[0].(map[string]any)["product"])
	require.Len(t, o.ships, 1)
	transaction := placed["transactions"].([]any)[0].(map[string]any)
	require.Equal(t, []any{0.0, 0.0, 0.0, []any{}}, []any{transaction["paid"], transaction["cancelled"], transaction["refunded"], transaction["vbanks"]})
	require.JSONEq(t, string(got.body), string(p.call("PUT", "/cart/checkout/", purchase(), "Idempotency-Key", k).body), "once per key")
	require.Len(t, p.orders(), 1)
	require.Empty(t, p.cart(), "what was ordered is not in the cart any more")
	require.Equal(t, 2, stock(t, id, variant))
	require.Equal(t, "placed", o.status())

	p.fill(line(1, 1))
	direct := p.placed(p.call("PUT", "/cart/checkout/", purchase(map[string]any{"product": id, "variant": variant, "quantity": 1})))
	require.Equal(t, 13500, direct.amount)
	require.Len(t, p.cart(), 1, "an immediate purchase leaves the cart")
	require.Len(t, p.orders(), 2)
	got = p.call("POST", "/cart/checkout/", purchase(three), "Idempotency-Key", k)
	requireBare(t, got, 409, "idempotency-conflict")
	requireBare(t, p.call("POST", "/cart/checkout/", purchase(three)), 400, "exceeded-item-quantity")
	require.Len(t, p.orders(), 2)
}
