package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCheckoutsMayNameCouponsOnly: nobody sets their own price.
func TestCheckoutsMayNameCouponsOnly(t *testing.T) {
	t.Parallel()
	body := `{"payload":{"customer":"SOMEBODY","address":{"shipping":{"city":"서울"},"billing":{"city":"서울"}},"discount":{
		"cart":{"coupon":"C1","discounts":[{"type":"fixed","value":1000}]},
		"items":[{"item":"a","coupon":"C2","discounts":[{"type":"percentage","value":100}]}],
		"shipping":[{"discounts":[{"value":1}],"coupon":"C3"}]}}}`
	payload, err := checkoutPayload(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/cart/checkout/", strings.NewReader(body)))
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"currency": "KRW",
		"address":  map[string]any{"shipping": map[string]any{"city": "서울"}, "billing": map[string]any{"city": "서울"}},
		"discount": map[string]any{
			"cart":     map[string]any{"coupon": "C1"},
			"items":    []any{map[string]any{"item": "a", "coupon": "C2"}},
			"shipping": []any{map[string]any{"coupon": "C3"}},
		},
	}, payload)
}
