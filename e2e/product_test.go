package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireFlat looks at what of a product is plain and what stays an object.
func requireFlat(t *testing.T, p map[string]any) {
	t.Helper()
	for _, path := range []string{
		"totalReview", "price.original", "price.sale", "discount.discounted", "rating.count", "rating.sum", "rating.average",
	} {
		at(t, p, path)
	}
	for _, field := range []string{"createdAt", "updatedAt"} {
		require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, p[field])
	}
	for _, variant := range p["variants"].([]any) {
		variant := variant.(map[string]any)
		for _, path := range []string{"price.original", "price.sale", "discount.discounted"} {
			at(t, variant, path)
		}
		for _, field := range []string{"quantity", "weight", "width", "height", "depth"} {
			require.Contains(t, variant, field)
			_, wrapped := variant[field].(map[string]any)
			require.False(t, wrapped, field)
		}
	}
	require.Contains(t, p["thumbnail"], "url")
}

// newCollection is a collection with so many products on sale, the newest
// first, and one that is not.
func newCollection(t *testing.T, products int) (collection string, ids []string) {
	t.Helper()
	got := shopSend(t, "POST", "/collections", map[string]any{"name": map[string]any{"ko": "진열대"}})
	require.Equal(t, 201, got.status, string(got.body))
	collection = got.object(t)["_id"].(string)
	ids = make([]string, products)
	newProductWith(t, map[string]any{"collections": []string{collection}, "available": false})
	for i := range ids {
		ids[products-1-i] = newProductWith(t, map[string]any{"collections": []string{collection}})
	}
	return collection, ids
}

func productsOn(t *testing.T, path string) []string {
	t.Helper()
	got := shared.call(t, "GET", path, "", nil)
	require.Equal(t, 200, got.status, string(got.body))
	require.Equal(t, byte('['), got.body[0])
	found := []string{}
	for _, p := range got.list(t) {
		require.Equal(t, true, p["available"])
		requireFlat(t, p)
		found = append(found, p["_id"].(string))
	}
	return found
}

// requireBare looks for an error that is a string with a code first.
func requireBare(t *testing.T, got answer, status int, code string) {
	t.Helper()
	require.Equal(t, status, got.status, string(got.body))
	require.Regexp(t, `^"`+code+` [^"]+"$`, string(got.body))
}

func TestProduct1Any(t *testing.T) {
	hidden := newProductWith(t, map[string]any{"available": false})
	shown, _ := newProduct(t, 10000, 7)
	var list []string
	require.Eventually(t, func() bool { // what was remembered is forgotten
		list = productsOn(t, "/product/collection/")
		return list[0] == shown
	}, 15*time.Second, 500*time.Millisecond, "the newest first")
	require.NotContains(t, list, hidden)
	require.LessOrEqual(t, len(list), 120)
	require.Equal(t, list, productsOn(t, "/product/collection?page=1"))
	require.Equal(t, "[]", string(shared.call(t, "GET", "/product/collection/?page=99", "", nil).body))
	for _, page := range []string{"0", "-1", "x"} {
		requireBare(t, shared.call(t, "GET", "/product/collection/?page="+page, "", nil), 400, "validation")
	}
}

func TestProduct2Collection(t *testing.T) {
	collection, want := newCollection(t, 121)
	require.Equal(t, want[:120], productsOn(t, "/product/collection/"+collection))
	require.Equal(t, want[120:], productsOn(t, "/product/collection/"+collection+"/?page=2"))
	require.Empty(t, productsOn(t, "/product/collection/"+collection+"?page=3"))
	require.Empty(t, productsOn(t, "/product/collection/"+nothing))
	requireBare(t, shared.call(t, "GET", "/product/collection/"+collection+"?page=x", "", nil), 400, "validation")
}

func TestProduct3About(t *testing.T) {
	collection, want := newCollection(t, 11)
	require.Equal(t, want[:10], productsOn(t, "/product/about/"+collection+"/"))
	require.Empty(t, productsOn(t, "/product/about/"+nothing))
}

