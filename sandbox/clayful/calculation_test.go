package clayful

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shelf is a product with one variant, as a document.
func shelf(id string, original, sale float64, change func(document)) document {
	d := document{
		"_id": id, "type": "tangible", "available": true, "vendor": "VENDOR", "brand": "BRAND", "taxCategories": []any{"VAT"},
		"collectionIDs": []any{"ROOT", "LEAF"}, "collections": []any{}, "bundles": []any{},
		"shipping": map[string]any{"methods": []any{"PARCEL"}, "calculation": "bundled"},
		"variants": []any{map[string]any{
			"_id": "V" + id, "available": true, "quantity": nil, "weight": 1.0, "types": []any{},
			"price": map[string]any{"original": original, "sale": sale}, "discount": map[string]any{"type": "fixed", "value": original - sale},
		}},
	}
	if change != nil {
		change(d)
	}
	return d
}

func cartOf(products ...document) []*line {
	byID := map[string]document{}
	var lines []*line
	method := "PARCEL"
	for _, p := range products {
		byID[p.id()] = p
		lines = append(lines, newLine(cartItem{ID: "L" + p.id(), Product: p.id(), Variant: "V" + p.id(), Quantity: 1, ShippingMethod: &method}, byID))
	}
	return lines
}

func seoulBasket(lines ...*line) *basket {
	rule := func(over, fee float64, free any) map[string]any {
		return map[string]any{"weightOver": over, "fee": fee, "free": map[string]any{"priceOver": free}}
	}
	return &basket{
		lines: lines, shipTo: map[string]any{"country": "KR", "state": "서울", "city": "강남구"},
		rates: map[string]*rate{"VAT": {name: "VAT", percent: 10}}, coupons: map[string]document{},
		policies: []document{{
			"_id": "POLICY", "vendor": "VENDOR", "method": "PARCEL", "country": "KR",
			"rules":   []any{rule(0, 3000, 50000.0), rule(20, 8000, nil)},
			"regions": []any{map[string]any{"name": map[string]any{"ko": "제주"}, "rules": []any{rule(0, 6000, nil)}}},
		}},
	}
}

func coupon(id, kind, discount string, value float64, change func(document)) document {
	d := document{
		"_id": id, "type": kind, "active": true, "only": false, "discount": map[string]any{"type": discount, "value": value},
		"price": map[string]any{}, "category": map[string]any{"type": "any"},
	}
	if change != nil {
		change(d)
	}
	return d
}

func (b *basket) hold(coupons ...document) *basket {
	for _, c := range coupons {
		b.coupons[c.id()] = c
	}
	return b
}

func (b *basket) onItem(item, coupon string) *basket {
	b.wanted.Items = append(b.wanted.Items, struct {
		Item   string `json:"item"`
		Coupon string `json:"coupon"`
	}{item, coupon})
	return b
}

func (b *basket) onCart(coupon string) *basket {
	b.wanted.Cart = &struct {
		Coupon string `json:"coupon"`
	}{coupon}
	return b
}

func TestShippingFollowsThePolicy(t *testing.T) {
	t.Parallel()
	heavy := func(d document) { objects(d["variants"])[0]["weight"] = 25.0 }
	separated := func(d document) { d["shipping"].(map[string]any)["calculation"] = "separated" }
	download := func(d document) { d["type"] = "downloadable" }
	for name, c := range map[string]struct {
		products []document
		state    string
		fees     []int64
	}{
		"one parcel":       {[]document{shelf("A", 10000, 10000, nil), shelf("B", 10000, 10000, nil)}, "서울", []int64{3000}},
		"free above":       {[]document{shelf("A", 49999, 49999, nil), shelf("B", 1, 1, nil)}, "서울", []int64{0}},
		"not quite free":   {[]document{shelf("A", 60000, 49999, nil)}, "서울", []int64{3000}},
		"heavy":            {[]document{shelf("A", 60000, 60000, heavy)}, "서울", []int64{8000}},
		"Jeju":             {[]document{shelf("A", 60000, 60000, nil)}, "제주특별자치도", []int64{6000}},
		"separate parcels": {[]document{shelf("A", 10000, 10000, separated), shelf("B", 10000, 10000, separated), shelf("C", 1000, 1000, nil)}, "서울", []int64{3000, 3000, 3000}},
		"nothing to ship":  {[]document{shelf("A", 10000, 10000, download)}, "서울", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := seoulBasket(cartOf(c.products...)...)
			b.shipTo["state"] = c.state
			shipments, total, err := b.calculate()
			require.NoError(t, err)
			var fees []int64
			var sum int64
			for _, s := range shipments {
				fees = append(fees, s.Fee.WithTax)
				sum += s.Fee.WithTax
				require.Equal(t, s.Fee.WithTax-s.Fee.WithTax*10/11, s.Taxed)
			}
			require.Equal(t, c.fees, fees)
			require.Equal(t, sum, total.Shipping.Fee.WithTax)
			require.Equal(t, total.Amount, total.Items.Price.WithTax+sum)
		})
	}
}

