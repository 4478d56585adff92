package sandbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestShopOrdersShowTheirSums sees the money of all payment methods in an
// order's total, as formatted documents show it.
func TestShopOrdersShowTheirSums(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, list := w.shop("GET", "/orders?status=partially-refunded&limit=1", nil)
	order := list.([]any)[0].(map[string]any)
	transaction := order["transactions"].([]any)[0].(map[string]any)
	total := order["total"].(map[string]any)
	for _, field := range []string{"paid", "cancelled", "refunded"} {
		require.Equal(t, transaction[field], total[field], field)
	}
	require.Positive(t, total["paid"].(map[string]any)["raw"])
	_, raw := w.shop("GET", "/orders/"+order["_id"].(string)+"?raw=true", nil)
	require.NotContains(t, raw.(map[string]any)["total"], "paid")
}

func TestShopChecksAnOrdersNewAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, list := w.shop("GET", "/orders?limit=1", nil)
	path := "/orders/" + list.([]any)[0].(map[string]any)["_id"].(string)
	_, before := w.shop("GET", path, nil)
	address := func(city, postcode any) map[string]any {
		return map[string]any{"address": map[string]any{"shipping": map[string]any{
			"name": map[string]any{"full": "데모"}, "country": "KR", "city": city, "address1": "테헤란로 152", "postcode": postcode,
		}}}
	}
	for code, body := range map[string]any{
		"validation": address(nil, "06236"), "postcode-required": address("강남구", nil), "invalid-postcode": address("강남구", "6236"),
	} {
		status, got := w.shop("PUT", path, body)
		require.Equal(t, 400, status, code)
		require.Equal(t, code, got.(map[string]any)["errorCode"])
	}
	_, after := w.shop("GET", path, nil)
	require.Equal(t, before.(map[string]any)["address"], after.(map[string]any)["address"])
	status, _ := w.shop("PUT", path, address("서초구", "06236"))
	require.Equal(t, 200, status)
}

func TestShopRefusesInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for language, words := range map[string]string{"ko": "존재하지 않습니다: product", "en": "It does not exist: product"} {
		status, got := w.shop("GET", "/products/NXTHXNG22222", nil, "Accept-Debug-Language", language)
		require.Equal(t, 404, status)
		require.Equal(t, words, got.(map[string]any)["message"])
	}
}
