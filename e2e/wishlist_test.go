package e2e

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func (p shopper) wish(method, product string) answer {
	p.t.Helper()
	return p.call(method, "/wishlist/", map[string]any{"product": product})
}

func (p shopper) wishes() []map[string]any {
	p.t.Helper()
	got := p.call("GET", "/wishlist/?page=7", nil)
	require.Equal(p.t, 200, got.status, string(got.body))
	return got.list(p.t)
}

func wishlists(t *testing.T, customer string) []map[string]any {
	t.Helper()
	return shopGet(t, "/wishlists?customer="+customer).list(t)
}

func TestWishList1Read(t *testing.T) {
	p := newShopper(t)
	require.Equal(t, "[]", string(p.call("GET", "/wishlist/", nil).body))
	require.Empty(t, wishlists(t, p.id), "reading makes none")
	id, _ := product(6) // ten percent off
	require.Equal(t, 202, p.wish("POST", id).status)
	found := p.wishes()
	require.Len(t, found, 1)
	wished := found[0]
	require.Equal(t, id, wished["_id"])
	for _, field := range []string{"original", "sale"} {
		require.IsType(t, 0.0, wished["price"].(map[string]any)[field])
	}
	discount := wished["discount"].(map[string]any)
	require.InDelta(t, 10, discount["value"], 0)
	require.IsType(t, 0.0, discount["discounted"])
	require.NotEmpty(t, wished["thumbnail"].(map[string]any)["url"])
	require.IsType(t, map[string]any{}, wished["totalReview"], "not listed, so not flattened")
	require.IsType(t, map[string]any{}, wished["createdAt"])

	// More than a page of the shop's.
	list := wishlists(t, p.id)[0]["_id"].(string)
	for i := range 125 {
		id, _ := product(1 + i%60)
		if i >= 60 {
			got := shopSend(t, "POST", "/products", map[string]any{"name": map[string]any{"ko": "찜"}, "price": map[string]any{"original": 1000}})
			require.Equal(t, 201, got.status, string(got.body))
			id = got.object(t)["_id"].(string)
		}
		require.Equal(t, 200, shopSend(t, "POST", "/wishlists/"+list+"/items", map[string]any{"product": id}).status)
	}
	shared.control(t, "DELETE", "/calls", nil)
	require.Len(t, p.wishes(), 125)
	require.Equal(t, 2, calls(t, "clayful", "GET /v1/me/wishlists/{id}/products"))
}

func TestWishList2Add(t *testing.T) {
	p := newShopper(t)
	var wait sync.WaitGroup
	for n := range 12 {
		id, _ := product(1 + n/2)
		wait.Go(func() {
			if got := p.wish("POST", id); got.status != 202 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	wait.Wait()
	lists := wishlists(t, p.id)
	require.Len(t, lists, 1, "one list, however many were first")
	require.Equal(t, "product_wishlist", lists[0]["name"])
	require.Len(t, p.wishes(), 6, "each once")

	for _, body := range []any{map[string]any{}, map[string]any{"product": nothing}, map[string]any{"product": 5}, map[string]any{"product": ""}, map[string]any{"product": "a/b"}} {
		p.refused(400, "POST", "/wishlist/", body)
	}
	require.Len(t, p.wishes(), 6)

	// The list was made, and the answer lost.
	q := newShopper(t)
	id, _ := product(1)
	fault(t, map[string]any{"vendor": "clayful", "method": "POST", "path": "/v1/me/wishlists", "mode": "drop", "times": 1})
	require.Equal(t, 202, q.wish("POST", id).status)
	require.Len(t, wishlists(t, q.id), 1)
	require.Len(t, q.wishes(), 1)

	// The customer's own list counts when none has our name; one that has goes before.
	named := newShopper(t)
	for _, name := range []string{"birthday", "product_wishlist"} {
		got := shopSend(t, "POST", "/wishlists", map[string]any{"name": name, "customer": named.id})
		require.Equal(t, 201, got.status, string(got.body))
		require.Equal(t, 202, named.wish("POST", id).status)
	}
	for _, list := range wishlists(t, named.id) {
		require.Len(t, list["items"], 1)
	}
}

func TestWishList3Delete(t *testing.T) {
	p := newShopper(t)
	first, _ := product(1)
	second, _ := product(2)
	p.refused(400, "DELETE", "/wishlist/", map[string]any{"product": first})
	require.Empty(t, wishlists(t, p.id))
	require.Equal(t, 202, p.wish("POST", first).status)
	require.Equal(t, 202, p.wish("POST", second).status)
	got := p.wish("DELETE", first)
	require.Equal(t, 200, got.status, string(got.body))
	require.NotEmpty(t, got.object(t)["success"].(map[string]any)["message"])
	found := p.wishes()
	require.Len(t, found, 1)
	require.Equal(t, second, found[0]["_id"])
	p.refused(400, "DELETE", "/wishlist/", map[string]any{"product": first})
	p.refused(400, "DELETE", "/wishlist/", nil)
	require.Len(t, p.wishes(), 1)
}