func TestNothingIsShippedOrTaxedBeforeAnAddress(t *testing.T) {
	t.Parallel()
	b := seoulBasket(cartOf(shelf("A", 11000, 11000, nil))...)
	b.shipTo = nil
	shipments, total, err := b.calculate()
	require.NoError(t, err)
	require.Empty(t, shipments)
	require.EqualValues(t, 11000, total.Amount)
	require.Zero(t, total.Taxed)
}

func TestCoupons(t *testing.T) {
	t.Parallel()
	most := func(d document) { d["discount"].(map[string]any)["max"] = 1500.0 }
	atLeast := func(price float64) func(document) {
		return func(d document) { d["price"] = map[string]any{"min": price} }
	}
	only := func(d document) { d["only"] = true }
	of := func(kind, field, id string) func(document) {
		return func(d document) { d["category"] = map[string]any{"type": kind, field: []any{id}} }
	}
	expired := func(d document) { d["expiresAt"] = stamp(time.Now().Add(-time.Minute)) }
	two := func(b *basket) *basket { b.lines[0].quantity = 2; return b }
	fresh := func() *basket {
		return seoulBasket(cartOf(shelf("A", 10000, 9000, nil), shelf("B", 3333, 3333, nil))...)
	}
	for name, c := range map[string]struct {
		basket *basket
		sale   int64 // of all items
		refuse string
	}{
		"an amount off an item":      {fresh().hold(coupon("C", "product", "fixed", 1000, nil)).onItem("LB", "C"), 9000 + 2333, ""},
		"more than it costs":         {fresh().hold(coupon("C", "product", "fixed", 5000, nil)).onItem("LB", "C"), 9000, ""},
		"a share, down to the won":   {fresh().hold(coupon("C", "product", "percentage", 15, nil)).onItem("LB", "C"), 9000 + 3333 - 499, ""},
		"a share with an end":        {fresh().hold(coupon("C", "product", "percentage", 50, most)).onItem("LA", "C"), 7500 + 3333, ""},
		"of its collection":          {fresh().hold(coupon("C", "product", "fixed", 1, of("include", "collections", "ROOT"))).onItem("LB", "C"), 12332, ""},
		"of another collection":      {fresh().hold(coupon("C", "product", "fixed", 1, of("include", "collections", "X"))).onItem("LB", "C"), 0, "product-coupon-category"},
		"of all but its brand":       {fresh().hold(coupon("C", "product", "fixed", 1, of("exclude", "brands", "BRAND"))).onItem("LB", "C"), 0, "product-coupon-category"},
		"not held":                   {fresh().onItem("LB", "C"), 0, "not-existing-coupon-relation"},
		"expired":                    {fresh().hold(coupon("C", "product", "fixed", 1, expired)).onItem("LB", "C"), 0, "expired-coupon"},
		"of the cart, on an item":    {fresh().hold(coupon("C", "cart", "fixed", 1, nil)).onItem("LB", "C"), 0, "invalid-coupon-type"},
		"on two pieces":              {two(fresh()).hold(coupon("C", "product", "fixed", 1, nil)).onItem("LA", "C"), 0, "product-coupon-quantity"},
		"on two lines":               {fresh().hold(coupon("C", "product", "fixed", 1, nil)).onItem("LA", "C").onItem("LB", "C"), 0, "duplicated-coupon"},
		"only on the full price":     {fresh().hold(coupon("C", "product", "fixed", 1, only)).onItem("LA", "C"), 0, "product-coupon-only"},
		"too cheap":                  {fresh().hold(coupon("C", "product", "fixed", 1, atLeast(5000))).onItem("LB", "C"), 0, "product-coupon-price"},
		"off the cart":               {fresh().hold(coupon("C", "cart", "fixed", 1000, nil)).onCart("C"), 11333, ""},
		"a share of the cart":        {fresh().hold(coupon("C", "cart", "percentage", 10, nil)).onCart("C"), 12333 - 1233, ""},
		"a cart too cheap":           {fresh().hold(coupon("C", "cart", "fixed", 1, atLeast(20000))).onCart("C"), 0, "cart-coupon-price"},
		"a cart of something else":   {fresh().hold(coupon("C", "cart", "fixed", 1, of("include", "products", "A"))).onCart("C"), 0, "cart-coupon-category"},
		"on an item and on the cart": {fresh().hold(coupon("C", "product", "fixed", 333, nil), coupon("D", "cart", "fixed", 1000, nil)).onItem("LB", "C").onCart("D"), 11000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, total, err := c.basket.calculate()
			if c.refuse != "" {
				var refusal *apiError
				require.True(t, errors.As(err, &refusal), "%v", err)
				require.Equal(t, c.refuse, refusal.code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.sale, total.Items.Price.Sale)
			var sum, taxed int64
			for _, l := range c.basket.lines {
				sum += l.total.WithTax
				taxed += l.total.WithTax - l.total.WithoutTax
			}
			require.Equal(t, sum, total.Items.Price.WithTax, "the parts are the whole")
			require.Equal(t, taxed, total.Items.Taxed)
		})
	}
}