func TestProduct4One(t *testing.T) {
	quick := "SHPMETHQVCK2"
	id := newProductWith(t, map[string]any{
		"shipping": map[string]any{"methods": []string{parcel, quick}}, "discount": map[string]any{"type": "fixed", "value": 1500},
	})
	got := shopSend(t, "POST", "/products/"+id+"/variants", map[string]any{"available": true, "quantity": 7, "weight": 2, "types": []any{}})
	require.Equal(t, 201, got.status, string(got.body))
	star := shared.newSeller(t)
	older := star.reserveWith(t, map[string]any{"product_list": []string{id}, "started_at": "2020-01-01T10:00"})
	star.complete(t, older)
	newer := star.reserveWith(t, map[string]any{"product_list": []string{id}, "started_at": "2020-01-02T10:00"})
	require.Equal(t, 202, star.command(t, "/media/start/", newer).status)
	missed := star.reserve(t, nil)
	shared.sql(t, "UPDATE media_stream SET status = 'missed' WHERE vod_id = $1", missed) // after half an hour without a stream
	require.Eventually(t, func() bool { return len(sold(t, id)) == 2 }, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, 200, shopSend(t, "PUT", "/products/"+id, map[string]any{"meta": map[string]any{
		"my_vod": []string{"", strconv.Itoa(older), strconv.Itoa(newer), strconv.Itoa(missed), "999999999"},
	}}).status)

	got = shared.call(t, "GET", "/product/"+id+"/", "", nil)
	require.Equal(t, 200, got.status, string(got.body))
	p := got.object(t)
	requireFlat(t, p)
	require.InDelta(t, 8500, at(t, p, "price.sale"), 0)
	require.InDelta(t, 1500, at(t, p, "discount.value"), 0)
	variant := p["variants"].([]any)[0]
	require.InDelta(t, 7, at(t, variant, "quantity"), 0)
	require.InDelta(t, 2, at(t, variant, "weight"), 0)
	shipping := p["shipping"].(map[string]any)
	require.NotContains(t, shipping, "methods")
	require.Equal(t, parcel, shipping["method"].(map[string]any)["_id"], "the first of two")
	policy := p["ShippingPolicy"].(map[string]any)
	require.Equal(t, "VENDER222AA2", policy["vendor"].(map[string]any)["_id"])
	require.IsType(t, "", policy["createdAt"])
	rule := policy["rules"].([]any)[0]
	require.InDelta(t, 3500, at(t, rule, "fee"), 0)
	require.InDelta(t, 50000, at(t, rule, "free.priceOver"), 0)
	require.InDelta(t, 6500, at(t, policy["regions"].([]any)[0].(map[string]any)["rules"].([]any)[0], "fee"), 0)
	var vods []int
	for _, row := range p["vod_list"].([]any) {
		row := row.(map[string]any)
		requireKeys(t, row, append([]string{"product_list", "updated_at", "finished_at"}, clientKeys...))
		vods = append(vods, int(row["vod_id"].(float64)))
	}
	require.Equal(t, []int{newer, older}, vods, "none that was missed or is none")

	got = shopSend(t, "POST", "/vendors", map[string]any{"name": map[string]any{"ko": "새 상점"}})
	require.Equal(t, 201, got.status, string(got.body))
	for name, c := range map[string]struct {
		vendor any
		fee    any
	}{"the house's own": {nil, 3000.0}, "of a vendor that ships nothing": {got.object(t)["_id"], nil}} {
		id := newProductWith(t, map[string]any{"vendor": c.vendor, "shipping": map[string]any{"methods": []string{}}})
		p := shared.call(t, "GET", "/product/"+id, "", nil).object(t)
		require.Equal(t, []any{}, p["vod_list"], name)
		require.Contains(t, p, "ShippingPolicy")
		require.Nil(t, p["shipping"].(map[string]any)["method"])
		if c.fee == nil {
			require.Nil(t, p["ShippingPolicy"], name)
			continue
		}
		require.Nil(t, p["ShippingPolicy"].(map[string]any)["vendor"])
		require.Equal(t, c.fee, p["ShippingPolicy"].(map[string]any)["rules"].([]any)[0].(map[string]any)["fee"], name)
	}
	requireBare(t, shared.call(t, "GET", "/product/"+nothing, "", nil), 404, "not-existing-product")
}

func TestProduct5Search(t *testing.T) {
	word := "별사탕" + key()
	var want []string
	for range 2 {
		want = append([]string{newProductWith(t, map[string]any{"name": map[string]any{"ko": "달콤한 " + word + " 묶음"}})}, want...)
	}
	newProductWith(t, map[string]any{"name": map[string]any{"ko": "별사탕"}, "description": map[string]any{"ko": word}})
	search := func(query string, body any) answer { return shared.call(t, "POST", "/product/search/"+query, "", body) }
	for _, words := range []string{word, word[3:], " " + word + " 묶"} {
		got := search("", map[string]any{"search": words})
		require.Equal(t, 200, got.status, string(got.body))
		var found []string
		for _, p := range got.list(t) {
			requireFlat(t, p)
			found = append(found, p["_id"].(string))
		}
		require.Equal(t, want, found, words)
	}
	require.Equal(t, "[]", string(search("", map[string]any{"search": "없" + key()}).body))
	require.Equal(t, "[]", string(search("?page=2", map[string]any{"search": word}).body))
	for _, body := range []any{map[string]any{}, map[string]any{"search": ""}, map[string]any{"search": " "}, map[string]any{"search": 5}} {
		requireBare(t, search("", body), 400, "validation")
	}
	requireBare(t, search("?page=0", map[string]any{"search": word}), 400, "validation")
}

func TestProduct6HotDeal(t *testing.T) {
	off := func(kind string, value any, available bool) string {
		return newProductWith(t, map[string]any{
			"price": map[string]any{"original": 9_000_000}, "discount": map[string]any{"type": kind, "value": value}, "available": available,
		})
	}
	won, share := 2_000_000, 71 // that nothing else is reduced by
	fixed := []string{off("fixed", won+2, true), off("fixed", won+1, true), off("fixed", won, true)}
	percent := []string{off("percentage", share+2, true), off("percentage", share+1, true), off("percentage", share, true)}
	off("percentage", share+1, false)
	off("fixed", won+1, false)
	deals := func(kind, query string) []string { return productsOn(t, "/product/catalog/"+kind+"/"+query) }
	newestFirst := func(list ...string) []string { return list }
	require.Equal(t, newestFirst(fixed[2], fixed[1]), deals("fixed", fmt.Sprintf("?min=%d&max=%d", won, won+1)))
	require.Equal(t, newestFirst(fixed[1], fixed[0]), deals("fixed", fmt.Sprintf("?min=%d", won+1)), "without an end")
	require.Equal(t, newestFirst(percent[1], percent[0]), deals("percentage", fmt.Sprintf("?min=%d", share+1)))
	require.Equal(t, newestFirst(percent[2]), deals("percentage", fmt.Sprintf("?min=%d&max=%d", share, share)))
	require.Empty(t, deals("percentage", fmt.Sprintf("?min=%d&page=2", share)))
	all := deals("percentage", "")
	require.Subset(t, all, percent)
	require.NotContains(t, all, fixed[0])
	for _, path := range []string{"half/", "fixed/?min=x", "fixed/?max=NaN", "percentage/?page=0"} {
		requireBare(t, shared.call(t, "GET", "/product/catalog/"+path, "", nil), 400, "validation")
	}
}
