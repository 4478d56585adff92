package sandbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	shop "github.com/byeolshow/byeolshow/sandbox/clayful"
)

// customer calls the shop as a customer does.
func (w *world) customer(userID string) func(method, path string, body any) (int, any) {
	w.t.Helper()
	status, answer := w.shop("POST", "/customers/auth", map[string]string{"userId": userID, "password": "demo1234!"})
	require.Equal(w.t, 200, status)
	token := answer.(map[string]any)["token"].(string)
	return func(method, path string, body any) (int, any) {
		w.t.Helper()
		return w.call(method, "/clayful/v1"+path, body, "Authorization", "Bearer storefront", "Authorization-Customer", token)
	}
}

func TestWishlists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	demo, other := w.customer("demo"), w.customer("demo2")
	status, made := demo("POST", "/me/wishlists", map[string]any{"name": "mine", "description": "d", "customer": "DEM222222AA3"})
	require.Equal(t, 201, status)
	require.Equal(t, "DEM222222AA2", made.(map[string]any)["customer"], "one's own, whoever is named")
	own := "/me/wishlists/" + made.(map[string]any)["_id"].(string)
	status, _ = demo("POST", "/me/wishlists", map[string]any{})
	require.Equal(t, 400, status)
	for n := 1; n <= 3; n++ {
		for range 2 {
			status, _ = demo("POST", own+"/items", map[string]any{"product": shop.DemoProduct(n)})
			require.Equal(t, 200, status)
		}
	}
	status, answer := demo("POST", own+"/items", map[string]any{"product": "NXTHXNG22222"})
	require.Equal(t, 400, status)
	require.Equal(t, "not-existing-product-relation", answer.(map[string]any)["errorCode"])

	ids := func(query string) (found []string) {
		status, list := demo("GET", own+"/products"+query, nil)
		require.Equal(t, 200, status)
		for _, p := range list.([]any) {
			require.Contains(t, p.(map[string]any)["price"].(map[string]any)["sale"], "raw", "formatted")
			found = append(found, p.(map[string]any)["_id"].(string))
		}
		return found
	}
	require.Equal(t, []string{shop.DemoProduct(3), shop.DemoProduct(2), shop.DemoProduct(1)}, ids(""))
	require.Equal(t, []string{shop.DemoProduct(1)}, ids("?limit=2&page=2"))
	require.Empty(t, ids("?limit=2&page=3"))
	_, answer = demo("GET", own+"/products/count?raw=true", nil)
	require.Equal(t, map[string]any{"count": 3.0}, answer)

	for _, call := range [][2]string{
		{"GET", ""}, {"PUT", ""}, {"DELETE", ""}, {"POST", "/items"}, {"DELETE", "/items"}, {"DELETE", "/items/" + shop.DemoProduct(1)}, {"GET", "/products"}, {"GET", "/products/count"},
	} {
		status, answer = other(call[0], own+call[1], map[string]any{"name": "x", "product": shop.DemoProduct(1)})
		require.Equal(t, 404, status, call)
		require.Equal(t, "not-existing-wishlist", answer.(map[string]any)["errorCode"], call)
	}
	status, _ = demo("DELETE", own+"/items/"+shop.DemoProduct(2), nil)
	require.Equal(t, 204, status)
	status, _ = demo("DELETE", own+"/items/"+shop.DemoProduct(2), nil)
	require.Equal(t, 404, status)
	status, _ = w.shop("DELETE", "/products/"+shop.DemoProduct(3), nil)
	require.Equal(t, 204, status)
	require.Equal(t, []string{shop.DemoProduct(1)}, ids(""), "what is gone is passed over")
	status, answer = demo("PUT", own, map[string]any{"name": "renamed"})
	require.Equal(t, 200, status)
	require.Equal(t, "renamed", answer.(map[string]any)["name"])
	status, _ = w.shop("DELETE", own[len("/me"):]+"/items", nil)
	require.Equal(t, 204, status, "the shop's staff may, too")
	require.Empty(t, ids(""))
	_, answer = demo("GET", "/me/wishlists/count?raw=true", nil)
	require.Equal(t, map[string]any{"count": 1.0}, answer)
	status, _ = demo("DELETE", own, nil)
	require.Equal(t, 204, status)
	_, answer = demo("GET", "/me/wishlists", nil)
	require.Empty(t, answer)
}
