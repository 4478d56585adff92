package api

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFlattening(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		paths    []string
		in, want string
	}{
		"a number":              {[]string{"a"}, `{"a":{"raw":1,"formatted":"1"},"b":{"raw":2}}`, `{"a":1,"b":{"raw":2}}`},
		"null and plain stay":   {[]string{"{a,b,c}"}, `{"a":null,"b":5}`, `{"a":null,"b":5}`},
		"null inside":           {[]string{"a"}, `{"a":{"raw":null}}`, `{"a":null}`},
		"elements":              {[]string{"x[].{p.q,r}"}, `{"x":[{"p":{"q":{"raw":1}},"r":{"raw":"t"},"s":{"raw":2}},null,7]}`, `{"x":[{"p":{"q":1},"r":"t","s":{"raw":2}},null,7]}`},
		"every key":             {[]string{"price.*"}, `{"price":{"original":{"raw":2},"sale":{"raw":1},"type":"fixed"}}`, `{"price":{"original":2,"sale":1,"type":"fixed"}}`},
		"all below":             {[]string{"total.**"}, `{"total":{"a":{"raw":1},"b":[{"c":{"raw":2}}],"d":"x"}}`, `{"total":{"a":1,"b":[{"c":2}],"d":"x"}}`},
		"nested braces":         {[]string{"a.{b.{c,d},e}"}, `{"a":{"b":{"c":{"raw":1},"d":{"raw":2}},"e":{"raw":3},"f":{"raw":4}}}`, `{"a":{"b":{"c":1,"d":2},"e":3,"f":{"raw":4}}}`},
		"another kind in place": {[]string{"a.b", "c[].d"}, `{"a":5,"c":{"d":1}}`, `{"a":5,"c":{"d":1}}`},
		"digits are kept":       {[]string{"a"}, `{"a":{"raw":12345678901234567890}}`, `{"a":12345678901234567890}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, err := parse(json.RawMessage(c.in))
			require.NoError(t, err)
			text, err := json.Marshal(rawAt(c.paths...).apply(document))
			require.NoError(t, err)
			require.Equal(t, c.want, string(text))
		})
	}
	_, err := parse(json.RawMessage(`[]`))
	require.Error(t, err)
}

// TestWhatIsListedIsFlattenedAndNothingElse builds a document in which
// everything is wrapped, and looks what is left of it.
func TestWhatIsListedIsFlattenedAndNothingElse(t *testing.T) {
	t.Parallel()
	w := func(v any) map[string]any { return map[string]any{"raw": v} }
	price := func() map[string]any {
		return map[string]any{"original": w(2), "sale": w(1), "withTax": w(1), "withoutTax": w(1)}
	}
	order := map[string]any{
		"createdAt": w("t"), "paidAt": nil, "currency": map[string]any{"rate": w(1)},
		"total":        map[string]any{"price": price(), "amount": w(1), "taxes": []any{map[string]any{"taxed": w(1), "key": "KR/VAT"}}, "vendors": []any{map[string]any{"amount": w(1)}}},
		"transactions": []any{map[string]any{"paid": w(1), "vbanks": []any{map[string]any{"amount": w(9), "expiresAt": w("t")}}}},
		"items":        []any{map[string]any{"variant": map[string]any{"weight": w(1), "price": map[string]any{"sale": w(1)}}, "discounts": []any{map[string]any{"coupon": map[string]any{"discount": map[string]any{"value": w(3)}}}}}},
		"meta":         map[string]any{"n": w(1)},
	}
	orderRaw.apply(order)
	text, err := json.Marshal(order)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"createdAt":"t","paidAt":null,"currency":{"rate":1},
		"total":{"price":{"original":2,"sale":1,"withTax":1,"withoutTax":1},"amount":1,"taxes":[{"taxed":1,"key":"KR/VAT"}],"vendors":[{"amount":{"raw":1}}]},
		"transactions":[{"paid":1,"vbanks":[{"amount":{"raw":9},"expiresAt":{"raw":"t"}}]}],
		"items":[{"variant":{"weight":1,"price":{"sale":1}},"discounts":[{"coupon":{"discount":{"value":3}}}]}],
		"meta":{"n":{"raw":1}}}`, string(text))
}

func TestOrdersAreCompletedWhereTheShopGivesIDs(t *testing.T) {
	t.Parallel()
	order, err := parse(json.RawMessage(`{"_id":"O","items":[{"_id":"I","product":"P","variant":"V","vendor":"W"}],
		"shipments":[{"_id":"S","vendor":"W","items":["I"],"fee":{"original":3000}}],
		"refunds":[{"_id":"R","items":[{"item":"I","quantity":1}]}],"reviews":["RV",{"_id":"RW","product":{"_id":"P"}},7,null,{"_id":"RX"}]}`))
	require.NoError(t, err)
	product, err := parse(json.RawMessage(`{"_id":"P","name":"상품","thumbnail":{"url":"u"},"vendor":{"_id":"W","name":"별공방"},
		"variants":[{"_id":"V","types":[{"option":{"name":"색"}}],"price":{"sale":{"raw":900}}}]}`))
	require.NoError(t, err)
	completeOrder(order, map[string]map[string]any{"P": product}, map[string]string{"RV": "Q"})
	orderRaw.apply(order)
	item := objects(order["items"])[0]
	require.Equal(t, "상품", object(item, "product")["name"])
	require.Equal(t, "별공방", object(item, "vendor")["name"])
	require.Len(t, object(item, "variant")["types"], 1)
	require.Equal(t, []any{map[string]any{"_id": "I"}}, objects(order["shipments"])[0]["items"])
	back := object(objects(objects(order["refunds"])[0]["items"])[0], "item")
	require.Equal(t, "상품", object(back, "product")["name"])
	require.Equal(t, json.Number("900"), object(back, "variant", "price")["sale"])
	require.Equal(t, []any{
		map[string]any{"_id": "RV", "product": "Q"}, map[string]any{"_id": "RW", "product": "P"}, map[string]any{"_id": "RX", "product": nil},
	}, order["reviews"], "an odd review breaks nothing")
	require.Len(t, order["transactions"], 1)
	completeOrder(map[string]any{"items": []any{map[string]any{"product": "gone"}}}, nil, nil) // and breaks nothing
}

func TestCardsAreMasked(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"": "", "1234": "1234", "1234-5678-9012-3456": "****-****-****-3456", "5555-55**-****-3184": "****-****-****-3184", "123456*********7": "*************" + "**7",
	} {
		if number == "123456*********7" {
			want = "************" + "***7"
		}
		require.Equal(t, want, maskCard(number), number)
	}
}
