package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
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

// TestTheSameCartLongAfterIsANewOrder, also when the order of the first is no
// longer among the newest.
func TestTheSameCartLongAfterIsANewOrder(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	a := &api{Config: s.config}
	a.TapWindow = 30 * time.Second
	ctx := context.WithValue(t.Context(), callerKey{}, &member{ID: "C"})
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/cart/checkout/", nil)
	payload := map[string]any{"items": []any{}}
	var orders []string // the newest first
	order := func(key string) {
		text := fmt.Sprintf(`{"_id":"O%d","status":"paid","createdAt":{"raw":%q},"meta":{"checkout_key":%q}}`, len(orders), s.now().UTC().Format(time.RFC3339), key)
		orders = append([]string{text}, orders...)
		s.lists("/orders", orders...)
		s.pass(time.Minute)
	}
	s.lists("/orders")
	keys := map[string]bool{}
	for round := range 4 {
		key, earlier, err := a.tapKey(request, payload, "0123456789abcdef")
		require.NoError(t, err)
		require.Empty(t, earlier)
		require.False(t, keys[key], "%s once more, in round %d", key, round)
		keys[key] = true
		twin, _, err := a.tapKey(request, payload, "0123456789abcdef")
		require.NoError(t, err)
		require.Equal(t, key, twin, "a second tap at once")
		order(key)
		for range round * clayful.Recent { // none between the first two
			order("another")
		}
	}
}
