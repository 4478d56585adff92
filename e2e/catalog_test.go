package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCatalog1List(t *testing.T) {
	kinds := map[string]string{}
	for _, kind := range []string{"recommend", "special", "magazine"} {
		got := shopSend(t, "POST", "/catalogs", map[string]any{
			"title": map[string]any{"ko": "새 " + kind}, "description": map[string]any{"ko": "안내"}, "items": []any{}, "meta": map[string]any{"Type": kind},
		})
		require.Equal(t, 201, got.status, string(got.body))
		id := got.object(t)["_id"].(string)
		t.Cleanup(func() { shopSend(t, "DELETE", "/catalogs/"+id, nil) })
		kinds[id] = kind
	}
	var list []map[string]any
	require.Eventually(t, func() bool { // what was remembered is forgotten
		got := shared.call(t, "GET", "/catalog/", "", nil)
		require.Equal(t, 200, got.status, string(got.body))
		list = got.list(t)
		return kinds[list[0]["_id"].(string)] == "recommend"
	}, 15*time.Second, 500*time.Millisecond)
	types := []any{}
	for _, c := range list {
		for _, key := range []string{"_id", "title", "description", "items", "image", "meta", "createdAt", "updatedAt"} {
			require.Contains(t, c, key)
		}
		require.IsType(t, "", c["createdAt"])
		require.IsType(t, "", c["updatedAt"])
		meta := c["meta"].(map[string]any)
		types = append(types, meta["Type"])
		if meta["Type"] == "hotdeal" { // what hot deals are asked with
			require.Equal(t, "percentage", meta["hotdeal_type"])
			require.InDelta(t, 5, at(t, meta, "min.raw"), 0, "not listed, so not flattened")
			require.InDelta(t, 50, at(t, meta, "max.raw"), 0)
		}
	}
	require.LessOrEqual(t, len(list), 120)
	require.Subset(t, types, []any{"hotdeal", "live", "coupon", "recommend"})
	require.NotContains(t, types, "special")
	require.NotContains(t, types, "magazine")
	got := shared.call(t, "POST", "/catalog/", "", map[string]any{})
	require.Equal(t, 405, got.status)
	requireError(t, got, "it is made in the shop")
}

func TestCategory1List(t *testing.T) {
	collection := func(name string, parent any) string {
		got := shopSend(t, "POST", "/collections", map[string]any{"name": map[string]any{"ko": name}, "parent": parent})
		require.Equal(t, 201, got.status, string(got.body))
		id := got.object(t)["_id"].(string)
		t.Cleanup(func() { shopSend(t, "DELETE", "/collections/"+id, nil) })
		return id
	}
	internal, magazine := collection("인플루언서", nil), collection("Magazine", nil)
	root := collection("새 분류", nil)
	below := collection("그 아래", root)
	found := map[any]any{}
	require.Eventually(t, func() bool { // what was remembered is forgotten
		got := shared.call(t, "GET", "/collections/?page=1", "", nil)
		require.Equal(t, 200, got.status, string(got.body))
		require.LessOrEqual(t, len(got.list(t)), 120)
		for _, c := range got.list(t) {
			found[c["_id"]] = c["name"]
		}
		return found[root] == "새 분류"
	}, 15*time.Second, 500*time.Millisecond)
	require.Equal(t, "뷰티", found["CCBEAUTY2222"])
	for _, id := range []string{internal, magazine, below, "CCSKNCARE222"} {
		require.NotContains(t, found, id)
	}
	require.Equal(t, "[]", string(shared.call(t, "GET", "/collections/?page=9", "", nil).body))
	requireBare(t, shared.call(t, "GET", "/collections/?page=0", "", nil), 400, "validation")
}