func TestBundles(t *testing.T) {
	t.Parallel()
	gift := shelf("GIFT", 2000, 2000, func(d document) { d["bundled"] = true })
	offer := func(required bool) func(document) {
		return func(d document) {
			d["bundles"] = []any{map[string]any{"required": required, "items": []any{map[string]any{"product": "GIFT"}}}}
		}
	}
	method := "PARCEL"
	with := func(main document, bundled ...cartItem) *basket {
		products := map[string]document{"A": main, "GIFT": gift}
		item := cartItem{ID: "LA", Product: "A", Variant: "VA", Quantity: 2, ShippingMethod: &method, BundleItems: bundled}
		return seoulBasket(newLine(item, products))
	}
	gifts := func(n int64) cartItem {
		return cartItem{ID: "LG", Product: "GIFT", Variant: "VGIFT", Quantity: n, ShippingMethod: &method}
	}
	b := with(shelf("A", 10000, 10000, offer(false)), gifts(3))
	_, total, err := b.calculate()
	require.NoError(t, err)
	require.Empty(t, b.lines[0].errors)
	require.EqualValues(t, 26000, total.Items.Price.Sale)
	for name, c := range map[string]struct {
		basket *basket
		code   string
	}{
		"not offered":      {with(shelf("A", 10000, 10000, nil), gifts(1)), "no-bundle-item"},
		"required, absent": {with(shelf("A", 10000, 10000, offer(true))), "required-bundle-item-required"},
		"required, uneven": {with(shelf("A", 10000, 10000, offer(true)), gifts(3)), "invalid-required-bundle-item-quantity"},
	} {
		_, _, err := c.basket.calculate()
		require.NoError(t, err)
		require.Contains(t, c.basket.lines[0].errors, problem{c.code}, name)
	}
}

func TestWhatIsWrongWithALine(t *testing.T) {
	t.Parallel()
	for code, change := range map[string]func(*line){
		"no-product":                    func(l *line) { l.product = nil },
		"no-variant":                    func(l *line) { l.variant = nil },
		"not-available-product":         func(l *line) { l.product["available"] = false },
		"not-available-variant":         func(l *line) { l.variant["available"] = false },
		"sold-out-variant":              func(l *line) { l.variant["quantity"] = 0.0 },
		"exceeded-item-quantity":        func(l *line) { l.variant["quantity"], l.quantity = 1.0, 2 },
		"shipping-method-required":      func(l *line) { l.method = nil },
		"not-supported-shipping-method": func(l *line) { *l.method = "DRONE" },
		"non-shippable-product":         func(l *line) { l.product["vendor"] = "OTHER" },
	} {
		b := seoulBasket(cartOf(shelf("A", 10000, 10000, nil))...)
		change(b.lines[0])
		_, _, err := b.calculate()
		require.NoError(t, err)
		require.Contains(t, b.lines[0].errors, problem{code}, code)
	}
}

func TestPartsOfARefundAreTheWhole(t *testing.T) {
	t.Parallel()
	b := seoulBasket(cartOf(shelf("A", 3333, 3333, nil))...)
	b.lines[0].quantity = 3
	b.hold(coupon("C", "cart", "fixed", 1000, nil)).onCart("C")
	shipments, total, err := b.calculate()
	require.NoError(t, err)
	o := newOrder(b, shipments, total, checkoutRequest{}, "PAY")
	for i := range 4 {
		var in refundRequest
		in.Items = append(in.Items, struct {
			Item     string `json:"item"`
			Quantity int64  `json:"quantity"`
		}{o.Items[0].ID, 1})
		r, err := o.claim(in)
		require.NoError(t, err)
		o.Refunds = append(o.Refunds, *r)
		if i == 1 {
			o.Refunds[0].Status = "cancelled"
		}
	}
	var sum, without int64
	for _, r := range o.Refunds[1:] {
		sum += r.Total.Price.WithTax
		without += r.Total.Price.WithoutTax
	}
	require.Equal(t, o.Items[0].Total.Price.WithTax, sum)
	require.Equal(t, o.Items[0].Total.Price.WithoutTax, without)
}

func TestStatusFollowsFromTheSums(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct{ paid, returned, owed int64 }{
		"placed": {}, "paid": {1000, 0, 0}, "under-paid": {900, 0, 0}, "over-paid": {1100, 0, 0}, "under-refunded": {1000, 100, 400},
		"over-refunded": {1000, 500, 400}, "partially-refunded": {1000, 400, 400}, "refunded": {1000, 1000, 1000},
	} {
		o := &order{Total: totals{Amount: 1000}, Transactions: []transaction{{Paid: c.paid, Cancelled: c.returned}}}
		if c.owed > 0 {
			o.Refunds = []refund{{Status: "accepted", Total: refundTotal{Price: withTax{WithTax: c.owed}}}, {Status: "cancelled", Total: refundTotal{Price: withTax{WithTax: 5}}}}
		}
		o.settle()
		require.Equal(t, want, o.Status)
	}
}
