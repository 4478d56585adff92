package api

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOrdersAreJoinedInTwoCalls has the shop give ids alone: the products and
// the reviews of all orders are read at once, and only where something lacks.
func TestOrdersAreJoinedInTwoCalls(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	s.lists("/products", `{"_id":"P","name":"상품","vendor":{"_id":"W","name":"별공방"},"variants":[{"_id":"V","types":[{}]}]}`)
	s.lists("/products/reviews/published", `{"_id":"RV","product":{"_id":"P"}}`)
	orders := func() []map[string]any {
		var list []map[string]any
		for range 3 {
			order, err := parse(json.RawMessage(`{"items":[{"product":{"_id":"P","name":"상품"},"variant":"V","vendor":"W"}],"reviews":["RV","RH"]}`))
			require.NoError(t, err)
			list = append(list, order)
		}
		return list
	}
	a := &api{Config: s.config}
	found := orders()
	require.NoError(t, a.complete(t.Context(), found))
	require.Len(t, s.calls(), 2)
	item := objects(found[2]["items"])[0]
	require.Equal(t, "별공방", object(item, "vendor")["name"])
	require.Len(t, object(item, "variant")["types"], 1)
	require.Equal(t, []any{map[string]any{"_id": "RV", "product": "P"}, map[string]any{"_id": "RH", "product": nil}}, found[2]["reviews"])

	delete(s.answers, "/products/reviews/published")
	found = orders()
	require.NoError(t, a.complete(t.Context(), found), "reviews break no list")
	require.Equal(t, map[string]any{"_id": "RV", "product": nil}, found[0]["reviews"].([]any)[0])
	s.calls()
	whole, err := parse(json.RawMessage(`{"items":[{"product":{"_id":"P"},"variant":{"_id":"V"},"vendor":null}]}`))
	require.NoError(t, err)
	require.NoError(t, a.complete(t.Context(), []map[string]any{whole}))
	require.Empty(t, s.calls(), "nothing lacks")
}
