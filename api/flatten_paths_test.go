package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const wrappedSeven = `{"converted":"7원","formatted":"7","raw":7}`

// documentAt has a leaf at a path, and nothing else. "x[]" is a list of one.
func documentAt(path, leaf string) string {
	steps := strings.Split(path, ".")
	for i := len(steps) - 1; i >= 0; i-- {
		name, list := strings.CutSuffix(steps[i], "[]")
		if list {
			leaf = "[" + leaf + "]"
		}
		leaf = `{"` + name + `":` + leaf + `}`
	}
	return leaf
}

func flattened(t *testing.T, f flattener, document string) string {
	t.Helper()
	parsed, err := parse(json.RawMessage(document))
	require.NoError(t, err)
	body, err := encode(f.apply(parsed))
	require.NoError(t, err)
	return string(body)
}

// prices writes the keys of a price under a path.
func prices(paths ...string) []string {
	var all []string
	for _, path := range paths {
		for _, key := range []string{"original", "sale", "withTax", "withoutTax"} {
			all = append(all, path+"."+key)
		}
	}
	return all
}

// under writes keys under a path.
func under(path string, keys ...string) []string {
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = path + "." + key
	}
	return all
}

func join(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// TestWhatIsFlattened has every path the contract lists, written out, and some
// beside them that stay objects.
func TestWhatIsFlattened(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		f    flattener
		flat []string
		kept []string
	}{
		"Product (14)": {
			productRaw,
			join([]string{"totalReview", "createdAt", "updatedAt", "price.original", "price.sale", "discount.discounted", "discount.value"},
				under("rating", "count", "sum", "average"), prices("variants[].price"), under("variants[].discount", "discounted", "value"),
				under("variants[]", "weight", "width", "height", "depth", "quantity")),
			[]string{
				"price.withTax", "discount.min", "rating.best", "meta.n", "variants[].thumbnail", "variants[].createdAt", "bundles[].items[].price.sale",
				"variants", "variants[].price", "shipping.fee", "price",
			},
		},
		"raw(P) (8)": {
			policyRaw,
			join(under("rules[]", "weightOver", "fee", "free.priceOver"), under("regions[].rules[]", "weightOver", "fee", "free.priceOver")),
			[]string{"createdAt", "updatedAt", "rules[].free", "regions[].fee", "rules[].free.weight", "fee"},
		},
		"Catalog (9)": {
			catalogRaw, []string{"createdAt", "updatedAt"},
			[]string{"meta.min", "meta.max", "items[].createdAt", "title", "image"},
		},
		"cart item (8)": {
			cartItemRaw,
			join([]string{"addedAt", "quantity", "discounted", "taxed"},
				under("variant", "price.original", "price.sale", "discount.discounted", "discount.value", "weight", "width", "height", "depth"),
				under("discounts[]", "discounted", "value", "before", "after"), prices("price", "total.price"), under("total", "discounted", "taxed")),
			[]string{
				"variant.price.withTax", "variant.quantity", "variant.discount.min", "discounts[].coupon.discount.value", "total.shipping",
				"product.price.sale", "total", "variant",
			},
		},
		"raw(O) (12)": {
			orderRaw,
			join([]string{"currency.rate", "cancellation.cancelledAt", "createdAt", "updatedAt", "paidAt", "receivedAt"},
				prices("total.price", "total.items.price", "total.shipping.fee"),
				under("total", "items.discounted", "items.taxed", "shipping.discounted", "shipping.taxed", "discounted", "taxed", "amount",
					"paid", "cancelled", "refunded", "taxes[].taxed"),
				prices("items[].total.price", "items[].total", "items[].price", "items[].variant.price", "items[].variant"),
				under("items[]", "quantity", "discounted", "taxed", "unfulfilled", "variant.weight", "variant.discount.value", "taxes[].rate", "taxes[].taxed"),
				under("items[].discounts[]", "value", "discounted", "before", "after", "coupon.discount.value", "coupon.discount.a.b"),
				prices("shipments[].rule", "shipments[].fee"),
				under("shipments[]", "rule.free.priceOver", "quantity", "discounted", "taxed", "taxes[].taxed", "items[].quantity", "items[].price.sale"),
				under("fulfillments[]", "items[].quantity", "items[].item.price.sale", "createdAt", "updatedAt"),
				under("transactions[]", "paid", "cancelled", "refunded", "createdAt", "updatedAt"),
				under("refunds[]", "total", "total.price.withTax", "total.items.price.sale", "cancellation.cancelledAt", "items[].quantity",
					"items[].price.sale", "items[].item.variant.price.sale", "shipments[].fee.original", "createdAt", "updatedAt"),
			),
			[]string{
				"transactions[].vbanks[].amount", "transactions[].vbanks[].expiresAt", "total", "currency.payment.rate", "meta.n",
				"total.taxes[].rate", "items[].product.price.sale", "items[].brand", "items[].discounts[].coupon.expiresAt",
				"fulfillments[].tracking", "shipments[].vendor", "reviews[].createdAt", "total.vendors[].amount", "tax.rate",
			},
		},
	} {
		for _, path := range test.flat {
			require.Equal(t, documentAt(path, "7"), flattened(t, test.f, documentAt(path, wrappedSeven)), "%s: %s", name, path)
			require.Equal(t, documentAt(path, "null"), flattened(t, test.f, documentAt(path, "null")), "%s: null %s", name, path)
			require.Equal(t, documentAt(path, "7.50"), flattened(t, test.f, documentAt(path, "7.50")), "%s: plain %s", name, path)
			require.Equal(t, documentAt(path, "null"), flattened(t, test.f, documentAt(path, `{"raw":null}`)), "%s: wrapped null %s", name, path)
		}
		for _, path := range test.kept {
			require.Equal(t, documentAt(path, wrappedSeven), flattened(t, test.f, documentAt(path, wrappedSeven)), "%s: %s", name, path)
		}
		require.Equal(t, `{}`, flattened(t, test.f, `{}`), name)
	}
}

func TestPathsWithBraces(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"a.b.x", "a.c.d.x", "a.c.e.x"}, alternatives("a.{b,c.{d,e}}.x"))
	require.Equal(t, []string{"ac", "ad", "bc", "bd"}, alternatives("{a,b}{c,d}"))
	require.Equal(t, []string{"a"}, alternatives("a"))
	require.Panics(t, func() { alternatives("a.{b,c") })
}

func TestWhatIsNoDocumentIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `null`, `[]`, `"x"`, `{"a":`} {
		_, err := parse(json.RawMessage(text))
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "%!", text)
	}
}
