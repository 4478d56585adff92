package sandbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	shop "github.com/byeolshow/byeolshow/sandbox/clayful"
)

func TestCouponPool(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	demo := w.customer("demo")
	status, made := w.shop("POST", "/coupons", map[string]any{
		"name": map[string]any{"ko": "둘"}, "type": "cart", "active": true, "discount": map[string]any{"type": "fixed", "value": 100}, "amount": map[string]any{"total": 1},
	})
	require.Equal(t, 201, status)
	id := made.(map[string]any)["_id"].(string)
	amounts := func() any {
		_, coupon := w.shop("GET", "/coupons/"+id+"?raw=true", nil)
		return coupon.(map[string]any)["amount"]
	}
	give := func(customer, coupon string) (int, any) {
		status, answer := w.shop("POST", "/customers/"+customer+"/coupons", map[string]any{"coupon": coupon})
		return status, answer.(map[string]any)["errorCode"]
	}
	require.Equal(t, map[string]any{"total": 1.0, "used": 0.0, "left": 1.0, "issued": 0.0, "unissued": 1.0}, amounts())
	status, _ = give("DEM222222AA2", id)
	require.Equal(t, 200, status)
	_, code := give("DEM222222AA3", id)
	require.Equal(t, "exhausted-coupon", code)
	_, code = give("DEM222222AA2", shop.DemoCoupon(6))
	require.Equal(t, "expired-coupon", code)
	_, code = give("DEM222222AA2", "NXTHXNG22222")
	require.Equal(t, "not-existing-coupon-relation", code)
	_, code = give("NXTHXNG22222", id)
	require.Equal(t, "not-existing-customer", code)
	status, _ = w.shop("POST", "/coupons/"+id+"/amount/total", map[string]any{"value": 1})
	require.Equal(t, 200, status)
	status, _ = give("DEM222222AA3", id)
	require.Equal(t, 200, status)
	require.Equal(t, map[string]any{"total": 2.0, "used": 0.0, "left": 2.0, "issued": 2.0, "unissued": 0.0}, amounts())
	_, list := demo("GET", "/me/coupons", nil)
	require.Len(t, list, 1)
	require.Contains(t, list.([]any)[0], "issuedAt")
	status, _ = demo("DELETE", "/me/coupons/"+id, nil)
	require.Equal(t, 204, status)
	status, _ = demo("DELETE", "/me/coupons/"+id, nil)
	require.Equal(t, 404, status)
	status, _ = give("DEM222222AA2", id)
	require.Equal(t, 400, status, "the pool does not get it back")
}
